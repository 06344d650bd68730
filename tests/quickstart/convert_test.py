#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""The bank's converter: exact amounts, complete streams, repeatable shuffling."""
import base64
import json
import pathlib
import sys
import unittest

BANK = pathlib.Path(__file__).resolve().parents[2] / "examples/bank"
sys.path.insert(0, str(BANK))
import convert  # noqa: E402  (the folder must be known first)

CREDIT = {"trans_id": "1", "account_id": "2", "date": "930101", "type": "PRIJEM", "operation": "VKLAD",
          "amount": "700.50", "balance": "1000.00", "k_symbol": "", "bank": "", "account": ""}
DEBIT = dict(CREDIT, trans_id="2", type="VYDAJ", operation="VYBER", amount="0.1")


def rows():
    return list(convert.read_rows(BANK / "data/pkdd99_transactions.csv"))


class Amounts(unittest.TestCase):
    def test_decimals_are_exact(self):
        for text, wanted in [("700.00", 70000), ("0.1", 10), ("0.01", 1), ("3", 300), ("-3724.70", -372470),
                             ("90071992547409.93", 9007199254740993)]:
            self.assertEqual(wanted, convert.hellers(text))

    def test_what_is_not_an_amount_is_refused(self):
        for text in ("", "1.234", "1e3", "1,5", " 1", "--1"):
            with self.assertRaises(convert.BadRow):
                convert.hellers(text)


class Producers(unittest.TestCase):
    def test_a_transfer_is_balanced_and_creates_its_document(self):
        document, account, counter = convert.as_transfer(CREDIT, {})
        self.assertEqual(("tx/1", 0), (document["key"], document["expect_version"]))
        self.assertEqual("700.50", json.loads(base64.b64decode(document["put"]))["amount"])
        self.assertEqual({"key": "account/2", "add": "70050"}, account)
        self.assertEqual({"key": "bank/cash", "add": "-70050"}, counter)

    def test_versions_count_each_account(self):
        other = dict(CREDIT, account_id="3")
        changes = list(convert.convert([CREDIT, other, DEBIT], "version"))
        self.assertEqual([0, 0, 1], [change["updates"][0]["expect_version"] for change in changes])

    def test_the_prior_balance_is_what_the_row_implies(self):
        self.assertEqual("29950", convert.as_balance(CREDIT, {})[0]["expect_balance"])
        self.assertEqual("100010", convert.as_balance(DEBIT, {})[0]["expect_balance"])

    def test_another_type_of_row_is_refused(self):
        with self.assertRaises(convert.BadRow):
            convert.signed_amount(dict(CREDIT, type="X"))


class Deliveries(unittest.TestCase):
    def test_every_row_of_the_bank_becomes_one_change(self):
        ids = [change["id"] for change in convert.convert(rows(), "transfer")]
        self.assertEqual(23932, len(ids))
        self.assertEqual(len(ids), len(set(ids)))

    def test_shuffling_loses_nothing_and_keeps_to_its_window(self):
        delivered = convert.deliver(range(1000), shuffle_window=50, redeliver_percent=0, seed=3)
        self.assertEqual(list(range(1000)), sorted(delivered))
        self.assertNotEqual(list(range(1000)), delivered)
        self.assertLess(max(abs(place - item) for place, item in enumerate(delivered)), 50)

    def test_a_redelivery_comes_after_the_first_delivery(self):
        delivered = convert.deliver(range(1000), shuffle_window=50, redeliver_percent=20, seed=3)
        self.assertEqual(set(range(1000)), set(delivered))
        self.assertTrue(150 < len(delivered) - 1000 < 250)

    def test_a_seed_repeats_the_order(self):
        order = [convert.deliver(range(100), 10, 20, seed) for seed in (1, 1, 2)]
        self.assertEqual(order[0], order[1])
        self.assertNotEqual(order[0], order[2])

    def test_sums_are_of_the_signed_amounts(self):
        total = convert.sums([CREDIT, DEBIT])
        self.assertEqual({"account/2": 70040}, total)

    def test_a_missing_file_ends_with_an_error(self):
        self.assertEqual(1, convert.main(["missing.csv", "--as", "version"]))


if __name__ == "__main__":
    unittest.main()
