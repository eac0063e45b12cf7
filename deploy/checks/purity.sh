#!/usr/bin/env bash
# The pure modules stay pure: no Foundation, no I/O library, no clock, no randomness of their own, no binary floating point.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
pure=(Sources/Shared/Domain Sources/Shared/Wire Sources/Shared/Venues Sources/Shared/Books Sources/{Ingestor,RiskGate,OrderManager,Reconciler,Strategy,Simulator}/Core)
status=0
forbid() { # forbid WHAT PATTERN PATH...
  local what=$1 pattern=$2
  shift 2
  if grep -rnE "$pattern" --include='*.swift' "$@"; then
    echo "purity: $what does not belong there" >&2
    status=1
  fi
}
forbid 'an I/O library' '^(@[a-z_]+ )?import (Foundation|Glibc|Dispatch|Runtime|Kafka|Redis|Postgres|Net|C[A-Z][A-Za-z]+)\b' "${pure[@]}"
forbid 'a clock' '\b(ContinuousClock|SuspendingClock|clock_gettime|gettimeofday)\b' "${pure[@]}"
forbid 'unseeded randomness' '\b(SystemRandomNumberGenerator|\.random\(in: [^,)]*\)|randomElement\(\)|shuffled\(\)|arc4random)' "${pure[@]}"
forbid 'binary floating point' '\b(Double|Float|Float32|Float64|CGFloat)\b' "${pure[@]}"
forbid 'Foundation' '^import Foundation\b' Sources
exit $status
