#!/usr/bin/env bash
# Runs the whole of Apus on this machine without Docker.
#   deploy/local.sh up [--scale SERVICE=N]...   build, start everything that does not run yet, wait until all is healthy
#   deploy/local.sh status                      a line for each program; succeeds only when all are healthy
#   deploy/local.sh env                         KEY='value' lines: set -a; eval "$(deploy/local.sh env)"; set +a
#   deploy/local.sh apus COMMAND...             the command line, with that environment
#   deploy/local.sh logs [service]              follow the logs
#   deploy/local.sh restart SERVICE             stop one program and start it again
#   deploy/local.sh down [--wipe]               stop what was started; --wipe also removes its data
# APUS_LOCAL (default .local) holds data, logs and process ids. KAFKA_BOOTSTRAP, when set, is used in place of LocalKafka.
# Settings and keys come from the environment and from .env; with BINANCE_TESTNET_API_KEY there the stack trades on Binance's
# testnet, otherwise on the simulator. APUS_SIM_BYBIT=yes adds a second simulated venue, Bybit, whose prices move with the first one's, and
# has every program follow and trade both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
if [ -f .env ]; then
  set -a
  # shellcheck disable=SC1091
  . ./.env
  set +a
fi
local_dir=${APUS_LOCAL:-$root/.local}
run=$local_dir/run logs=$local_dir/logs data=$local_dir/data
pgbin=/usr/lib/postgresql/15/bin
say() { printf '%s\n' "$*" >&2; }
die() { say "local.sh: $*"; exit 1; }

# --- settings that must stay the same from one `up` to the next -----------------------------------------------------------

free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    grep -qs "=$port$" "$local_dir/settings" && continue
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
setting() { # setting NAME: reads the kept value, or makes one with the command that follows and keeps it
  local name=$1 value
  shift
  value=$(sed -n "s/^$name=//p" "$local_dir/settings" 2>/dev/null || true)
  if [ -z "$value" ]; then
    value=$("$@")
    echo "$name=$value" >>"$local_dir/settings"
  fi
  echo "$value"
}
spot_symbols() { printf '%s' "$APUS_SYMBOLS" | tr , '\n' | grep -v -- '-PERP$' | paste -sd , -; }
random_text() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

uses_simulator() { [ -n "${sim_key:-}" ]; }
key_suffix() { [ "$1" = "$default_account" ] || printf '_%s' "$1" | tr 'a-z.-' 'A-Z__'; }

load() {
  mkdir -p "$run" "$logs" "$data"
  touch "$local_dir/settings"
  chmod 600 "$local_dir/settings"
  default_account=${APUS_DEFAULT_ACCOUNT:-main}
  accounts=${APUS_ACCOUNTS:-$default_account}
  redis_port=$(setting redis_port free_port)
  postgres_port=$(setting postgres_port free_port)
  own_kafka=
  if [ -z "${KAFKA_BOOTSTRAP:-}" ]; then
    own_kafka=yes
    KAFKA_BOOTSTRAP=127.0.0.1:$(setting kafka_port free_port)
  fi
  REDIS_URL=redis://127.0.0.1:$redis_port
  DATABASE_URL=postgresql://apus@127.0.0.1:$postgres_port/apus
  sim_key=
  if [ -z "${BINANCE_TESTNET_API_KEY:-}" ] && [ -z "${APUS_BINANCE_REST_URL:-}" ]; then
    sim_port=$(setting sim_port free_port) sim_fault_port=$(setting sim_fault_port free_port)
    sim_key=$(setting sim_key random_text)
    # The simulator has keys for everyone: a second account shows what several mean.
    accounts=${APUS_ACCOUNTS:-$default_account,desk}
    SIM_BINANCE_REST_URL=http://127.0.0.1:$sim_port
    SIM_BINANCE_WS_URL=ws://127.0.0.1:$sim_port
    SIM_FAULT_URL=http://127.0.0.1:$sim_fault_port
    # Something that hands on to the simulated venue may stand before it.
    APUS_BINANCE_REST_URL=${APUS_SIM_FRONT:-$SIM_BINANCE_REST_URL}
    APUS_BINANCE_WS_URL=$SIM_BINANCE_WS_URL
    SIM_ACCOUNTS=
    load_bybit
    local account suffix
    for account in ${accounts//,/ }; do
      suffix=$(key_suffix "$account")
      declare -g "BINANCE_TESTNET_API_KEY$suffix=$account-$sim_key"
      declare -g "BINANCE_TESTNET_SECRET_KEY$suffix=secret-$account-$sim_key"
      SIM_ACCOUNTS+=${SIM_ACCOUNTS:+,}$account=$account-$sim_key:secret-$account-$sim_key
    done
  fi
  load_limits
  APUS_ACCOUNTS=$accounts APUS_DEFAULT_ACCOUNT=$default_account
  APUS_SYMBOLS=${APUS_SYMBOLS:-BTC-USDT}
  APUS_MIGRATIONS=$root/deploy/migrations
  bin=$(setting build_dir build_dir)
}
load_limits() { # what a simulator allows, be it another stack's, is what may be asked of it
  local pair name allowed
  for pair in BINANCE_LIMIT_WEIGHT_1M=SIM_WEIGHT_LIMIT BINANCE_LIMIT_ORDERS_10S=SIM_ORDER_LIMIT_10S \
    BINANCE_LIMIT_ORDERS_1D=SIM_ORDER_LIMIT_1D BYBIT_LIMIT_REQUESTS_5S=SIM_REQUEST_LIMIT_5S BYBIT_LIMIT_ORDERS_1S=SIM_ORDER_LIMIT_1S \
    BYBIT_LIMIT_CANCELS_1S=SIM_ORDER_LIMIT_1S; do
    name=APUS_${pair%=*} allowed=${pair#*=}
    [ -z "${!allowed:-}" ] || export "$name=${!name:-${!allowed}}"
  done
}
load_bybit() { # a second simulated venue: its addresses, and keys for the same accounts
  # Once it is there it stays, so that every later command knows of it.
  [ "${APUS_SIM_BYBIT:-}" = yes ] || grep -qs '^sim_bybit_port=' "$local_dir/settings" || return 0
  sim_bybit_port=$(setting sim_bybit_port free_port) sim_bybit_fault_port=$(setting sim_bybit_fault_port free_port)
  SIM_BYBIT_REST_URL=http://127.0.0.1:$sim_bybit_port
  SIM_BYBIT_WS_URL=ws://127.0.0.1:$sim_bybit_port
  SIM_BYBIT_FAULT_URL=http://127.0.0.1:$sim_bybit_fault_port
  sim_bybit_accounts=
  APUS_VENUES=${APUS_VENUES:-binance,bybit}
  APUS_BYBIT_REST_URL=$SIM_BYBIT_REST_URL
  APUS_BYBIT_WS_URL=$SIM_BYBIT_WS_URL
  # Venues with the same seed move together, each with a deviation of its own.
  SIM_MARKET_SEED=${SIM_MARKET_SEED:-1}
  local account suffix
  for account in ${accounts//,/ }; do
    suffix=$(key_suffix "$account")
    declare -g "BYBIT_TESTNET_API_KEY$suffix=$account-$sim_key"
    declare -g "BYBIT_TESTNET_SECRET_KEY$suffix=secret-$account-$sim_key"
    sim_bybit_accounts+=${sim_bybit_accounts:+,}$account=$account-$sim_key:secret-$account-$sim_key
  done
}
uses_bybit() { [ -n "${SIM_BYBIT_REST_URL:-}" ]; }
build_dir() { echo "$root/.build/${APUS_BUILD:-release}"; }

variables() {
  echo KAFKA_BOOTSTRAP REDIS_URL DATABASE_URL APUS_ACCOUNTS APUS_DEFAULT_ACCOUNT APUS_SYMBOLS APUS_MIGRATIONS APUS_BINANCE_REST_URL \
    APUS_BINANCE_WS_URL
  uses_simulator && echo SIM_BINANCE_REST_URL SIM_BINANCE_WS_URL SIM_FAULT_URL SIM_ACCOUNTS
  echo APUS_VENUES APUS_BYBIT_REST_URL APUS_BYBIT_WS_URL
  uses_bybit && echo SIM_BYBIT_REST_URL SIM_BYBIT_WS_URL SIM_BYBIT_FAULT_URL SIM_MARKET_SEED
  local account venue
  for account in ${accounts//,/ }; do
    for venue in BINANCE BYBIT; do
      echo "${venue}_TESTNET_API_KEY$(key_suffix "$account") ${venue}_TESTNET_SECRET_KEY$(key_suffix "$account")"
    done
  done
}
print_env() {
  local name
  for name in $(variables); do
    [ -z "${!name:-}" ] || printf "%s='%s'\n" "$name" "${!name//\'/\'\\\'\'}"
  done
  printf "PATH='%s'\n" "$bin:${PATH#"$bin:"}"
}

# --- programs --------------------------------------------------------------------------------------------------------------

services=(Ingestor RiskGate OrderManager Reconciler Strategy)
declare -A scale=()
replicas() { echo "${scale[$1]:-$(sed -n "s/^scale_$1=//p" "$local_dir/settings" | tail -1 | grep . || echo 1)}"; }
lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }

programs() { # every program of this stack, in the order in which they start
  [ -z "$own_kafka" ] || echo kafka
  echo redis
  echo postgres
  ! uses_simulator || echo simulator
  ! uses_bybit || echo simulator-bybit
  local service i
  for service in "${services[@]}"; do
    for ((i = 0; i < $(replicas "$service"); i++)); do echo "$(lower "$service")-$i"; done
  done
}

is_alive() { [ -f "$run/$1.pid" ] && kill -0 "$(cat "$run/$1.pid")" 2>/dev/null; }

launch() { # launch NAME COMMAND...: under a supervisor, detached from this terminal
  local name=$1
  shift
  ! is_alive "$name" || return 0
  rm -f "$run/$name.port" "$run/$name.child"
  setsid -f env STOP_SIGNAL="${stop_signal:-TERM}" "$root/deploy/supervise.sh" "$name" "$run" "$logs/$name.log" "$@" \
    </dev/null >/dev/null 2>&1
}

launch_service() { # launch_service NAME PROGRAM [VARIABLE=value...]
  local name=$1 program=$2 variable environment=()
  shift 2
  for variable in $(variables); do [ -z "${!variable:-}" ] || environment+=("$variable=${!variable}"); done
  launch "$name" env "${environment[@]}" APUS_LOG_FORMAT=json APUS_INSTANCE="$name" APUS_HEALTH_PORT=0 \
    APUS_HEALTH_PORT_FILE="$run/$name.port" "$@" "$bin/$program"
}

start() {
  case $1 in
    kafka)
      launch kafka env APUS_HEALTH_PORT=0 APUS_HEALTH_PORT_FILE="$run/kafka.port" \
        "$bin/LocalKafka" --data-dir "$data/kafka" --listen "$KAFKA_BOOTSTRAP" ;;
    redis)
      mkdir -p "$data/redis"
      launch redis redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$data/redis" --save '' --appendonly no ;;
    postgres) start_postgres ;;
    simulator)
      launch_service simulator Simulator SIM_SYMBOLS="$(spot_symbols)" SIM_LISTEN="127.0.0.1:$sim_port" SIM_FAULT_LISTEN="127.0.0.1:$sim_fault_port" ;;
    simulator-bybit)
      launch_service simulator-bybit Simulator SIM_VENUE=bybit SIM_SYMBOLS="$APUS_SYMBOLS" SIM_SEED=2 SIM_ACCOUNTS="$sim_bybit_accounts" \
        SIM_LISTEN="127.0.0.1:$sim_bybit_port" SIM_FAULT_LISTEN="127.0.0.1:$sim_bybit_fault_port" ;;
    *)
      local service
      for service in "${services[@]}"; do
        [ "$(lower "$service")" != "${1%-*}" ] || launch_service "$1" "$service"
      done ;;
  esac
}

start_postgres() {
  local as=()
  if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid postgres --regid postgres --init-groups)
    mkdir -p "$data/postgres"
    chown postgres:postgres "$data/postgres"
    "${as[@]}" test -w "$data/postgres" ||
      die "as root, PostgreSQL runs as the user postgres, who cannot enter $data/postgres; set APUS_LOCAL to a path that it can"
  fi
  if [ ! -s "$data/postgres/PG_VERSION" ]; then
    "${as[@]}" "$pgbin/initdb" -D "$data/postgres" -U apus -A trust -E UTF8 --locale=C.UTF-8 >"$logs/postgres.log" 2>&1 ||
      die "initdb failed, see $logs/postgres.log"
  fi
  # A server that was killed leaves a lock file that a new process with the same id would respect.
  stop_signal=INT launch postgres "${as[@]}" "$pgbin/postgres" -D "$data/postgres" -p "$postgres_port" -h 127.0.0.1 -k ''
}

is_healthy() {
  is_alive "$1" || return 1
  case $1 in
    kafka) kcat -b "$KAFKA_BOOTSTRAP" -L -m 2 >/dev/null 2>&1 ;;
    redis) [ "$(redis-cli -p "$redis_port" ping 2>/dev/null)" = PONG ] ;;
    postgres) "$pgbin/pg_isready" -q -h 127.0.0.1 -p "$postgres_port" -U apus -d postgres ;;
    *) [ -s "$run/$1.port" ] && curl -fsS -m 2 -o /dev/null "http://127.0.0.1:$(cat "$run/$1.port")/healthz" 2>/dev/null ;;
  esac
}
await() { # await NAME SECONDS
  local end=$((SECONDS + $2))
  until is_healthy "$1"; do
    [ "$SECONDS" -lt "$end" ] || { tail -5 "$logs/$1.log" >&2 || true; die "$1 is not healthy after $2 s, see $logs/$1.log"; }
    sleep 0.1
  done
}

create_database() {
  psql -q -h 127.0.0.1 -p "$postgres_port" -U apus -d postgres -tAc "SELECT 1 FROM pg_database WHERE datname = 'apus'" | grep -q 1 ||
    psql -q -h 127.0.0.1 -p "$postgres_port" -U apus -d postgres -c 'CREATE DATABASE apus'
}

# --- commands --------------------------------------------------------------------------------------------------------------

up() {
  while [ $# -gt 0 ]; do
    [ "$1" = --scale ] && [[ "${2:-}" =~ ^[A-Za-z]+=[1-9]$ ]] || die "usage: local.sh up [--scale SERVICE=N]..."
    local service=${2%=*}
    [[ " ${services[*]} " == *" $service "* ]] || die "no service $service; one of ${services[*]}"
    scale[$service]=${2#*=}
    echo "scale_$service=${2#*=}" >>"$local_dir/settings"
    shift 2
  done
  deploy/deps.sh
  if [ -z "${APUS_SKIP_BUILD:-}" ]; then
    say "building ($(basename "$bin"))"
    swift build -c "$(basename "$bin")" >"$logs/build.log" 2>&1 || { tail -30 "$logs/build.log" >&2; die "the build failed, see $logs/build.log"; }
  fi
  local program
  for program in $(programs); do
    start "$program"
    case $program in
      kafka | redis | simulator | simulator-bybit) await "$program" 120 ;;
      postgres)
        await postgres 120
        create_database ;;
    esac
  done
  for program in $(programs); do await "$program" 180; done
  status >&2 || true # each was healthy; that one is slow to say so again is no failure
  say ""
  say "data, logs and process ids: $local_dir"
  say 'next:  set -a; eval "$(deploy/local.sh env)"; set +a'
  say "       echo '{\"side\":\"buy\",\"quantity\":0.25}' | kcat -P -b \$KAFKA_BOOTSTRAP -t orders"
  say "       apus order buy 0.25 BTC-USDT"
}

status() {
  local program state failed=0 where
  printf '%-16s %-10s %-8s %-9s %s\n' program state pid restarts where
  for program in $(programs); do
    if is_healthy "$program"; then state=healthy; else state=$(is_alive "$program" && echo unhealthy || echo stopped) failed=1; fi
    case $program in
      kafka) where=$KAFKA_BOOTSTRAP ;;
      redis) where=$REDIS_URL ;;
      postgres) where=$DATABASE_URL ;;
      simulator) where=$SIM_BINANCE_REST_URL ;;
      simulator-bybit) where=$SIM_BYBIT_REST_URL ;;
      *) where=http://127.0.0.1:$(cat "$run/$program.port" 2>/dev/null || echo '?')/metrics ;;
    esac
    printf '%-16s %-10s %-8s %-9s %s\n' "$program" "$state" "$(cat "$run/$program.child" 2>/dev/null || echo -)" \
      "$(cat "$run/$program.restarts" 2>/dev/null || echo 0)" "$where"
  done
  return $failed
}

stop() { # stop NAME: its supervisor ends it and then itself
  is_alive "$1" || return 0
  local pid
  pid=$(cat "$run/$1.pid")
  kill -TERM "$pid" 2>/dev/null || true
  for _ in $(seq 450); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  die "$1 (supervisor $pid) did not end"
}

down() {
  local program
  # All services at once, then the servers below them.
  for program in $(programs | grep -vE '^(kafka|redis|postgres|simulator(-bybit)?)$'); do stop "$program" & done
  wait
  for program in simulator-bybit simulator kafka redis postgres; do stop "$program"; done
  if [ "${1:-}" = --wipe ]; then rm -rf "$data" "$logs" "$run" "$local_dir/settings"; rmdir "$local_dir" 2>/dev/null || true; fi
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  up) load; up "$@" ;;
  status) load; status ;;
  env) load; print_env ;;
  apus)
    load
    for name in $(variables); do [ -z "${!name:-}" ] || export "${name?}"; done
    exec "$bin/apus" "$@" ;;
  logs) load; if [ -n "${1:-}" ]; then exec tail -n 100 -F "$logs/$1.log"; else exec tail -n 20 -F "$logs"/*.log; fi ;;
  restart) load; stop "${1:?which service}"; start "$1"; await "$1" 180 ;;
  down) [ -d "$local_dir" ] || exit 0; load; down "$@" ;;
  *) sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
