#!/bin/bash
# A private PostgreSQL for tests, in a temporary directory, on a unix socket and a loopback port.
#   tests/postgres.sh run [--durable] COMMAND…   runs the command with SCORIA_TEST_POSTGRES set, then takes the server away
#   tests/postgres.sh start [--durable]          prints lines for eval: SCORIA_TEST_POSTGRES and SCORIA_TEST_POSTGRES_DIR
#   tests/postgres.sh stop DIR                   ends that server and removes its directory
# Without --durable it never flushes: fast, for unit tests only.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
as_server=()
if [ "$(id -u)" = 0 ]; then
  as_server=(setpriv --reuid=postgres --regid=postgres --init-groups)
fi

create() {
  [ -n "$bin" ] || { echo "no PostgreSQL server is installed (Debian: postgresql-15)" >&2; exit 1; }
  dir=$(mktemp -d "${TMPDIR:-/tmp}/scoria-postgres-XXXXXX")
  if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
  # Not in a directory the server may not enter.
  cd "$dir"
  "${as_server[@]}" "$bin/initdb" -D "$dir/data" -U scoria -A trust --locale=C --encoding=UTF8 --no-sync >"$dir/initdb.log"
  cat >>"$dir/data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir'
max_connections = 300
fsync = $1
full_page_writes = $1
# Nobody waits for this standby, which does not exist, but a session that sets synchronous_commit = on.
synchronous_standby_names = 'nobody'
synchronous_commit = local
log_min_messages = fatal
log_min_error_statement = panic
SETTINGS
  cd - >/dev/null
}

# Waits until the server started as $! on $port answers; fails if it ended (port taken).
wait_ready() {
  for _ in $(seq 200); do
    "$bin/pg_isready" -q -h "$dir" -p "$port" && return 0
    kill -0 "$server" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

launch() {  # arguments: words before the server's command
  for _ in $(seq 20); do
    port=$((20000 + RANDOM % 12000))
    (cd "$dir" && exec "$@" "$bin/postgres" -D "$dir/data" -p "$port" >"$dir/server.log" 2>&1) &
    server=$!
    if wait_ready; then
      "$bin/createdb" -h "$dir" -p "$port" -U scoria scoria_test
      connection="host=127.0.0.1 port=$port user=scoria dbname=scoria_test"
      return 0
    fi
    kill -INT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  done
  cat "$dir/server.log" >&2
  return 1
}

stop() {
  if [ -s "$1/data/postmaster.pid" ]; then
    kill -INT "$(head -1 "$1/data/postmaster.pid")" 2>/dev/null || true
    for _ in $(seq 200); do [ -e "$1/data/postmaster.pid" ] || break; sleep 0.05; done
  fi
  case "$1" in */scoria-postgres-*) rm -rf "$1" ;; esac
}

verb=${1:-}; shift || true
flush=off
if [ "${1:-}" = --durable ]; then flush=on; shift; fi
case "$verb" in
  run)
    create $flush
    trap 'stop "$dir"' EXIT
    # The server ends with this script, however it ends.
    launch setpriv --pdeathsig INT "${as_server[@]:1}"
    SCORIA_TEST_POSTGRES="$connection" SCORIA_REQUIRE_POSTGRES=1 "$@"
    ;;
  start)
    create $flush
    launch "${as_server[@]}" setsid </dev/null >/dev/null
    echo "export SCORIA_TEST_POSTGRES='$connection' SCORIA_TEST_POSTGRES_DIR='$dir'"
    ;;
  stop) stop "$1" ;;
  *) sed -n '2,6s/^# \?//p' "$0"; exit 2 ;;
esac
