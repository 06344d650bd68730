#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Kills consumers while messages run, and counts what is wrong at the end.

usage: chaos.py --semel PATH --mock-kafka PATH --naive PATH --scheme nats [--messages N] [--kill-every SECONDS]
                [--restart-broker-every KILLS] [--seed N]

Sends N messages that each add 1 to one of 100 accounts; for Semel some of them twice, as a producer does that saw no
answer. Then consumers run and are killed with SIGKILL, again and again, until everything is consumed: first
semel consume, then a naive consumer (tool/naive_consumer.cc) that reads the balances, adds, writes them, and then
acknowledges. Prints one line of JSON for each. Exit status 0 if Semel's differences are 0.
"""
import argparse
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import servers  # noqa: E402

ACCOUNTS = 100
SENT_TWICE = 0.01  # of the messages for Semel
BATCH = 200


def payment(number):
    """Anchored by a document of its own, so that it counts once, whoever repeats it."""
    account = number % ACCOUNTS
    return json.dumps({"id": f"p-{number}", "account": account, "updates": [
        {"key": f"payment/{number}", "expect_version": 0, "put": ""}, {"key": f"account/{account}", "add": "1"}]})


class Chaos:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.random = random.Random(options.seed)
        kind = next(server for server in servers.SERVERS if server.scheme == options.scheme and server.installed())
        self.server = kind(directory / "server")
        self.server.start()

    def semel(self, *arguments):
        return subprocess.run([self.options.semel, *map(str, arguments)], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def send(self, name, share_sent_twice):
        """Returns how many were sent in all."""
        lines = self.directory / f"{name}.jsonl"
        count = 0
        with open(lines, "w", encoding="utf-8") as file:
            for number in range(self.options.messages):
                times = 2 if self.random.random() < share_sent_twice else 1
                count += times
                file.write((payment(number) + "\n") * times)
        self.semel("send", self.server.url(name, "create=yes"), lines, "--key", "account", "--batch", "5000")
        lines.unlink()
        return count

    def run_to_the_end(self, command):
        """Runs command(), kills it after a while, and again, until it has come to the end by itself. Each run may take
        a little longer than the one before, so that there is an end. Returns the number of kills."""
        kills, seconds = 0, self.options.kill_every
        while True:
            with open(self.directory / "errors", "a", encoding="utf-8") as errors:
                process = subprocess.Popen(command(), stdout=subprocess.DEVNULL, stderr=errors)
            try:
                process.wait(timeout=seconds * self.random.uniform(0.5, 1.5))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                seconds *= 1.02
                if self.options.restart_broker_every and kills % self.options.restart_broker_every == 0:
                    self.server.kill()
                    self.server.start()
                continue
            if process.returncode != 0:
                raise AssertionError((self.directory / "errors").read_text(encoding="utf-8")[-2000:])
            return kills

    def differences(self, balances):
        wanted = {f"account/{a}": len(range(a, self.options.messages, ACCOUNTS)) for a in range(ACCOUNTS)}
        return sum(abs(wanted[key] - balances.get(key, 0)) for key in wanted)

    def result(self, consumer, sent, kills, begin, **more):
        return {"consumer": consumer, "broker": type(self.server).__name__, "seed": self.options.seed,
                "messages": self.options.messages, "sent": sent, "kills": kills,
                "seconds": round(time.monotonic() - begin, 1), **more}

    def run_semel(self):
        ledger, outcomes = self.directory / "ledger", self.directory / "outcomes"
        name = "CHAOS"
        if self.server.subscribes_first:
            self.semel("consume", ledger, self.server.url(name), "--create", "--until-end")
        sent = self.send(name, SENT_TWICE)
        begin = time.monotonic()
        repeated = 0

        def count_repeated():
            nonlocal repeated
            if outcomes.exists():
                repeated += outcomes.read_bytes().count(b'"outcome":"DUPLICATE"')
                outcomes.unlink()

        def command():
            count_repeated()
            return [self.options.semel, "consume", ledger, self.server.url(name), "--create", "--until-end",
                    "--batch", str(BATCH), "--outcomes", outcomes]
        kills = self.run_to_the_end(command)
        count_repeated()
        lines = self.semel("list", ledger, "--prefix", "account/", "--json").splitlines()
        balances = {entity["key"]: int(entity["balance"]) for entity in map(json.loads, lines)}
        self.semel("verify", ledger)
        return self.result("semel", sent, kills, begin, redeliveries=max(0, repeated - (sent - self.options.messages)),
                           differences=self.differences(balances))

    def run_naive(self):
        state = self.directory / "naive"
        state.mkdir()
        name = "NAIVE"

        def command():
            return [self.options.naive, state, self.server.url(name, "incarnation=naive" if self.server.is_log else "")]
        if self.server.subscribes_first:
            subprocess.run(command(), check=True, stdout=subprocess.DEVNULL)
        sent = self.send(name, 0)
        begin = time.monotonic()
        kills = self.run_to_the_end(command)
        lines = (state / "balances").read_text(encoding="utf-8").splitlines()
        balances = {key: int(balance) for key, balance in (line.split() for line in lines)}
        return self.result("naive", sent, kills, begin, differences=self.differences(balances))


def main():
    parser = argparse.ArgumentParser()
    for name in ("--semel", "--naive", "--scheme"):
        parser.add_argument(name, required=True)
    parser.add_argument("--mock-kafka", default=None)
    parser.add_argument("--messages", type=int, default=20000)
    parser.add_argument("--kill-every", type=float, default=0.5)
    parser.add_argument("--restart-broker-every", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    servers.MOCK_KAFKA = options.mock_kafka
    servers.Mosquitto.save_after = 1_000_000
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the broker is ended, too
    directory = pathlib.Path(tempfile.mkdtemp(prefix="semel-chaos-"))
    chaos = Chaos(options, directory)
    try:
        found = chaos.run_semel()
        print(json.dumps(found), flush=True)
        print(json.dumps(chaos.run_naive()), flush=True)
    finally:
        chaos.server.kill()
        shutil.rmtree(directory)
    sys.exit(0 if found["differences"] == 0 else 1)


if __name__ == "__main__":
    main()
