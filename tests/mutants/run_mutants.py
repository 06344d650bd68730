#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Runs tests against each planted bug of mutants.py; fails unless all of them are noticed.

    run_mutants.py [--shard 1/4] [--only NAME] PROGRAMS    each bug, until a test fails
    run_mutants.py --matrix PROGRAMS                       each bug with all of its tests, as a Markdown table

Without a bug the same tests must pass; that is looked at first. PROGRAMS: the folder with <area>_mutated.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from mutants import MUTANTS

# Random tests draw the same each time, and little.
SEED = "20261121"
ROUNDS = "4"
TIMEOUT_S = 120
ALL_TESTS_TIMEOUT_S = 600  # on a busy machine


def run(programs, area, tests, mutant, all_tests):
    """The exit status (None: too slow) and the names of the tests that failed, in order."""
    environment = dict(os.environ, SEMEL_TEST_SEED=SEED, SEMEL_TEST_ROUNDS=ROUNDS)
    for name in ("SEMEL_FIGURES", "SEMEL_SOAK_SECONDS"):  # what fails here counts for no other row
        environment.pop(name, None)
    if mutant:
        environment["SEMEL_MUTANT"] = mutant
    command = [os.path.join(programs, f"{area}_mutated"), f"--gtest_filter={tests}"]
    if not all_tests:
        command.append("--gtest_fail_fast")
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        try:
            status = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False,
                                    timeout=ALL_TESTS_TIMEOUT_S if all_tests else TIMEOUT_S).returncode
        except subprocess.TimeoutExpired:
            status = None
        output.seek(0)
        text = output.read()
    failed = list(dict.fromkeys(re.findall(r"^\[  FAILED  \] ([^\s,]+)(?:, where .*)? \(\d+ ms\)", text, re.MULTILINE)))
    if status is not None and status < 0:  # died in the test that it began last
        failed += re.findall(r"^\[ RUN      \] (\S+)", text, re.MULTILINE)[-1:]
    if "0 tests from 0 test" in text:
        sys.exit(f"{area}_mutated has no test {tests}")
    return status, failed, text


def kill(programs, mutant, all_tests=False):
    """The tests that noticed the bug."""
    killers = []
    for area, tests in mutant.killers.items():
        status, failed, _ = run(programs, area, tests, mutant.name, all_tests)
        if status is None:
            print(f"{mutant.name}: {area}_mutated ran for more than {TIMEOUT_S} s", flush=True)
        elif status != 0:
            killers += [f"{area}/{name}" for name in failed]
        if killers and not all_tests:
            break
    return killers


def check_without_a_bug(programs, mutants):
    filters = {}
    for mutant in mutants:
        for area, tests in mutant.killers.items():
            filters.setdefault(area, []).append(tests)
    for area, tests in sorted(filters.items()):
        status, failed, text = run(programs, area, ":".join(dict.fromkeys(tests)), None, True)
        if status != 0:
            print(text)
            sys.exit(f"{area}_mutated fails without a bug: {', '.join(failed) or status}")


def leave_figure(what, count, shard):
    figure = {"row": "T9", "what": what, "count": count, "build": "optimised", "test": f"mutants/{shard}"}
    line = json.dumps(figure)
    print(f"[  FIGURE  ] {line}")
    if "SEMEL_FIGURES" in os.environ:
        with open(os.environ["SEMEL_FIGURES"], "a", encoding="utf-8") as figures:
            figures.write(line + "\n")


def print_matrix(programs):
    print("| mutant | what it breaks | noticed by |\n|---|---|---|")
    for mutant in MUTANTS:
        killers = ", ".join(f"`{name}`" for name in kill(programs, mutant, all_tests=True))
        print(f"| `{mutant.name}` | {mutant.breaks} | {killers or 'nothing'} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs")
    parser.add_argument("--shard", default="1/1")
    parser.add_argument("--only")
    parser.add_argument("--matrix", action="store_true")
    arguments = parser.parse_args()
    if arguments.matrix:
        print_matrix(arguments.programs)
        return 0

    shard, shards = map(int, arguments.shard.split("/"))
    mutants = [mutant for mutant in MUTANTS if mutant.name == arguments.only or not arguments.only][shard - 1::shards]
    check_without_a_bug(arguments.programs, mutants)
    survived = 0
    for mutant in mutants:
        begun = time.monotonic()
        killers = kill(arguments.programs, mutant)
        took = f"{time.monotonic() - begun:.1f} s"
        if killers:
            print(f"{mutant.name}: killed by {killers[0]} ({took})", flush=True)
        else:
            print(f"{mutant.name}: SURVIVED: {mutant.breaks}; no test notices ({took})", flush=True)
            survived += 1
    leave_figure("mutants killed", len(mutants) - survived, arguments.shard)
    leave_figure("mutants that survived", survived, arguments.shard)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
