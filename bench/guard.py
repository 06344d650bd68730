#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Fails if a budget that is a ratio of one run (over the bare loop, over LMDB, over a quiet median, ...) is lost by more
than 20 %. What was not measured is named, and does not fail.

usage: guard.py RESULTS_DIRECTORY
"""
import sys

from budgets import BUDGETS
from results import Results

TOLERANCE = 0.2


def judge(results, budgets=BUDGETS):
    """Returns (lines, whether one is lost)."""
    lines, any_lost = [], False
    for budget in budgets:
        if not budget.is_ratio:
            continue
        figure = budget.figure(results)
        if figure is None:
            lines.append(f"not measured  {budget.what}")
            continue
        lost = budget.lost(figure, TOLERANCE)
        any_lost |= lost
        verdict = "LOST" if lost else "met" if budget.met(figure) else "missed"
        lines.append(f"{verdict:12}  {budget.what}: {budget.show.format(figure)}, {budget.bound} "
                     f"{budget.show.format(budget.goal)}")
    return lines, any_lost


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    lines, any_lost = judge(Results(sys.argv[1]))
    print("\n".join(lines))
    return 1 if any_lost else 0


if __name__ == "__main__":
    sys.exit(main())
