#!/bin/bash
# A private PostgreSQL primary with a synchronous standby, in a temporary directory, on loopback; both flush.
#   tests/postgres_ha.sh run COMMAND…   runs the command with SCORIA_TEST_POSTGRES_HA set, then takes the servers away
#   tests/postgres_ha.sh start          prints lines for eval: SCORIA_TEST_POSTGRES_HA and SCORIA_TEST_POSTGRES_HA_DIR
#   tests/postgres_ha.sh kill DIR       kills the primary with all its processes, as a loss of power would
#   tests/postgres_ha.sh promote DIR    makes the standby the primary; commits wait for no standby until there is one again
#   tests/postgres_ha.sh rejoin DIR     brings the old primary back as a standby (pg_rewind, else a fresh copy); waits until commits
#                                       wait for it
#   tests/postgres_ha.sh stop DIR       ends both servers and removes their directory
# The connection string names both servers and follows the one that may be written. What Patroni does, in a few lines.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
as_server=()
if [ "$(id -u)" = 0 ]; then
  as_server=(setpriv --reuid=postgres --regid=postgres --init-groups)
fi

primary() { cat "$dir/primary"; }
standby() { if [ "$(primary)" = a ]; then echo b; else echo a; fi; }
port_of() { cat "$dir/$1.port"; }
sql() { psql -XAtq -h "$dir" -p "$(port_of "$1")" -U scoria -d postgres -c "$2"; }
process_of() { head -1 "$dir/$1/postmaster.pid" 2>/dev/null || true; }

settings() {
  cat <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir'
max_connections = 300
shared_buffers = 64MB
wal_level = replica
wal_log_hints = on
max_wal_senders = 6
wal_keep_size = 512MB
hot_standby = on
synchronous_commit = on
wal_receiver_timeout = 5s
wal_sender_timeout = 5s
log_min_messages = warning
log_min_error_statement = panic
SETTINGS
}

launch() {  # a or b; "before" stands in front of the server's command
  (cd "$dir" && exec "${before[@]}" "$bin/postgres" -D "$dir/$1" -p "$(port_of "$1")" </dev/null >>"$dir/$1.log" 2>&1) &
  local server=$!
  disown "$server"
  local end=$((SECONDS + 60))
  while [ $SECONDS -lt $end ]; do
    "$bin/pg_isready" -q -h "$dir" -p "$(port_of "$1")" && return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  tail -20 "$dir/$1.log" >&2
  return 1
}

follow() {  # STANDBY PRIMARY: connects the first to the second
  "${as_server[@]}" sed -i '/^primary_conninfo/d' "$dir/$1/postgresql.auto.conf"
  echo "primary_conninfo = 'host=127.0.0.1 port=$(port_of "$2") user=scoria application_name=$1'" | "${as_server[@]}" tee -a "$dir/$1/postgresql.auto.conf" >/dev/null
  "${as_server[@]}" touch "$dir/$1/standby.signal"
}

# Waits until commits on the primary wait for the standby's flush.
synchronous() {
  sql "$(primary)" "ALTER SYSTEM SET synchronous_standby_names = '*'" >/dev/null
  sql "$(primary)" "SELECT pg_reload_conf()" >/dev/null
  local end=$((SECONDS + 60))
  while [ $SECONDS -lt $end ]; do
    [ "$(sql "$(primary)" "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'")" = 1 ] && return 0
    sleep 0.1
  done
  echo "no standby has become synchronous" >&2
  return 1
}

copy() {  # a fresh standby $1 from the primary
  rm -rf "${dir:?}/$1"
  (cd "$dir" && timeout 120 "${as_server[@]}" "$bin/pg_basebackup" -h 127.0.0.1 -p "$(port_of "$(primary)")" -U scoria -D "$dir/$1" -X stream -c fast --no-sync)
}

create() {
  [ -n "$bin" ] || { echo "no PostgreSQL server is installed (Debian: postgresql-15)" >&2; exit 1; }
  dir=$(mktemp -d "${TMPDIR:-/tmp}/scoria-pgha-XXXXXX")
  if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
  local base=$((20000 + (RANDOM % 6000) * 2))
  echo $base >"$dir/a.port"
  echo $((base + 1)) >"$dir/b.port"
  echo a >"$dir/primary"
  (cd "$dir" && "${as_server[@]}" "$bin/initdb" -D "$dir/a" -U scoria -A trust --locale=C --encoding=UTF8 --no-sync >"$dir/initdb.log")
  settings >>"$dir/a/postgresql.conf"
  printf 'local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n' >"$dir/a/pg_hba.conf"
  launch a
  "$bin/createdb" -h "$dir" -p $base -U scoria scoria_test
  copy b
  follow b a
  launch b
  synchronous
  connection="host=127.0.0.1,127.0.0.1 port=$base,$((base + 1)) user=scoria dbname=scoria_test target_session_attrs=read-write connect_timeout=2"
}

kill_primary() {
  local victim children
  victim=$(process_of "$(primary)")
  children=$(ps -o pid= --ppid "$victim" || true)
  kill -9 "$victim" $children 2>/dev/null || true
  for _ in $(seq 200); do kill -0 "$victim" 2>/dev/null || break; sleep 0.02; done
}

promote() {
  local next
  next=$(standby)
  (cd "$dir" && "${as_server[@]}" "$bin/pg_ctl" promote -D "$dir/$next" -w -t 60 >/dev/null)
  echo "$next" >"$dir/primary"
  # Nobody confirms now. Whoever would rather stand still than have one copy leaves this out (Patroni: synchronous_mode_strict).
  sql "$next" "ALTER SYSTEM SET synchronous_standby_names = ''" >/dev/null
  sql "$next" "SELECT pg_reload_conf()" >/dev/null
}

rejoin() {
  local old
  old=$(standby)
  rm -f "$dir/$old/postmaster.pid"
  sql "$(primary)" CHECKPOINT >/dev/null  # pg_rewind reads the new timeline from the control file
  if ! (cd "$dir" && timeout 60 "${as_server[@]}" "$bin/pg_rewind" -D "$dir/$old" --no-sync \
      --source-server="host=127.0.0.1 port=$(port_of "$(primary)") user=scoria dbname=postgres" >"$dir/rewind.log" 2>&1); then
    echo "pg_rewind: $(tail -1 "$dir/rewind.log"); copying afresh" >&2
    copy "$old"
  fi
  follow "$old" "$(primary)"
  launch "$old"
  synchronous
}

stop() {
  dir=$1
  for server in a b; do
    local pid
    pid=$(process_of $server)
    [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null || true
    for _ in $(seq 100); do [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
  done
  case "$dir" in */scoria-pgha-*) rm -rf "$dir" ;; esac
}

before=("${as_server[@]}" setsid)
verb=${1:-}; shift || true
case "$verb" in
  run)
    before=(setpriv --pdeathsig INT "${as_server[@]:1}")
    create
    trap 'stop "$dir"' EXIT
    SCORIA_TEST_POSTGRES_HA="$connection" SCORIA_TEST_POSTGRES_HA_DIR="$dir" "$@"
    ;;
  start)
    create >/dev/null
    echo "export SCORIA_TEST_POSTGRES_HA='$connection' SCORIA_TEST_POSTGRES_HA_DIR='$dir'"
    ;;
  kill) dir=$1; kill_primary ;;
  promote) dir=$1; promote ;;
  rejoin) dir=$1; rejoin ;;
  stop) stop "$1" ;;
  *) sed -n '2,11s/^# \?//p' "$0"; exit 2 ;;
esac
