#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Prints what the tests left as figures, a row of docs/testing.md's table each, beside the goal.

    tests/figures.py --tests build/tests.xml build/figures.jsonl   fails if a goal is not met
    tests/figures.py --json build/figures.jsonl                    the same as JSON
    tests/figures.py --no-goals FILE                               for a soak, which has none
    tests/figures.py --quick FILE                                  without what needs the sanitizers' builds

--tests: what ctest wrote with --output-junit. Rows that tests show by passing are counted there.
"""
import argparse
import collections
import json
import re
import sys
import xml.etree.ElementTree

# What each row must reach in the run.
GOALS = {
    ("T1", "power-loss images"): 1_000_000,
    ("T2", "power-loss images"): 20_000,
    ("T3", "kills"): 2_000,
    ("T4", "faults"): 2_000,
    ("T5", "failed allocations"): 2_000,
    ("T6", "damages"): 20_000,
    ("T9", "mutants killed"): 30,
    ("T11", "sequences"): 100_000,
    ("T12", "operations in small histories"): 1_000_000,
    ("T12", "histories of 100,000 operations"): 20,
    ("T15", "full disks"): 200,
    ("T16", "rules of the storage layers"): 11,
    ("T19", "seeds"): 100,
    ("T20", "tests of golden ledgers"): 6,
}
GOALS_WITH_SANITIZERS = {
    ("T17", "tests under ASan and UBSan"): 900,
    ("T17", "tests under TSan"): 300,
    ("T18", "lines of engine/ that ran, per cent"): 95,
    ("T18", "conditions' branches taken, per cent"): 90,
}

# What must not have happened at all.
ZEROS = {("T6", "silent damages"), ("T9", "mutants that survived")}


def row_order(row):
    return int(row[1:])


def count_tests(junit):
    """The rows that a passed test shows, with what they count."""
    passed = [case.get("name") for case in xml.etree.ElementTree.parse(junit).iter("testcase") if case.get("status") == "run"]
    plain = [name for name in passed if not name.startswith(("asan-ubsan/", "tsan/"))]
    return {
        ("T16", "rules of the storage layers"): len({rule for name in plain for rule in re.findall(r"StorageRule\d+", name)}),
        ("T17", "tests under ASan and UBSan"): sum(name.startswith("asan-ubsan/") for name in passed),
        ("T17", "tests under TSan"): sum(name.startswith("tsan/") for name in passed),
        ("T20", "tests of golden ledgers"): sum(name.startswith("golden/") for name in plain),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-goals", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tests")
    arguments = parser.parse_args()

    sums = collections.Counter()
    sanitized = collections.Counter()
    with open(arguments.file, encoding="utf-8") as lines:
        for line in lines:
            figure = json.loads(line)
            into = sanitized if figure.get("build") == "sanitizer" else sums
            into[figure["row"], figure["what"]] += figure["count"]

    if arguments.tests:
        sums.update(count_tests(arguments.tests))
    goals = {} if arguments.no_goals else GOALS if arguments.quick else {**GOALS, **GOALS_WITH_SANITIZERS}
    rows, missed = [], []
    for key in sorted({*sums, *sanitized, *goals}, key=lambda key: (row_order(key[0]), key[1])):
        goal = goals.get(key)
        bad = (goal is not None and sums[key] < goal) or (key in ZEROS and sums[key] + sanitized[key] != 0)
        if bad:
            missed.append(key)
        rows.append({"row": key[0], "what": key[1], "count": sums[key], "sanitized": sanitized[key], "goal": goal})

    if arguments.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
    else:
        print(f"{'row':<4} {'what':<44} {'count':>13} {'goal':>13} {'with sanitizers':>16}")
        for row in rows:
            goal = "" if row["goal"] is None else f"{row['goal']:,}"
            print(f"{row['row']:<4} {row['what']:<44} {row['count']:>13,} {goal:>13} {row['sanitized']:>16,}")
    for row, what in missed:
        print(f"{row}: {what}: the goal is missed", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
