#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Builds the benchmarks in release mode, runs them, and prints the results as Markdown.
#
#   bench/run.sh [--dir DIRECTORY] [--repetitions N] [--min-time SECONDS] [--only "NAME ..."] [--entries N]
#                [--resume] [--docs]
#   bench/run.sh --guard [--dir DIRECTORY]
#
#   --dir          where to write (default: build/bench-data); must be on the disk that is asked about
#   --repetitions  of each benchmark (default: 5), interleaved in random order, so that a slow minute of the machine
#                  hits all alike; the tables show medians
#   --min-time     of each repetition (default: 0.2)
#   --only         some of the programs: "race cas callers"; race is `semel bench` with all peers that are installed.
#                  What the others found in an earlier run stays
#   --entries      of the journal that long_journal writes (default: 10000000)
#   --resume       keeps the results of an earlier run that was cut short
#   --docs         writes the results into docs/benchmarks.md, and the charts into docs/pictures, with the page of
#                  `semel bench` as it looks, where chromium is installed
#   --guard        only what the ratios among the budgets need, then fails if one is lost by more than 20 %
#
# Takes a quarter of an hour on two cores, the guard three minutes. Raw results stay in build/bench-results.
# scripts/install_packages.sh bench installs the peers.
set -euo pipefail
cd "$(dirname "$0")/.."

directory=build/bench-data
repetitions=5
min_time=0.2
only=
entries=10000000
resume=no
docs=no
guard=no
while [ $# -gt 0 ]; do
  case $1 in
    --dir) directory=$2; shift 2 ;;
    --repetitions) repetitions=$2; shift 2 ;;
    --min-time) min_time=$2; shift 2 ;;
    --only) only=$2; shift 2 ;;
    --entries) entries=$2; shift 2 ;;
    --resume) resume=yes; shift ;;
    --docs) docs=yes; shift ;;
    --guard) guard=yes; only="cas callers duplicates dedup stall"; shift ;;
    *) sed -n '4,26s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

build=build/bench
results=build/bench-results
[ $guard = no ] || results=build/bench-guard
mkdir -p "$directory" "$results" "$build"
names=${only:-race $(cd bench && ls ./*_bench.cc | sed 's/^..//; s/_bench.cc$//')}
targets=
for name in $names; do
  [ "$name" = race ] && targets+=" semel_cli" || targets+=" ${name}_bench"
done
echo "== building" >&2
{
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSEMEL_BUILD_TESTS=OFF -DSEMEL_BUILD_EXAMPLES=OFF
  # shellcheck disable=SC2086
  cmake --build "$build" --target $targets
} >"$results/build.log" 2>&1 || { cat "$results/build.log"; exit 1; }

# What one program found, whole or not at all.
run() {
  local name=$1 to=$2
  case $name in
    race)
      rm -f "$results/race.html"
      "$build/bin/semel" bench --dir "$directory" --json --report "$results/race.html" >"$to"
      ;;
    *)
      local filter=. arguments=()
      [ "$guard/$name" != yes/cas ] || filter='^(semel|bare_loop|lmdb)/accounts:(100000|1000000)/'
      [ "$name" != long_journal ] || arguments+=("--entries=$entries")
      SEMEL_BENCH_DIR="$directory" "$build/bench/${name}_bench" "${arguments[@]}" --benchmark_filter="$filter" \
        --benchmark_min_time="$min_time" --benchmark_repetitions="$repetitions" \
        --benchmark_enable_random_interleaving=true --benchmark_out="$to" --benchmark_out_format=json
      ;;
  esac
}

# What the page looks like: light or dark, and further arguments of the browser.
take_picture() {
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1040,1100 "${@:2}" \
    --screenshot="$PWD/docs/pictures/report-$1.png" "file://$PWD/$results/race.html" >>"$results/chromium.log" 2>&1
}

status=0
for name in $names; do
  [ $resume = yes ] || rm -f "$results/$name.json"
  [ ! -s "$results/$name.json" ] || continue
  echo "== $name ($SECONDS s)" >&2
  if run "$name" "$results/$name.partial" >"$results/$name.log" 2>&1; then
    mv "$results/$name.partial" "$results/$name.json"
  else
    tail -20 "$results/$name.log" >&2
    echo "== $name failed" >&2
    status=1
  fi
done
echo "== done ($SECONDS s)" >&2

command="bench/run.sh --repetitions $repetitions --min-time $min_time"
if [ $guard = yes ]; then
  bench/guard.py "$results" || status=1
elif [ $docs = yes ]; then
  bench/report.py "$results" --command "$command" --into docs/benchmarks.md --pictures docs/pictures
  if command -v chromium >/dev/null && [ -s "$results/race.html" ]; then
    take_picture light
    take_picture dark --force-dark-mode --blink-settings=preferredColorScheme=0
  fi
else
  bench/report.py "$results" --command "$command"
fi
exit $status
