#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""How fast 1, 2 and 3 processes consume a topic of four partitions together, one ledger a partition. Kafka, on
the same machine, is the real one if it is there, else librdkafka's mock cluster.

usage: scaling.py --semel PATH --mock-kafka PATH [--messages N] [--batch N] [--directory DIR]

The messages are there before the processes start, which join the group together. Prints one line of JSON for each number
of processes: the time is that of the slowest, from its first message to its last acknowledgement.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import servers  # noqa: E402


def write_messages(path, count):
    with open(path, "w", encoding="utf-8") as file:
        for i in range(count):
            key = f"account/{i % 10000}"
            file.write(json.dumps({"id": f"m-{i}", "account": key, "updates": [{"key": key, "add": "1"}]}) + "\n")


def run(options, directory, processes):
    server = servers.kafka()(directory / f"server-{processes}")
    server.start()
    ledgers = directory / f"ledgers-{processes}"
    url = f"kafka://{server.brokers}/LOAD"
    lines = directory / "messages.jsonl"
    write_messages(lines, options.messages)
    members = []
    try:
        subprocess.run([options.semel, "send", url, lines, "--key", "account", "--batch", "10000"], check=True,
                       stdout=subprocess.DEVNULL)
        members = [subprocess.Popen([options.semel, "consume", "--partitioned", ledgers, url, "--group", "g", "--json",
                                     "--until-end", "--batch", str(options.batch)], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True) for _ in range(processes)]
        found = [json.loads(member.communicate(timeout=300)[0]) for member in members]
    finally:
        for member in members:
            member.kill()
        server.kill()
    assert sum(member["messages"] for member in found) == options.messages, found
    seconds = max(member["active_seconds"] for member in found)
    return {"broker": type(server).__name__, "processes": processes, "messages": sum(member["messages"] for member in found),
            "of_each": [member["messages"] for member in found], "seconds": round(seconds, 2),
            "messages_per_second": round(sum(member["messages"] for member in found) / seconds)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--semel", required=True)
    parser.add_argument("--mock-kafka", required=True)
    parser.add_argument("--messages", type=int, default=150000)  # the mock cluster keeps 5 MiB of each partition
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--directory", default=None)
    options = parser.parse_args()
    servers.MOCK_KAFKA = options.mock_kafka
    directory = pathlib.Path(tempfile.mkdtemp(prefix="semel-scaling-", dir=options.directory))
    try:
        for processes in (1, 2, 3):
            print(json.dumps(run(options, directory, processes)), flush=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
