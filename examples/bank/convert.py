#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Turns the rows of a bank's transaction file into Semel change messages, one JSON object a line, on stdout.

Three producers are imitated:

  --as transfer   a transfer document: creates tx/<trans_id> (expect_version 0: it has not happened yet) and adds to
                  the account and, with the opposite sign, to an account of the bank. No account is contended for.
  --as version    an upstream that numbers the states of each account: expect_version 0, 1, 2, ...
  --as balance    messages that carry the prior balance, as the row implies it: expect_balance.

Amounts are integers of hellers (hundredths of a crown); no floating point anywhere.
"""
import argparse
import base64
import csv
import json
import random
import re
import sys

EXAMPLE = """example:
  convert.py data/pkdd99_transactions.csv --as transfer --shuffle-window 500 --redeliver 20 --seed 7 \\
      --expected expected.csv > transfers.jsonl
"""

CREDIT = {"PRIJEM"}
DEBIT = {"VYDAJ", "VYBER"}
COLUMNS = ("trans_id", "account_id", "date", "type", "operation", "amount", "balance", "k_symbol", "bank", "account")


class BadRow(ValueError):
    """A row that is not a transaction; the message says where and why."""


def hellers(text):
    """Crowns as decimal text -> hellers, exactly."""
    match = re.fullmatch(r"(-?)(\d+)(?:\.(\d{1,2}))?", text)
    if not match:
        raise BadRow(f"not an amount with at most two decimals: {text!r}")
    sign, crowns, fraction = match.groups()
    value = int(crowns) * 100 + int((fraction or "").ljust(2, "0"))
    return -value if sign else value


def signed_amount(row):
    """What the row adds to its account."""
    if row["type"] in CREDIT:
        return hellers(row["amount"])
    if row["type"] in DEBIT:
        return -hellers(row["amount"])
    raise BadRow(f"neither credit nor debit: type {row['type']!r}")


def counter_account(row):
    """The bank's own account on the other side of the row."""
    purpose = row["k_symbol"].strip()
    if purpose in ("UROK", "SANKC. UROK"):
        return "bank/interest"
    if purpose == "SLUZBY":
        return "bank/fees"
    if purpose == "UVER":
        return "bank/loans"
    if row["operation"] in ("PREVOD Z UCTU", "PREVOD NA UCET"):
        return "bank/other-banks"
    if row["operation"] == "VYBER KARTOU":
        return "bank/cards"
    return "bank/cash"


def document(row):
    """The row itself, to be kept as the transfer's document."""
    kept = {name: row[name].strip() for name in COLUMNS if row[name].strip()}
    return base64.b64encode(json.dumps(kept, separators=(",", ":")).encode()).decode()


def account_key(row):
    return "account/" + row["account_id"]


def as_transfer(row, _versions):
    amount = signed_amount(row)
    return [{"key": "tx/" + row["trans_id"], "expect_version": 0, "put": document(row)},
            {"key": account_key(row), "add": str(amount)},
            {"key": counter_account(row), "add": str(-amount)}]


def as_version(row, versions):
    key = account_key(row)
    version = versions.get(key, 0)
    versions[key] = version + 1
    return [{"key": key, "expect_version": version, "add": str(signed_amount(row))}]


def as_balance(row, _versions):
    amount = signed_amount(row)
    return [{"key": account_key(row), "expect_balance": str(hellers(row["balance"]) - amount), "add": str(amount)}]


PRODUCERS = {"transfer": as_transfer, "version": as_version, "balance": as_balance}


def read_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, delimiter=";")
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise BadRow(f"{path}: the first line must name the columns {';'.join(COLUMNS)}")
        for row in reader:
            if None in row or None in row.values():
                raise BadRow(f"{path}:{reader.line_num}: not {len(COLUMNS)} columns")
            yield row


def convert(rows, producer):
    """Yields one change a row, in the order of the rows."""
    versions = {}
    for row in rows:
        change = {"id": "pkdd99-" + row["trans_id"], "updates": PRODUCERS[producer](row, versions)}
        if producer == "transfer":
            change["balanced"] = True
        yield change


def deliver(changes, shuffle_window, redeliver_percent, seed):
    """The order in which an at-least-once channel might hand the changes over: each is moved by less than
    `shuffle_window` places, and some come again somewhere later."""
    rng = random.Random(seed)
    changes = list(changes)
    deliveries = [(index + rng.uniform(0, shuffle_window), index) for index in range(len(changes))]
    again = [(rng.uniform(place, len(changes)), index) for place, index in deliveries
             if rng.uniform(0, 100) < redeliver_percent]
    return [changes[index] for _, index in sorted(deliveries + again)]


def sums(rows):
    """Account key -> sum of the bank's own amounts."""
    totals = {}
    for row in rows:
        totals[account_key(row)] = totals.get(account_key(row), 0) + signed_amount(row)
    return totals


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="the bank's rows, as data/README.md describes them")
    parser.add_argument("--as", dest="producer", choices=sorted(PRODUCERS), required=True)
    parser.add_argument("--shuffle-window", type=int, default=0, metavar="N",
                        help="move each message by less than N places")
    parser.add_argument("--redeliver", type=float, default=0, metavar="PERCENT",
                        help="send so many messages a second time")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of shuffling and redelivery (default 1)")
    parser.add_argument("--expected", metavar="FILE", help="write key;sum of the bank's own amounts, a line an account")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse_arguments(arguments)
    try:
        rows = list(read_rows(options.file))
        changes = deliver(convert(rows, options.producer), options.shuffle_window, options.redeliver, options.seed)
        if options.expected:
            with open(options.expected, "w", encoding="utf-8") as file:
                file.writelines(f"{key};{total}\n" for key, total in sorted(sums(rows).items()))
        sys.stdout.writelines(json.dumps(change, separators=(",", ":")) + "\n" for change in changes)
    except BrokenPipeError:
        return 1
    except (BadRow, OSError) as error:
        print(f"convert.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
