#!/bin/bash
# A private MariaDB for tests, in a temporary directory, on loopback; with --galera three real Galera nodes.
#   tests/mariadb.sh run [--durable] [--galera] COMMAND…   runs the command with SCORIA_TEST_MARIADB set, then takes it away
#   tests/mariadb.sh start [--durable] [--galera]          prints lines for eval: SCORIA_TEST_MARIADB and SCORIA_TEST_MARIADB_DIR
#   tests/mariadb.sh stop DIR                              ends its servers and removes its directory
#   tests/mariadb.sh node DIR N                            starts node N (1 to 3) of such a Galera cluster again
# SCORIA_TEST_MARIADB is a connection URL; with --galera it names the three nodes, the writer first. DIR/nodeN.pid holds the
# process of each server. Without --durable nothing is flushed and all lies in memory: fast, for unit tests only.
set -eu

mariadbd=$(command -v mariadbd || true)
provider=/usr/lib/galera/libgalera_smm.so
as_server=()
if [ "$(id -u)" = 0 ]; then
  as_server=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi

create() {
  [ -n "$mariadbd" ] || { echo "no MariaDB server is installed (Debian: mariadb-server-core)" >&2; exit 1; }
  local parent=${TMPDIR:-/tmp}
  if [ "$flush" = 0 ] && [ -w /dev/shm ]; then parent=/dev/shm; fi
  dir=$(mktemp -d "$parent/scoria-mariadb-XXXXXX")
  chmod 755 "$dir"
  if [ "$(id -u)" = 0 ]; then chown nobody: "$dir"; fi
}

# The files of a new server: made once, copied for every further node.
template() {
  (cd "$dir" && "${as_server[@]}" mariadb-install-db --no-defaults --datadir="$dir/template" --auth-root-authentication-method=normal \
    --skip-test-db --innodb-log-file-size=16M >"$dir/install.log" 2>&1) || { cat "$dir/install.log" >&2; return 1; }
}

settings() {  # NODE PORT
  cat <<SETTINGS
[mariadbd]
datadir = $dir/node$1
port = $2
bind_address = 127.0.0.1
socket = $dir/node$1.sock
pid_file = $dir/node$1.server-pid
log_error = $dir/node$1.log
skip_name_resolve = on
max_connections = 500
table_open_cache = 4000
innodb_buffer_pool_size = 96M
innodb_log_file_size = 48M
innodb_flush_log_at_trx_commit = $flush
innodb_doublewrite = $flush
innodb_stats_persistent = off
innodb_print_all_deadlocks = off
key_buffer_size = 1M
performance_schema = off
character_set_server = latin1
# As unlike what Scoria wants as a server may be.
transaction_isolation = REPEATABLE-READ
SETTINGS
  if [ "$flush" = 0 ]; then echo "innodb_flush_method = nosync"; fi
  if [ "$galera" = yes ]; then galera_settings "$1"; fi
}

galera_settings() {
  cat <<SETTINGS
binlog_format = ROW
default_storage_engine = InnoDB
innodb_autoinc_lock_mode = 2
wsrep_on = on
wsrep_provider = $provider
wsrep_cluster_name = $(basename "$dir")
wsrep_cluster_address = gcomm://127.0.0.1:$((base + 11)),127.0.0.1:$((base + 21)),127.0.0.1:$((base + 31))
wsrep_node_name = node$1
wsrep_node_address = 127.0.0.1:$((base + 10 * $1 + 1))
wsrep_provider_options = "gmcast.listen_addr=tcp://127.0.0.1:$((base + 10 * $1 + 1));ist.recv_addr=127.0.0.1:$((base + 10 * $1 + 2));gcache.size=32M;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.5S;pc.recovery=true"
wsrep_slave_threads = 2
SETTINGS
}

# Where a node that was killed stood: it gets what it lacks from another's cache.
position() {  # NODE
  local found
  rm -f "$dir/recover.log"
  (cd "$dir" && "${as_server[@]}" "$mariadbd" --defaults-file="$dir/node$1.cnf" --log-error="$dir/recover.log" --wsrep-recover >/dev/null 2>&1) || true
  found=$(sed -n 's/.*Recovered position: *//p' "$dir/recover.log" | tail -1)
  [ -z "$found" ] || echo "--wsrep_start_position=$found"
}

# Starts node $1 with further arguments; "before" stands in front of the server's command.
launch() {
  local node=$1; shift
  (cd "$dir" && exec "${before[@]}" "$mariadbd" --defaults-file="$dir/node$node.cnf" "$@" </dev/null >"$dir/node$node.out" 2>&1) &
  server=$!
  disown "$server"
  echo $server >"$dir/node$node.pid"
  for _ in $(seq 1200); do
    if mariadb --no-defaults -u root -S "$dir/node$node.sock" -e "SELECT 1" >/dev/null 2>&1; then return 0; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  cat "$dir/node$node.log" "$dir/node$node.out" >&2
  return 1
}

make_node() {  # NODE PORT
  if [ ! -d "$dir/node$1" ]; then "${as_server[@]}" cp -r "$dir/template" "$dir/node$1"; fi
  settings "$1" "$2" >"$dir/node$1.cnf"
}

launch_all() {
  template
  base=$((20000 + (RANDOM % 300) * 40))
  if [ "$galera" = no ]; then
    make_node 1 $((base + 10))
    launch 1
    hosts=127.0.0.1:$((base + 10))
  else
    # Who joins starts the script for a copy of all data, even when it needs none.
    command -v wsrep_sst_rsync >/dev/null || { echo "Galera needs the scripts of Debian's mariadb-server" >&2; return 1; }
    # The others begin as copies of a node that was in the cluster.
    make_node 1 $((base + 10))
    launch 1 --wsrep-new-cluster
    end_server "$(cat "$dir/node1.pid")"
    for node in 2 3; do
      "${as_server[@]}" cp -r "$dir/node1" "$dir/node$node"
      rm -f "$dir/node$node/galera.cache" "$dir/node$node/gvwstate.dat"
      make_node $node $((base + 10 * node))
    done
    launch 1 --wsrep-new-cluster
    for node in 2 3; do launch $node; done
    hosts=127.0.0.1:$((base + 10)),127.0.0.1:$((base + 20)),127.0.0.1:$((base + 30))
  fi
  mariadb --no-defaults -u root -S "$dir/node1.sock" -e "CREATE DATABASE scoria_test; CREATE USER scoria@'%' IDENTIFIED BY 'scoria'; GRANT ALL ON *.* TO scoria@'%'"
  connection="mariadb://scoria:scoria@$hosts/scoria_test"
}

end_server() {  # PID
  kill "$1" 2>/dev/null || true
  for _ in $(seq 600); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.05; done
}

stop() {
  local pids
  pids=$(cat "$1"/node?.pid 2>/dev/null || true)
  if [ -n "$pids" ]; then
    kill $pids 2>/dev/null || true
    for _ in $(seq 200); do kill -0 $pids 2>/dev/null || break; sleep 0.05; done
    kill -9 $pids 2>/dev/null || true
  fi
  case "$1" in */scoria-mariadb-*) rm -rf "$1" ;; esac
}

verb=${1:-}; shift || true
flush=0 galera=no
while :; do
  case "${1:-}" in
    --durable) flush=1 ;;
    --galera) galera=yes ;;
    *) break ;;
  esac
  shift
done
case "$verb" in
  run)
    create
    trap 'stop "$dir"' EXIT
    # The servers end with this script, however it ends.
    before=(setpriv --pdeathsig TERM "${as_server[@]:1}")
    launch_all
    SCORIA_TEST_MARIADB="$connection" SCORIA_REQUIRE_MARIADB=1 SCORIA_TEST_MARIADB_DIR="$dir" "$@"
    ;;
  start)
    create
    before=("${as_server[@]}" setsid)
    launch_all >/dev/null
    echo "export SCORIA_TEST_MARIADB='$connection' SCORIA_TEST_MARIADB_DIR='$dir'"
    ;;
  stop) stop "$1" ;;
  node)
    dir=$1
    before=("${as_server[@]}" setsid)
    grep -q '^wsrep_on' "$dir/node$2.cnf" && galera=yes
    # shellcheck disable=SC2046
    launch "$2" $([ $galera = no ] || position "$2") >/dev/null
    ;;
  *) sed -n '2,8s/^# \?//p' "$0"; exit 2 ;;
esac
