#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Holds the engine against the reference model for as long as it takes: random changes with parking, dead letters,
# windows, trims, backups, restores, reopenings and kills. Any difference ends it. Prints its seed.
#
#   tests/soak.sh                  a million changes
#   tests/soak.sh --changes N      as many
#   SEMEL_TEST_SEED=S tests/soak.sh   the same again
#
# Builds what it needs in build/soak (optimised, with assertions).
set -euo pipefail
cd "$(dirname "$0")/.."

changes=1000000
while [ $# -gt 0 ]; do
  case $1 in
    --changes) changes=$2; shift 2 ;;
    *) sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

mkdir -p build/soak
{
  cmake --preset release-with-assertions -B build/soak
  cmake --build build/soak --parallel "$(nproc)" --target ledger_test
} >build/soak.log 2>&1 || { cat build/soak.log; exit 1; }
SEMEL_SOAK_CHANGES=$changes exec build/soak/tests/ledger_test --gtest_filter='Model.R42_Soak_*'
