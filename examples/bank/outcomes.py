# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Calls the `semel` command, reads the outcomes that it writes, and prints them as a table."""
import json
import subprocess
import sys
from collections import Counter

ORDER = ("APPLIED", "DUPLICATE", "SUPERSEDED", "EARLY", "CONFLICT", "ID_REUSED", "REJECTED", "INDETERMINATE", "INVALID")


def read_lines(path):
    """The JSON lines of a file. A last line without its end, as a kill leaves it, does not count."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def write_lines(path, objects):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(item, separators=(",", ":")) + "\n" for item in objects)


def count(outcomes):
    return Counter(outcome["outcome"] for outcome in outcomes)


def print_table(rows):
    """rows: [(name, Counter)]. Shows the outcomes that occurred."""
    shown = [name for name in ORDER if any(counter[name] for _, counter in rows)]
    width = max([len(name) for name, _ in rows] + [8])
    print(f"  {'':{width}}  {'messages':>9}" + "".join(f"{name:>15}" for name in shown))
    for name, counter in rows:
        print(f"  {name:{width}}  {sum(counter.values()):>9,}" + "".join(f"{counter[key]:>15,}" for key in shown))


def call(*command):
    """Runs a command and returns what it printed; a failure ends this program."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {result.returncode}\n{result.stderr}")
    return result.stdout


def apply(semel, ledger, messages, outcomes):
    """semel apply: returns the outcomes of the messages of a file, in their order."""
    call(semel, "apply", ledger, messages, "--outcomes", outcomes)
    return read_lines(outcomes)


def balances(semel, ledger):
    """Key -> balance of everything in the ledger that is no transfer document."""
    lines = [json.loads(line) for line in call(semel, "list", ledger, "--json").splitlines()]
    return {line["key"]: int(line["balance"]) for line in lines if not line["key"].startswith("tx/")}
