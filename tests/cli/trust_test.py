#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Tamper evidence and repair, through the command.

usage: trust_test.py PATH_TO_SEMEL [UNITTEST_ARGUMENT ...]
"""
import json
import pathlib
import shutil

from cli_case import CliCase, change, lines, main


class TamperEvidence(CliCase):
    def setUp(self):
        super().setUp()
        self.run_semel("init", self.ledger, "--tamper-evident")
        self.apply(lines([change(f"C-{i}", "acc", i, add="1") for i in range(5)]))

    def head(self):
        return self.run_semel("head", self.ledger).stdout.strip()

    def test_a_head_holds_after_more_was_applied(self):
        head = self.head()
        self.assertRegex(head, r"^semel-head:1:[0-9a-f]{32}:1:\d+:5:[0-9a-f]{64}$")
        self.assertEqual(head, self.json_lines("head", self.ledger)[0]["head"])
        self.apply(lines([change("C-5", "acc", 5, add="1")]))
        self.assertNotEqual(head, self.head())
        self.assertEqual("", self.json_lines("verify", self.ledger, "--against", head)[0]["fault"])

    def test_an_older_copy_is_a_fault(self):
        copy = self.directory / "copy"
        shutil.copytree(self.ledger, copy)
        self.apply(lines([change("C-5", "acc", 5, add="1")]))
        result = self.run_semel("verify", copy, "--against", self.head(), exit_status=1)
        self.assertIn("an older copy", result.stdout)
        self.run_semel("verify", copy)

    def test_what_is_no_head_or_of_another_ledger_is_refused(self):
        self.assertIn("semel head prints", self.run_semel("verify", self.ledger, "--against", "x", exit_status=2).stderr)
        other = str(self.directory / "other")
        self.run_semel("init", other, "--tamper-evident")
        foreign = self.run_semel("head", other).stdout.strip()
        self.assertIn("is of ledger", self.run_semel("verify", self.ledger, "--against", foreign, exit_status=2).stderr)

    def test_a_plain_ledger_has_no_head(self):
        plain = str(self.directory / "plain")
        self.run_semel("init", plain)
        result = self.run_semel("head", plain, exit_status=None)
        self.assertNotEqual(0, result.returncode)
        self.assertIn("without tamper evidence", result.stderr)
        self.assertFalse(self.json_lines("options", plain)[0]["tamper_evident"])
        self.assertTrue(self.json_lines("options", self.ledger)[0]["tamper_evident"])


class Secrets(CliCase):
    SECRET = "c2VjcmV0LXZhbHVl"  # "secret-value"

    def test_values_do_not_reach_messages(self):
        put = {"updates": [{"key": "doc", "expect_version": 0, "put": self.SECRET}]}
        streams = [lines([{"id": "P-1", **put}, {"id": "P-2", **put}]),  # the second: CONFLICT
                   lines([{"id": "P-1", "updates": [{"key": "doc", "expect_version": 0, "put": "eA=="}]}]),  # ID_REUSED
                   '{"id": "P-3", "updates": [{"key": "doc", "put": "' + self.SECRET + '" BROKEN\n',
                   '{"id": "P-4", "updates": [{"key": "doc", "putt": "' + self.SECRET + '"}]}\n']
        for stream in streams:
            result = self.run_semel("apply", self.ledger, "-", "--create", "--outcomes", "-", stdin=stream, exit_status=None)
            for text in (result.stdout, result.stderr):
                self.assertNotIn(self.SECRET, text)
                self.assertNotIn("secret-value", text)


class Repair(CliCase):
    def setUp(self):
        super().setUp()
        self.changes = [change(f"C-{i}", "acc", i, add="1") for i in range(40)]
        self.apply(lines(self.changes[:20]), "--batch", 1)
        self.apply(lines(self.changes[20:]), "--batch", 1)
        self.made = str(self.directory / "made")

    def hurt(self, sequence):
        entry = [e for e in self.json_lines("journal", self.ledger) if e["sequence"] == str(sequence)][0]
        with open(pathlib.Path(self.ledger) / "journal" / f"{0:020}.log", "r+b") as segment:
            segment.seek(64 + int(entry["lsn"]) + 8)
            segment.write(b"damage")

    def test_nothing_to_repair(self):
        result = self.run_semel("repair", self.ledger)
        self.assertIn("Nothing needs a repair", result.stdout)
        self.assertFalse(self.json_lines("repair", self.ledger)[0]["needed"])
        self.assertIn("no damage", self.run_semel("repair", self.ledger, "--to", self.made, exit_status=None).stderr)

    def test_damage_below_the_state_costs_history_only(self):
        self.hurt(10)
        report = self.run_semel("repair", self.ledger).stdout
        self.assertIn("damage: journal: LSN", report)
        self.assertIn("--to NEW", report)
        self.assertFalse(pathlib.Path(self.made).exists())
        made = self.json_lines("repair", self.ledger, "--to", self.made)[0]
        self.assertEqual(("40", "0", "2"), (made["sequence"], made["lost_entries"], made["epoch"]))
        self.run_semel("verify", self.made)
        self.assertEqual("40", self.json_lines("get", self.made, "acc")[0]["balance"])

    def test_what_is_lost_is_written_down_and_can_be_sent_again(self):
        self.hurt(30)
        shutil.rmtree(pathlib.Path(self.ledger) / "state")
        lost = self.directory / "lost.jsonl"
        made = self.json_lines("repair", self.ledger, "--to", self.made, "--lost", lost)[0]
        self.assertEqual(("29", "11", "10"), (made["sequence"], made["lost_entries"], made["readable_entries"]))
        entries = [json.loads(line) for line in lost.read_text(encoding="utf-8").splitlines()]
        self.assertEqual([str(i) for i in range(31, 41)], [entry["sequence"] for entry in entries])
        self.ledger = self.made
        outcomes = self.apply(lines(self.changes))
        self.assertEqual(["DUPLICATE"] * 29 + ["APPLIED"] * 11, [outcome["outcome"] for outcome in outcomes])
        self.assertEqual("40", self.json_lines("get", self.made, "acc")[0]["balance"])

    def test_nothing_is_overwritten(self):
        self.hurt(10)
        pathlib.Path(self.made).mkdir()
        (pathlib.Path(self.made) / "mine").write_text("x", encoding="utf-8")
        self.assertNotEqual(0, self.run_semel("repair", self.ledger, "--to", self.made, exit_status=None).returncode)
        lost = self.directory / "lost.jsonl"
        lost.write_text("mine", encoding="utf-8")
        self.run_semel("repair", self.ledger, "--lost", lost, exit_status=None)
        self.assertEqual("mine", lost.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(__doc__)
