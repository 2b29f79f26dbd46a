#!/usr/bin/env bash
# Starts a temporary PostgreSQL for tests, installs Debian's package if it is missing, and
# prints the DSN:
#
#	export ROQ_TEST_POSTGRES=$(tools/postgres.sh)
#	tools/postgres.sh restart "$ROQ_TEST_POSTGRES"
#	tools/postgres.sh stop "$ROQ_TEST_POSTGRES"
set -euo pipefail

# The server refuses to run as root.
as_user() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

bin() {
  local dir
  dir=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
  test -n "$dir" -a -x "$dir/initdb" && echo "$dir"
}

if [ $# = 2 ]; then
  dir=${2##*host=}
  dir=${dir%% *}
  case $1 in
  restart) # as after a crash
    as_user "$(bin)/pg_ctl" -D "$dir/data" -w -m immediate -l "$dir/log" restart >&2 </dev/null
    ;;
  stop)
    as_user "$(bin)/pg_ctl" -D "$dir/data" -m immediate stop >&2
    as_user rm -rf "$dir"
    ;;
  esac
  exit
fi

if ! bin >/dev/null; then
  { apt-get update && apt-get install -y --no-install-recommends postgresql; } >&2
fi
pg=$(bin)
dir=$(as_user mktemp -d /tmp/roq-postgres.XXXXXX)
as_user "$pg/initdb" -D "$dir/data" -U roq --auth=trust --no-locale -E UTF8 >&2
# On a socket in a folder of its own, so that no port is taken. What is acknowledged is on
# disk, as in production.
as_user "$pg/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
  -o "-k $dir -c listen_addresses='' -c max_connections=200 -c fsync=on" start >&2
echo "host=$dir user=roq dbname=postgres"
