#!/bin/bash
# Builds a driver that is no part of Scoria against the installed headers and libraries of the driver kit, with a plain
# compiler call, and lets it run through the conformance kit.
# usage: run.sh BUILD-DIRECTORY [C++-COMPILER-FLAGS…]
set -euo pipefail
build=$(realpath "$1")
shift
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d /tmp/scoria-outside.XXXXXX)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --component driver-kit --prefix "$work/kit" >/dev/null
mkdir "$work/pool"
c++ -std=c++20 -g1 -Wall -Wextra -Werror -Wno-missing-field-initializers -DFMT_SHARED "$@" -I "$work/kit/include/scoria" "$here/plain_driver.cpp" -o "$work/plain-conformance" \
  -L "$work/kit/lib" -Wl,--start-group -lscoria_drivers -lscoria_os -lscoria_json -lscoria_observe -lscoria_base -Wl,--end-group -lprometheus-cpp-core -lboost_json -lfmt -lpthread
"$work/plain-conformance" --driver plain --option directory="$work/pool"
# It tidies up in check() what another node may be at: alone it does well, together with others not, and the kit sees it.
if "$work/plain-conformance" --driver plain --option directory="$work/pool" --nodes --report "$work/report" >"$work/nodes"; then
  echo "three nodes were allowed to use a driver that tidies up under others"
  exit 1
fi
grep -q '^FAILED *a_node_that_starts_leaves_others_work_alone' "$work/nodes"
[ ! -e "$work/report" ]
