#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""R41: every scenario of the specification gives, through the command, the outcomes that its first line names.

A scenario that uses what this version does not have (an operation such as trim, or a windowed source) is left out,
and the test says so.

usage: scenarios_test.py --semel PATH
"""
import argparse
import json
import os
import pathlib
import re
import sys
import tempfile
import unittest

from semel_command import Semel

SCENARIOS = pathlib.Path(__file__).resolve().parent.parent / "spec/scenarios"
SEMEL = None
SCRATCH = "/dev/shm" if os.path.isdir("/dev/shm") else None


def read(path):
    """(title, wanted outcomes, lines) of a scenario file."""
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    title, wanted = re.fullmatch(r"# (.*); repaired: (.*)", first).groups()
    return title, wanted.split(), [json.loads(line) for line in rest if line.strip()]


def not_covered(lines):
    """What of a scenario this version does not have, or None."""
    for line in lines:
        if line.get("op") not in (None, "batch"):
            return f"operation {line['op']}"
        for change in line.get("changes", [line]):
            if change.get("source", {}).get("window"):
                return "windowed source"
    return None


def play(lines, semel, together):
    """Applies a scenario to one open ledger, change by change or in one batch. (A batch in the scenario is no unit of
    its meaning: each change is decided on its own.)"""
    changes = [change for line in lines for change in line.get("changes", [line])]
    return semel.apply(changes, batch=len(changes) if together else 1)


class Scenarios(unittest.TestCase):
    def check(self, together):
        played, left_out = 0, []
        for path in sorted(SCENARIOS.glob("*.jsonl")):
            title, wanted, lines = read(path)
            reason = not_covered(lines)
            if reason:
                left_out.append(f"{path.name} ({reason})")
                continue
            with self.subTest(scenario=path.name, title=title), tempfile.TemporaryDirectory(dir=SCRATCH) as directory:
                answers = play(lines, Semel(SEMEL, directory), together)
                self.assertEqual(wanted, [answer["outcome"] for answer in answers])
            played += 1
        print(f"{played} scenarios played; left out {len(left_out)}: {', '.join(left_out)}", flush=True)
        self.assertGreaterEqual(played, 20)

    def test_R41_change_by_change(self):
        self.check(together=False)

    def test_R41_in_one_batch(self):
        self.check(together=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--semel", type=pathlib.Path, required=True)
    options, rest = parser.parse_known_args()
    SEMEL = options.semel.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
