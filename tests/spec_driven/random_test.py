#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""R42: on random streams the engine, through the command, and the executable specification give the same outcomes,
change by change, and the same final state. At least 100,000 changes; some of the streams park, retry, discard and trim,
each in a process of its own.

usage: random_test.py --semel PATH          SEMEL_TEST_SEED=N repeats a run
"""
import argparse
import base64
import os
import pathlib
import random
import sys
import tempfile
import unittest
from collections import Counter

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "spec"))
from random_streams import Stream  # noqa: E402  (the folders must be known first)
from semel_command import Semel, identity  # noqa: E402

SEMEL = None
CHANGES_MIN = 100_000
RUN_LENGTHS = (200, 1000, 2000, 5000)
WIDE_RUNS = 3           # the first ones; each operation in them is a process or two
WIDE_LENGTH = 1500
OUTCOMES = ("APPLIED", "DUPLICATE", "SUPERSEDED", "PARKED", "EARLY", "CONFLICT", "ID_REUSED", "REJECTED",
            "INDETERMINATE", "INVALID")
OPERATIONS = ("trim", "retry", "discard", "park", "lookback")
FAILURES_MAX = 3        # then enough is known
POLICY_FIELDS = ("asset", "min_balance", "max_balance", "closed")
SCRATCH = "/dev/shm" if os.path.isdir("/dev/shm") else None


def entity_of_model(key, entity):
    """What the command shows of an entity, from the model's."""
    shown = {"key": key, "version": entity.version, "balance": entity.balance, "deleted": entity.deleted,
             "stamp": entity.stamp, "value": entity.value}
    shown["policy"] = {name: str(value) for name, value in entity.policy.items()}
    return shown


def entity_of_command(line):
    value, stamp = line.get("value"), line.get("stamp")
    return {"key": line["key"], "version": int(line["version"]), "balance": int(line["balance"]),
            "deleted": bool(line.get("deleted", False)), "stamp": None if stamp is None else int(stamp),
            "value": None if value is None else base64.b64decode(value).decode(),
            "policy": {name: str(line[name]) for name in POLICY_FIELDS if line.get(name) not in (None, "")}}


class Random(unittest.TestCase):
    def compare_outcomes(self, stream, answers):
        asked = [line for line in stream.lines if line.get("op") in (None, "retry", "discard")]
        self.assertEqual(len(asked), len(answers))
        numbers = {}        # of entries: the specification's -> the engine's, which also counts what operators do
        for line, wanted, answer in zip(asked, stream.outcomes, answers):
            where = f"{line}\nmodel: {wanted}\nengine: {answer}"
            self.assertEqual(wanted.outcome, answer["outcome"], where)
            if wanted.outcome in ("APPLIED", "DUPLICATE") and wanted.sequence:
                number = numbers.setdefault(wanted.sequence, int(answer["sequence"]))
                self.assertEqual(number, int(answer["sequence"]), where)
            if wanted.outcome == "APPLIED":
                shown = [(u["key"], int(u["version"]), int(u["balance"])) for u in answer["updates"]]
                self.assertEqual([(u["key"], u["version"], int(u["balance"])) for u in wanted.updates], shown, where)
        self.assertEqual(sorted(numbers.values()), [number for _, number in sorted(numbers.items())])

    def compare_state(self, stream, semel):
        wanted = [entity_of_model(key, entity) for key, entity in sorted(stream.model.entities.items())]
        shown = semel.read("list", semel.ledger, "--json", "--deleted")
        self.assertEqual(wanted, [entity_of_command(line) for line in shown])
        cursors = {name: source.cursor for name, source in stream.model.sources.items() if source.cursor is not None}
        shown = semel.read("sources", semel.ledger, "--json")
        self.assertEqual(cursors, {line["name"]: int(line["position"]) for line in shown})
        shown = semel.read("parked", semel.ledger, "list", "--json")
        self.assertEqual([parked.id for parked in stream.model.parked], [identity(line["change"]) for line in shown])
        self.assertEqual({address: outcome for address, (_, outcome) in stream.model.dead.items()},
                         {address: letter["outcome"] for address, letter in semel.letters().items()})

    def one_run(self, seed, rng, wide):
        length = WIDE_LENGTH if wide else rng.choice(RUN_LENGTHS)
        stream = Stream(seed, length, wide, operators_apart=True)
        with tempfile.TemporaryDirectory(dir=SCRATCH) as directory:
            semel = Semel(SEMEL, directory)
            answers = semel.play(stream.lines, lambda changes: rng.choice((1, 2, 7, 100, 8000)))
            self.compare_outcomes(stream, answers)
            self.compare_state(stream, semel)
            self.assertEqual("", semel.read("verify", semel.ledger, "--json")[0]["fault"])
        return Counter(outcome.outcome for outcome in stream.outcomes), Counter(line.get("op") for line in stream.lines)

    def test_R42_random_streams_agree_with_the_specification(self):
        first_seed = int(os.environ.get("SEMEL_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"SEMEL_TEST_SEED={first_seed}", flush=True)
        counts, operations, seed, passed = Counter(), Counter(), first_seed, 0
        while sum(counts.values()) < CHANGES_MIN and seed - first_seed - passed < FAILURES_MAX:
            with self.subTest(seed=seed):
                outcomes, done = self.one_run(seed, random.Random(seed), wide=seed - first_seed < WIDE_RUNS)
                counts.update(outcomes)
                operations.update(done)
                passed += 1
            seed += 1
        print(f"{sum(counts.values())} changes in {seed - first_seed} ledgers: {dict(counts)}, {dict(operations)}",
              flush=True)
        self.assertGreaterEqual(sum(counts.values()), CHANGES_MIN)
        for outcome in OUTCOMES:
            self.assertGreater(counts[outcome], 30, outcome)
        for operation in OPERATIONS:
            self.assertGreater(operations[operation], 3, operation)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--semel", type=pathlib.Path, required=True)
    options, rest = parser.parse_known_args()
    SEMEL = options.semel.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
