#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""The metrics of semel consume, at their port and in their file; promtool finds nothing to say about them, nor about the
alerts in docs/. Where there is no promtool, that part is passed over, and the output says so.

usage: metrics_test.py SEMEL [UNITTEST_ARGUMENT ...]
"""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import CliCase, change, lines, main, wait_until  # noqa: E402

PROMTOOL = shutil.which("promtool")


def values(text):
    """Names, with labels, and values."""
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


class Metrics(CliCase):
    def consume(self, text, *arguments):
        path = self.directory / "metrics.prom"
        self.run_semel("consume", self.ledger, "-", "--create", "--until-end", "--metrics-file", path, *arguments,
                       stdin=text)
        return path.read_text(encoding="utf-8")

    def test_the_file_has_what_happened(self):
        found = values(self.consume(lines([change("1", "a", 0, add="5"), change("1", "a", 0, add="5")]) + "{poison\n"))
        self.assertEqual(3, found["semel_messages_total"])
        self.assertEqual(1, found['semel_outcomes_total{outcome="APPLIED"}'])
        self.assertEqual(1, found['semel_outcomes_total{outcome="DUPLICATE"}'])
        self.assertEqual(1, found["semel_dead_letters"])
        self.assertEqual(1, found["semel_commit_seconds_count"])
        self.assertEqual(3, found["semel_batch_messages_sum"])
        self.assertGreater(found["semel_journal_bytes"], 0)

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_promtool_has_nothing_to_say(self):
        text = self.consume(lines([change("1", "a", 0, add="5")]))
        result = subprocess.run([PROMTOOL, "check", "metrics"], input=text, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, check=False)
        self.assertEqual((0, ""), (result.returncode, result.stdout))

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_the_alerts_can_be_loaded(self):
        result = subprocess.run([PROMTOOL, "check", "rules", DOCS / "alerts.yml"], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(0, result.returncode, result.stdout)

    def test_alerts_and_dashboard_name_metrics_that_are_there(self):
        text = self.consume(lines([change("1", "a", 0, add="5")]))
        there = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) | {"semel_lag_messages"}
        dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
        expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        used = set(re.findall(r"semel_\w+", " ".join(expressions)))
        used |= set(re.findall(r"semel_\w+", (DOCS / "alerts.yml").read_text(encoding="utf-8")))
        self.assertEqual(set(), {re.sub(r"_(bucket|sum|count)$", "", name) for name in used} - there)

    def test_the_port_shows_the_same(self):
        consumer = self.start("consume", self.ledger, "-", "--create", "--metrics-port", "0")
        port = int(re.search(r"127\.0\.0\.1:(\d+)", consumer.stderr.readline()).group(1))

        def shown():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                return answer.read().decode()
        consumer.stdin.write(lines([change("1", "a", 0, add="5")]))
        consumer.stdin.flush()
        wait_until(lambda: values(shown()).get("semel_messages_total") == 1)
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/else", timeout=10)
        self.finish(consumer, signal.SIGTERM)


if __name__ == "__main__":
    main(__doc__)
