#!/bin/bash
# The driver conformance kit on the `file` driver over ext4, xfs and btrfs, each in a loop image of its own, and tmpfs,
# then on the fake driver and on the storage array of tests/faults. (That the kit finds mistakes is a unit test: Conformance.every_mistake_is_found_by_the_check_named_for_it.) Needs root for the mounts.
# usage: conformance.sh PATH-TO-scoria-conformance [SEED…]
set -euo pipefail
kit=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
shift
seeds=("${@:-1}")

if [ "$(id -u)" != 0 ] || ! [ -e /dev/loop-control ]; then
  echo "conformance.sh: needs root and loop devices" >&2
  exit 77
fi
# Mounts in a name space of our own: whatever happens, they go with us.
if [ -z "${SCORIA_CONFORMANCE_INSIDE:-}" ]; then
  SCORIA_CONFORMANCE_INSIDE=1 exec unshare --mount --propagation private "$0" "$kit" "${seeds[@]}"
fi

work=$(mktemp -d /tmp/scoria-conformance.XXXXXX)
array=
trap '[ -z "$array" ] || { kill "$array"; wait "$array" || true; }; for fs in ext4 xfs btrfs; do umount "$work/$fs" 2>/dev/null || true; done; umount "$work"; rmdir "$work"' EXIT
# In memory: what is tested are crashes of processes, not of the machine, and a disk would make it ten times slower.
mount -t tmpfs -o size=6g tmpfs "$work"

mkfs_of() {
  case $1 in
    ext4) mkfs.ext4 -q "$2" ;;
    xfs) mkfs.xfs -q -m reflink=1 "$2" ;;
    btrfs) mkfs.btrfs -q "$2" >/dev/null ;;
  esac
}

for fs in ext4 xfs btrfs; do
  truncate -s 1500M "$work/$fs.img"
  mkfs_of "$fs" "$work/$fs.img"
  mkdir -p "$work/$fs"
  mount -o loop "$work/$fs.img" "$work/$fs"
  mkdir "$work/$fs/1" "$work/$fs/2"
done

python3 "$here/faults/storage_array/server.py" --directory "$work/array" --copy-rate 100000000 >"$work/array.url" &
array=$!

failed=0
run() {
  echo "=== $*"
  "$kit" "$@" | tee -a "$work/points" | grep -v '^point' || failed=1
}
for seed in "${seeds[@]}"; do
  for fs in ext4 xfs btrfs; do
    run --seed "$seed" --driver file --option directory="$work/$fs/1" --option directory="$work/$fs/2" --option small=yes
  done
  # Neither shared blocks nor a map of extents.
  mkdir -p "$work/memory/1" "$work/memory/2"
  run --seed "$seed" --driver file --option directory="$work/memory/1" --option directory="$work/memory/2"
  # A file system that shares blocks, used as one that does not: overlays on xfs, as for volumes in many pieces.
  run --seed "$seed" --driver file --option directory="$work/xfs/1" --option directory="$work/xfs/2" --option reflink=no --option layer_limit=2 \
    --only many_snapshots_stay_right_and_readable --only changed_blocks_miss_nothing --only a_base_outlives_its_children
  for unit in 1048576 1073741824 8589934592 10000000000; do
    run --seed "$seed" --driver file --option directory="$work/xfs/1" --option directory="$work/xfs/2" --option unit=$unit --option minimum=$unit \
      --only sizes_are_exact --only size_only_grows --only extending_keeps_the_bytes_of_all --only a_clone_has_the_bytes_and_its_own_size \
      --only a_stopped_copy_goes_on_where_it_was
  done
  run --seed "$seed" --driver fake
  run --seed "$seed" --driver fake --option linked=yes
  run --seed "$seed" --driver fake --option copy_rate=500000000
  run --seed "$seed" --driver lab_array --option url="$(cat "$work/array.url")"
done

# Several nodes at once: proved again on every file system, and the proof is the one that Scoria has in it.
known=$(sed -n 's/.*{"file", "\([0-9a-f]*\)"}.*/\1/p' "$(dirname "$0")/../src/drivers/proofs.cpp")
for pools in xfs btrfs ext4 memory; do
  echo "=== three nodes on $pools"
  "$kit" --seed "${seeds[0]}" --driver file --option directory="$work/$pools/1" --option directory="$work/$pools/2" --nodes | tee "$work/nodes"
  grep -qx "proof    file [^ ]* $known" "$work/nodes" || { echo "not the proof in src/drivers/proofs.cpp ($known)"; failed=1; }
done

# Every failpoint of the drivers must have been reached on one file system or another.
never=$(awk '$1 == "point" && $2 ~ /^driver.(file|lab_array)/ {all[$2] = 1; if ($3 == "reached") seen[$2] = 1} END {for (p in all) if (!(p in seen)) print p}' "$work/points")
if [ -n "$never" ]; then
  echo "never reached: $never"
  failed=1
fi

exit $failed
