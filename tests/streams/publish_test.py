#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""semel publish: a second ledger that consumes the stream becomes the same, whatever is killed on the way.

usage: publish_test.py SEMEL [UNITTEST_ARGUMENT ...]
"""
import json
import pathlib
import random
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import CliCase, lines, main, wait_until  # noqa: E402


def random_life(seed, count):
    """Changes of every kind, some of which are refused."""
    rng = random.Random(seed)
    changes = [{"id": "open", "updates": [{"key": "a/0", "expect_version": 0,
                                           "set_policy": {"asset": "EUR", "min_balance": "-50"}}]}]
    versions = {"a/0": 1}
    for i in range(count):
        key = f"a/{rng.randrange(8)}"
        version = versions.get(key, 0)
        kind = rng.randrange(6)
        update = {"key": key, "expect_version": version, "add": str(rng.randrange(-20, 30))}
        more = []
        if kind == 1:
            update = {"key": key, "expect_version": version, "put": "dmFsdWU="}
        elif kind == 2:
            update = {"key": f"row/{rng.randrange(4)}", "newer": i + 1, "put": "cm93"}
        elif kind == 3:
            update = {"key": f"row/{rng.randrange(4)}", "newer": i + 1, "delete": True}
        elif kind == 4:
            more = [{"key": f"doc/{i}", "expect_version": 0, "put": ""}]
        changes.append({"id": f"c-{i}", "updates": more + [update]})
        if update["key"] == key and rng.random() < 0.8:
            versions[key] = version + 1  # else later ones are refused
    return changes


class Publish(CliCase):
    def setUp(self):
        super().setUp()
        self.stream = self.directory / "stream.jsonl"
        self.replica = str(self.directory / "replica")

    def entities(self, ledger):
        return self.run_semel("list", ledger, "--json", "--deleted").stdout

    def publish(self, *arguments, exit_status=0):
        return self.run_semel("publish", self.ledger, f"file:{self.stream}", "--until-end", *arguments,
                              exit_status=exit_status)

    def consume(self):
        return json.loads(self.run_semel("consume", self.replica, f"file:{self.stream}", "--create", "--until-end",
                                         "--json").stdout)

    def test_a_second_ledger_becomes_the_same(self):
        for seed in range(5):
            with self.subTest(seed=seed):
                self.setUp()
                self.apply(lines(random_life(seed, 400)), "--source", "life")
                self.publish()
                summary = self.consume()
                self.assertEqual(summary["messages"], summary["outcomes"]["APPLIED"])
                self.assertEqual(self.entities(self.ledger), self.entities(self.replica))

    def test_goes_on_where_it_was(self):
        life = random_life(1, 300)
        self.apply(lines(life[:100]))
        self.publish()
        sent = self.stream.read_text(encoding="utf-8").count("\n")
        self.publish()
        self.assertEqual(sent, self.stream.read_text(encoding="utf-8").count("\n"))
        self.apply(lines(life[100:]))
        self.publish()
        self.consume()
        self.assertEqual(self.entities(self.ledger), self.entities(self.replica))

    def test_what_is_sent_twice_counts_once(self):
        self.apply(lines(random_life(2, 200)))
        self.publish()
        pathlib.Path(self.ledger + ".published").unlink()
        self.publish()
        summary = self.consume()
        self.assertGreater(summary["outcomes"]["DUPLICATE"] + summary["outcomes"]["SUPERSEDED"], 100)
        self.assertEqual(self.entities(self.ledger), self.entities(self.replica))

    def test_killed_beside_a_running_writer(self):
        self.run_semel("init", self.ledger)
        writer = self.start("apply", self.ledger, "-", "--batch", "5")
        for part in range(5):
            publisher = self.start("publish", self.ledger, f"file:{self.stream}", "--batch", "7")
            for change in random_life(3, 500)[part * 100:part * 100 + 100]:
                writer.stdin.write(json.dumps(change) + "\n")
            writer.stdin.flush()
            time.sleep(0.15)
            publisher.send_signal(signal.SIGKILL)
            publisher.wait()
        writer.stdin.close()
        writer.wait()
        self.publish()
        self.consume()
        self.assertEqual(self.entities(self.ledger), self.entities(self.replica))

    def test_follows_and_stops(self):
        self.apply(lines(random_life(4, 10)))
        publisher = self.start("publish", self.ledger, f"file:{self.stream}", "--as", "journal")
        wait_until(lambda: self.stream.exists() and self.stream.stat().st_size > 0)
        self.finish(publisher, signal.SIGTERM)
        first = json.loads(self.stream.read_text(encoding="utf-8").splitlines()[0])
        self.assertEqual(("APPLIED", "1"), (first["outcome"], first["effects"][0]["version"]))

    def test_refuses_a_cursor_of_another_ledger(self):
        self.apply(lines(random_life(5, 10)))
        self.publish()
        other = self.directory / "other"
        self.run_semel("init", other)
        self.run_semel("publish", other, f"file:{self.stream}", "--until-end", "--cursor", self.ledger + ".published",
                       exit_status=1)
        pathlib.Path(self.ledger + ".published").write_text("x", encoding="utf-8")
        self.publish(exit_status=2)


if __name__ == "__main__":
    main(__doc__)
