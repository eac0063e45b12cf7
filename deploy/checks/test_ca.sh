#!/usr/bin/env bash
# test_ca.sh DIR: a throw-away authority (ca.pem) and a certificate of localhost and 127.0.0.1 (server.pem, server.key) in DIR.
set -euo pipefail
dir=$1
mkdir -p "$dir"
certificate() { # certificate FILE NAME MORE...
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$2" \
    -keyout "$dir/$1.key" -out "$dir/$1.pem" "${@:3}" 2>/dev/null
}
certificate ca 'throw-away authority' -addext keyUsage=critical,keyCertSign
certificate server localhost -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
  -addext basicConstraints=critical,CA:FALSE
