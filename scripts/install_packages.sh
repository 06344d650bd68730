#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian 12 packages that are missing, and nothing if none is.
#
#   scripts/install_packages.sh build    what quickstart.sh and a plain build need
#   scripts/install_packages.sh streams  that, and the brokers' libraries, with which semel consume speaks with them
#   scripts/install_packages.sh test     all of these, and what ./test.sh needs: clang for the sanitizers, brokers, Java
#   scripts/install_packages.sh bench    that of a plain build, and the peers of the benchmarks
set -euo pipefail

build_packages="g++ cmake ninja-build pkg-config libabsl-dev libprotobuf-dev protobuf-compiler liblmdb-dev libgtest-dev
  libgmock-dev libbenchmark-dev libxxhash-dev libssl-dev libcli11-dev nlohmann-json3-dev libfmt-dev python3"
stream_packages="librdkafka-dev libnats-dev libhiredis-dev librabbitmq-dev"
test_packages="clang libclang-rt-14-dev llvm git libfuse3-dev e2fsprogs nats-server redis-server mosquitto rabbitmq-server
  prometheus openssl openjdk-17-jre-headless maven"
bench_packages="libsqlite3-dev librocksdb-dev libpq-dev postgresql libhiredis-dev redis-server"

case "${1:-}" in
  build) wanted=$build_packages ;;
  streams) wanted="$build_packages $stream_packages" ;;
  test) wanted="$build_packages $stream_packages $test_packages" ;;
  bench) wanted="$build_packages $bench_packages" ;;
  *) sed -n '4,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

missing=()
for package in $wanted; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "Installing: ${missing[*]}"
if [ "$(id -u)" = 0 ]; then
  as_root=""
elif command -v sudo >/dev/null; then
  as_root="sudo"
else
  echo "Packages are missing, and this is neither root nor is there sudo. As root: apt-get install ${missing[*]}" >&2
  exit 1
fi
# No service is started: the tests start brokers of their own, and end them.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '$as_root rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
  $as_root chmod +x $policy
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -qq update
$as_root apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
