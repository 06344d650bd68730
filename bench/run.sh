#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Builds the benchmarks in release mode, runs them, and prints the results as Markdown.
#
#   bench/run.sh [--dir DIRECTORY] [--repetitions N] [--min-time SECONDS] [--filter REGEX]
#
# DIRECTORY (default: build/bench-data) must be on the disk that is asked about. The repetitions of all benchmarks of a
# program are interleaved in random order, so that a slow minute of the machine hits all alike; the tables show medians.
# The raw results stay in build/bench-results.
set -euo pipefail
cd "$(dirname "$0")/.."

directory=build/bench-data
repetitions=5
min_time=0.5
filter=.
while [ $# -gt 0 ]; do
  case $1 in
    --dir) directory=$2; shift 2 ;;
    --repetitions) repetitions=$2; shift 2 ;;
    --min-time) min_time=$2; shift 2 ;;
    --filter) filter=$2; shift 2 ;;
    *) sed -n '4,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

build=build/bench
results=build/bench-results
mkdir -p "$directory" "$results" "$build"
{
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSEMEL_BUILD_TESTS=OFF -DSEMEL_BUILD_EXAMPLES=OFF \
    -DSEMEL_BUILD_CLI=OFF
  cmake --build "$build"
} >"$results/build.log" 2>&1 || { cat "$results/build.log"; exit 1; }

export SEMEL_BENCH_DIR="$directory"
rm -f "$results"/*.json
for program in "$build"/bench/*_bench; do
  name=$(basename "$program")
  echo "== $name" >&2
  "$program" --benchmark_filter="$filter" --benchmark_min_time="$min_time" --benchmark_repetitions="$repetitions" \
    --benchmark_enable_random_interleaving=true --benchmark_out="$results/$name.json" --benchmark_out_format=json \
    >"$results/$name.log" 2>&1 || { cat "$results/$name.log" >&2; exit 1; }
done

python3 bench/report.py --dir "$directory" --command "bench/run.sh --repetitions $repetitions --min-time $min_time" \
  "$results"/*.json
