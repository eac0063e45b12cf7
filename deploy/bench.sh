#!/usr/bin/env bash
# Measures the hot paths, each beside its floor in the same run, and prints one table: target, floor, ours, ratio, verdict.
#   deploy/bench.sh [name…] [--runs N] [--json FILE]      all of it: pieces, hops, the native stack; about five minutes
#   deploy/bench.sh --short                               what every build can afford; fails when a ratio is worse than deploy/bench-margins
#                                                         three times in a row
# Builds in release mode unless APUS_SKIP_BUILD is set. KAFKA_BOOTSTRAP, when set, is measured in place of LocalKafka. PERFORMANCE.md
# says what the lines mean. Leave the machine alone meanwhile: ratios bear neighbours, latencies do not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export APUS_FIXTURES=${APUS_FIXTURES:-$PWD/../shared/fixtures}
deploy/deps.sh
[ -n "${APUS_SKIP_BUILD:-}" ] || swift build -c release >&2
margins=()
[[ " $* " != *" --short "* ]] || margins=(--margins deploy/bench-margins)
exec .build/release/Benchmarks "$@" "${margins[@]}"
