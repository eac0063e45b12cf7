#!/usr/bin/env bash
# simulator.sh PYTHON WORK_DIR: the simulator before clients that nobody here wrote: its Binance before ccxt, its Bybit before ccxt and
# pybit, both over TLS, because pybit's WebSockets know nothing else.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$1 work=$2/simulator
simulators=()
trap 'kill "${simulators[@]}" 2>/dev/null; wait "${simulators[@]}" 2>/dev/null' EXIT

start() { # start NAME VARIABLE=value...: sets `address`
  local name=$1
  shift
  mkdir -p "$work/$name"
  env SIM_VENUE="$name" SIM_LISTEN=127.0.0.1:0 SIM_PORT_FILE="$work/$name/port" SIM_ACCOUNTS=main=check-key:check-secret "$@" \
    .build/release/Simulator >"$work/$name/log" 2>&1 &
  simulators+=($!)
  for _ in $(seq 600); do [ -s "$work/$name/port" ] && break; sleep 0.1; done
  [ -s "$work/$name/port" ] || { cat "$work/$name/log"; exit 1; }
  address=127.0.0.1:$(head -1 "$work/$name/port")
}

keys=(--key check-key --secret check-secret)
status=0
start binance
"$python" deploy/checks/ccxt_simulator.py --rest "http://$address" "${keys[@]}" || status=1
deploy/checks/test_ca.sh "$work/ca" || exit 1
start bybit SIM_SYMBOLS=BTC-USDT,BTC-USDT-PERP SIM_MARKET_SEED=1 SIM_TLS_CERT="$work/ca/server.pem" SIM_TLS_KEY="$work/ca/server.key"
"$python" deploy/checks/ccxt_bybit.py --rest "https://$address" --ca "$work/ca/ca.pem" "${keys[@]}" || status=1
"$python" deploy/checks/pybit_bybit.py --address "$address" --ca "$work/ca/ca.pem" "${keys[@]}" || status=1
exit $status
