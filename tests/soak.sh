#!/usr/bin/env bash
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
#
# Runs the random tests for as long as it takes: power losses, kills, errors, failing allocations, full disks, damage,
# repairs, the model, histories. For your own hardware: /dev/shm is used, or TMPDIR where there is none. Prints seeds and counts.
#
#   tests/soak.sh --minutes 60          everything, in turn, on all cores
#   tests/soak.sh --minutes 5 --only kills
#   tests/soak.sh --minutes 5 --only kills --seed S    goes on from a seed that was printed
#
# A failing round is repeated alone, then with fewer steps, and the smallest that fails is printed. Builds what it needs in
# build/soak (optimised, with assertions); --build DIR takes a tree that was built already.
set -euo pipefail
cd "$(dirname "$0")/.."

case " $* " in
  *" --help "* | *" -h "*) sed -n '4,12s/^# \{0,1\}//p' "$0"; exec python3 tests/soak.py --help ;;
  *" --build "*) exec python3 tests/soak.py "$@" ;;
esac

mkdir -p build/soak
{
  cmake --preset release-with-assertions -B build/soak
  cmake --build build/soak --parallel "$(nproc)" --target journal_test power_loss_test faults_test damage_test \
    repair_test ledger_test linearizability_test
} >build/soak.log 2>&1 || { cat build/soak.log; exit 1; }
exec python3 tests/soak.py --build build/soak "$@"
