#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Statements of one entity and trial balances of all: they agree with the history and add up.

usage: statement_test.py PATH_TO_SEMEL [UNITTEST_ARGUMENT ...]
"""
import csv
import io
import json
import time

from cli_case import SECONDS_MAX, CliCase, change, lines, main, wait_until

AMOUNT_MAX = 2**127 - 1


def transfer(identity, source, target, amount):
    return {"id": identity, "balanced": True,
            "updates": [{"key": "transfer/" + identity, "expect_version": 0, "put": "e30="},
                        {"key": source, "add": str(-amount)}, {"key": target, "add": str(amount)}]}


class Reports(CliCase):
    def apply_all(self, *changes):
        self.assertEqual({"APPLIED"}, {o["outcome"] for o in self.apply(lines(changes))})

    def report(self, *arguments, **options):
        """The one JSON object that a report is."""
        return json.loads(self.run_semel(*arguments, "--json", **options).stdout)

    def records(self, *arguments):
        return list(csv.DictReader(io.StringIO(self.run_semel(*arguments, "--format", "csv").stdout)))


class Statement(Reports):
    def setUp(self):
        super().setUp()
        self.apply_all(change("A-1", "account/a", 0, set_policy={"asset": "EUR"}),
                       change("A-2", "account/a", 1, add="100"))
        self.apply_all(change("A-3", "account/a", 2, put="eA=="))
        self.apply_all(change("A-4", "account/a", 3, add="-130"), change("A-5", "account/a", 4, add="30"))
        self.apply_all(change("A-6", "account/a", 5, delete=True))
        self.apply_all(change("A-7", "account/a", 6, add="7"))
        self.history = self.json_lines("history", self.ledger, "account/a", "--oldest-first")

    def statement(self, *arguments):
        """The statement, which must add up."""
        statement = self.report("statement", self.ledger, "account/a", *arguments)
        amounts = sum(int(line.get("amount", 0)) for line in statement["lines"])
        self.assertEqual(int(statement["closing"]["balance"]), int(statement["opening"]["balance"]) + amounts)
        return statement

    def test_the_whole_history(self):
        statement = self.statement()
        self.assertEqual(("account/a", "EUR"), (statement["key"], statement["asset"]))
        self.assertEqual({"version": "0", "balance": "0"}, statement["opening"])
        self.assertEqual(self.history, statement["lines"])
        self.assertEqual({"version": "7", "balance": "7"}, statement["closing"])

    def test_from_is_inclusive_and_to_exclusive(self):
        times = sorted({int(line["commit_time_us"]) for line in self.history})
        self.assertEqual(5, len(times))
        moments = [t + d for t in times for d in (-1, 0, 1)]
        for begin in moments:
            for end in (e for e in moments if e >= begin):
                statement = self.statement("--from", begin, "--to", end)
                before = [line for line in self.history if int(line["commit_time_us"]) < begin]
                inside = [line for line in self.history if begin <= int(line["commit_time_us"]) < end]
                self.assertEqual(inside, statement["lines"], (begin, end))
                self.assertEqual(before[-1]["balance"] if before else "0", statement["opening"]["balance"])
                self.assertEqual((before + inside)[-1]["balance"] if before + inside else "0",
                                 statement["closing"]["balance"])
                self.assertEqual((str(begin), str(end)), (statement["from_us"], statement["to_us"]))

    def test_times_are_dates_or_times_of_a_zone(self):
        first, last = (int(self.history[i]["commit_time_us"]) // 10**6 for i in (0, -1))
        for seconds, inside in ((first - 86400, self.history), (first, self.history), (last + 86400, [])):
            date = time.strftime("%Y-%m-%d", time.gmtime(seconds))
            for begin in (date, date + "T00:00:00Z", date + "t00:00:00.0z", date + " 02:30:00+02:30"):
                self.assertEqual(inside, self.statement("--from", begin)["lines"], begin)
        noon = time.strftime("%Y-%m-%dT12:00:00", time.gmtime(first))
        self.assertEqual([str(int(self.report("statement", self.ledger, "x", "--to", noon + zone)["to_us"]) // 10**6)
                          for zone in ("Z", "+01:00", "-00:30")],
                         [str(first // 86400 * 86400 + 43200 + shift) for shift in (0, -3600, 1800)])

    def test_unusable_periods_are_refused(self):
        for wrong in ("yesterday", "2026-02-29", "2026-11-21T10:60:00Z", "2026-11-21T24:00:00Z", "2026-11-21T1:00:00Z",
                      "2026-11-21T10:00:00", "2026-11-21T10:00:00+24:00", "2026-11-21T10:00:00+01:60",
                      "2026-11-21T10:00:00.5", "2026-11-2", "2026-"):
            result = self.run_semel("statement", self.ledger, "account/a", "--from", wrong, exit_status=2)
            self.assertIn("--from takes RFC 3339", result.stderr)
            self.assertEqual("", result.stdout)
        result = self.run_semel("statement", self.ledger, "account/a", "--from", 5, "--to", 4, exit_status=2)
        self.assertIn("--from is later than --to", result.stderr)

    def test_the_ends_of_time(self):
        least, greatest = -2**63, 2**63 - 1
        self.assertEqual(self.history, self.statement(f"--from={least}", "--to", greatest)["lines"])
        self.assertEqual([], self.statement(f"--from={least}", f"--to={least}")["lines"])
        self.assertEqual("7", self.statement("--from", greatest, "--to", greatest)["opening"]["version"])
        self.run_semel("statement", self.ledger, "account/a", f"--to={least}")

    def test_a_table_for_people(self):
        begin = self.history[3]["commit_time_us"]
        rows = self.run_semel("statement", self.ledger, "account/a", "--from", begin).stdout.splitlines()
        self.assertEqual(["key    account/a", "asset  EUR"], rows[:2])
        self.assertEqual(["VERSION", "TIME", "ACTION", "AMOUNT", "BALANCE", "ID", "SEQUENCE"], rows[2].split())
        self.assertEqual(["3", "opening", "100"], [rows[3].split()[i] for i in (0, 2, 3)])
        self.assertEqual(["4", "add", "-130", "-30", "A-4", "4"], [rows[4].split()[i] for i in (0, 2, 3, 4, 5, 6)])
        self.assertEqual(["6", "delete", "0", "A-6", "6"], [rows[6].split()[i] for i in (0, 2, 3, 4, 5)])
        self.assertEqual(["7", "closing", "7"], rows[8].split())
        self.assertEqual(9, len(rows))

    def test_comma_separated_values(self):
        records = self.records("statement", self.ledger, "account/a")
        self.assertEqual(["0", *(line["version"] for line in self.history), "7"], [r["version"] for r in records])
        self.assertEqual(["opening", *(line["action"] for line in self.history), "closing"],
                         [r["action"] for r in records])
        self.assertEqual(["", *(line.get("amount", "") for line in self.history), ""], [r["amount"] for r in records])
        self.assertEqual(["0", *(line["balance"] for line in self.history), "7"], [r["balance"] for r in records])
        self.assertEqual({("account/a", "EUR")}, {(r["key"], r["asset"]) for r in records})

    def test_values_with_commas_quotes_and_control_characters_stay_in_their_cells(self):
        key = 'k,"1"\n\x1b[31m'
        self.apply_all(change('T"1",\n2', key, 0, add="5"))
        text = self.run_semel("statement", self.ledger, key, "--format", "csv").stdout
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f]")
        line = list(csv.DictReader(io.StringIO(text)))[1]
        self.assertEqual(('k,"1"\\n\\u001b[31m', "", 'T"1",\\n2', "5"),
                         (line["key"], line["asset"], line["id"], line["amount"]))
        self.assertEqual(key, self.report("statement", self.ledger, key)["key"])

    def test_what_never_existed_or_not_yet(self):
        self.assertEqual("x never existed\n", self.run_semel("statement", self.ledger, "x").stdout)
        shown = self.run_semel("statement", self.ledger, "account/a", "--to", "2001-02-03").stdout
        self.assertEqual("account/a did not exist before 2001-02-03T00:00:00.000000Z\n", shown)
        statement = self.statement("--to", "2001-02-03")
        self.assertEqual(("0", [], "0"),
                         (statement["opening"]["version"], statement["lines"], statement["closing"]["version"]))
        self.assertIn("a key has 1 to", self.run_semel("statement", self.ledger, "", exit_status=2).stderr)

    def test_of_more_lines_than_are_read_at_once(self):
        self.apply_all(*(change(f"L-{i}", "long", i, add=i) for i in range(600)))
        middle = None
        for i in range(600, 1200, 300):
            self.apply_all(*(change(f"L-{j}", "long", j, add=j) for j in range(i, i + 300)))
            middle = middle or self.json_lines("history", self.ledger, "long", "--limit", 1)[0]["commit_time_us"]
        versions = [int(line["version"]) for line in self.report("statement", self.ledger, "long")["lines"]]
        self.assertEqual(list(range(1, 1201)), versions)
        begun = self.report("statement", self.ledger, "long", "--from", middle)
        self.assertEqual(list(range(601, 1201)), [int(line["version"]) for line in begun["lines"]])
        self.assertEqual((str(sum(range(600))), str(sum(range(1200)))),
                         (begun["opening"]["balance"], begun["closing"]["balance"]))

    def test_beside_a_running_writer(self):
        process = self.start("apply", self.ledger, "-", "--outcomes", self.outcomes)
        process.stdin.write(lines([change("W-1", "live", 0, add=42)]))
        process.stdin.flush()
        wait_until(lambda: b"W-1" in self.outcomes.read_bytes())
        self.assertEqual("42", self.report("statement", self.ledger, "live")["closing"]["balance"])
        self.assertIn("42", self.run_semel("trial-balance", self.ledger, "--prefix", "live").stdout)
        process.stdin.close()
        self.assertEqual(0, process.wait(SECONDS_MAX))


class TrialBalance(Reports):
    def setUp(self):
        super().setUp()
        accounts = {"EUR": ("account/a", "account/b", "bank/eur"), "USD": ("account/c", "bank/usd")}
        self.apply_all(*(change("open-" + key, key, 0, set_policy={"asset": asset})
                         for asset, keys in accounts.items() for key in keys))
        self.apply_all(transfer("T-1", "bank/eur", "account/a", 100), transfer("T-2", "bank/usd", "account/c", 7))
        self.apply_all(transfer("T-3", "account/a", "account/b", 30), change("F-1", "free", 0, add="5"),
                       change("G-1", "gone", 0, put="eA=="))
        self.apply_all(change("G-2", "gone", 1, delete=True), change("F-2", "free", 1, add="-9"))

    def balance(self, *arguments, **options):
        """{asset: (entities, debits, credits, sum)}"""
        report = self.report("trial-balance", self.ledger, *arguments, **options)
        return {a["asset"]: tuple(int(a[c]) for c in ("entities", "debits", "credits", "sum"))
                for a in report["assets"]}

    def test_sums_up_each_asset(self):
        self.assertEqual({"": (4, 4, 0, -4), "EUR": (3, 100, 100, 0), "USD": (2, 7, 7, 0)}, self.balance())
        self.assertEqual({"EUR": (2, 0, 100, 100), "USD": (1, 0, 7, 7)}, self.balance("--prefix", "account/"))
        self.assertEqual({}, self.balance("--prefix", "nothing"))

    def test_a_table_for_people(self):
        rows = self.run_semel("trial-balance", self.ledger).stdout.splitlines()
        self.assertEqual(["ASSET  ENTITIES  DEBITS  CREDITS  SUM", "-             4       4        0   -4",
                          "EUR           3     100      100    0", "USD           2       7        7    0"], rows[:4])
        self.assertRegex(rows[4], r"^as of LSN [0-9]+$")

    def test_comma_separated_values(self):
        records = self.records("trial-balance", self.ledger)
        self.assertEqual(["", "EUR", "USD"], [r["asset"] for r in records])
        self.assertEqual({"asset": "", "entities": "4", "debits": "4", "credits": "0", "sum": "-4"}, records[0])

    def test_R22_as_of_a_moment_agrees_with_replaying_the_journal(self):
        entities, moments = {}, [(0, 0, {})]
        for entry in self.json_lines("journal", self.ledger):
            for effect in entry["effects"]:
                asset = effect.get("policy", {}).get("asset", entities.get(effect["key"], ("",))[0])
                entities[effect["key"]] = (asset, int(effect["balance"]), effect["deleted"])
            totals = {}
            for asset, balance, deleted in entities.values():
                if not deleted:
                    count, debits, credits, total = totals.get(asset, (0, 0, 0, 0))
                    totals[asset] = (count + 1, debits + max(-balance, 0), credits + max(balance, 0), total + balance)
            moments.append((int(entry["lsn"]), int(entry["commit_time_us"]), totals))
        for i, (lsn, time_us, totals) in enumerate(moments):
            self.assertEqual(totals, self.balance("--as-of-lsn", lsn), lsn)
            last_of_its_time = i + 1 == len(moments) or moments[i + 1][1] > time_us
            if last_of_its_time:
                self.assertEqual(totals, self.balance("--as-of-time", time_us), time_us)
        self.assertIn("gone", entities)

    def test_the_moment_that_it_names_gives_the_same_figures_later(self):
        report = self.report("trial-balance", self.ledger)
        self.apply_all(transfer("T-9", "account/a", "account/b", 1), change("N-1", "new", 0, add="1"))
        later = self.report("trial-balance", self.ledger, "--as-of-lsn", report["lsn"])
        self.assertEqual(report, later)
        self.assertNotEqual(report["assets"], self.report("trial-balance", self.ledger)["assets"])

    def test_more_entities_than_are_looked_up_at_once(self):
        self.apply_all(*(change(f"M-{i}", f"m/{i:05}", 0, add="2") for i in range(20001)))
        self.assertEqual({"": (20001, 0, 40002, 40002)}, self.balance("--prefix", "m/"))
        self.assertEqual({"": (20001, 0, 40002, 40002)}, self.balance("--prefix", "m/", "--as-of-time", "2200-01-01"))

    def test_sums_beyond_128_bits_are_an_error(self):
        self.apply_all(change("O-1", "over/1", 0, add=str(AMOUNT_MAX)), change("O-2", "over/2", 0, add="1"),
                       change("U-1", "under/1", 0, add=str(-AMOUNT_MAX)), change("U-2", "under/2", 0, add="-1"))
        for prefix in ("over/", "under/"):
            result = self.run_semel("trial-balance", self.ledger, "--prefix", prefix, exit_status=2)
            self.assertIn("does not fit in 128 bits", result.stderr)
            self.assertEqual("", result.stdout)
        self.assertEqual({"": (1, 0, AMOUNT_MAX, AMOUNT_MAX)}, self.balance("--prefix", "over/1"))
        self.assertEqual({"": (1, AMOUNT_MAX, 0, -AMOUNT_MAX)}, self.balance("--prefix", "under/1"))

    def test_unusable_moments_are_refused(self):
        for wrong in (["--as-of-lsn", 10**9], ["--as-of-time", "tomorrow"], ["--as-of-lsn", 1, "--as-of-time", 1],
                      ["--format", "xml"]):
            self.run_semel("trial-balance", self.ledger, *wrong, exit_status=2)


if __name__ == "__main__":
    main(__doc__)
