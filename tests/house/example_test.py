#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Runs an example twice in one empty directory. It must end well both times and print the given lines the first time.

usage: example_test.py PROGRAM LINE [LINE ...]
"""
import subprocess
import sys
import tempfile


def run(program, directory):
    result = subprocess.run([program], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=120, check=False)
    sys.stdout.write(result.stdout)
    if result.returncode != 0:
        sys.exit(f"{program}: exit status {result.returncode}")
    return result.stdout


def main(program, wanted_lines):
    with tempfile.TemporaryDirectory() as directory:
        lines = [line.strip() for line in run(program, directory).splitlines()]
        missing = [line for line in wanted_lines if line not in lines]
        if missing:
            sys.exit(f"{program} did not print {missing}")
        print("-- once more, on the same ledger")
        run(program, directory)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
