#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Compares a ledger with the sums of the bank's own amounts, exactly, and says whether anything was applied twice.
Ends with exit status 1 if anything differs.

With --once, also: every id stands once in the journal, and the outcomes of all runs together tell the same.
"""
import argparse
import json
import sys

from outcomes import balances, call, count, print_table, read_lines


class Checks:
    """Prints what was checked; remembers whether all of it held."""

    def __init__(self):
        self.passed = True

    def that(self, holds, text):
        print(f"  {'ok  ' if holds else 'FAIL'}  {text}")
        self.passed = self.passed and holds


def read_expected(path):
    with open(path, encoding="utf-8") as file:
        return {key: int(total) for key, total in (line.rstrip("\n").split(";") for line in file)}


def check_balances(checks, semel, ledger, expected):
    found = balances(semel, ledger)
    accounts = {key: balance for key, balance in found.items() if key.startswith("account/")}
    wrong = sorted(key for key in expected.keys() | accounts.keys() if expected.get(key) != accounts.get(key))
    for key in wrong[:5]:
        print(f"        {key}: the ledger has {accounts.get(key)}, the bank's amounts give {expected.get(key)}")
    checks.that(not wrong, f"{len(expected) - len(wrong):,} of {len(expected):,} balances equal the sum of the bank's "
                           f"own amounts, to the heller")
    if len(found) > len(accounts):
        checks.that(sum(found.values()) == 0, "customers' and bank's accounts together make zero: "
                    f"{sum(accounts.values()):,} and {sum(found.values()) - sum(accounts.values()):,}")


def check_once(checks, semel, ledger, ids, runs):
    journal = count_ids(call(semel, "journal", ledger, "--json"))
    checks.that(set(journal) == ids and all(times == 1 for times in journal.values()),
                f"{len(ids):,} messages, {sum(journal.values()):,} entries in the journal, each id once")
    applied = [outcome["id"] for run in runs for outcome in run if outcome["outcome"] == "APPLIED"]
    checks.that(len(applied) == len(set(applied)), "no message was answered APPLIED twice, over all runs")
    answered = {outcome["id"] for run in runs for outcome in run if outcome["outcome"] == "DUPLICATE"}
    lost = ids - set(applied)
    checks.that(lost <= answered, f"{len(applied):,} APPLIED + {len(lost):,} whose answer the kill swallowed "
                                  f"(DUPLICATE later) = {len(applied) + len(lost):,}")


def count_ids(lines):
    found = {}
    for line in lines.splitlines():
        entry = json.loads(line)
        found[entry["id"]] = found.get(entry["id"], 0) + 1
    return found


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ledger")
    parser.add_argument("--semel", default="semel", help="the command (default: the one in PATH)")
    parser.add_argument("--expected", required=True, metavar="FILE", help="what convert.py --expected wrote")
    parser.add_argument("--once", metavar="MESSAGES", help="the file of the messages that were sent")
    parser.add_argument("--run", action="append", default=[], metavar="NAME=FILE",
                        help="the outcomes of a run; may stand several times")
    return parser.parse_args(arguments)


def main(arguments):
    options, checks = parse_arguments(arguments), Checks()
    runs = [(name, read_lines(file)) for name, file in (item.split("=", 1) for item in options.run)]
    if runs:
        print_table([(name, count(outcomes)) for name, outcomes in runs])
        print()
    check_balances(checks, options.semel, options.ledger, read_expected(options.expected))
    if options.once:
        ids = {message["id"] for message in read_lines(options.once)}
        check_once(checks, options.semel, options.ledger, ids, [outcomes for _, outcomes in runs])
    return 0 if checks.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
