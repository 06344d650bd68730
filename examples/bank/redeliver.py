#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Feeds messages to a ledger as a patient broker does: what was not yet to be decided is delivered again, until
nothing is left or nothing moves any more. Prints what became of each pass.

  --again EARLY      for messages that carry versions: a version ahead of the account's is early, and waits
  --again CONFLICT   for messages that carry the prior balance: another balance may come to be the expected one later

With --decide-again, what still conflicts in the end goes back to its owner, who sees the balance that the ledger
answered and sends the same intent again, under the same id, with that balance expected.
"""
import argparse
import os
import sys
from collections import Counter

from outcomes import apply, count, print_table, read_lines, write_lines

EXAMPLE = """example:
  convert.py data/pkdd99_transactions.csv --as version --shuffle-window 500 > versions.jsonl
  semel init ledger
  redeliver.py --again EARLY ledger versions.jsonl
"""


def without_repeats(changes):
    """One message an id, in order."""
    return list({change["id"]: change for change in changes}.values())


def passes(options, work_file, outcomes_file):
    """Delivers until nothing is left or nothing moves. Returns (table rows, messages left, their last outcomes)."""
    rows, messages = [], read_lines(options.messages)
    while messages:
        write_lines(work_file, messages)
        outcomes = apply(options.semel, options.ledger, work_file, outcomes_file)
        rows.append((f"pass {len(rows) + 1}", count(outcomes)))
        left = {outcome["id"]: outcome for outcome in outcomes if outcome["outcome"] == options.again}
        settled = {outcome["id"] for outcome in outcomes if outcome["outcome"] != options.again}
        messages = without_repeats(m for m in messages if m["id"] in left and m["id"] not in settled)
        if not rows[-1][1]["APPLIED"]:
            return rows, messages, left
    return rows, [], {}


def decide_again(messages, last_outcomes):
    """The owner's decisions: the same intents, in their order, on the balance that is there."""
    balance = {}
    for message in messages:
        (update,) = message["updates"]
        (seen,) = last_outcomes[message["id"]]["updates"]
        now = balance.get(update["key"], int(seen["balance"]))
        balance[update["key"]] = now + int(update["add"])
        yield dict(message, updates=[dict(update, expect_balance=str(now))])


def shortened(rows, shown=3):
    """The first passes and the last, and those between them as one row."""
    middle = rows[shown:-1]
    if len(middle) < 2:
        return rows
    summed = sum((counter for _, counter in middle), Counter())
    return [*rows[:shown], (f"passes {shown + 1} to {len(rows) - 1}", summed), rows[-1]]


def print_never(never, decided, again):
    """What stayed, and how far from the expected balance it was when its owner looked."""
    keys = {update["key"] for message in never for update in message["updates"]}
    print(f"  {len(never):,} messages of {len(keys):,} entities stayed {again}, however often they came")
    if decided:
        off = [abs(int(now["updates"][0]["expect_balance"]) - int(was["updates"][0]["expect_balance"]))
               for was, now in zip(never, decided)]
        near = sum(1 for difference in off if difference <= 100)
        print(f"  in its turn, the balance was off by up to 1.00 for {near:,} (rounding, carried along), by more for "
              f"{len(off) - near:,}")


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ledger", help="made by semel init")
    parser.add_argument("messages", help="a file of changes, one JSON object a line")
    parser.add_argument("--semel", default="semel", help="the command (default: the one in PATH)")
    parser.add_argument("--again", choices=("EARLY", "CONFLICT"), required=True, help="the outcome to deliver again")
    parser.add_argument("--decide-again", action="store_true", help="see above; for messages of one update")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse_arguments(arguments)
    work_file, outcomes_file = options.messages + ".again", options.messages + ".outcomes"
    try:
        rows, left, last_outcomes = passes(options, work_file, outcomes_file)
        rows, never, decided = shortened(rows), left, []
        if left and options.decide_again:
            decided = list(decide_again(left, last_outcomes))
            write_lines(work_file, decided)
            outcomes = apply(options.semel, options.ledger, work_file, outcomes_file)
            rows.append(("decided again", count(outcomes)))
            left = [outcome for outcome in outcomes if outcome["outcome"] not in ("APPLIED", "DUPLICATE")]
    finally:
        for path in (work_file, outcomes_file):
            if os.path.exists(path):
                os.remove(path)
    print_table(rows)
    if never:
        print_never(never, decided, options.again)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
