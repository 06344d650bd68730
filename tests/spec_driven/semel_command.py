# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""The `semel` command as the tests of this folder use it, and the specification's lines in its terms."""
import base64
import copy
import itertools
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


def identity(change):
    """As the specification has it: the id, or else the position."""
    if change["id"]:
        return change["id"]
    source = change["source"]
    return f"\0{source['name']}\0{source.get('incarnation')}\0{source['position']}"


def address_of(letter):
    """The specification's name of a dead letter: "source:position", or "parked:id" if it had no source."""
    source = letter.get("source")
    return f"{source['name']}:{source['position']}" if source else f"parked:{letter['id']}"


class Semel:
    """A new ledger, driven through the command. Each call is a process of its own, so it opens the ledger anew."""

    def __init__(self, program, directory):
        self.program, self.directory = str(program), pathlib.Path(directory)
        self.ledger = str(self.directory / "ledger")
        self.call("init", self.ledger)

    def call(self, *arguments, may_exit=(0,)):
        """Runs the command; returns what it printed. Another exit status is an error of the test."""
        result = subprocess.run([self.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=300, check=False)
        if result.returncode not in may_exit:
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

    # ---- The specification's lines

    def play(self, lines, batch_of):
        """Plays changes and operations; returns the outcomes of the lines that have one. Changes between two
        operations go into one process, in batches of batch_of(so many)."""
        answers = []
        for operating, group in itertools.groupby(lines, lambda line: line.get("op", "batch") != "batch"):
            if operating:
                for line in group:
                    answers += self.operate(line)
            else:
                changes = [change for line in group for change in line.get("changes", [line])]
                answers += self.apply(changes, batch_of(len(changes)))
        return answers

    def operate(self, line):
        """What an operator does. Returns the outcomes, of which most operations have none."""
        kind = line["op"]
        if kind == "park":
            parking = ["on", "--parking-changes", str(line["max"])] if line["max"] else ["off"]
            self.call("options", self.ledger, "--parking", *parking)
        elif kind == "lookback":
            self.call("options", self.ledger, "--balance-lookback", str(line["n"]))
        elif kind == "trim":
            if "key" in line:
                raise AssertionError("a journal is trimmed as a whole, not for one key")
            self.call("trim", self.ledger, "--keep-bytes", "0", "--seal")
        elif kind == "discard_parked":
            parked = [p["sequence"] for p in self.read("parked", self.ledger, "list", "--json")
                      if identity(p["change"]) == line["id"]]
            if parked:
                self.call("parked", self.ledger, "discard", *parked, "--yes")
        elif kind in ("retry", "discard"):
            return [getattr(self, kind)(line["dead"])]
        elif kind != "reopen":
            raise AssertionError(f"unknown operation {kind}")
        return []

    def letters(self):
        """The dead letters by the specification's names. It keeps one of a name, the newest; so do we."""
        newest, older = {}, []
        for letter in self.read("dead-letters", self.ledger, "list", "--json"):
            address = address_of(letter)
            if address in newest:
                older.append(newest[address]["sequence"])
            newest[address] = letter
        if older:
            self.call("dead-letters", self.ledger, "discard", *older, "--yes")
        return newest

    def retry(self, address):
        name = address
        if address.startswith("parked:"):
            letter = self.letters().get(address)
            name = letter["sequence"] if letter else "none:0"
        shown = self.call("dead-letters", self.ledger, "retry", name, "--json", may_exit=(0, 1, 2))
        return json.loads(shown) if shown else {"outcome": "INVALID"}      # no such letter

    def discard(self, address):
        letter = self.letters()[address]
        self.call("dead-letters", self.ledger, "discard", letter["sequence"], "--yes")
        return letter
