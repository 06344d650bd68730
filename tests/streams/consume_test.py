#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""semel consume and semel send without a broker: arguments, settings, files and standard input.

usage: consume_test.py SEMEL [UNITTEST_ARGUMENT ...]
"""
import json
import pathlib
import signal
import socket
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import SECONDS_MAX, CliCase, change, lines, main, wait_until  # noqa: E402

NOBODY = "mqtt://127.0.0.1:1/topic"  # nothing listens there


class Consume(CliCase):
    def setUp(self):
        super().setUp()
        self.file = self.directory / "changes.jsonl"

    def consume(self, *arguments, **options):
        return self.run_semel("consume", *arguments, **options)

    def test_options_come_from_a_file_and_the_command_line_wins(self):
        self.file.write_text(lines([change(str(i), f"k{i}", 0, add="1") for i in range(10)]), encoding="utf-8")
        config = self.directory / "config.json"
        config.write_text(json.dumps({"ledger": self.ledger, "url": f"file:{self.file}", "create": True,
                                      "until-end": True, "limit": 3, "json": True}), encoding="utf-8")
        self.assertEqual(3, json.loads(self.consume("--config", config).stdout)["messages"])
        self.assertEqual(5, json.loads(self.consume("--config", config, "--limit", 5).stdout)["messages"])
        for text in ("x", '{"ledger": {}}', '{"no-such": 1}'):
            config.write_text(text, encoding="utf-8")
            self.consume("--config", config, exit_status=2)

    def test_secrets_stand_in_a_file_that_nobody_else_may_read(self):
        for url in ("mqtt://me:secret@127.0.0.1:1/t", "nats://127.0.0.1:1/S?password=secret"):
            self.assertNotIn("secret", self.consume(self.ledger, url, "--create", exit_status=2).stderr)
        settings = self.directory / "broker.conf"
        settings.write_text("# of the broker\nuser = me\npassword = secret\n", encoding="utf-8")
        settings.chmod(0o644)
        self.assertIn("chmod 600", self.consume(self.ledger, NOBODY, "--broker-config", settings, exit_status=2).stderr)
        settings.chmod(0o600)
        self.consume(self.ledger, NOBODY, "--create", "--broker-config", settings, "--give-up", "1", exit_status=1)

    def test_unusable_arguments(self):
        for arguments in ((), (self.ledger,), (self.ledger, "no-url"), (self.ledger, "gopher://host/x"),
                          (self.ledger, "-", "--map", "none.json"), (self.ledger, "-", "--format", "none"),
                          (self.ledger, "nats://host")):
            self.consume(*arguments, exit_status=2)
        self.consume(self.ledger, "-", exit_status=2)  # there is no ledger

    def test_a_broker_that_cannot_be_understood_is_asked_again(self):
        with socket.create_server(("127.0.0.1", 0)) as broker:
            broker.settimeout(SECONDS_MAX)
            consumer = self.start("consume", self.ledger, f"mqtt://127.0.0.1:{broker.getsockname()[1]}/topic", "--create")
            for _ in range(2):
                connection, _ = broker.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"\x20\x01\x00")  # the answer to a CONNECT, without its second half
            _, errors = self.finish(consumer, signal.SIGTERM)
        self.assertIn("cannot be read", errors)

    def test_a_file_is_followed(self):
        self.file.write_text(lines([change("1", "k", 0, add="1")]), encoding="utf-8")
        consumer = self.start("consume", self.ledger, f"file:{self.file}", "--create", "--json")
        with open(self.file, "a", encoding="utf-8") as file:
            file.write('{"id":"2","updates":[{"key":"k",')
            file.flush()
            time.sleep(0.5)
            file.write('"expect_version":1,"add":"1"}]}\n')
        wait_until(lambda: pathlib.Path(self.ledger, "MANIFEST").exists() and '"version":"2"' in self.run_semel(
            "get", self.ledger, "k", "--json", exit_status=None).stdout)
        output, _ = self.finish(consumer, signal.SIGTERM)
        self.assertEqual(2, json.loads(output)["outcomes"]["APPLIED"])

    def test_a_last_line_without_an_end_counts(self):
        self.file.write_text(lines([change("1", "k", 0, add="1")]).strip(), encoding="utf-8")
        summary = self.consume(self.ledger, f"file:{self.file}", "--create", "--until-end", "--json").stdout
        self.assertEqual(1, json.loads(summary)["outcomes"]["APPLIED"])

    def test_refused_messages_are_kept_whatever_the_streams_name(self):
        far = self.directory / ("d" * 120)
        far.mkdir()
        (far / "f").write_text("{poison\n", encoding="utf-8")
        self.consume(self.ledger, f"file:{far}/f?source=", "--create", "--until-end")
        letters = self.json_lines("dead-letters", self.ledger, "list")
        self.assertEqual(1, len(letters))

    def test_dead_letters_are_sent_on_to_a_file(self):
        dead = self.directory / "dead.jsonl"
        self.consume(self.ledger, "-", "--create", "--until-end", "--dead-letters", f"file:{dead}", stdin="{poison\n")
        self.assertEqual("{poison\n", dead.read_text(encoding="utf-8"))

    def test_send_says_how_many(self):
        sent = self.run_semel("send", f"file:{self.file}", "-", "--json", stdin="{}\n{}\n").stdout
        self.assertEqual(2, json.loads(sent)["sent"])
        self.run_semel("send", NOBODY, "-", stdin="{}\n", exit_status=1)
        self.run_semel("send", "gopher://host/x", "-", exit_status=2)


if __name__ == "__main__":
    main(__doc__)
