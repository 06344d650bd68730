#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""semel consume --partitioned: several processes share a topic, one ledger a partition. Partitions move while load runs,
processes are killed, and the totals are exact.

usage: partitioned_test.py SEMEL MOCK_KAFKA [UNITTEST_ARGUMENT ...]     (MOCK_KAFKA "": it was not built)
"""
import json
import pathlib
import re
import signal
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import CliCase, main, wait_until  # noqa: E402
import servers  # noqa: E402

ACCOUNTS = 40


def add(number):
    account = f"account/{number % ACCOUNTS}"
    return json.dumps({"id": f"a-{number}", "account": account, "updates": [{"key": account, "add": "1"}]}) + "\n"


class PartitionedCase:
    server_class = servers.AnyKafka

    def setUp(self):
        super().setUp()
        self.server = self.server_class(self.directory / "server")
        self.addCleanup(self.server.kill)
        self.server.start()
        self.url = f"kafka://{self.server.brokers}/PAY?session.timeout.ms=6000&heartbeat.interval.ms=500"
        self.ledgers = self.directory / "ledgers"

    def send(self, numbers):
        self.run_semel("send", self.url.split("?")[0], "-", "--key", "account", stdin="".join(map(add, numbers)))

    def start_member(self, *arguments):
        return self.start("consume", "--partitioned", self.ledgers, self.url, "--group", "shared", *arguments)

    def balances(self):
        """Of all ledgers; no account stands in two."""
        found = {}
        for ledger in sorted(self.ledgers.glob("PAY-*")):
            for entity in self.json_lines("list", ledger):
                self.assertNotIn(entity["key"], found)
                found[entity["key"]] = int(entity["balance"])
        return found

    def total(self):
        try:
            return sum(self.balances().values())
        except AssertionError:  # a ledger that is just being made
            return -1

    def stop(self, member):
        member.send_signal(signal.SIGTERM)
        _, errors = member.communicate(timeout=60)
        self.assertEqual(0, member.returncode, errors)
        return errors

    def test_partitions_move_and_members_are_killed(self):
        self.send(range(1000))
        members = [self.start_member("--batch", "50")]
        wait_until(lambda: self.total() > 0)
        members.append(self.start_member("--batch", "50"))
        self.send(range(1000, 2000))
        time.sleep(4)  # the second one takes some of the partitions
        members.append(self.start_member("--batch", "50"))
        self.send(range(2000, 3000))
        time.sleep(4)
        killed = members.pop(0)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        self.send(range(3000, 4000))
        wait_until(lambda: self.total() == 4000)
        opened = [self.stop(member).count("is ours") for member in members]
        self.assertEqual({f"account/{i}": 100 for i in range(ACCOUNTS)}, self.balances())
        self.assertTrue(all(count > 0 for count in opened), opened)
        for ledger in self.ledgers.glob("PAY-*"):
            self.run_semel("verify", ledger)

    def test_a_member_that_comes_takes_only_what_it_gets(self):
        """Cooperative rebalancing, under load: what a member keeps it does not close, and what it gives up it does not
        open again, whatever it had read of it already."""
        self.send(range(100000))
        first = self.start_member("--batch", "5")
        wait_until(lambda: self.total() > 0)
        metrics = self.directory / "metrics.prom"
        second = self.start_member("--batch", "5", "--metrics-file", metrics)
        wait_until(lambda: self.total() == 100000)
        wait_until(lambda: metrics.exists() and "semel_journal_bytes 0\n" not in metrics.read_text(encoding="utf-8"))
        errors = [self.stop(member) for member in (first, second)]
        opened = [re.findall(r"(kafka:\S+) is ours", text) for text in errors]
        closed = re.findall(r"(kafka:\S+) is another's", errors[0])
        self.assertEqual(4, len(opened[0]), errors[0])
        self.assertEqual(sorted(closed[:2]), sorted(opened[1][:2]), errors)
        self.assertEqual({f"account/{i}": 2500 for i in range(ACCOUNTS)}, self.balances())

    def test_another_directory_replays_the_topic(self):
        self.send(range(400))
        for directory in (self.ledgers, self.directory / "elsewhere"):
            self.ledgers = directory
            self.run_semel("consume", "--partitioned", directory, self.url, "--group", directory.name, "--until-end")
            self.assertEqual(400, self.total())

    def test_the_last_metrics_are_of_all_its_ledgers(self):
        self.send(range(400))
        metrics = self.directory / "metrics.prom"
        self.run_semel("consume", "--partitioned", self.ledgers, self.url, "--group", "g", "--until-end",
                       "--metrics-file", metrics)
        found = dict(line.rsplit(" ", 1) for line in metrics.read_text(encoding="utf-8").splitlines())
        self.assertEqual("400", found["semel_messages_total"])
        self.assertEqual("0", found["semel_lag_messages"])
        journals = sum(int(self.json_lines("stats", ledger)[0]["journal_bytes"]) for ledger in self.ledgers.iterdir())
        self.assertEqual(journals, int(float(found["semel_journal_bytes"])))
        self.assertGreater(journals, 0)

    def test_says_what_it_needs(self):
        self.run_semel("consume", "--partitioned", self.ledgers, self.url, exit_status=2)
        self.run_semel("consume", "--partitioned", self.ledgers, "-", "--group", "g", exit_status=2)


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite()
    built = "kafka" in servers.schemes_of(CliCase.semel)
    for server_class in (servers.MockKafka, servers.Kafka):
        runs = built and server_class.installed()
        print(f"{server_class.__name__}: {'run' if runs else 'not run'}", flush=True)
        if runs:
            case = type(server_class.__name__, (PartitionedCase, CliCase), {"server_class": server_class})
            suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    servers.MOCK_KAFKA = sys.argv.pop(2) or None if len(sys.argv) > 2 else None
    main(__doc__)
