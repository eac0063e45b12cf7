#!/usr/bin/env bash
# Kills and stops anything at any moment under a steady flow of orders, and proves that none was lost, doubled or got a wrong state.
#   deploy/chaos.sh              the whole of it, about 40 minutes: kills at every named boundary between two effects, at random, of
#                                several at once; stops; restarts of broker, Redis and PostgreSQL; a venue that misbehaves; two replicas
#   deploy/chaos.sh --kills 30   so many kills at random with the ordinary build, and some stops: two to three minutes
#   deploy/chaos.sh --help       the other options, such as --seed, --rate, --self-check, --phase, --minutes
# It ends with a table of what was injected and found, and fails when anything was lost, doubled or wrong, or when a restart took longer
# than --recovery-limit or PostgreSQL's agreement with the venue longer than --convergence-limit (p99 in seconds; 0 only prints them), or
# when fewer than --approvals-limit of the new orders were approved.
# PYTHON (default .build/test-venv/bin/python, as deploy/test.sh dependencies makes it) runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-.build/test-venv/bin/python}
# Its own place, so that nothing of another stack, such as its build, is kept.
work=$(mktemp -d /tmp/apus-chaos.XXXXXX)
chmod 755 "$work"
export APUS_LOCAL=$work/local
cleanup() {
  deploy/local.sh down >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

if [[ " $* " == *" --kills "* ]]; then
  [ -n "${APUS_SKIP_BUILD:-}" ] || swift build -c release
elif [[ " $* " != *" --self-check "* && " $* " != *" --help "* ]]; then
  export APUS_BUILD=boundaries/release
  [ -n "${APUS_SKIP_BUILD:-}" ] || swift build -c release --scratch-path .build/boundaries -Xswiftc -DAPUS_BOUNDARIES
fi
PYTHONPATH=deploy/checks "$python" -m chaos "$@"
