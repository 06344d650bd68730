#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Starts `semel apply` on a stream of messages and kills it (SIGKILL) once half of the outcomes are written.

The messages go through a pipe that stops at 60 % and stays open, so that the command cannot be done before the kill:
it dies while it is applying, or while it waits for more.
"""
import argparse
import signal
import subprocess
import sys
import threading
import time

SECONDS_MAX = 120


def feed(pipe, lines):
    try:
        pipe.write(b"".join(lines))
        pipe.flush()
    except BrokenPipeError:
        pass                    # killed while messages were on their way


def line_count(path):
    try:
        with open(path, "rb") as file:
            return file.read().count(b"\n")
    except FileNotFoundError:
        return 0


def wait_for_lines(process, path, wanted):
    deadline = time.monotonic() + SECONDS_MAX
    while line_count(path) < wanted:
        if process.poll() is not None:
            sys.exit(f"semel apply ended by itself, exit status {process.returncode}: {process.stderr.read().decode()}")
        if time.monotonic() > deadline:
            process.kill()
            sys.exit(f"semel apply wrote {line_count(path)} outcomes in {SECONDS_MAX} s; {wanted} were expected")
        time.sleep(0.002)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ledger", help="made by semel init")
    parser.add_argument("messages")
    parser.add_argument("outcomes")
    parser.add_argument("--semel", default="semel")
    options = parser.parse_args(arguments)
    with open(options.messages, "rb") as file:
        lines = file.readlines()
    process = subprocess.Popen([options.semel, "apply", options.ledger, "-", "--batch", "50", "--outcomes",
                                options.outcomes], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    feeder = threading.Thread(target=feed, args=(process.stdin, lines[:len(lines) * 6 // 10]))
    feeder.start()
    wait_for_lines(process, options.outcomes, len(lines) // 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    feeder.join()
    written = line_count(options.outcomes)
    print(f"  killed with signal {-process.returncode} after {written:,} outcomes of {len(lines):,}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
