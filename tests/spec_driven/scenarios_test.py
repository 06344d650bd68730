#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""R41: every scenario of the specification gives, through the command, the outcomes that its first line names.

The specification can also trim the history of one key, which a journal cannot; no scenario does. A batch in a scenario
is no unit of its meaning: each change is decided on its own.

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


class Scenarios(unittest.TestCase):
    def check(self, batch_of):
        paths = sorted(SCENARIOS.glob("*.jsonl"))
        self.assertGreaterEqual(len(paths), 35)
        for path in paths:
            title, wanted, lines = read(path)
            with self.subTest(scenario=path.name, title=title), tempfile.TemporaryDirectory(dir=SCRATCH) as directory:
                answers = Semel(SEMEL, directory).play(lines, batch_of)
                self.assertEqual(wanted, [answer["outcome"] for answer in answers])

    def test_R41_change_by_change(self):
        self.check(lambda changes: 1)

    def test_R41_in_one_batch(self):
        self.check(lambda changes: changes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--semel", type=pathlib.Path, required=True)
    options, rest = parser.parse_known_args()
    SEMEL = options.semel.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
