#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Downloads Apache Kafka for the tests that want a real one, checks every jar against tests/streams/kafka/jars.sha512,
# and prints where the jars are. Does nothing but that if they are there.
#
#   scripts/fetch_kafka.sh
#
# Takes Maven and a Java runtime, 17 or later (Debian 12: apt-get install maven openjdk-17-jre-headless). The jars stand
# in $SEMEL_KAFKA_JARS, by default ~/.cache/semel/kafka; the tests look for them there.
set -euo pipefail

pins="$(cd "$(dirname "$0")/.." && pwd)/tests/streams/kafka"
jars=${SEMEL_KAFKA_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/semel/kafka}

complete() { (cd "$1" 2>/dev/null && sha512sum --check --quiet "$pins/jars.sha512"); }

if ! complete "$jars" 2>/dev/null; then
  command -v mvn >/dev/null || { echo "Maven is not installed: apt-get install maven" >&2; exit 1; }
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  mvn --quiet --batch-mode --file "$pins/pom.xml" -Dmaven.repo.local="$scratch/repository" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$scratch/jars" >&2
  complete "$scratch/jars"
  mkdir -p "$jars"
  mv "$scratch"/jars/*.jar "$jars"
fi
echo "$jars"
