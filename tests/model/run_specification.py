#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Runs the executable specification over a stream and prints, a line of JSON for each line of the stream, what it
answers and what it then holds.

usage: run_specification.py FILE.jsonl

Beside the lines that semel_model.py knows there are {"op":"reopen"}, which forgets what is kept in memory only, and
{"op":"state"}, which also prints the entities.
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "spec"))
from semel_model import Ledger, run_line  # noqa: E402  (the folder must be known first)


def reopen(ledger):
    ledger.sources = {name: source for name, source in ledger.sources.items() if source.cursor is not None}
    for source in ledger.sources.values():
        source.blocked = None


def outcome_json(outcome):
    return {"id": outcome.id, "outcome": outcome.outcome, "sequence": outcome.sequence, "updates": outcome.updates,
            "reason": outcome.reason}


def entity_json(entity):
    return {"version": entity.version, "balance": str(entity.balance), "value": entity.value,
            "deleted": entity.deleted, "stamp": entity.stamp, "policy": entity.policy}


def state_json(ledger):
    return {"parked": [parked.id for parked in ledger.parked],
            "dead": {address: outcome for address, (_, outcome) in ledger.dead.items()},
            "sources": {name: {"cursor": source.cursor, "ahead": sorted(source.bits)}
                        for name, source in ledger.sources.items() if source.cursor is not None}}


def main(path):
    ledger = Ledger()
    for text in open(path, encoding="utf-8"):
        line, applied, outcomes = json.loads(text), len(ledger.log), []
        if line.get("op") == "reopen":
            reopen(ledger)
        elif line.get("op") != "state":
            outcomes = run_line(ledger, line)
        shown = {"outcomes": [outcome_json(o) for o in outcomes],
                 "applied": [outcome_json(o) for o in ledger.log[applied:]], **state_json(ledger)}
        if line.get("op") == "state":
            shown["entities"] = {key: entity_json(entity) for key, entity in ledger.entities.items()}
        print(json.dumps(shown))


if __name__ == "__main__":
    main(sys.argv[1])
