#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""How fast messages of NATS and of Kafka (the real one if it is there, else librdkafka's mock cluster) become durable: semel consume beside the same
consumer with an inbox table in PostgreSQL (tool/inbox_consumer.cc), same messages, same batches, one after the other.

usage: throughput.py --semel PATH --inbox PATH --mock-kafka PATH [--messages N] [--batch N] [--directory DIR]
                     [--postgres BINARIES]

Prints one line of JSON for each. The time is that from the first message to the last acknowledgement. As root,
PostgreSQL runs as the user postgres.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import servers  # noqa: E402

ACCOUNTS = 10000


class Postgres:
    """Default settings: every commit is synced."""

    def __init__(self, binaries, directory):
        self.binaries, self.data = binaries, directory / "postgres"
        self.data.mkdir()
        self.port = servers.free_port()
        if os.getuid() == 0:
            shutil.chown(self.data, "postgres")
            directory.chmod(0o755)
        self.run("initdb", "-D", self.data / "db", "-A", "trust", "-U", "postgres")
        self.run("pg_ctl", "-D", self.data / "db", "-w", "-l", self.data / "log", "-o",
                 f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.data}", "start")

    def run(self, program, *arguments):
        as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        subprocess.run([*as_user, str(self.binaries / program), *map(str, arguments)], check=True,
                       stdout=subprocess.DEVNULL, cwd="/")

    def connection(self):
        return f"host=127.0.0.1 port={self.port} user=postgres"

    def stop(self):
        self.run("pg_ctl", "-D", self.data / "db", "-m", "immediate", "stop")


def write_messages(path, count):
    with open(path, "w", encoding="utf-8") as file:
        for i in range(count):
            key = f"account/{i * 7919 % ACCOUNTS}"
            file.write(json.dumps({"id": f"m-{i}", "updates": [{"key": key, "add": "1"}]}) + "\n")


def active_seconds(command, messages):
    output = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True).stdout
    summary = json.loads(output)
    assert summary["messages"] == messages, summary
    return summary["active_seconds"]


def measure(options, directory, kind, postgres):
    server = kind(directory / kind.scheme)
    server.start()
    try:
        lines = directory / "messages.jsonl"
        write_messages(lines, options.messages)
        url = server.url("LOAD", "create=yes")
        subprocess.run([options.semel, "send", url, lines, "--batch", "10000"], check=True, stdout=subprocess.DEVNULL)
        ledger = directory / f"ledger-{kind.scheme}"
        settings = "consumer=inbox" if kind.scheme == "nats" else ""
        commands = {"semel": [options.semel, "consume", ledger, server.url("LOAD"), "--create", "--until-end", "--json",
                              "--batch", options.batch],
                    "postgres inbox": [options.inbox, postgres.connection(), server.url("LOAD", settings), options.batch]}
        for name, command in commands.items():
            took = active_seconds(command, options.messages)
            print(json.dumps({"broker": kind.__name__, "consumer": name, "messages": options.messages,
                              "batch": options.batch, "seconds": round(took, 2),
                              "messages_per_second": round(options.messages / took)}), flush=True)
    finally:
        server.kill()


def main():
    parser = argparse.ArgumentParser()
    for name in ("--semel", "--inbox", "--mock-kafka"):
        parser.add_argument(name, required=True)
    parser.add_argument("--messages", type=int, default=150000)  # the mock cluster keeps 5 MiB of each partition
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--directory", default=None)
    parser.add_argument("--postgres", type=pathlib.Path, default=pathlib.Path("/usr/lib/postgresql/15/bin"))
    options = parser.parse_args()
    servers.MOCK_KAFKA = options.mock_kafka
    directory = pathlib.Path(tempfile.mkdtemp(prefix="semel-throughput-", dir=options.directory))
    try:
        for kind in (servers.Nats, servers.kafka()):
            scratch = directory / kind.__name__
            scratch.mkdir()
            directory.chmod(0o755)
            postgres = Postgres(options.postgres, scratch)
            try:
                measure(options, scratch, kind, postgres)
            finally:
                postgres.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
