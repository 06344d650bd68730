#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Prints the JSON results of the benchmarks as Markdown: the machine, the ratios of cas_bench, and all medians.

usage: report.py [--dir DIRECTORY] [--command TEXT] RESULT.json ...
"""
import argparse
import collections
import json
import os
import pathlib
import platform
import re
import subprocess


def medians(path):
    """{run name: {counter: median}} of one program's results; a median of one repetition is that repetition."""
    samples = collections.defaultdict(lambda: collections.defaultdict(list))
    for run in json.loads(path.read_text())["benchmarks"]:
        if run["run_type"] != "iteration":
            continue
        for name, value in run.items():
            if isinstance(value, (int, float)) and not name.endswith(("index", "repetitions", "threads")):
                samples[run["run_name"]][name].append(value)
        samples[run["run_name"]]["unit"] = [run["time_unit"]]
    return {run: {name: sorted(values)[len(values) // 2] for name, values in counters.items()}
            for run, counters in samples.items()}


def read_first(pattern, path):
    match = re.search(pattern, pathlib.Path(path).read_text())
    return match.group(1).strip() if match else "unknown"


def machine(directory):
    found = subprocess.run(["findmnt", "-n", "-o", "SOURCE,FSTYPE", "-T", directory], capture_output=True, text=True)
    return [
        f"- processor: {read_first(r'model name.*: (.*)', '/proc/cpuinfo')}, {os.cpu_count()} cores",
        f"- kernel: {platform.system()} {platform.release()}",
        f"- file system of the data: {' '.join(found.stdout.split()) or 'unknown'}",
    ]


def rate(value):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def table(header, rows):
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return ["| " + " | ".join(row) + " |" for row in [header, rule, *rows]]


def ratios(runs):
    """The table of cas_bench: one row for each number of accounts and batch size that all three engines ran."""
    by_place = collections.defaultdict(dict)
    for name, counters in runs.items():
        match = re.match(r"(\w+)/accounts:(\d+)/batch:(\d+)/", name)
        if match:
            by_place[int(match[2]), int(match[3])][match[1]] = counters
    rows = []
    for (accounts, batch), engines in sorted(by_place.items()):
        if len(engines) < 3:
            continue
        semel, bare, lmdb = (engines[name]["items_per_second"] for name in ("semel", "bare_loop", "lmdb"))
        rows.append([f"{accounts:,}", f"{batch:,}", rate(semel), rate(bare), rate(lmdb), f"{semel / lmdb:.1f}",
                     f"{100 * semel / bare:.0f} %", f"{engines['semel']['journal_bytes_per_change']:.0f}",
                     f"{engines['semel']['disk_bytes_per_change']:.0f}"])
    return table(["accounts", "batch", "semel, changes/s", "bare loop", "LMDB", "semel / LMDB", "semel / bare loop",
                  "journal bytes a change", "bytes to disk a change"], rows)


def natural(name):
    """Sorts batch:100 before batch:1000."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def everything(runs):
    rows = []
    for name, counters in sorted(runs.items(), key=lambda run: natural(run[0])):
        per_second = counters.get("items_per_second")
        rows.append([f"`{re.sub('/(manual|real)_time', '', name)}`", f"{counters['real_time']:.4g} {counters['unit']}",
                     rate(per_second) if per_second else ""])
    return table(["benchmark", "time", "items/s"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", default=".")
    parser.add_argument("--command", default="")
    parser.add_argument("results", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    lines = machine(arguments.dir)
    if arguments.command:
        lines += [f"- command: `{arguments.command}`"]
    for path in arguments.results:
        runs = medians(path)
        if path.stem == "cas_bench":
            lines += ["", "## Durable compare-and-sets", "", *ratios(runs)]
        lines += ["", f"## {path.stem}", "", *everything(runs)]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
