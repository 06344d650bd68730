#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Which lines and branches of engine/ the tests run: builds with counters in build/coverage, runs all tests but the mutants
# with few rounds each, prints a line a file, and fails below 95 % of the lines. Branches are counted as gcc makes them, but for
# those of exceptions; they are many more than the source shows. Takes about an hour on 2 cores.
#
#   tests/coverage.sh                 the page build/coverage/lines.html shows what was missed
#   tests/coverage.sh --report-only   of what ran before
#
# Needs gcovr: apt-get install gcovr
set -euo pipefail
cd "$(dirname "$0")/.."

command -v gcovr >/dev/null || { echo "gcovr is not here: apt-get install gcovr" >&2; exit 2; }
case "${1:-}" in
  --report-only) ;;
  "")
    cmake --preset coverage
    cmake --build --preset coverage --parallel "$(nproc)"
    find build/coverage -name '*.gcda' -delete
    SEMEL_TEST_ROUNDS=${SEMEL_TEST_ROUNDS:-8} ctest --test-dir build/coverage -E '^mutants|^consumer' --output-on-failure \
      --parallel "$(nproc)"
    ;;
  *) sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
gcovr --root . --filter 'engine/' --object-directory build/coverage --exclude-throw-branches --exclude-unreachable-branches \
  --html-details build/coverage/lines.html --print-summary --fail-under-line 95
