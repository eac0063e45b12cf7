#!/usr/bin/env bash
# local_kafka.sh PYTHON WORK_DIR: LocalKafka before clients that nobody here wrote (kcat, confluent-kafka, kafka-python, aiokafka), then
# killed under load.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$1 work=$2/local-kafka
mkdir -p "$work"
.build/release/LocalKafka --data-dir "$work/data" --listen 127.0.0.1:0 --port-file "$work/port" --maintenance-ms 500 >"$work/log" 2>&1 &
broker=$!
trap 'kill "$broker" 2>/dev/null; wait "$broker" 2>/dev/null' EXIT
for _ in $(seq 600); do [ -s "$work/port" ] && break; sleep 0.1; done
[ -s "$work/port" ] || { cat "$work/log"; exit 1; }
status=0
# Side by side: most of their time they wait for sessions to end.
bootstrap=127.0.0.1:$(cat "$work/port")
"$python" deploy/conformance/kafka_clients.py --client kafka-python --bootstrap "$bootstrap" >"$work/kafka-python" 2>&1 &
blocking=$!
"$python" deploy/conformance/kafka_clients.py --client aiokafka --bootstrap "$bootstrap" >"$work/aiokafka" 2>&1 &
asynchronous=$!
"$python" deploy/conformance/kafka_conformance.py --bootstrap "$bootstrap" || status=1
wait "$blocking" || status=1
wait "$asynchronous" || status=1
for client in kafka-python aiokafka; do
  echo "-- $client"
  cat "$work/$client"
done
"$python" deploy/conformance/kafka_crash.py --binary .build/release/LocalKafka || status=1
exit $status
