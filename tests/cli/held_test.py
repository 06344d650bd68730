#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Parking, dead letters, sources and the options of a ledger, through the command.

usage: held_test.py PATH_TO_SEMEL [UNITTEST_ARGUMENT ...]
"""
import base64
import json
import os
import pty
import subprocess

from cli_case import SECONDS_MAX, CliCase, change, lines, main, record, varint


def sourced(position, update, identity=None, name="s", **members):
    message = {"source": {"name": name, "position": position, **members}, "updates": [update]}
    return {**message, "id": identity} if identity else message


class HeldCase(CliCase):
    def answer_on_terminal(self, answer, *arguments):
        """Runs the command with a person at a terminal who types an answer; (exit status, stdout)."""
        person, terminal = pty.openpty()
        process = subprocess.Popen([self.semel, *map(str, arguments)], stdin=terminal, stdout=subprocess.PIPE,
                                   stderr=terminal, text=True)
        os.close(terminal)
        os.write(person, (answer + "\n").encode())
        stdout, _ = process.communicate(timeout=SECONDS_MAX)
        os.close(person)
        return process.returncode, stdout

    def unchanged_by(self, *arguments, exit_status=2):
        """Runs a command that must change nothing; returns what it said on stderr."""
        before = self.json_lines("stats", self.ledger)[0]
        result = self.run_semel(*arguments, exit_status=exit_status)
        after = self.json_lines("stats", self.ledger)[0]
        for figure in ("sequence", "durable_lsn", "state_digest"):
            self.assertEqual(before[figure], after[figure], arguments)
        return result.stderr


class Options(HeldCase):
    SHOWN = {"parking": False, "parking_changes": "100000", "parking_bytes": str(64 << 20),
             "parking_changes_per_entity": "1000", "parking_bytes_per_entity": str(8 << 20),
             "balance_lookback": "4096", "explicit_entities": False, "tamper_evident": False}

    def test_a_new_ledger_has_the_documented_ones(self):
        self.run_semel("init", self.ledger)
        self.assertEqual([self.SHOWN], self.json_lines("options", self.ledger))
        self.assertRegex(self.run_semel("options", self.ledger).stdout, r"(?m)^parking +no$")

    def test_init_and_options_set_what_is_given_and_leave_the_rest(self):
        self.run_semel("init", self.ledger, "--parking", "on", "--parking-bytes", "2MiB", "--explicit-entities", "on")
        wanted = {**self.SHOWN, "parking": True, "parking_bytes": str(2 << 20), "explicit_entities": True}
        self.assertEqual([wanted], self.json_lines("options", self.ledger))
        wanted.update(parking_changes="7", parking_changes_per_entity="3", parking_bytes_per_entity="5000",
                      balance_lookback="9", explicit_entities=False)
        given = ["--parking-changes", 7, "--parking-changes-per-entity", 3, "--parking-bytes-per-entity", "5kB",
                 "--balance-lookback", 9, "--explicit-entities", "off"]
        self.assertEqual([wanted], self.json_lines("options", self.ledger, *given))
        self.assertEqual([wanted], self.json_lines("options", self.ledger))
        entries = len(self.json_lines("journal", self.ledger))
        self.json_lines("options", self.ledger, *given)  # no change, no entry
        self.assertEqual(entries, len(self.json_lines("journal", self.ledger)))

    def test_bad_values_change_nothing(self):
        self.run_semel("init", self.ledger)
        for given in (["--parking", "maybe"], ["--parking-changes", 0], ["--parking-bytes", "1XiB"],
                      ["--parking-bytes", "2GiB"], ["--parking-bytes", "99999999999999TiB"],
                      ["--balance-lookback", 1 << 32], ["--parkin", "on"]):
            with self.subTest(given):
                self.assertNotEqual("", self.unchanged_by("options", self.ledger, *given))
        self.run_semel("options", self.directory / "absent", "--parking", "on", exit_status=2)
        self.assertFalse((self.directory / "absent").exists())


class Parked(HeldCase):
    def park(self):
        """One entity at version 1, and three changes parked on it."""
        changes = [change("T-0", "a", 0, add=1), change("T-3", "a", 3, add=8), change("T-2", "a", 2, add=4),
                   sourced(5, {"key": "a", "expect_version": 9, "add": 16}, "T-9")]
        outcomes = self.apply(lines(changes), "--park")
        self.assertEqual(["APPLIED", "PARKED", "PARKED", "PARKED"], [o["outcome"] for o in outcomes])

    def test_apply_parks_as_the_ledger_says_unless_told(self):
        early = lines([change("T-3", "a", 3, add=8)])
        self.run_semel("init", self.ledger)
        self.assertEqual("EARLY", self.apply(early)[0]["outcome"])
        self.run_semel("options", self.ledger, "--parking", "on")
        self.assertEqual("EARLY", self.apply(early, "--no-park")[0]["outcome"])
        self.assertEqual("PARKED", self.apply(early)[0]["outcome"])

    def test_R38_they_are_decided_when_their_turn_comes_and_apply_says_so(self):
        self.park()
        summary = self.json_lines("apply", self.ledger, "-", stdin=lines([change("T-1", "a", 1, add=2)]))[0]
        self.assertEqual((1, 2), (summary["outcomes"]["APPLIED"], summary["unparked"]["APPLIED"]))
        self.assertEqual("15", self.json_lines("get", self.ledger, "a")[0]["balance"])
        self.assertEqual(["T-9"], [p["change"]["id"] for p in self.json_lines("parked", self.ledger, "list")])
        entry = self.json_lines("journal", self.ledger)[-1]
        self.assertEqual(("T-3", "APPLIED", "2"), (entry["id"], entry["outcome"], entry["parked"]))
        self.assertIn("a v4 +8 (parked as 2)", self.run_semel("journal", self.ledger).stdout)

    def test_the_table_of_apply_counts_them(self):
        self.park()
        text = self.run_semel("apply", self.ledger, "-", stdin=lines([change("T-1", "a", 1, add=2)])).stdout
        self.assertIn("2 parked changes decided: APPLIED\n", text)

    def test_list_and_show(self):
        self.park()
        parked = self.json_lines("parked", self.ledger, "list")
        self.assertEqual([("2", "T-3"), ("3", "T-2"), ("4", "T-9")], [(p["sequence"], p["change"]["id"]) for p in parked])
        self.assertEqual([{"key": "a", "version": "3", "present": "1"}], parked[0]["waits"])
        self.assertEqual(parked[:1], self.json_lines("parked", self.ledger, "list", "--limit", 1))
        self.assertEqual(parked[2:], self.json_lines("parked", self.ledger, "list", "--source", "s"))
        self.assertEqual([], self.json_lines("parked", self.ledger, "list", "--source", "t"))
        row = self.run_semel("parked", self.ledger, "list").stdout.splitlines()[1]
        self.assertRegex(row, r"^ +2  \S+Z  T-3  -  +a v3, is at 1$")
        for name in ("4", "s:5"):
            self.assertEqual(parked[2:], self.json_lines("parked", self.ledger, "show", name))
        self.assertRegex(self.run_semel("parked", self.ledger, "show", 2).stdout, r"(?m)^waits for +a v3, is at 1$")
        self.assertEqual("3", self.json_lines("stats", self.ledger)[0]["parked"])

    def test_R39_discarded_ones_become_dead_letters(self):
        self.park()
        self.assertIn("--yes", self.unchanged_by("parked", self.ledger, "discard", 2))
        self.assertEqual({"discarded": 2}, self.json_lines("parked", self.ledger, "discard", 2, 2, 3, "--yes")[0])
        self.assertEqual(["4"], [p["sequence"] for p in self.json_lines("parked", self.ledger, "list")])
        letters = self.json_lines("dead-letters", self.ledger, "list")
        self.assertEqual([("T-3", "CONFLICT", "discarded"), ("T-2", "CONFLICT", "discarded")],
                         [(x["id"], x["outcome"], x["conflict"]) for x in letters])
        self.assertIn("1 parked change discarded",
                      self.run_semel("parked", self.ledger, "discard", "--source", "s", "--yes").stdout)
        self.assertEqual({"discarded": 0}, self.json_lines("parked", self.ledger, "discard", "--all")[0])

    def test_a_person_at_a_terminal_is_asked(self):
        self.park()
        self.assertEqual((2, ""), self.answer_on_terminal("n", "parked", self.ledger, "discard", 2))
        self.assertEqual(3, len(self.json_lines("parked", self.ledger, "list")))
        self.assertEqual(0, self.answer_on_terminal("y", "parked", self.ledger, "discard", 2)[0])
        self.assertEqual(2, len(self.json_lines("parked", self.ledger, "list")))

    def test_bad_names_change_nothing(self):
        self.park()
        for arguments in (["discard", 99, "--yes"], ["discard", 2, 99, "--yes"], ["discard", "s:6", "--yes"],
                          ["discard", "x", "--yes"], ["discard", ":5", "--yes"], ["discard", "--yes"], ["discard", 0],
                          ["discard", "2", "--all", "--yes"], ["discard", "-1", "--yes"], ["show", "1"], ["show"],
                          ["lst"], []):
            with self.subTest(arguments):
                self.assertNotEqual("", self.unchanged_by("parked", self.ledger, *arguments))
        self.assertEqual(3, len(self.json_lines("parked", self.ledger, "list")))


class DeadLetters(HeldCase):
    def setUp(self):
        super().setUp()
        policy = {"min_balance": "0"}
        messages = [change("P", "a", 0, set_policy=policy), sourced(1, {"key": "a", "add": "-5"}, "R-1", incarnation="i"),
                    sourced(2, {"key": "a", "expect_version": 0, "add": "7"}, incarnation="i"),
                    sourced(9, {"key": "a", "add": "-6"}, "R-9", name="x:y")]
        self.messages = messages
        outcomes = self.apply(lines(messages))
        self.assertEqual(["APPLIED", "REJECTED", "CONFLICT", "REJECTED"], [o["outcome"] for o in outcomes])
        self.letters = self.json_lines("dead-letters", self.ledger, "list")

    def sequences(self):
        return [x["sequence"] for x in self.json_lines("dead-letters", self.ledger, "list")]

    def test_list_and_show(self):
        self.assertEqual([("2", "R-1", "REJECTED"), ("3", "", "CONFLICT"), ("4", "R-9", "REJECTED")],
                         [(x["sequence"], x["id"], x["outcome"]) for x in self.letters])
        self.assertEqual("balance limit", self.letters[0]["rule"])
        self.assertEqual(json.dumps(self.messages[1]), base64.b64decode(self.letters[0]["original"]).decode())
        self.assertEqual(self.letters[2:], self.json_lines("dead-letters", self.ledger, "list", "--source", "x:y"))
        self.assertEqual(self.letters[:2], self.json_lines("dead-letters", self.ledger, "list", "--limit", 2))
        for name in ("4", "x:y:9"):
            self.assertEqual(self.letters[2:], self.json_lines("dead-letters", self.ledger, "show", name))
        rows = self.run_semel("dead-letters", self.ledger, "list").stdout.splitlines()
        self.assertRegex(rows[2], r"^ +3  \S+Z  CONFLICT  -    s:2     a is at version 1, 0 was expected")
        shown = self.run_semel("dead-letters", self.ledger, "show", 2).stdout
        self.assertRegex(shown, r"(?m)^rule +balance limit$")
        self.assertRegex(shown, r"(?m)^incarnation +i$")
        stats = self.json_lines("stats", self.ledger)[0]
        self.assertEqual("3", stats["dead_letters"])
        self.assertGreater(int(stats["dead_letter_bytes"]), 100)

    def test_R40_retry_applies_what_can_be_and_says_what_stays(self):
        result = self.run_semel("dead-letters", self.ledger, "retry", "s:1", exit_status=1)
        self.assertRegex(result.stdout.splitlines()[1], r"^ +2  REJECTED  stays  R-1  s:1 ")
        self.apply(lines([change("D", "a", 1, add="8")]))
        retried = self.json_lines("dead-letters", self.ledger, "retry", "--all", "--yes", exit_status=1)
        self.assertEqual([("2", "APPLIED", True), ("3", "CONFLICT", False), ("4", "REJECTED", False)],
                         [(x["letter"], x["outcome"], x["left"]) for x in retried])
        self.assertEqual("3", self.json_lines("get", self.ledger, "a")[0]["balance"])
        self.assertEqual(["3", "4"], self.sequences())
        self.assertEqual("DUPLICATE", self.apply(lines(self.messages[1:2]))[0]["outcome"])
        entry = [e for e in self.json_lines("journal", self.ledger) if e["id"] == "R-1"][-1]
        self.assertEqual(("APPLIED", "2"), (entry["outcome"], entry["letter"]))
        self.assertIn("(dead letter 2)", self.run_semel("journal", self.ledger).stdout)
        self.apply(lines([change("E", "a", 3, add="8")]))
        self.assertIn("left", self.run_semel("dead-letters", self.ledger, "retry", 4, 4).stdout)
        self.assertEqual(["3"], self.sequences())

    def test_R21_discarded_the_verdict_of_the_position_stays(self):
        self.assertIn("--yes", self.unchanged_by("dead-letters", self.ledger, "discard", 2))
        self.assertEqual("1 dead letter discarded\n",
                         self.run_semel("dead-letters", self.ledger, "discard", "s:1", "--yes").stdout)
        self.assertEqual(["3", "4"], self.sequences())
        self.assertEqual("REJECTED", self.apply(lines(self.messages[1:2]))[0]["outcome"])
        self.assertEqual(["3", "4"], self.sequences())
        self.assertEqual([{"discarded": 1}],
                         self.json_lines("dead-letters", self.ledger, "discard", "--source", "s", "--yes"))
        self.assertEqual([{"discarded": 1}], self.json_lines("dead-letters", self.ledger, "discard", "--all", "--yes"))
        self.assertEqual([{"discarded": 0}], self.json_lines("dead-letters", self.ledger, "discard", "--all"))
        self.assertEqual("", self.json_lines("verify", self.ledger)[0]["fault"])

    def test_many_at_once_are_asked_for(self):
        self.assertIn("Retry 3 dead letters?", self.unchanged_by("dead-letters", self.ledger, "retry", "--all"))
        self.assertIn("Retry 2 dead letters?", self.unchanged_by("dead-letters", self.ledger, "retry", "--source", "s"))
        self.assertEqual((2, ""), self.answer_on_terminal("", "dead-letters", self.ledger, "discard", "--all"))
        self.assertEqual(["2", "3", "4"], self.sequences())
        self.assertEqual((0, "3 dead letters discarded\n"),
                         self.answer_on_terminal("yes", "dead-letters", self.ledger, "discard", "--all"))

    def test_one_position_of_two_incarnations_needs_the_sequence(self):
        self.run_semel("sources", self.ledger, "set", "s", "--position", 0, "--incarnation", "j", "--yes")
        self.apply(lines([sourced(1, {"key": "a", "add": "-9"}, "R-1b", incarnation="j")]))
        self.assertIn("by its sequence", self.unchanged_by("dead-letters", self.ledger, "retry", "s:1"))
        self.assertEqual("j", self.json_lines("dead-letters", self.ledger, "show", 6)[0]["source"]["incarnation"])

    def test_bad_names_change_nothing(self):
        for arguments in (["retry", 99], ["retry", 2, 99], ["retry", "s:3"], ["retry", "R-1"], ["retry"],
                          ["retry", "2", "--all"], ["discard", 99, "--yes"], ["discard", "--yes"],
                          ["discard", "--all", "--source", "s", "--yes"], ["show", 1], ["show"], ["export"],
                          ["export", "99"], ["export", "2", "--proto", "--directory", "d"], ["lsit"]):
            with self.subTest(arguments):
                self.assertNotEqual("", self.unchanged_by("dead-letters", self.ledger, *arguments))
        self.assertEqual(["2", "3", "4"], self.sequences())

    def test_export_as_lines_as_records_and_as_files(self):
        out = self.run_semel("dead-letters", self.ledger, "export", "--all").stdout
        self.assertEqual(lines(self.messages[1:]), out)
        out = self.run_semel("dead-letters", self.ledger, "export", 4, "s:1").stdout
        self.assertEqual(lines([self.messages[3], self.messages[1]]), out)
        records = self.directory / "letters.pb"
        with open(records, "wb") as file:
            subprocess.run([self.semel, "dead-letters", self.ledger, "export", "--all", "--proto"], stdout=file,
                           check=True, timeout=SECONDS_MAX)
        self.run_semel("init", self.directory / "other")
        other = self.json_lines("apply", self.directory / "other", records)[0]
        self.assertEqual((3, 0), (other["changes"], other["malformed"]))
        folder = self.directory / "letters"
        self.run_semel("dead-letters", self.ledger, "export", "--source", "s", "--directory", folder)
        self.assertEqual(["2.json", "3.json"], sorted(os.listdir(folder)))
        self.assertEqual(json.dumps(self.messages[2]), (folder / "3.json").read_text())
        (folder / "2.json").unlink()
        (folder / "3.json").write_text("mine")
        self.run_semel("dead-letters", self.ledger, "export", 3, "--directory", folder, exit_status=2)
        self.assertEqual("mine", (folder / "3.json").read_text())


class Undecodable(HeldCase):
    def test_with_a_source_a_line_that_cannot_be_read_becomes_a_dead_letter(self):
        stdin = lines([{"id": "A", "updates": [{"key": "a", "add": "5"}]}]) + "{broken\n" + \
            lines([{"id": "B", "updates": [{"key": "a", "add": "6"}]}])
        for code in ("APPLIED", "DUPLICATE"):
            outcomes = self.apply(stdin, "--source", "file")
            self.assertEqual([code, "INVALID", code], [o["outcome"] for o in outcomes])
            self.assertEqual(("2", 2), (outcomes[1]["sequence"], outcomes[1]["line"]))
            self.assertRegex(outcomes[1]["reason"], "^line 2: not valid JSON")
        letter = self.json_lines("dead-letters", self.ledger, "show", "file:2")[0]
        self.assertEqual(b"{broken", base64.b64decode(letter["original"]))
        self.assertNotIn("change", letter)
        self.assertIn("could not be decoded", self.run_semel("dead-letters", self.ledger, "show", 2).stdout)
        result = self.run_semel("dead-letters", self.ledger, "retry", 2, exit_status=1)
        self.assertRegex(result.stdout.splitlines()[1], r"^ +2  -  +stays  -   file:2  could not be decoded: export it")
        retried = self.json_lines("dead-letters", self.ledger, "retry", 2, exit_status=1)[0]
        self.assertEqual(("2", "INVALID", False), (retried["letter"], retried["outcome"], retried["left"]))
        self.assertEqual("{broken\n", self.run_semel("dead-letters", self.ledger, "export", 2).stdout)
        self.run_semel("dead-letters", self.ledger, "export", 2, "--directory", self.directory / "d")
        self.assertEqual(b"{broken", (self.directory / "d" / "2.bin").read_bytes())
        self.assertEqual("ID_REUSED", self.apply(stdin.replace("broken", "mended"), "--source", "file")[1]["outcome"])

    def test_without_a_source_it_is_only_answered(self):
        self.assertEqual("INVALID", self.apply("{broken\n")[0]["outcome"])
        self.assertEqual([], self.json_lines("dead-letters", self.ledger, "list"))

    def test_records_that_cannot_be_read_are_kept_as_they_came(self):
        stream = record("T-1", "a", 0, 1) + varint(3) + b"\xff\n\xff" + record("T-2", "a", 0, 1)
        outcomes = self.apply(stream, "--format", "proto", "--source", "file")
        self.assertEqual(["APPLIED", "INVALID", "CONFLICT"], [o["outcome"] for o in outcomes])
        letters = self.json_lines("dead-letters", self.ledger, "list")
        self.assertEqual(b"\xff\n\xff", base64.b64decode(letters[0]["original"]))
        exported = self.run_semel("dead-letters", self.ledger, "export", "--all", "--proto", stdin=b"").stdout
        self.assertEqual(varint(3) + b"\xff\n\xff" + record("T-2", "a", 0, 1), exported)
        as_line = self.run_semel("dead-letters", self.ledger, "export", 3).stdout
        self.assertEqual("T-2", json.loads(as_line)["id"])
        self.assertIn("--directory", self.run_semel("dead-letters", self.ledger, "export", 2, exit_status=1).stderr)
        self.run_semel("dead-letters", self.ledger, "export", "--all", "--directory", self.directory / "d")
        self.assertEqual(["2.bin", "3.pb"], sorted(os.listdir(self.directory / "d")))


class Sources(HeldCase):
    def setUp(self):
        super().setUp()
        self.apply(lines([sourced(4, {"key": "a", "add": 1}, incarnation="i"),
                          sourced(1, {"key": "a", "add": 1}, name="w", window=8),
                          sourced(3, {"key": "a", "add": 1}, name="w", window=8)]))

    def test_list_and_show(self):
        cursors = self.json_lines("sources", self.ledger)
        self.assertEqual(cursors, self.json_lines("sources", self.ledger, "list"))
        self.assertEqual({"name": "s", "position": "4", "incarnation": "i", "chained": False, "consumed": "1"},
                         cursors[0])
        self.assertEqual(("w", "1", "8", "1"), tuple(cursors[1][x] for x in ("name", "position", "window", "ahead")))
        self.assertEqual(cursors[1:], self.json_lines("sources", self.ledger, "show", "w"))
        self.assertRegex(self.run_semel("sources", self.ledger, "show", "w").stdout, r"(?m)^window +8, 1 ahead$")
        rows = self.run_semel("sources", self.ledger).stdout.splitlines()
        self.assertEqual("w            1  -            no       8, 1 ahead         2", rows[2])
        self.assertIn("of a source v", self.run_semel("sources", self.ledger, "show", "v", exit_status=2).stderr)

    def test_set_forward_keeps_what_is_not_given(self):
        self.assertIn("s is at 4; set it to 9?",
                      self.unchanged_by("sources", self.ledger, "set", "s", "--position", 9))
        shown = self.json_lines("sources", self.ledger, "set", "s", "--position", 9, "--yes")[0]
        self.assertEqual(("9", "i"), (shown["position"], shown["incarnation"]))
        outcomes = self.apply(lines([sourced(7, {"key": "a", "add": 1}, incarnation="i"),
                                     sourced(10, {"key": "a", "add": 1}, incarnation="i")]))
        self.assertEqual(["INVALID", "APPLIED"], [o["outcome"] for o in outcomes])

    def test_R26_positions_that_start_anew_need_a_new_incarnation(self):
        self.assertIn("name the new incarnation",
                      self.unchanged_by("sources", self.ledger, "set", "s", "--position", 3, "--yes"))
        shown = self.json_lines("sources", self.ledger, "set", "s", "--position", 0, "--incarnation", "j", "--yes")[0]
        self.assertEqual(("0", "j"), (shown["position"], shown["incarnation"]))
        outcomes = self.apply(lines([sourced(1, {"key": "a", "add": 1}, incarnation="i"),
                                     sourced(1, {"key": "a", "add": 1}, incarnation="j")]))
        self.assertEqual(["INVALID", "APPLIED"], [o["outcome"] for o in outcomes])

    def test_a_mistyped_name_creates_no_source(self):
        self.assertIn("--create", self.unchanged_by("sources", self.ledger, "set", "ss", "--position", 9, "--yes"))
        shown = self.json_lines("sources", self.ledger, "set", "ss", "--position", 9, "--window", 5, "--create", "--yes")
        self.assertEqual(("9", "5"), (shown[0]["position"], shown[0]["window"]))

    def test_bad_values_change_nothing(self):
        for given in ([], ["--position", "x"], ["--position", "-1"], ["--position", 9, "--window", 4097],
                      ["--position", 9, "--incarnation", "x" * 65]):
            with self.subTest(given):
                self.assertNotEqual("", self.unchanged_by("sources", self.ledger, "set", "s", "--yes", *given))


if __name__ == "__main__":
    main(__doc__)
