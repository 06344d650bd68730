#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Words, apply, signals and kill -9.

usage: cli_test.py PATH_TO_SEMEL [UNITTEST_ARGUMENT ...]
"""
import collections
import contextlib
import json
import os
import re
import shutil
import signal
import threading

from cli_case import SECONDS_MAX, CliCase, change, lines, main, record, varint, wait_until

MESSAGE_BYTES_MAX = 8 << 20


class Words(CliCase):
    def test_version_and_help(self):
        self.assertRegex(self.run_semel("--version").stdout, r"^semel \d+\.\d+\.\d+ \(format 1\)\n$")
        self.assertIn("semel init accounts", self.run_semel("--help").stdout)

    def test_every_subcommand_has_help_with_an_example(self):
        def listed(text):
            return re.findall(r"(?m)^  ([a-z-]+) +[A-Z]", text.partition("Subcommands:\n")[2])
        commands = listed(self.run_semel("--help").stdout)
        self.assertGreater(len(commands), 15)
        for command in commands:
            with self.subTest(command):
                text = self.run_semel(command, "--help").stdout
                self.assertIn(f"Example:\n  semel {command} ", text)
                for verb in listed(text):
                    self.assertIn(f"Example:\n  semel {command} accounts {verb}",
                                  self.run_semel(command, "accounts", verb, "--help").stdout)

    def test_without_a_command_the_help_is_shown_and_fails(self):
        result = self.run_semel(exit_status=2)
        self.assertIn("Usage: semel", result.stderr)
        self.assertEqual("", result.stdout)

    def test_an_unknown_word_suggests_the_nearest(self):
        for arguments, expected in ((["aply", "x"], 'unknown command "aply": did you mean apply?'),
                                    (["lits"], "did you mean list?"),
                                    (["list", "x", "--jsn"], 'unknown argument "--jsn": did you mean --json?'),
                                    (["apply", "x", "y", "--outcome=z"], "did you mean --outcomes?"),
                                    (["--verson"], "did you mean --version?"),
                                    (["zzzzzzzz"], 'unknown command "zzzzzzzz"\n'),
                                    (["get", "x", "y", "too-many"], 'unknown argument "too-many"'),
                                    (["apply", "x", "-", "--no-park=3"], "--no-park takes no value\n")):
            with self.subTest(arguments):
                self.assertIn(expected, self.run_semel(*arguments, exit_status=2).stderr)

    def test_unusable_arguments_exit_with_2(self):
        self.run_semel("init", self.ledger)
        for arguments in (["get", self.ledger], ["init"], ["apply", self.ledger, "-", "--batch", "0"],
                          ["apply", self.ledger, "-", "--format", "xml"], ["list", self.ledger, "--limit", "x"],
                          ["apply", self.ledger, "-", "--source", "n" * 129],
                          ["apply", self.ledger, "-", "--park=abc"], ["list", self.ledger, "--json=2"],
                          ["apply", self.ledger, "-", "--no-park=99999999999999999999"],
                          ["get", self.ledger, "k", "--as-of-lsn", "1", "--as-of-version", "1"],
                          ["get", self.ledger, "k", "--as-of-lsn", "-1"], ["list", self.ledger, "--limit", "-1"],
                          ["get", self.ledger, "k", "--as-of-version", "18446744073709551616"],
                          ["get", self.ledger, "k", "--as-of-time", "yesterday"],
                          ["get", self.ledger, "k", "--as-of-time", "2026-02-31T00:00:00Z"],
                          ["apply", self.ledger, self.directory / "absent.jsonl"],
                          ["apply", self.ledger, self.directory],
                          ["apply", self.ledger, "-", "--outcomes", self.directory / "absent" / "file"]):
            with self.subTest(arguments):
                self.assertNotEqual("", self.run_semel(*arguments, exit_status=2).stderr)

    def test_a_missing_ledger_names_init_and_is_not_created(self):
        for arguments in (["apply", self.ledger, "-"], ["get", self.ledger, "k"], ["list", self.ledger],
                          ["history", self.ledger, "k"], ["journal", self.ledger], ["stats", self.ledger],
                          ["sources", self.ledger], ["verify", self.ledger]):
            with self.subTest(arguments):
                self.assertIn(f"semel init {self.ledger}", self.run_semel(*arguments, exit_status=2).stderr)
        self.assertFalse(os.path.exists(self.ledger))

    def test_init_refuses_a_ledger_that_exists(self):
        self.run_semel("init", self.ledger)
        self.assertIn("already", self.run_semel("init", self.ledger, exit_status=2).stderr)


class Apply(CliCase):
    def test_R01_a_file_applied_twice_is_applied_once(self):
        file = self.directory / "changes.jsonl"
        file.write_text(lines(change(f"T-{i}", "a", i, add=1) for i in range(100)))
        self.run_semel("init", self.ledger)
        first = self.json_lines("apply", self.ledger, file)[0]
        second = self.json_lines("apply", self.ledger, file)[0]
        self.assertEqual((100, 0), (first["outcomes"]["APPLIED"], first["malformed"]))
        self.assertEqual((100, 100), (second["changes"], second["outcomes"]["DUPLICATE"]))
        self.assertEqual("100", self.json_lines("get", self.ledger, "a")[0]["balance"])

    def test_the_summary_is_a_table_of_counts(self):
        self.run_semel("init", self.ledger)
        stdin = lines([change("T-1", "a", 0, add=1), change("T-2", "a", 0, add=1), change("T-3", "a", 1, add=1)])
        rows = [line.split() for line in self.run_semel("apply", self.ledger, "-", stdin=stdin).stdout.splitlines()]
        self.assertEqual([["OUTCOME", "CHANGES"], ["APPLIED", "2"], ["CONFLICT", "1"], ["total", "3"]], rows[:4])

    def test_outcomes_never_overwrite_the_input(self):
        self.run_semel("init", self.ledger)
        messages = lines([change("a", "k", 0, add="1")])
        file = self.directory / "messages.jsonl"
        file.write_text(messages)
        link = self.directory / "link"
        link.symlink_to(file)
        for outcomes in file, link:
            self.run_semel("apply", self.ledger, file, "--outcomes", outcomes, exit_status=2)
            self.assertEqual(messages, file.read_text())

    def test_outcomes_of_before_survive_a_mistyped_ledger(self):
        file = self.directory / "outcomes.jsonl"
        file.write_text("of before\n")
        self.run_semel("apply", self.directory / "mistyped", "-", "--outcomes", file, stdin="", exit_status=2)
        self.assertEqual("of before\n", file.read_text())

    def test_outcomes_are_in_the_order_of_the_input(self):
        stdin = lines([change("T-1", "a", 0, add=5), change("T-2", "a", 0, add=1), change("T-1", "a", 0, add=5),
                       change("T-3", "a", 9, add=1), change("T-1", "a", 0, add=6), change("T-4", "", 0, add=1)])
        for arguments in ([], ["--batch", "1"], ["--batch", "2"]):
            with self.subTest(arguments):
                shutil.rmtree(self.ledger, ignore_errors=True)
                outcomes = self.apply(stdin, *arguments)
                self.assertEqual(["APPLIED", "CONFLICT", "DUPLICATE", "EARLY", "ID_REUSED", "INVALID"],
                                 [o["outcome"] for o in outcomes])
        first, conflict = outcomes[:2]
        self.assertEqual(["id", "outcome", "sequence", "lsn", "updates", "reason"], list(first))
        self.assertEqual([{"key": "a", "version": "1", "balance": "5"}], first["updates"])
        self.assertEqual("1", first["sequence"])
        self.assertEqual(first["lsn"], outcomes[2]["lsn"])
        self.assertEqual("taken", conflict["conflict"])

    def test_a_malformed_line_is_invalid_and_the_rest_goes_on(self):
        stdin = ("# a comment\n\n  \t\r\n" + lines([change("T-1", "a", 0, add=1)]) + "{\n" +
                 '{"id":"T-2","updates":[{"key":"a","expected_version":1,"add":1}]}\r\n' +
                 lines([change("T-3", "a", 1, add=1)]).rstrip("\n"))
        outcomes = self.apply(stdin)
        self.assertEqual(["APPLIED", "INVALID", "INVALID", "APPLIED"], [o["outcome"] for o in outcomes])
        self.assertEqual(["id", "outcome", "sequence", "lsn", "updates", "line", "reason"], list(outcomes[1]))
        self.assertEqual(("", 5), (outcomes[1]["id"], outcomes[1]["line"]))
        self.assertRegex(outcomes[1]["reason"], "^line 5: not valid JSON")
        self.assertIn("line 6: ", outcomes[2]["reason"])
        self.assertIn("did you mean expect_version?", outcomes[2]["reason"])

    def test_input_without_any_good_line_is_decided_too(self):
        summary = self.json_lines("apply", self.ledger, "-", "--create", stdin="x\ny\n")[0]
        self.assertEqual((2, 2, 2), (summary["changes"], summary["malformed"], summary["outcomes"]["INVALID"]))
        self.assertEqual(0, self.json_lines("apply", self.ledger, "-", stdin="")[0]["changes"])

    def test_a_line_beyond_the_bound_is_invalid(self):
        fit = '{"x":"' + "y" * (MESSAGE_BYTES_MAX - 10) + '"}'
        stdin = "\n".join([fit, fit + "   ", json.dumps(change("T-1", "a", 0, add=1)), fit + "   "])
        outcomes = self.apply(stdin)
        self.assertEqual(["INVALID", "INVALID", "APPLIED", "INVALID"], [o["outcome"] for o in outcomes])
        self.assertNotIn("line", outcomes[0])  # read, and refused as a change without updates
        self.assertIn("line 2: longer than", outcomes[1]["reason"])
        self.assertIn("line 4: longer than", outcomes[3]["reason"])

    def test_a_line_of_any_length_is_not_held_in_memory(self):
        self.run_semel("init", self.ledger)
        process = self.start("apply", self.ledger, "-", "--json")
        for _ in range(300):
            process.stdin.write("z" * (1 << 20))
        process.stdin.write("\n" + lines([change("T-1", "a", 0, add=1)]))
        process.stdin.close()
        summary = json.loads(process.stdout.readline())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual((0, 1, 1), (process.returncode, summary["malformed"], summary["outcomes"]["APPLIED"]))
        self.assertLess(usage.ru_maxrss, 200 << 10)  # KiB

    def test_R03_another_operand_under_the_same_id_is_id_reused(self):
        outcomes = self.apply(lines([change("T-1", "a", 0, add=5), change("T-1", "a", 0, add=6)]))
        self.assertEqual("ID_REUSED", outcomes[1]["outcome"])
        self.assertEqual("5", self.json_lines("get", self.ledger, "a")[0]["balance"])

    def test_source_gives_messages_the_position_of_their_line(self):
        own = {"source": {"name": "own", "position": 7}, "updates": [{"key": "b", "add": 1}]}
        stdin = "# head\n" + lines([{"updates": [{"key": "a", "add": 1}]}, own, {"updates": [{"key": "a", "add": 2}]}])
        self.assertEqual(["APPLIED"] * 3, [o["outcome"] for o in self.apply(stdin, "--source", "file-1")])
        self.assertEqual(["DUPLICATE"] * 3, [o["outcome"] for o in self.apply(stdin, "--source", "file-1")])
        cursors = {c["name"]: c["position"] for c in self.json_lines("sources", self.ledger)}
        self.assertEqual({"file-1": "4", "own": "7"}, cursors)
        self.assertEqual("3", self.json_lines("get", self.ledger, "a")[0]["balance"])

    def test_protobuf_records_by_extension_and_by_option(self):
        stream = b"".join(record(f"T-{i}", "a", i, 2) for i in range(50))
        file = self.directory / "changes.pb"
        file.write_bytes(stream)
        self.run_semel("init", self.ledger)
        self.assertEqual(50, self.json_lines("apply", self.ledger, file)[0]["outcomes"]["APPLIED"])
        result = self.run_semel("apply", self.ledger, "-", "--format", "proto", "--json", stdin=stream)
        self.assertEqual(50, json.loads(result.stdout)["outcomes"]["DUPLICATE"])
        self.assertEqual("100", self.json_lines("get", self.ledger, "a")[0]["balance"])

    def test_a_malformed_record_is_invalid_and_the_rest_goes_on(self):
        stream = (record("T-1", "a", 0, 1) + varint(3) + b"\xff\xff\xff" + varint(MESSAGE_BYTES_MAX + 1) +
                  b"x" * (MESSAGE_BYTES_MAX + 1) + record("T-2", "a", 1, 1) + varint(0))
        outcomes = self.apply(stream, "--format", "proto")
        self.assertEqual(["APPLIED", "INVALID", "INVALID", "APPLIED", "INVALID"], [o["outcome"] for o in outcomes])
        self.assertEqual(2, outcomes[1]["record"])
        self.assertIn("record 3: longer than", outcomes[2]["reason"])

    def test_broken_framing_ends_the_stream_and_keeps_what_was_decided(self):
        good = record("T-1", "a", 0, 1)
        for tail in (b"\x05ab", b"\xff" * 11, b"\x85", varint(MESSAGE_BYTES_MAX + 1) + b"x"):
            with self.subTest(tail=tail[:12]):
                shutil.rmtree(self.ledger, ignore_errors=True)
                outcomes = self.apply(good + tail, "--format", "proto", exit_status=2)
                self.assertEqual(["APPLIED"], [o["outcome"] for o in outcomes])
                self.assertEqual("1", self.json_lines("get", self.ledger, "a")[0]["version"])
        result = self.run_semel("apply", self.ledger, "-", "--format", "proto", stdin=good + b"\x05ab", exit_status=2)
        self.assertIn(f"record 2 at byte {len(good)} is cut off".encode(), result.stderr)

    def test_a_pause_of_the_input_decides_what_is_there(self):
        process = self.start("apply", self.ledger, "-", "--create", "--outcomes", self.outcomes)
        for i in range(3):
            process.stdin.write(lines([change(f"T-{i}", "a", i, add=1)]))
            process.stdin.flush()
            wait_until(lambda i=i: self.written_outcomes() == i + 1)
        process.stdin.close()
        self.assertEqual(0, process.wait(SECONDS_MAX))


class Interrupted(CliCase):
    def test_a_signal_ends_after_the_running_batch(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number):
                self.outcomes.unlink(missing_ok=True)
                process = self.start("apply", self.ledger, "-", "--create", "--json", "--outcomes", self.outcomes)
                process.stdin.write(lines([change("T-1", "a", 0, add=1)]))
                process.stdin.flush()
                wait_until(lambda: self.written_outcomes() == 1)
                process.send_signal(number)
                stdout, stderr = process.communicate(timeout=SECONDS_MAX)
                self.assertEqual(status, process.returncode, stderr)
                self.assertEqual(1, json.loads(stdout)["changes"])
                self.assertIn("stopped by " + number.name, stderr)
        self.run_semel("verify", self.ledger)

    def test_a_signal_is_seen_while_input_is_plenty(self):
        total = 2000  # read in one go; their outcomes are more than a pipe holds, so the command waits for its reader
        file = self.directory / "changes.jsonl"
        file.write_text(lines(change(f"T-{i}", "a", i, add=1) for i in range(total)))
        os.mkfifo(self.outcomes)
        process = self.start("apply", self.ledger, file, "--create", "--json", "--batch", 1,
                             "--outcomes", self.outcomes)
        with open(self.outcomes, encoding="utf-8") as reader:
            reader.readline()
            process.send_signal(signal.SIGTERM)
            shown = 1 + len(reader.readlines())
        stdout, stderr = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(143, process.returncode, stderr)
        self.assertEqual(shown, json.loads(stdout)["changes"])
        self.assertLess(shown, total)

    def apply_and_kill(self, stdin, batch, outcomes):
        """Kills the command once it has written so many outcomes. Its input stays open: it cannot end before."""
        process = self.start("apply", self.ledger, "-", "--create", "--batch", batch, "--outcomes", self.outcomes)

        def feed():
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(stdin)
                process.stdin.flush()
        feeder = threading.Thread(target=feed)
        feeder.start()
        wait_until(lambda: self.written_outcomes() >= outcomes)
        process.kill()
        feeder.join()
        self.assertEqual(-signal.SIGKILL, process.wait(SECONDS_MAX))

    def test_R01_R18_kill_9_in_the_middle_and_resume_applies_each_once(self):
        count, batch = 4000, 20
        transfers = [{"id": f"T-{i}", "balanced": True,
                      "updates": [{"key": f"transfer/T-{i}", "expect_version": 0, "put": ""},
                                  {"key": f"account/{i % 7}", "add": -i}, {"key": f"account/{i % 5 + 10}", "add": i}]}
                     for i in range(count)]
        answered = collections.Counter()
        for kill_at in (count // 4, count // 2):
            self.outcomes.unlink(missing_ok=True)
            self.apply_and_kill(lines(transfers[:count * 3 // 4]), batch, kill_at)
            whole = self.outcomes.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
            answered.update(o["id"] for o in map(json.loads, whole) if o["outcome"] == "APPLIED")
        final = self.apply(lines(transfers), "--batch", str(batch))
        for outcome in final:
            self.assertIn(outcome["outcome"], ("APPLIED", "DUPLICATE"))
            if answered[outcome["id"]]:
                self.assertEqual("DUPLICATE", outcome["outcome"])
        self.assertLessEqual(max(answered.values()), 1)
        journal = collections.Counter(e["id"] for e in self.json_lines("journal", self.ledger))
        self.assertEqual({t["id"]: 1 for t in transfers}, dict(journal))
        accounts = self.json_lines("list", self.ledger, "--prefix", "account/")
        self.assertEqual(0, sum(int(a["balance"]) for a in accounts))
        self.assertEqual("", self.json_lines("verify", self.ledger)[0]["fault"])

    def test_R30_an_outcome_on_file_is_durable(self):
        process = self.start("apply", self.ledger, "-", "--create", "--outcomes", self.outcomes)
        process.stdin.write(lines(change(f"T-{i}", "a", i, add=1) for i in range(10)))
        process.stdin.flush()
        wait_until(lambda: self.written_outcomes() == 10)
        process.kill()
        process.wait(SECONDS_MAX)
        self.assertEqual("10", self.json_lines("get", self.ledger, "a")[0]["version"])


if __name__ == "__main__":
    main(__doc__)
