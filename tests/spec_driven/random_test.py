#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""R42: on random streams the engine, through the command, and the executable specification give the same outcomes,
change by change, and the same final state. At least 100,000 changes.

usage: random_test.py --semel PATH          SEMEL_TEST_SEED=N repeats a run
"""
import argparse
import base64
import itertools
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
from semel_command import Semel  # noqa: E402

SEMEL = None
CHANGES_MIN = 100_000
RUN_LENGTHS = (200, 1000, 2000, 5000)
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
        changes = [line for line in stream.lines if "op" not in line]
        self.assertEqual(len(changes), len(answers))
        for number, (change, wanted, answer) in enumerate(zip(changes, stream.outcomes, answers)):
            where = f"change {number}: {change}\nmodel: {wanted}\nengine: {answer}"
            self.assertEqual(wanted.outcome, answer["outcome"], where)
            if wanted.outcome in ("APPLIED", "DUPLICATE") and wanted.sequence:
                self.assertEqual(wanted.sequence, int(answer["sequence"]), where)
            if wanted.outcome == "APPLIED":
                shown = [(u["key"], int(u["version"]), int(u["balance"])) for u in answer["updates"]]
                self.assertEqual([(u["key"], u["version"], int(u["balance"])) for u in wanted.updates], shown, where)

    def compare_state(self, stream, semel):
        wanted = [entity_of_model(key, entity) for key, entity in sorted(stream.model.entities.items())]
        shown = semel.read("list", semel.ledger, "--json", "--deleted")
        self.assertEqual(wanted, [entity_of_command(line) for line in shown])
        cursors = {name: source.cursor for name, source in stream.model.sources.items() if source.cursor is not None}
        shown = semel.read("sources", semel.ledger, "--json")
        self.assertEqual(cursors, {line["name"]: int(line["position"]) for line in shown})

    def one_run(self, seed, rng):
        stream = Stream(seed, rng.choice(RUN_LENGTHS))
        with tempfile.TemporaryDirectory(dir=SCRATCH) as directory:
            semel = Semel(SEMEL, directory)
            answers = []
            for reopening, lines in itertools.groupby(stream.lines, lambda line: line.get("op") == "reopen"):
                if not reopening:
                    answers += semel.apply(list(lines), batch=rng.choice((1, 2, 7, 100, 8000)))
            self.compare_outcomes(stream, answers)
            self.compare_state(stream, semel)
        return Counter(outcome.outcome for outcome in stream.outcomes)

    def test_R42_random_streams_agree_with_the_specification(self):
        first_seed = int(os.environ.get("SEMEL_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"SEMEL_TEST_SEED={first_seed}", flush=True)
        counts, seed, passed = Counter(), first_seed, 0
        while sum(counts.values()) < CHANGES_MIN and seed - first_seed - passed < FAILURES_MAX:
            with self.subTest(seed=seed):
                counts.update(self.one_run(seed, random.Random(seed)))
                passed += 1
            seed += 1
        print(f"{sum(counts.values())} changes in {seed - first_seed} ledgers: {dict(counts)}", flush=True)
        self.assertGreaterEqual(sum(counts.values()), CHANGES_MIN)
        for outcome in ("APPLIED", "DUPLICATE", "SUPERSEDED", "EARLY", "CONFLICT", "ID_REUSED", "REJECTED", "INVALID"):
            self.assertGreater(counts[outcome], 100, outcome)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--semel", type=pathlib.Path, required=True)
    options, rest = parser.parse_known_args()
    SEMEL = options.semel.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
