#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""semel bench: every contender that is installed decides each kind of workload as it should (the command itself fails
if the accounts do not add up), the results come as table, JSON and page, and nothing stays behind.

usage: bench_test.py PATH_TO_SEMEL [UNITTEST_ARGUMENT ...]
"""
import json
import pathlib
import re
import signal
import xml.etree.ElementTree

from cli_case import CliCase, main, wait_until

BUILT_IN = ["semel", "bare_loop", "semel_dedup", "lmdb", "lmdb_history"]
PEERS = ["sqlite", "sqlite_inbox", "rocksdb", "postgres", "redis"]


class Bench(CliCase):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o711)  # the user of the PostgreSQL server passes through
        self.data = self.directory / "data"
        self.data.mkdir()

    def run_bench(self, *arguments, **options):
        return self.run_semel("bench", "--dir", self.data, "--entities", 300, "--batch", "1,50", "--changes", 500,
                              *arguments, **options)

    def results(self, *arguments):
        """{name: contender} of those that ran."""
        contenders = json.loads(self.run_bench("--json", *arguments).stdout)["contenders"]
        return {c["name"]: c for c in contenders if not c["not_run"]}

    def nothing_stays(self):
        self.assertEqual([], list(self.data.iterdir()))

    def test_every_contender_runs_or_says_why_not(self):
        result = json.loads(self.run_bench("--json").stdout)
        self.assertEqual(BUILT_IN + PEERS, [c["name"] for c in result["contenders"]])
        for contender in result["contenders"]:
            with self.subTest(contender["name"]):
                if contender["not_run"]:
                    self.assertIn(contender["name"], PEERS)
                    self.assertRegex(contender["not_run"], "built without|not installed|did not start|failed|no user")
                    continue
                self.assertEqual([1, 50], [m["batch"] for m in contender["measurements"]])
                for m in contender["measurements"]:
                    self.assertGreaterEqual(m["changes"], 500)
                    self.assertLessEqual(m["slowest_round"], m["changes_per_second"])
                    self.assertLessEqual(m["changes_per_second"], m["fastest_round"])
                    self.assertTrue(0 < m["p50_us"] <= m["p99_us"] <= m["p999_us"] <= m["max_us"], m)
        self.nothing_stays()

    def test_a_server_that_does_not_start_ends_nothing(self):
        self.directory.chmod(0o700)  # its user cannot pass through, where it is not ours
        ran = self.results("--peers", "postgres,lmdb")
        self.assertEqual({"semel", "lmdb"}, set(ran) - {"postgres"})

    def test_every_kind_of_workload_adds_up(self):
        for arguments in [("--duplicates", 30), ("--duplicates", 100), ("--duplicates", 50, "--redelivered", "old"),
                          ("--distribution", "zipf"), ("--updates", 3), ("--updates", 2, "--duplicates", 40),
                          ("--value-bytes", 100), ("--callers", 4), ("--durability", "none")]:
            with self.subTest(arguments):
                ran = self.results(*arguments)
                self.assertEqual(set(), set(BUILT_IN) - set(ran))
        self.nothing_stays()

    def test_journal_bytes_are_those_of_the_journal(self):
        for contender in self.results("--peers", "bare_loop").values():
            batches_of_1, batches_of_50 = [m["journal_bytes_per_change"] for m in contender["measurements"]]
            self.assertGreater(batches_of_1, batches_of_50)  # the frame's header is shared
            self.assertTrue(40 < batches_of_50 < 120, batches_of_50)

    def test_the_table_has_a_line_for_each(self):
        text = self.run_bench("--peers", "lmdb,bare_loop").stdout
        self.assertEqual(["semel", "bare_loop", "lmdb"] * 2, re.findall(r"(?m)^ +\d+  (\w+)", text))
        self.assertIn("1 of 300 accounts", text)
        self.assertEqual(["semel"], re.findall(r"(?m)^ +50  (\w+)", self.run_bench("--peers", "none").stdout))

    def test_the_page_stands_by_itself(self):
        page = self.directory / "page.html"
        self.run_bench("--peers", "bare_loop,lmdb", "--report", page)
        html = page.read_text(encoding="utf-8")
        charts = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
        self.assertGreaterEqual(len(charts), 2)
        for chart in charts:
            xml.etree.ElementTree.fromstring(chart)  # also good as a file of its own
        self.assertNotRegex(html, r"<script|<link|<img|@import|url\(|src=")
        self.assertIn("prefers-color-scheme: dark", html)
        self.assertIn("@media print", html)
        self.assertEqual(2, html.count("<caption>"))
        self.assertIn("semel bench --entities 300 --batch 1,50", html)

    def test_a_page_is_not_overwritten(self):
        page = self.directory / "page.html"
        page.write_text("mine", encoding="utf-8")
        self.run_bench("--peers", "none", "--report", page, exit_status=2)
        self.assertEqual("mine", page.read_text(encoding="utf-8"))

    def test_unusable_arguments(self):
        for arguments, hint in [(["--peers", "lmbd"], "did you mean lmdb"), (["--updates", "0"], "updates"),
                                (["--duplicates", "101"], "duplicates"), (["--distribution", "normal"], "uniform"),
                                (["--callers", "200", "--updates", "2"], "--entities"),
                                (["--dir", "/nowhere"], "/nowhere"), (["--seconds", "0"], "seconds")]:
            with self.subTest(arguments):
                self.assertIn(hint, self.run_bench(*arguments, exit_status=2).stderr)

    def test_a_signal_ends_it_and_nothing_stays(self):
        process = self.start("bench", "--dir", self.data, "--entities", 100, "--seconds", 600)
        wait_until(lambda: any(pathlib.Path(self.data).iterdir()))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(128 + signal.SIGTERM, process.wait(timeout=60))
        self.nothing_stays()


if __name__ == "__main__":
    main(__doc__)
