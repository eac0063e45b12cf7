#!/usr/bin/env bash
# Every check of the project, the one that CI runs too: format, build, unit and property tests, fixture replays, schemas, the broker
# and the simulator before clients that nobody here wrote, the whole stack end to end, and what goes wrong at venues. Nothing is
# skipped: a missing tool fails.
#   deploy/test.sh            all of it
#   deploy/test.sh STEP...    only these steps, by name
# APUS_FIXTURES (default ../shared/fixtures) is where the recorded venue traffic lies.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export APUS_FIXTURES=${APUS_FIXTURES:-$PWD/../shared/fixtures}
work=$(mktemp -d /tmp/apus-test.XXXXXX)
chmod 755 "$work"
export APUS_LOCAL=$work/local
venv=$PWD/.build/test-venv
passed=0 failed=0
declare -A running

cleanup() {
  for job in "${running[@]}"; do kill "$job" 2>/dev/null; done
  deploy/local.sh down >/dev/null 2>&1
  APUS_LOCAL=$APUS_LOCAL-second deploy/local.sh down >/dev/null 2>&1
  rm -rf "$work"
}
trap cleanup EXIT

step() { # step NAME COMMAND...
  local name=$1 started=$SECONDS
  shift
  if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
  printf '== %s\n' "$name"
  if "$@"; then
    passed=$((passed + 1))
    printf '== %s passed (%d s)\n' "$name" $((SECONDS - started))
  else
    failed=$((failed + 1))
    printf '== %s FAILED (%d s)\n' "$name" $((SECONDS - started))
  fi
}
wanted=("$@")

# ahead NAME COMMAND...: begins a step that mostly waits, beside the next ones; `step NAME landed NAME` shows what came of it.
ahead() {
  local name=$1
  shift
  if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
  "$@" >"$work/$name.out" 2>&1 &
  running[$name]=$!
}
landed() {
  wait "${running[$1]}"
  local status=$?
  unset "running[$1]"
  cat "$work/$1.out"
  return "$status"
}

dependencies() {
  deploy/deps.sh --test || return 1
  [ -d "$APUS_FIXTURES" ] || { echo "the fixtures are not at $APUS_FIXTURES; set APUS_FIXTURES" >&2; return 1; }
  local stamp=$venv/requirements.txt
  if ! cmp -s deploy/requirements-test.txt "$stamp"; then
    rm -rf "$venv"
    python3 -m venv "$venv" && "$venv/bin/pip" install -q -r deploy/requirements-test.txt || return 1
    cp deploy/requirements-test.txt "$stamp"
  fi
}
format() { swift format lint --strict --recursive Sources Tests Package.swift; }
build() {
  # Both kinds: the tests run in debug, where every check is on; the stack runs in release, as its users run it.
  swift build -c release 2>&1 | tail -25 && swift build --build-tests 2>&1 | tail -25
  return "${PIPESTATUS[0]}"
}
pure() { deploy/checks/purity.sh; }
# One after another: some tests block a thread of Swift's pool, which has as many as there are cores, and beside them others would wait
# for one past all patience.
unit() { swift test --skip-build --no-parallel; }
replays() { "$venv/bin/python" deploy/checks/replays.py "$APUS_FIXTURES"; }
schemas() { "$venv/bin/python" deploy/checks/schemas.py .build/record-samples; }
compose() { docker-compose -f docker-compose.yml config -q; }
conformance() { deploy/checks/local_kafka.sh "$venv/bin/python" "$work"; }
ccxt() { deploy/checks/simulator.sh "$venv/bin/python" "$work"; }
simulation() { .build/release/Pipeline --runs 10000 --threads 2; }
acceptance() { "$venv/bin/python" deploy/checks/acceptance; }
# Timings of a shared machine are printed, not judged.
chaos() { APUS_SKIP_BUILD=1 PYTHON=$venv/bin/python deploy/chaos.sh --kills 30 --recovery-limit 0 --convergence-limit 0 --approvals-limit 0; }
rate_limit() { "$venv/bin/python" deploy/checks/rate_limit.py; }
end_to_end() { "$venv/bin/python" deploy/checks/end_to_end.py; }
venue_cut() { "$venv/bin/python" deploy/checks/venue_cut.py; }
two_venues() { "$venv/bin/python" deploy/checks/two_venues.py; }
market_data() { "$venv/bin/python" deploy/checks/market_data.py; }

# Ratios to floors of the same run are judged, with room for a shared machine's noise; times are printed.
bench() { APUS_SKIP_BUILD=1 deploy/bench.sh --short; }

step dependencies dependencies
[ "$failed" = 0 ] || { echo "$passed passed, $failed failed"; exit 1; }
step format format
step purity pure
step build build
step unit unit
step replays replays
step schemas schemas
step compose compose
# The simulation knows no time but its own: it may have a neighbour.
ahead conformance conformance
step simulation simulation
step conformance landed conformance
step ccxt ccxt
step bench bench
step end-to-end end_to_end
step two-venues two_venues
step market-data market_data
step venue-cut venue_cut
step acceptance acceptance
step rate-limit rate_limit
step chaos chaos
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
