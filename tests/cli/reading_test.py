#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""The commands that read: what they print for people and for programs, beside a writer, on damaged files.

usage: reading_test.py PATH_TO_SEMEL [UNITTEST_ARGUMENT ...]
"""
import base64
import json
import pathlib
import subprocess
import time

from cli_case import SECONDS_MAX, CliCase, change, lines, main, wait_until


class Reading(CliCase):
    def setUp(self):
        super().setUp()
        policy = {"asset": "EUR", "min_balance": "-10", "max_balance": "1000", "closed": False}
        self.changes = [change("P-1", "account/a", 0, set_policy=policy), change("P-2", "account/a", 1, add="7"),
                        change("P-3", "account/b", 0, add="-3"), change("P-4", "account/a", 2, add="5"),
                        change("P-5", "doc", 0, put=base64.b64encode(b"\x00\xff{}").decode()),
                        change("P-6", "gone", 0, put="eA=="), change("P-7", "gone", 1, delete=True)]
        self.assertEqual({"APPLIED"}, {o["outcome"] for o in self.apply(lines(self.changes))})

    def test_get_shows_the_entity(self):
        self.assertEqual([{"key": "account/a", "version": "3", "balance": "12", "asset": "EUR", "value": None,
                           "deleted": False, "min_balance": "-10", "max_balance": "1000", "closed": False}],
                         self.json_lines("get", self.ledger, "account/a"))
        text = self.run_semel("get", self.ledger, "account/a").stdout
        self.assertRegex(text, r"(?m)^version +3$")
        self.assertRegex(text, r"(?m)^balance +12$")
        self.assertRegex(text, r"(?m)^asset +EUR$")

    def test_get_of_what_never_existed(self):
        self.assertEqual("nobody never existed\n", self.run_semel("get", self.ledger, "nobody").stdout)
        self.assertEqual("0", self.json_lines("get", self.ledger, "nobody")[0]["version"])

    def test_get_shows_values_and_tombstones(self):
        document = self.json_lines("get", self.ledger, "doc")[0]
        self.assertEqual(b"\x00\xff{}", base64.b64decode(document["value"]))
        self.assertIn("\\u0000\ufffd{} (4 bytes)", self.run_semel("get", self.ledger, "doc").stdout)
        gone = self.json_lines("get", self.ledger, "gone")[0]
        self.assertEqual(("2", True, None), (gone["version"], gone["deleted"], gone["value"]))

    def test_R22_get_as_of_version_address_and_time(self):
        history = self.json_lines("history", self.ledger, "account/a", "--oldest-first")
        for line in history:
            for moment in (["--as-of-version", line["version"]], ["--as-of-lsn", line["lsn"]]):
                entity = self.json_lines("get", self.ledger, "account/a", *moment)[0]
                self.assertEqual((line["version"], line["balance"]), (entity["version"], entity["balance"]), moment)
        last = history[-1]["commit_time_us"]
        self.assertEqual("3", self.json_lines("get", self.ledger, "account/a", "--as-of-time", last)[0]["version"])
        earlier = int(last) - 10**9
        self.assertEqual("0", self.json_lines("get", self.ledger, "account/a", "--as-of-time", earlier)[0]["version"])
        seconds = int(last) // 10**6 + 1
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds + 7200)) + ".5+02:00"
        self.assertEqual("3", self.json_lines("get", self.ledger, "account/a", "--as-of-time", moment)[0]["version"])
        self.run_semel("get", self.ledger, "account/a", "--as-of-version", 4, exit_status=2)

    def test_list_pages_by_prefix(self):
        self.assertEqual(["account/a", "account/b", "doc"], [e["key"] for e in self.json_lines("list", self.ledger)])
        self.assertEqual(["account/a", "account/b"],
                         [e["key"] for e in self.json_lines("list", self.ledger, "--prefix", "account/")])
        self.assertEqual(["account/b"], [e["key"] for e in self.json_lines("list", self.ledger, "--prefix", "account/",
                                                                          "--start-after", "account/a")])
        self.assertEqual(["account/a"], [e["key"] for e in self.json_lines("list", self.ledger, "--limit", 1)])
        self.assertEqual("gone", self.json_lines("list", self.ledger, "--deleted")[-1]["key"])

    def test_list_is_an_aligned_table(self):
        rows = self.run_semel("list", self.ledger).stdout.splitlines()
        self.assertEqual("KEY        VERSION  BALANCE  ASSET  VALUE", rows[0])
        self.assertEqual("account/a        3       12  EUR    -", rows[1])

    def test_history_newest_first(self):
        history = self.json_lines("history", self.ledger, "account/a")
        self.assertEqual(["3", "2", "1"], [line["version"] for line in history])
        self.assertEqual(["add", "add", "set_policy"], [line["action"] for line in history])
        self.assertEqual("5", history[0]["amount"])
        self.assertEqual("P-4", history[0]["id"])
        self.assertEqual(["1"], [line["version"] for line in self.json_lines("history", self.ledger, "account/a",
                                                                            "--oldest-first", "--limit", 1)])
        self.assertEqual(4, len(self.run_semel("history", self.ledger, "account/a").stdout.splitlines()))
        self.assertEqual("x never existed\n", self.run_semel("history", self.ledger, "x").stdout)

    def test_journal_in_commit_order(self):
        entries = self.json_lines("journal", self.ledger)
        self.assertEqual([c["id"] for c in self.changes], [e["id"] for e in entries])
        self.assertEqual([str(i + 1) for i in range(len(entries))], [e["sequence"] for e in entries])
        rest = self.json_lines("journal", self.ledger, "--from", entries[1]["next_lsn"], "--limit", 2)
        self.assertEqual(["P-3", "P-4"], [e["id"] for e in rest])
        self.assertEqual("EUR", entries[0]["effects"][0]["policy"]["asset"])
        self.assertIn("account/b v1 -3", self.run_semel("journal", self.ledger).stdout)
        self.run_semel("journal", self.ledger, "--from", int(entries[-1]["next_lsn"]) + 1000, exit_status=2)

    def test_journal_follow_shows_what_comes(self):
        process = self.start("journal", self.ledger, "--follow", "--json", "--limit", len(self.changes) + 1)
        for expected in self.changes:
            self.assertEqual(expected["id"], json.loads(process.stdout.readline())["id"])
        self.assertIsNone(process.poll())
        self.apply(lines([change("F-1", "new", 0, add=1)]))
        self.assertEqual("F-1", json.loads(process.stdout.readline())["id"])
        self.assertEqual(0, process.wait(SECONDS_MAX))

    def test_stats_and_sources(self):
        stats = self.json_lines("stats", self.ledger)[0]
        self.assertEqual(("7", "4", "1"), (stats["sequence"], stats["entities"], stats["epoch"]))
        self.assertRegex(self.run_semel("stats", self.ledger).stdout, r"(?m)^sequence +7$")
        self.apply(lines([{"source": {"name": "s", "position": 4}, "updates": [{"key": "k", "add": 1}]}]))
        self.assertEqual([{"name": "s", "position": "4", "incarnation": "", "chained": False, "consumed": "1"}],
                         self.json_lines("sources", self.ledger))
        row = self.run_semel("sources", self.ledger).stdout.splitlines()[1]
        self.assertEqual(["s", "4", "-", "no", "-", "1"], row.split())

    def test_verify_finds_no_fault_in_a_sound_ledger(self):
        report = self.json_lines("verify", self.ledger)[0]
        self.assertEqual(("7", "4", ""), (report["entries"], report["entities"], report["fault"]))
        self.assertRegex(self.run_semel("verify", self.ledger).stdout, r"(?m)^fault +none$")

    def test_verify_names_the_fault_of_a_damaged_ledger(self):
        self.apply(lines([change("Q-1", "q", 0, add=1)]))
        segment = next(pathlib.Path(self.ledger, "journal").iterdir())
        content = bytearray(segment.read_bytes())
        content[content.index(b"P-2")] ^= 1
        segment.write_bytes(content)
        self.assertIn("damaged", self.json_lines("verify", self.ledger, exit_status=1)[0]["fault"])
        self.assertRegex(self.run_semel("verify", self.ledger, exit_status=1).stdout, r"(?m)^fault +.*damaged")

    def test_reading_works_beside_a_running_writer(self):
        process = self.start("apply", self.ledger, "-", "--outcomes", self.outcomes)
        process.stdin.write(lines([change("W-1", "live", 0, add=42)]))
        process.stdin.flush()
        wait_until(lambda: b"W-1" in self.outcomes.read_bytes())
        self.assertEqual("42", self.json_lines("get", self.ledger, "live")[0]["balance"])
        self.assertIn("live", [e["key"] for e in self.json_lines("list", self.ledger)])
        self.assertEqual("W-1", self.json_lines("journal", self.ledger)[-1]["id"])
        self.assertIn("One process writes", self.run_semel("apply", self.ledger, "-", exit_status=1).stderr)
        process.stdin.close()
        self.assertEqual(0, process.wait(SECONDS_MAX))

    def test_control_characters_are_escaped_for_people(self):
        key = "k\x1b[31m\x07\x7f\u009b\u202e\"é"
        self.apply(lines([change("C\n1", key, 0, add=1), change("C-2", key, 9, add=1)]))
        shown = 'k\\u001b[31m\\u0007\\u007f\\u009b\\u202e"é'
        for arguments in (["list", self.ledger], ["get", self.ledger, key], ["journal", self.ledger],
                          ["get", self.ledger, key + "x"]):
            text = self.run_semel(*arguments).stdout
            self.assertIn(shown, text)
            self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
        self.assertIn("C\\n1", self.run_semel("history", self.ledger, key).stdout)

    def test_a_closed_pipe_ends_quietly(self):
        self.apply(lines(change(f"B-{i}", f"many/{i}", 0, put="eHh4eHh4eHh4eHh4eHh4eHh4") for i in range(5000)))
        for arguments in (["list", self.ledger], ["list", self.ledger, "--json"], ["journal", self.ledger]):
            process = self.start(*arguments)
            process.stdout.readline()
            process.stdout.close()
            self.assertEqual("", process.stderr.read())
            self.assertEqual(0, process.wait(SECONDS_MAX))

    def test_a_table_of_many_rows_keeps_its_columns(self):
        self.apply(lines(change(f"M-{i}", f"m/{i:05}", 0, add=i) for i in range(1200)))
        rows = self.run_semel("list", self.ledger, "--prefix", "m/").stdout.splitlines()
        self.assertEqual(1201, len(rows))
        self.assertEqual(1, len({len(row.rstrip()) for row in rows[-600:]}))

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([self.semel, "list", self.ledger], stdout=full, stderr=subprocess.PIPE, text=True,
                                    timeout=SECONDS_MAX, check=False)
        self.assertEqual(1, result.returncode)
        self.assertIn("No space left", result.stderr)

    def test_outcomes_that_cannot_be_written_fail_and_lose_nothing(self):
        result = self.run_semel("apply", self.ledger, "-", "--outcomes", "/dev/full",
                                stdin=lines([change("O-1", "o", 0, add=1)]), exit_status=1)
        self.assertIn("--outcomes", result.stderr)
        self.assertEqual("DUPLICATE", self.apply(lines([change("O-1", "o", 0, add=1)]))[0]["outcome"])


if __name__ == "__main__":
    main(__doc__)
