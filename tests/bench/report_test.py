#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""The guard and the report of the benchmarks, on results that are made up.

usage: report_test.py [UNITTEST_ARGUMENT ...]
"""
import json
import pathlib
import sys
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import budgets  # noqa: E402
import guard  # noqa: E402
import report  # noqa: E402
from results import Results, medians  # noqa: E402


def runs(name, rates, unit="us", **counters):
    """What Google Benchmark writes for the repetitions of one benchmark."""
    return [{"run_name": f"{name}/manual_time", "run_type": "iteration", "repetition_index": i, "real_time": 1e6 / rate,
             "time_unit": unit, "items_per_second": rate, **counters} for i, rate in enumerate(rates)]


def contender(name, rate, not_run=""):
    measurement = {"batch": 1, "changes_per_second": rate, "p50_us": 10, "p99_us": 2000, "disk_bytes_per_change": 70}
    return {"name": name, "title": name.upper(), "not_run": not_run, "measurements": [] if not_run else [measurement]}


class ReportCase(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def results(self, semel=600.0, bare=1000.0, lmdb=50.0):
        place = "accounts:1000000/batch:8000"
        bytes_ = {"journal_bytes_per_change": 71.0, "disk_bytes_per_change": 90.0}
        self.write("cas", [*runs(f"semel/{place}", [semel], **bytes_), *runs(f"bare_loop/{place}", [bare], **bytes_),
                           *runs(f"lmdb/{place}", [lmdb], **bytes_)])
        return Results(self.directory)

    def write(self, name, benchmarks):
        (self.directory / f"{name}.json").write_text(json.dumps({"benchmarks": benchmarks}), encoding="utf-8")

    def write_race(self, *contenders):
        machine = {name: name.upper() for name in ("processor", "memory", "kernel", "file_system", "date")}
        (self.directory / "race.json").write_text(
            json.dumps({"machine": machine, "command": "semel bench", "contenders": contenders}), encoding="utf-8")


class Guard(ReportCase):
    def lost(self, **rates):
        return guard.judge(self.results(**rates))[1]

    def test_a_budget_that_is_met_or_missed_by_little_passes(self):
        self.assertFalse(self.lost(semel=600))  # 60 % of the bare loop, 12 times LMDB
        self.assertFalse(self.lost(semel=420))  # 42 %: missed, but by less than a fifth

    def test_a_budget_lost_by_more_than_a_fifth_fails(self):
        self.assertTrue(self.lost(semel=390))             # of the bare loop
        self.assertTrue(self.lost(semel=600, lmdb=80))    # over LMDB: 7.5 times
        self.assertTrue(self.lost(semel=600, bare=1600))  # the limit rose, and we did not

    def test_a_bound_from_above_is_lost_above(self):
        bound = budgets.Budget("stall", budgets.AT_MOST, 5, "{:.1f}x", None)
        self.assertEqual([False, False, True], [bound.lost(figure, 0.2) for figure in (4, 5.9, 6.1)])
        self.assertEqual([True, False], [bound.met(figure) for figure in (5, 5.9)])

    def test_what_was_not_measured_is_named_and_passes(self):
        lines, lost = guard.judge(Results(self.directory))
        self.assertFalse(lost)
        self.assertTrue(lines and all(line.startswith("not measured") for line in lines))

    def test_figures_of_one_machine_are_not_judged(self):
        absolute = budgets.Budget("slow", budgets.AT_LEAST, 1e9, "{}", lambda _: 1, is_ratio=False)
        self.assertEqual(([], False), guard.judge(None, [absolute]))


class Reading(ReportCase):
    def test_the_median_of_the_repetitions_counts(self):
        self.assertEqual({"b": 20}, {name: counters["items_per_second"] for name, counters in
                                     medians({"benchmarks": runs("b", [10, 90, 20])}).items()})

    def test_names_lose_what_says_how_they_were_measured(self):
        document = {"benchmarks": [{**runs("x", [1])[0], "run_name": name} for name in
                                   ("one/real_time/threads:4", "two/iterations:1", "three/min_time:1.000/manual_time")]}
        self.assertEqual({"one/threads:4", "two", "three"}, set(medians(document)))

    def test_the_fastest_of_the_others_is_the_measure(self):
        self.write_race(contender("semel", 300), contender("bare_loop", 900), contender("sqlite", 100),
                        contender("redis", 150), contender("postgres", 1, not_run="not installed"))
        self.assertEqual(2, budgets.ahead_of_the_best(1)(Results(self.directory)))
        self.assertIsNone(budgets.ahead_of_the_best(100)(Results(self.directory)))


class Report(ReportCase):
    def test_generated_blocks_are_replaced_and_prose_stays(self):
        document = "# Mine\n\n<!-- generated: a -->\nold\n<!-- end -->\n\nkept\n\n<!-- generated: b -->\n<!-- end -->\n"
        filled = report.fill(document, {"a": ["new", "lines"], "b": ["more"]})
        self.assertEqual("# Mine\n\n<!-- generated: a -->\nnew\nlines\n<!-- end -->\n\nkept\n\n<!-- generated: b -->\n"
                         "more\n<!-- end -->\n", filled)
        self.assertEqual(filled, report.fill(filled, {"a": ["new", "lines"], "b": ["more"]}))
        with self.assertRaises(ValueError):
            report.fill(document, {"a": []})

    def test_every_block_of_the_document_is_made(self):
        document = (BENCH.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")
        self.write_race(contender("semel", 300), contender("redis", 150), contender("rocksdb", 1, not_run="absent"))
        results = self.results()
        filled = report.fill(document, {name: make(results) for name, make in report.BLOCKS.items()})
        self.assertEqual(len(report.BLOCKS), filled.count("<!-- generated: "))
        for text in ("| 60% | met |", "| 12.0x | met |", "Not run: ROCKSDB: absent.", "| 150 (2.00x) |",
                     "- processor: PROCESSOR", "| 1,000,000 | 8,000 |"):
            self.assertIn(text, filled)

    def test_every_program_asks_a_question(self):
        for path in BENCH.glob("*_bench.cc"):
            asked = report.question(path.stem.removesuffix("_bench"))
            self.assertTrue(asked.endswith("?") and "//" not in asked, (path.name, asked))

    def test_figures_have_the_unit_that_suits_them(self):
        self.assertEqual(["0.5 ns", "12 us", "1.23 ms", "2 s"],
                         [report.duration(*time) for time in ((0.5, "ns"), (12, "us"), (1234, "us"), (2000, "ms"))])
        self.assertEqual(["7.25", "1,234,567"], [report.number(value) for value in (7.25, 1234567)])

    def test_charts_become_files_of_their_own(self):
        page = '<p><svg xmlns="x" id="one" class="chart">1</svg>\n<b><svg xmlns="x" id="two">2</svg>\n'
        self.assertEqual({"one": '<svg xmlns="x" id="one" class="chart">1</svg>\n',
                          "two": '<svg xmlns="x" id="two">2</svg>\n'}, report.charts(page))


if __name__ == "__main__":
    unittest.main(verbosity=2)
