# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Reads what bench/run.sh left: the medians of each program, and the race of `semel bench`."""
import collections
import json
import pathlib
import re


def medians(document):
    """{run name: {counter: median}} of one program's results; a median of one repetition is that repetition."""
    samples = collections.defaultdict(lambda: collections.defaultdict(list))
    for run in document["benchmarks"]:
        if run["run_type"] != "iteration":
            continue
        name = re.sub(r"/(manual_time|real_time|iterations:\d+|min_time:[\d.]+)", "", run["run_name"])
        for counter, value in run.items():
            if isinstance(value, (int, float)) and not counter.endswith(("index", "repetitions", "threads")):
                samples[name][counter].append(value)
        samples[name]["unit"] = [run["time_unit"]]
    return {run: {counter: sorted(values)[len(values) // 2] for counter, values in counters.items()}
            for run, counters in samples.items()}


class Results:
    """What was measured. What was not is None."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        documents = {path.stem: json.loads(path.read_text(encoding="utf-8"))
                     for path in sorted(self.directory.glob("*.json"))}
        self.race = documents.pop("race", None)
        self.programs = {name: medians(document) for name, document in documents.items()}

    def counter(self, program, run, counter):
        return self.programs.get(program, {}).get(run, {}).get(counter)

    def rate(self, program, run):
        return self.counter(program, run, "items_per_second")

    def race_rates(self, batch):
        """{contender: changes a second} of those that ran with this batch size."""
        contenders = self.race["contenders"] if self.race else []
        return {contender["name"]: m["changes_per_second"] for contender in contenders
                for m in contender["measurements"] if m["batch"] == batch}
