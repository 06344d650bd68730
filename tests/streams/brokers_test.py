#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""semel consume against real brokers: kills, restarts, poison, redelivery, two consumers. Each test ends with exact
balances. Says which brokers it ran; one that is not installed, or without which semel was built, is passed over.

usage: brokers_test.py SEMEL MOCK_KAFKA SCHEME [UNITTEST_ARGUMENT ...]

SCHEME is that of the broker's URLs: nats, redis, ...; MOCK_KAFKA is "" where it was not built.
"""
import base64
import fcntl
import json
import os
import pathlib
import shutil
import signal
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import CliCase, wait_until  # noqa: E402
import servers  # noqa: E402
from servers import SERVERS  # noqa: E402

SMALLEST_PIPE = 4096
ACCOUNTS = 10


def add(number):
    """Plain "add 1": only its place in a log tells its redelivery from another."""
    account = number % ACCOUNTS
    return {"id": f"a-{number}", "account": account, "updates": [{"key": f"account/{account}", "add": "1"}]}


def payment(number):
    """The same, anchored by a document of its own: fit for a queue."""
    updates = [{"key": f"payment/{number}", "expect_version": 0, "put": ""}]
    return {"id": f"p-{number}", "updates": updates + [{"key": f"account/{number % ACCOUNTS}", "add": "1"}]}


class BrokerCase(servers.ServerCase):
    """What every broker must stand."""
    tests_run = 0

    def setUp(self):
        super().setUp()
        BrokerCase.tests_run += 1
        self.payments = f"PAY{BrokerCase.tests_run}"  # a stream of each test's own
        self.message = add if self.server.is_log else payment
        self.subscribed = set()

    # ---- Steps

    def send(self, messages, name=None):
        if self.server.subscribes_first and name not in self.subscribed:
            self.subscribed.add(name)
            self.consume(name=name, ledger=self.ledger + "-dead" if name else None)
        lines = "".join((m if isinstance(m, str) else json.dumps(m)) + "\n" for m in messages)
        self.run_semel("send", self.server.url(name or self.payments, "create=yes"), "-", "--key", "account", stdin=lines)

    def consume(self, *arguments, ledger=None, name=None, settings=""):
        """Consumes what is there; returns the summary."""
        result = self.run_semel("consume", ledger or self.ledger, self.server.url(name or self.payments, settings), "--create",
                                "--until-end", "--json", *arguments)
        return json.loads(result.stdout)

    def start_consumer(self, *arguments):
        return self.start("consume", self.ledger, self.server.url(self.payments), "--create", "--json", *arguments)

    def sum_of_balances(self, ledger=None):
        lines = self.json_lines("list", ledger or self.ledger, "--prefix", "account/")
        return sum(int(line["balance"]) for line in lines)

    def total_so_far(self):
        """Of a ledger that may not be there yet."""
        if not (pathlib.Path(self.ledger) / "state" / "data.mdb").exists():
            return 0
        result = self.run_semel("list", self.ledger, "--prefix", "account/", "--json", exit_status=None)
        return sum(int(json.loads(line)["balance"]) for line in result.stdout.splitlines())

    def has(self, total):
        return self.total_so_far() == total

    def kill_before_acknowledging(self, batch=100):
        """Kills a consumer that has applied a batch and not acknowledged it: it waits for somebody to read outcomes."""
        fifo = str(self.directory / "fifo")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
        consumer = self.start_consumer("--batch", batch, "--outcomes", fifo)

        def unread():
            return int.from_bytes(fcntl.ioctl(reader, 0x541B, b"\0\0\0\0"), sys.byteorder)  # FIONREAD

        def is_stuck():
            """Messages may come in batches of any size; with hundreds to come, one that writes no more cannot."""
            before = unread()
            time.sleep(0.2)
            return unread() == before > SMALLEST_PIPE // 2
        wait_until(is_stuck)
        consumer.send_signal(signal.SIGKILL)
        consumer.wait()
        os.close(reader)
        os.unlink(fifo)

    def assert_exact(self, total):
        self.assertEqual(total, self.sum_of_balances())
        self.run_semel("verify", self.ledger)

    # ---- Tests

    def test_everything_is_applied_once(self):
        self.send([self.message(i) for i in range(500)])
        summary = self.consume()
        self.assertEqual(500, summary["outcomes"]["APPLIED"])
        self.assertEqual(0, self.consume()["messages"])
        self.assert_exact(500)

    def test_the_url_of_the_sender_serves_the_consumer(self):
        self.send([self.message(0)])
        self.assertEqual(1, self.consume(settings="create=yes")["messages"])

    def test_killed_between_commit_and_acknowledgement(self):
        self.send([self.message(i) for i in range(500)])
        for _ in range(3):
            self.kill_before_acknowledging()
        outcomes = self.consume("--batch", "70")["outcomes"]
        self.assertLess(outcomes["APPLIED"], 500, "nothing was applied before the kills")
        if not self.server.is_log:
            self.assertGreater(outcomes["DUPLICATE"], 0, "everything that was applied was acknowledged, too")
        self.assert_exact(500)

    def test_killed_at_any_time_redelivered_in_any_order(self):
        self.send([self.message(i) for i in range(3000)])
        for i in range(6):
            consumer = self.start_consumer("--batch", "50")
            time.sleep(0.03 * (i + 1))
            consumer.send_signal(signal.SIGKILL)
            consumer.wait()
        self.consume()
        self.assert_exact(3000)

    def test_poison_is_kept_and_does_not_block(self):
        self.send([self.message(0), "{poison", self.message(1)])
        summary = self.consume()
        self.assertEqual((2, 1), (summary["outcomes"]["APPLIED"], summary["outcomes"]["INVALID"]))
        letters = self.json_lines("dead-letters", self.ledger, "list")
        self.assertEqual(1, len(letters))
        self.assertEqual(0, self.consume()["messages"])
        self.assert_exact(2)

    def test_refused_messages_are_sent_on(self):
        dead_name = self.payments + "-DEAD"
        self.send([self.message(0)], name=dead_name)
        self.consume(name=dead_name, ledger=self.ledger + "-dead")
        self.send([self.message(0), "{poison"])
        self.consume("--dead-letters", self.server.url(dead_name))
        dead = self.consume(name=dead_name, ledger=self.ledger + "-dead")
        self.assertEqual(1, dead["undecodable"])

    def test_the_broker_is_killed_and_comes_back(self):
        if not self.server.keeps:
            self.skipTest("this broker keeps nothing")
        self.send([self.message(i) for i in range(200)])
        consumer = self.start_consumer("--batch", "20")
        wait_until(lambda: self.has(200))
        self.server.kill()
        time.sleep(0.3)
        self.server.start()
        self.send([self.message(i) for i in range(200, 400)])
        wait_until(lambda: self.has(400))
        output, errors = self.finish(consumer, signal.SIGTERM)
        if not self.server.reconnects_unnoticed:
            self.assertGreaterEqual(json.loads(output)["reconnects"], 1)
            self.assertIn("connection lost", errors)
        self.assert_exact(400)

    def test_the_broker_comes_later_than_the_consumer(self):
        if not self.server.keeps:
            self.skipTest("this broker keeps nothing")
        self.send([self.message(0)])
        self.server.kill()
        consumer = self.start_consumer()
        time.sleep(0.3)
        self.assertIsNone(consumer.poll())
        self.server.start()
        wait_until(lambda: self.has(1))
        self.finish(consumer, signal.SIGINT)

    def test_a_second_consumer_of_the_ledger_is_refused(self):
        self.send([self.message(0)])
        self.start_consumer()
        wait_until(lambda: self.has(1))
        second = self.run_semel("consume", self.ledger, self.server.url(self.payments), exit_status=1)
        self.assertIn("locked", second.stderr)

    def test_two_consumers_with_ledgers_of_their_own(self):
        self.send([self.message(i) for i in range(500)])
        other = self.ledger + "-other"
        processes = [self.start("consume", ledger, self.server.url(self.payments), "--create", "--until-end", "--json",
                                "--batch", "20") for ledger in (self.ledger, other)]
        for process in processes:
            self.finish(process)
        totals = [self.sum_of_balances(ledger) for ledger in (self.ledger, other)]
        self.assertEqual([500, 500], totals)

    def test_a_zombie_wakes_up(self):
        """A stopped consumer holds the ledger's lock, so that nobody else consumes into it; continued, it goes on."""
        self.send([self.message(i) for i in range(2000)])
        zombie = self.start_consumer("--batch", "20")
        wait_until(lambda: self.total_so_far() > 0)
        zombie.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        self.run_semel("consume", self.ledger, self.server.url(self.payments), exit_status=1)
        zombie.send_signal(signal.SIGCONT)
        wait_until(lambda: self.has(2000))
        self.finish(zombie, signal.SIGTERM)
        self.assert_exact(2000)


class QueueCase(BrokerCase):
    """What only a queue does: messages are shared out, early ones go back."""

    def test_two_consumers_with_ledgers_of_their_own(self):
        """Each message goes to one of them, so what is to be exact together must not be killed in between."""
        self.send([self.message(i) for i in range(500)])
        other = self.ledger + "-other"
        processes = [self.start("consume", ledger, self.server.url(self.payments, self.server.shared), "--create", "--until-end",
                                "--batch", "20")
                     for ledger in (self.ledger, other)]
        for process in processes:
            self.finish(process)
        self.assertEqual(500, sum(self.sum_of_balances(ledger) for ledger in (self.ledger, other)))

    def test_early_messages_go_back_into_the_queue(self):
        steps = [{"id": f"s-{version}", "updates": [{"key": "account/x", "expect_version": version, "add": "1"}]}
                 for version in (3, 2, 1, 0)]
        self.send(steps)
        summary = self.consume()
        self.assertGreater(summary["outcomes"]["EARLY"], 0)
        self.assert_exact(4)


class MqttCase(QueueCase):
    """What only MQTT does: every session gets everything."""

    def test_two_consumers_with_ledgers_of_their_own(self):
        other = self.ledger + "-other"
        self.consume(ledger=other)
        self.send([self.message(i) for i in range(500)])
        for ledger in (self.ledger, other):
            self.consume(ledger=ledger)
        self.assertEqual([500, 500], [self.sum_of_balances(ledger) for ledger in (self.ledger, other)])


class LogCase(BrokerCase):
    """What only a log can do."""

    def test_a_new_ledger_reads_the_log_from_its_beginning(self):
        self.send([add(i) for i in range(100)])
        self.consume()
        self.consume(ledger=self.ledger + "-new")
        self.assertEqual(100, self.sum_of_balances(self.ledger + "-new"))

    def test_a_restored_ledger_goes_on_at_its_own_cursor(self):
        self.send([add(i) for i in range(100)])
        self.consume()
        shutil.copytree(self.ledger, self.ledger + "-copy")
        self.send([add(i) for i in range(100, 200)])
        self.consume()
        shutil.rmtree(self.ledger)
        os.rename(self.ledger + "-copy", self.ledger)
        self.assertEqual(100, self.consume()["messages"], "what the broker takes for acknowledged")
        self.assert_exact(200)

    def test_plain_json_becomes_exactly_once(self):
        mapping = self.directory / "mapping.json"
        mapping.write_text(json.dumps({"key": "account/{account}", "add": "amount", "decimals": 2}))
        self.send([{"account": "alice", "amount": 12.5}, {"account": "alice", "amount": "-2.50"}])
        self.consume("--map", mapping)
        self.consume("--map", mapping)
        self.assertEqual(1000, self.sum_of_balances())

    def test_an_early_message_waits_for_its_predecessor(self):
        self.send([{"id": f"s-{version}", "account": "x",
                    "updates": [{"key": "account/x", "expect_version": version, "add": "1"}]} for version in (1, 0)])
        self.consume("--park")
        self.assert_exact(2)


class KafkaCase(LogCase):
    """What only Kafka has: partitions that move, keys, tombstones."""

    def test_every_partition_is_a_source(self):
        self.send([add(i) for i in range(100)])
        self.consume()
        names = [line["name"] for line in self.json_lines("sources", self.ledger)]
        self.assertEqual([f"kafka:{self.payments}/{i}" for i in range(self.server.partitions)], names)

    def next_positions(self, ledger):
        """Of each source; none where the ledger is not there yet."""
        result = self.run_semel("sources", ledger, "--json", exit_status=None)
        return {line["name"]: int(line["position"]) + 1 for line in map(json.loads, result.stdout.splitlines())}

    def test_partitions_move_between_two_members_of_a_group(self):
        """Each with a ledger of its own: together they have every message, some of them both."""
        ledgers = [self.ledger, self.ledger + "-other"]
        url = self.server.url(self.payments, "session.timeout.ms=6000&heartbeat.interval.ms=500")

        def has_been_read(total):
            one, other = map(self.next_positions, ledgers)
            return sum(max(one.get(name, 0), other.get(name, 0)) for name in one.keys() | other.keys()) == total

        self.send([add(i) for i in range(300)])
        processes = [self.start("consume", ledgers[0], url, "--create")]
        wait_until(lambda: has_been_read(300))
        processes.append(self.start("consume", ledgers[1], url, "--create"))
        wait_until(lambda: self.next_positions(ledgers[1]))
        self.send([add(i) for i in range(300, 600)])
        wait_until(lambda: has_been_read(600))
        for process in processes:
            self.finish(process, signal.SIGTERM)


class MockKafkaCase(KafkaCase):
    """What can be asked of librdkafka's mock cluster only: to be slow at a certain request."""

    def test_a_member_that_joined_leaves_before_it_is_assigned_anything(self):
        slow = servers.MockKafka(self.directory / "server")
        slow.arguments = ["20000"]
        self.addCleanup(slow.kill)
        slow.start()
        consumer = self.start("consume", self.ledger, slow.url(self.payments, "debug=cgrp"), "--create")
        for line in consumer.stderr:
            if "JoinGroup response" in line and "no error" in line:
                break
        self.finish(consumer, signal.SIGTERM)


class RealKafkaCase(KafkaCase):
    """What librdkafka's mock cluster has not: transactions, compaction."""

    def make_topic(self, **settings):
        self.server.tool("create", self.payments, 1, *(f"{name.replace('_', '.')}={value}" for name, value in settings.items()))

    def transact(self, numbers, end):
        lines = "".join(f"{i % ACCOUNTS}\t{json.dumps(add(i))}\n" for i in numbers)
        self.server.tool("transact", self.payments, end, stdin=lines)

    def test_only_committed_transactions_are_applied(self):
        self.make_topic()
        self.transact(range(100), "commit")
        self.transact(range(100, 250), "abort")
        self.transact(range(250, 300), "commit")
        self.kill_before_acknowledging(batch=60)
        metrics = self.directory / "metrics.prom"
        summary = self.consume("--batch", "70", "--metrics-file", metrics)
        self.assertLess(summary["outcomes"]["APPLIED"], 150)
        self.assertEqual(0, self.consume()["messages"])
        self.assert_exact(150)
        # The offsets of the aborted ones and of the marks that end each transaction are gaps, none of which waits.
        self.assertEqual("301", self.json_lines("sources", self.ledger)[0]["position"])
        self.assertIn('semel_lag_messages 0\n', metrics.read_text(encoding="utf-8"))

    def test_a_running_consumer_passes_by_what_was_aborted(self):
        self.make_topic()
        self.send([add(0)])
        self.transact(range(1, 100), "commit")
        consumer = self.start_consumer()
        self.transact(range(100, 200), "abort")
        self.transact(range(200, 300), "commit")
        wait_until(lambda: self.has(200))
        self.finish(consumer, signal.SIGTERM)
        self.assert_exact(200)

    def test_a_compacted_topic_has_gaps(self):
        """Consumed in part before it is compacted and to its end afterwards: the newest state of every key."""
        self.make_topic(cleanup_policy="compact", segment_ms=100, min_cleanable_dirty_ratio=0.001)

        mapping = self.directory / "mapping.json"
        mapping.write_text(json.dumps({"key": "account/{account}", "put": "state"}))
        self.send([{"account": i % ACCOUNTS, "state": i} for i in range(1000)])
        self.consume("--map", mapping, "--limit", 100)

        def is_compacted():
            self.send([{"account": "last", "state": 0}])  # the segment that is written to is never compacted
            summary = self.consume("--map", mapping, ledger=self.ledger + "-new")
            shutil.rmtree(self.ledger + "-new")
            return summary["messages"] < 500
        wait_until(is_compacted)
        summary = self.consume("--map", mapping)
        self.assertLess(summary["messages"], 500)
        states = {line["key"]: base64.b64decode(line["value"]) for line in self.json_lines("list", self.ledger)}
        del states["account/last"]
        self.assertEqual({f"account/{i}": str(990 + i).encode() for i in range(ACCOUNTS)}, states)


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite()
    built = servers.schemes_of(CliCase.semel)
    for server_class in (server for server in SERVERS if server.scheme == SCHEME):
        name = server_class.__name__
        if server_class.scheme not in built:
            print(f"{name}: not run, semel was built without its library", flush=True)
        elif not server_class.installed():
            print(f"{name}: not run, {server_class.program} is not installed", flush=True)
        else:
            print(f"{name}: run", flush=True)
            kinds = {servers.MockKafka: MockKafkaCase, servers.Kafka: RealKafkaCase, servers.Mosquitto: MqttCase}
            base = kinds.get(server_class, LogCase if server_class.is_log else QueueCase)
            case = type(name, (base, CliCase), {"server_class": server_class})
            suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    CliCase.semel = str(pathlib.Path(sys.argv.pop(1)).resolve())
    servers.MOCK_KAFKA = sys.argv.pop(1) or None
    SCHEME = sys.argv.pop(1)
    unittest.main(verbosity=2)
