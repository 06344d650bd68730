#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""That the random streams are worth their time: wide ones meet every outcome and operation often, and redeliver.

usage: streams_test.py          SEMEL_TEST_SEED=N repeats a run
"""
import json
import os
import pathlib
import random
import sys
import unittest
from collections import Counter

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "spec"))
from random_streams import Stream  # noqa: E402  (the folders must be known first)

STREAMS = 8
LINES = 2500
OUTCOMES = ("APPLIED", "DUPLICATE", "SUPERSEDED", "PARKED", "EARLY", "CONFLICT", "ID_REUSED", "REJECTED",
            "INDETERMINATE", "INVALID")
OPERATIONS = {"reopen": 5, "trim": 50, "retry": 200, "discard": 100, "discard_parked": 5, "park": 20, "lookback": 20}


class Streams(unittest.TestCase):
    def test_wide_streams_meet_everything_and_redeliver(self):
        seed = int(os.environ.get("SEMEL_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"SEMEL_TEST_SEED={seed}", flush=True)
        outcomes, operations, redelivered = Counter(), Counter(), 0
        for number in range(STREAMS):
            stream = Stream(seed + number, LINES, wide=True)
            outcomes.update(outcome.outcome for outcome in stream.outcomes)
            operations.update(line["op"] for line in stream.lines if "op" in line)
            messages = Counter(json.dumps(line, sort_keys=True) for line in stream.lines if "op" not in line)
            redelivered += sum(messages.values()) - len(messages)
        print(f"{dict(outcomes)}, {dict(operations)}, {redelivered} redelivered", flush=True)
        for outcome in OUTCOMES:
            self.assertGreater(outcomes[outcome], 200, outcome)
        for operation, least in OPERATIONS.items():
            self.assertGreater(operations[operation], least, operation)
        self.assertGreater(redelivered, STREAMS * LINES // 5)

    def test_other_streams_have_nothing_but_changes_and_reopening(self):
        stream = Stream(1, LINES)
        self.assertEqual({"reopen"}, {line["op"] for line in stream.lines if "op" in line} | {"reopen"})
        self.assertFalse([line for line in stream.lines if line.get("source", {}).get("window")])


if __name__ == "__main__":
    unittest.main()
