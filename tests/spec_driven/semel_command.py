# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""The `semel` command as the tests of this folder use it, and the specification's changes in its JSON form."""
import base64
import copy
import json
import pathlib
import subprocess


def to_wire(change):
    """The specification writes a value as text; the message carries bytes, base64 in JSON."""
    change = copy.deepcopy(change)
    for update in change.get("updates", []):
        if "put" in update:
            update["put"] = base64.b64encode(update["put"].encode()).decode()
    return change


class Semel:
    """A new ledger, driven through the command."""

    def __init__(self, program, directory):
        self.program, self.directory = str(program), pathlib.Path(directory)
        self.ledger = str(self.directory / "ledger")
        self.call("init", self.ledger)

    def call(self, *arguments):
        """Runs the command; returns what it printed. Anything but success is an error of the test."""
        result = subprocess.run([self.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=300, check=False)
        if result.returncode != 0:
            raise AssertionError(f"semel {' '.join(arguments)}: exit {result.returncode}: {result.stderr}")
        return result.stdout

    def apply(self, changes, batch):
        """Applies changes in one process and returns the outcomes, one dictionary a change."""
        messages, outcomes = self.directory / "changes.jsonl", self.directory / "outcomes.jsonl"
        messages.write_text("".join(json.dumps(to_wire(change)) + "\n" for change in changes), encoding="utf-8")
        self.call("apply", self.ledger, str(messages), "--batch", str(batch), "--outcomes", str(outcomes))
        lines = outcomes.read_text(encoding="utf-8").splitlines()
        outcomes.unlink()
        if len(lines) != len(changes):
            raise AssertionError(f"{len(lines)} outcomes for {len(changes)} changes")
        return [json.loads(line) for line in lines]

    def read(self, *arguments):
        """The JSON lines that a reading command prints."""
        return [json.loads(line) for line in self.call(*arguments).splitlines()]
