#!/usr/bin/env bash
# Installs what Apus builds and runs with, from Debian's packages. Does nothing when all is there. Servers are installed without
# starting their system services: Apus starts its own, on ports of its own.
#   deploy/deps.sh            to build and run
#   deploy/deps.sh --test     what the tests need besides
set -euo pipefail

packages=(
  librdkafka-dev libhiredis-dev libpq-dev libssl-dev libcurl4-openssl-dev zlib1g-dev libsimdjson-dev pkg-config
  kcat redis-server redis-tools postgresql-15 postgresql-client-15 curl jq openssl procps
)
[ "${1:-}" != --test ] || packages+=(python3 python3-venv docker-compose git)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
echo "installing: ${missing[*]}" >&2

# Debian starts a server's service when it is installed unless this policy forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod +x "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
  echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
