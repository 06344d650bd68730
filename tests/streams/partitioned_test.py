#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""semel consume --partitioned: several processes share a topic, one ledger a partition. Partitions move while load runs,
processes are killed, and the totals are exact.

usage: partitioned_test.py SEMEL MOCK_KAFKA [UNITTEST_ARGUMENT ...]     (MOCK_KAFKA "": it was not built)
"""
import fcntl
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading
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

    def wait_until_each_has_some(self, members):
        def owners():
            return {line.get("process") for line in self.json_lines("partitions", self.ledgers, self.topic())}
        wait_until(lambda: owners() >= {member.pid for member in members})

    def stop(self, member):
        return self.finish(member, signal.SIGTERM)[1]

    def test_partitions_move_and_members_are_killed(self):
        self.send(range(1000))
        members = [self.start_member("--batch", "50")]
        wait_until(lambda: self.total() > 0)
        members.append(self.start_member("--batch", "50"))
        self.send(range(1000, 2000))
        self.wait_until_each_has_some(members)
        members.append(self.start_member("--batch", "50"))
        self.send(range(2000, 3000))
        self.wait_until_each_has_some(members)
        killed = members.pop(0)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        self.send(range(3000, 4000))
        wait_until(lambda: self.total() == 4000)
        for member in members:
            self.assertIn("is ours", self.stop(member))
        self.assertEqual({f"account/{i}": 100 for i in range(ACCOUNTS)}, self.balances())
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

    # ---- Reads routed by key

    def topic(self, name="PAY", settings=""):
        return f"kafka://{self.server.brokers}/{name}{settings}"

    def balance(self, key, topic):
        entity = self.json_lines("get", self.ledgers, key, "--partition-of", topic)[0]
        return int(entity["balance"]) if entity["version"] != "0" else None

    def test_reads_are_routed_by_key(self):
        self.send(range(400))
        member = self.start_member()
        wait_until(lambda: self.total() == 400)
        self.assertEqual([10] * ACCOUNTS, [self.balance(f"account/{i}", self.topic()) for i in range(ACCOUNTS)])
        key = self.json_lines("get", self.ledgers, "account/7", "--partition-of", self.topic(), "--message-key", "x")[0]
        one = self.json_lines("partitions", self.ledgers, self.topic(), "--key", "x")
        self.assertEqual(1, len(one))
        self.assertEqual(key["version"], self.json_lines("get", one[0]["ledger"], "account/7")[0]["version"])
        self.stop(member)

    def test_another_partitioner_is_named_in_the_url(self):
        topic = self.topic("CRC", "?partitioner=consistent_random")
        self.run_semel("send", topic, "-", "--key", "account", stdin="".join(map(add, range(400))))
        self.run_semel("consume", "--partitioned", self.ledgers, topic, "--group", "crc", "--until-end")
        self.assertEqual([10] * ACCOUNTS, [self.balance(f"account/{i}", topic) for i in range(ACCOUNTS)])
        self.assertIn(None, [self.balance(f"account/{i}", self.topic("CRC")) for i in range(ACCOUNTS)])
        self.run_semel("get", self.ledgers, "k", "--partition-of", self.topic("CRC", "?partitioner=random"), exit_status=2)

    def test_a_java_producer_chooses_as_we_do(self):
        if not isinstance(self.server, servers.Kafka):
            self.skipTest("takes Kafka's own producer")
        lines = "".join(f"account/{i % ACCOUNTS},{add(i)}" for i in range(400))
        subprocess.run(self.server.java("kafka.tools.ConsoleProducer", "--bootstrap-server", self.server.brokers, "--topic", "PAY",
                                        "--property", "parse.key=true", "--property", "key.separator=,"),
                       input=lines, text=True, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.run_semel("consume", "--partitioned", self.ledgers, self.url, "--group", "g", "--until-end")
        self.assertEqual([10] * ACCOUNTS, [self.balance(f"account/{i}", self.topic()) for i in range(ACCOUNTS)])

    def test_shows_who_has_which_partition_and_how_far_it_is(self):
        self.send(range(400))
        member = self.start_member()
        wait_until(lambda: self.total() == 400)
        with open(self.directory / "other", "w", encoding="utf-8") as other:  # a lock that has nothing to do with it,
            fcntl.flock(other, fcntl.LOCK_EX)
            waits = subprocess.Popen(["flock", self.directory / "other", "true"])  # and somebody who waits for that
            wait_until(lambda: " -> " in pathlib.Path("/proc/locks").read_text(encoding="utf-8"))
            held = self.json_lines("partitions", self.ledgers, self.topic())
        waits.wait()
        self.assertEqual([0, 1, 2, 3], [line["partition"] for line in held])
        self.assertEqual({(member.pid, 0)}, {(line["process"], line["lag"]) for line in held})
        self.assertEqual(400, sum(int(line["position"]) + 1 for line in held))
        self.stop(member)
        self.send(range(400, 700))
        left = self.json_lines("partitions", self.ledgers, self.topic())
        self.assertEqual(300, sum(line["lag"] for line in left))
        self.assertFalse(any("process" in line for line in left))
        self.assertIn("nobody", self.run_semel("partitions", self.ledgers, self.topic()).stdout)
        elsewhere = self.json_lines("partitions", self.directory / "elsewhere", self.topic())
        self.assertEqual(700, sum(line["lag"] for line in elsewhere))
        self.assertFalse(any("ledger" in line for line in elsewhere))

    # ---- Moving to another machine, which a directory stands for

    def send_meanwhile(self, numbers):
        def send():
            for begin in range(numbers.start, numbers.stop, 500):
                self.send(range(begin, begin + 500))
                time.sleep(0.1)
        thread = threading.Thread(target=send)
        thread.start()
        return thread

    def test_partitions_move_with_a_backup_and_a_replay(self):
        """Backed up beside the running member into a shared directory and restored from there, while messages run; then
        that member is killed, and the one that takes over as well."""
        self.send(range(4000))
        here = self.start_member("--batch", "50")
        wait_until(lambda: self.total() > 1000)
        there = self.directory / "there"
        there.mkdir()
        for ledger in sorted(self.ledgers.glob("PAY-*")):
            backup = self.directory / "shared" / ledger.name
            backup.parent.mkdir(exist_ok=True)
            self.run_semel("backup", ledger, backup)
            self.run_semel("restore", backup, there / ledger.name)
        sender = self.send_meanwhile(range(4000, 10000))
        self.ledgers = there
        restored = self.total()
        self.assertGreater(restored, 1000)
        member = self.start_member("--batch", "50")
        wait_until(lambda: self.total() > restored)
        here.kill()
        grown = self.total()
        wait_until(lambda: self.total() > grown)
        member.kill()
        member.wait()
        sender.join()
        before = self.total()
        summary = json.loads(self.run_semel("consume", "--partitioned", there, self.url, "--group", "shared", "--until-end",
                                            "--json").stdout)
        self.assertEqual(10000 - before, summary["messages"], "each went on behind its own cursor")
        self.assertEqual({f"account/{i}": 250 for i in range(ACCOUNTS)}, self.balances())
        for ledger in there.glob("PAY-*"):
            self.run_semel("verify", ledger)

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
