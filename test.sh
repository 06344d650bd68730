#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Builds everything and runs every test. Works on a bare Debian 12: as root (or with sudo) it installs what is missing.
#
#   ./test.sh               the whole suite, optimised with assertions; again under the address and
#                           undefined-behaviour sanitizers; what runs threads also under the thread sanitizer
#   ./test.sh --quick       the first of the three only
#   ./test.sh --no-install  never calls apt
#
# Ends with what the random tests did, beside the goal of each row of the table in docs/testing.md. build/missed.txt names the
# lines and branches of the engine that no test ran under the sanitizers.
#
# The three build trees stand in build/<preset>; one ctest runs them all, and its summary ends the output.
set -euo pipefail
cd "$(dirname "$0")"

presets="release-with-assertions asan-ubsan tsan"
packages=test
install=yes
quick=""
for argument in "$@"; do
  case $argument in
    --quick) presets="release-with-assertions"; packages=build; quick=--quick ;;
    --no-install) install=no ;;
    *) sed -n '4,14s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

[ $install = no ] || scripts/install_packages.sh $packages
if [ $install = yes ] && [ $packages = test ]; then
  scripts/fetch_kafka.sh >/dev/null || echo "== Without Apache Kafka: what needs a real one is not run"
fi
mkdir -p build

for preset in $presets; do
  echo "== Building $preset"
  cmake --preset "$preset" >"build/$preset.log" 2>&1 || { cat "build/$preset.log"; exit 1; }
  cmake --build --preset "$preset" --parallel "$(nproc)"
done

echo "== Testing"
mkdir -p build/all
export SEMEL_FIGURES=$PWD/build/figures.jsonl
export LLVM_PROFILE_FILE=$PWD/build/profiles/%4m.profraw
rm -rf "$SEMEL_FIGURES" build/profiles
for preset in $presets; do
  echo "subdirs(\"$PWD/build/$preset\")"
done >build/all/CTestTestfile.cmake
result=0
ctest --test-dir build/all --output-on-failure --no-tests=error --no-label-summary --parallel "$(nproc)" \
  --output-junit "$PWD/build/tests.xml" || result=$?

if [ -z "$quick" ]; then
  echo "== Coverage"
  tests/coverage.py build/asan-ubsan build/profiles --figures "$SEMEL_FIGURES" --missed build/missed.txt || result=1
fi
echo "== Figures (docs/testing.md)"
tests/figures.py $quick --tests build/tests.xml "$SEMEL_FIGURES" || result=1
exit $result
