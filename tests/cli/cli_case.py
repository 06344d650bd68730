# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""The semel command as the tests of this folder drive it, and the messages that they feed it."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
SECONDS_MAX = 180  # nothing here takes as long; a hang fails instead of waiting for ever


def change(identity, key, version, **action):
    return {"id": identity, "updates": [{"key": key, "expect_version": version, **action}]}


def lines(changes):
    return "".join(json.dumps(c) + "\n" for c in changes)


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, content):
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def record(identity, key, version, add):
    """A semel.v1.Change after its length."""
    update = field(1, key.encode()) + field(2, version) + field(6, str(add).encode())
    message = field(1, identity.encode()) + field(3, update)
    return varint(len(message)) + message


def wait_until(condition):
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain")
        time.sleep(0.005)


class CliCase(unittest.TestCase):
    semel = None  # path of the command

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="semel-cli-", dir=SCRATCH))
        self.addCleanup(shutil.rmtree, self.directory)
        self.ledger = str(self.directory / "ledger")
        self.outcomes = self.directory / "outcomes.jsonl"

    def run_semel(self, *arguments, stdin="", exit_status=0):
        """Runs the command, which must exit so (None: however it likes)."""
        text = isinstance(stdin, str)
        result = subprocess.run([self.semel, *map(str, arguments)], input=stdin, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=text, timeout=SECONDS_MAX, check=False)
        if exit_status is not None:
            self.assertEqual(exit_status, result.returncode, (arguments, result.stdout, result.stderr))
        return result

    def start(self, *arguments, **options):
        """A process of its own, killed at the end of the test if it still runs."""
        process = subprocess.Popen([self.semel, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **options)

        def stop():
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(BrokenPipeError):  # of what was never written
                    pipe.close()
        self.addCleanup(stop)
        return process

    def finish(self, process, sending=None):
        """Waits for the end of a process, which a signal may ask for and which must be a good one; returns what it has
        written: output, errors."""
        if sending is not None:
            process.send_signal(sending)
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(0, process.returncode, errors)
        return output, errors

    def json_lines(self, *arguments, **options):
        return [json.loads(line) for line in self.run_semel(*arguments, "--json", **options).stdout.splitlines()]

    def apply(self, stdin, *arguments, exit_status=0):
        """Applies from standard input; returns the outcomes."""
        self.run_semel("apply", self.ledger, "-", "--create", "--outcomes", self.outcomes, *arguments, stdin=stdin,
                       exit_status=exit_status)
        return self.read_outcomes()

    def read_outcomes(self):
        return [json.loads(line) for line in self.outcomes.read_text(encoding="utf-8").splitlines()]

    def written_outcomes(self):
        return self.outcomes.read_bytes().count(b"\n") if self.outcomes.exists() else 0


def main(usage):
    if len(sys.argv) < 2:
        sys.exit(usage)
    CliCase.semel = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
