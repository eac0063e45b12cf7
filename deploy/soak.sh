#!/usr/bin/env bash
# Ten million book updates and a hundred thousand orders through the native stack, while memory, descriptors, lag and disk are watched.
#   deploy/soak.sh [--updates N] [--orders N] [...]      deploy/checks/soak.py says what is asserted
# Builds in release mode; runs beside any other stack, with data of its own in a temporary directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -x .build/test-venv/bin/python ] || deploy/test.sh dependencies >&2
swift build -c release >&2
work=$(mktemp -d "${TMPDIR:-/tmp}/apus-soak.XXXXXX")
chmod 755 "$work"
export APUS_LOCAL=$work/local
trap 'deploy/local.sh down --wipe >/dev/null 2>&1; rm -rf "$work"' EXIT
.build/test-venv/bin/python deploy/checks/soak.py "$@"
