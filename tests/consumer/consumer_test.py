#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Installs the built library into an empty prefix, and builds and runs a project that knows nothing but that prefix.

usage: consumer_test.py BUILD_DIR
"""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run(*command):
    print("+", *command, flush=True)
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    sys.stdout.write(result.stdout)
    if result.returncode != 0:
        sys.exit(f"exit status {result.returncode}")
    return result.stdout


def main(build_directory):
    with tempfile.TemporaryDirectory() as scratch:
        prefix, build = f"{scratch}/prefix", f"{scratch}/build"
        run("cmake", "--install", build_directory, "--prefix", prefix)
        run("cmake", "-S", str(HERE), "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", build)
        for program in ("consumer17", "consumer20"):
            output = run(f"{build}/{program}", f"{scratch}/{program}.ledger")
            if output != "APPLIED DUPLICATE 42\n":
                sys.exit(f"{program}: unexpected output")


if __name__ == "__main__":
    main(sys.argv[1])
