#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""A small chaos run with each broker that is there. For the record: chaos.py --messages 1000000 --kill-every 3.

usage: chaos_test.py SEMEL NAIVE_CONSUMER
"""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import servers  # noqa: E402

MESSAGES = 20000


def main(semel, naive):
    built = servers.schemes_of(semel)
    failed = False
    for kind in (servers.Nats, servers.Redis, servers.RabbitMq, servers.Mosquitto, servers.Kafka):
        if not kind.installed() or kind.scheme not in built:
            print(f"{kind.__name__}: not run", flush=True)
            continue
        run = subprocess.run([sys.executable, "-B", HERE / "chaos.py", "--semel", semel, "--naive", naive, "--scheme",
                              kind.scheme, "--messages", str(MESSAGES), "--kill-every", "0.5"],
                             stdout=subprocess.PIPE, text=True, check=False)
        print(run.stdout, end="", flush=True)
        failed = failed or run.returncode != 0 or json.loads(run.stdout.splitlines()[0])["differences"] != 0
    sys.exit(failed)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
