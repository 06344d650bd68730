#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Shows the results of bench/run.sh as Markdown: the machine, the budgets, the race, and the medians of all programs.

With --into, they replace what stands in a document between <!-- generated: NAME --> and <!-- end -->; the rest is left
as it is. With --pictures, the charts of the race become files of their own.

usage: report.py RESULTS_DIRECTORY [--command TEXT] [--into DOCUMENT] [--pictures DIRECTORY]
"""
import argparse
import itertools
import pathlib
import re
import sys

from budgets import BUDGETS
from results import Results


def rate(value):
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def duration(value, unit):
    """In the unit that suits it."""
    nanoseconds = value * NANOSECONDS[unit]
    suited = max((name for name, size in NANOSECONDS.items() if nanoseconds >= size), key=NANOSECONDS.get, default="ns")
    return f"{nanoseconds / NANOSECONDS[suited]:.3g} {suited}"


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def table(header, rows):
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return ["| " + " | ".join(row) + " |" for row in [header, rule, *rows]]


def machine(results):
    if not results.race:
        return ["The machine is described by `semel bench`, which was not part of this run."]
    names = {"processor": "processor", "memory": "memory", "kernel": "kernel", "file_system": "file system of the data",
             "date": "date"}
    return [f"- {text}: {results.race['machine'][name]}" for name, text in names.items()]


def budgets(results):
    rows = []
    for budget in BUDGETS:
        figure = budget.figure(results)
        shown = "not measured" if figure is None else budget.show.format(figure)
        verdict = "" if figure is None else "met" if budget.met(figure) else "**missed**"
        rows.append([budget.what, f"{budget.bound} {budget.show.format(budget.goal)}", shown, verdict])
    return table(["what", "goal", "here", ""], rows)


def race(results):
    """Changes a second by batch size, each with how often Semel's rate holds it; then latencies and bytes."""
    if not results.race:
        return ["Not part of this run."]
    ran = [contender for contender in results.race["contenders"] if not contender["not_run"]]
    sizes = [str(m["batch"]) for m in ran[0]["measurements"]]
    semel = [m["changes_per_second"] for m in ran[0]["measurements"]]

    def columns(show):
        rows = [[contender["title"], *[show(m, at) for at, m in enumerate(contender["measurements"])]]
                for contender in ran]
        return table(["", *[f"batches of {size}" for size in sizes]], rows)

    def with_ratio(m, at):
        return f"{rate(m['changes_per_second'])} ({semel[at] / m['changes_per_second']:.2f}x)"

    lines = ["Changes a second, and how many times that Semel is:", "", *columns(with_ratio), "",
             "Latency of a call, which answers a batch: median / 99th percentile:", "",
             *columns(lambda m, at: f"{duration(m['p50_us'], 'us')} / {duration(m['p99_us'], 'us')}"), "",
             "Bytes written to disk for each change:", "",
             *columns(lambda m, at: f"{m['disk_bytes_per_change']:.0f}")]
    lines += [f"\nNot run: {contender['title']}: {contender['not_run']}."
              for contender in results.race["contenders"] if contender["not_run"]]
    return [*lines, "", f"Command: `{results.race['command']}`"]


def cas(results):
    """One row for each number of accounts and batch size that all three ran."""
    runs = results.programs.get("cas", {})
    places = [name.removeprefix("semel/") for name in runs if name.startswith("semel/")]
    rows = []
    for place in sorted(places, key=natural):
        found = [runs.get(f"{name}/{place}") for name in ("semel", "bare_loop", "lmdb")]
        if None in found:
            continue
        semel, bare, lmdb = (counters["items_per_second"] for counters in found)
        accounts, batch = (f"{int(number):,}" for number in re.findall(r"\d+", place))
        rows.append([accounts, batch, rate(semel), rate(bare), rate(lmdb), f"{semel / lmdb:.1f}",
                     f"{semel / bare:.0%}", f"{found[0]['journal_bytes_per_change']:.0f}",
                     f"{found[0]['disk_bytes_per_change']:.0f}"])
    return table(["accounts", "batch", "semel, changes/s", "bare loop", "LMDB", "semel / LMDB", "semel / bare loop",
                  "journal bytes a change", "bytes to disk a change"], rows)


def natural(name):
    """Sorts batch:100 before batch:1000."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


# What every run has, and what has a column of its own.
PLAIN = {"real_time", "cpu_time", "time_unit", "iterations", "items_per_second", "bytes_per_second", "unit"}


def everything(runs):
    names = sorted(runs, key=natural)
    extra = sorted({counter for counters in runs.values() for counter in counters} - PLAIN)
    rows = []
    for name in names:
        counters = runs[name]
        per_second = counters.get("items_per_second")
        rows.append([f"`{name}`", duration(counters["real_time"], counters["unit"]),
                     rate(per_second) if per_second else "",
                     *[number(counters[counter]) if counter in counters else "" for counter in extra]])
    return table(["benchmark", "time", "items/s", *[counter.replace("_", " ") for counter in extra]], rows)


def question(name):
    """What a program asks: its first comment as far as the first question mark."""
    lines = (pathlib.Path(__file__).parent / f"{name}_bench.cc").read_text(encoding="utf-8").splitlines()[2:]
    text = " ".join(line.removeprefix("// ") for line in itertools.takewhile(lambda line: line.startswith("//"), lines))
    return text[:text.index("?") + 1]


def programs(results):
    lines = []
    for name, runs in results.programs.items():
        if name == "cas":
            continue  # has a table of its own
        lines += ["", f"### {name}_bench", "", question(name), "", *everything(runs)]
    return lines[1:]


BLOCKS = {"machine": machine, "budgets": budgets, "race": race, "cas": cas, "programs": programs}


def fill(document, blocks):
    """The document with each generated block replaced. Errors: ValueError, for a block that does not exist."""
    def replacement(match):
        name = match.group(1)
        if name not in blocks:
            raise ValueError(f"there is no generated block {name}")
        return "\n".join([f"<!-- generated: {name} -->", *blocks[name], "<!-- end -->"])
    return re.sub(r"<!-- generated: (\w+) -->\n.*?<!-- end -->", replacement, document, flags=re.DOTALL)


def charts(page):
    """{id: SVG} of the charts of a report."""
    return dict(re.findall(r'(?s)(?=<svg [^>]*id="(\w+)")(<svg .*?</svg>\n)', page))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results")
    parser.add_argument("--command", help="how they were made")
    parser.add_argument("--into", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path)
    arguments = parser.parse_args()
    results = Results(arguments.results)
    blocks = {name: make(results) for name, make in BLOCKS.items()}
    if arguments.command:
        blocks["machine"].append(f"- command: `{arguments.command}`")
    if arguments.into:
        document = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(fill(document, blocks), encoding="utf-8")
    else:
        print("\n".join(line for name, block in blocks.items() for line in [f"## {name}", "", *block, ""]))
    page = results.directory / "race.html"
    if arguments.pictures and page.exists():
        arguments.pictures.mkdir(exist_ok=True)
        for name, svg in charts(page.read_text(encoding="utf-8")).items():
            (arguments.pictures / f"benchmark-{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
