#!/usr/bin/env bash
# simulator.sh PYTHON WORK_DIR: the simulator's Binance before ccxt.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$1 work=$2/simulator
mkdir -p "$work"
SIM_LISTEN=127.0.0.1:0 SIM_PORT_FILE=$work/port SIM_ACCOUNTS=main=check-key:check-secret .build/release/Simulator >"$work/log" 2>&1 &
simulator=$!
trap 'kill "$simulator" 2>/dev/null; wait "$simulator" 2>/dev/null' EXIT
for _ in $(seq 100); do [ -s "$work/port" ] && break; sleep 0.1; done
[ -s "$work/port" ] || { cat "$work/log"; exit 1; }
"$python" deploy/checks/ccxt_simulator.py --rest "http://127.0.0.1:$(head -1 "$work/port")" --key check-key --secret check-secret
