#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Living with a ledger, through the command: trimming, retiring, rebuilding, compacting, backup and restore, export
and import.

usage: upkeep_test.py PATH_TO_SEMEL [UNITTEST_ARGUMENT ...]
"""
import os
import pathlib
import shutil

from cli_case import CliCase, change, lines, main


def transfer(number, period):
    return {"id": f"T-{number}", "balanced": True,
            "updates": [{"key": f"transfer/{period}/T-{number}", "expect_version": 0, "put": "eA=="},
                        {"key": "account/a", "add": "-5"}, {"key": "account/b", "add": "5"}]}


class UpkeepCase(CliCase):
    def setUp(self):
        super().setUp()
        self.changes = [transfer(i, "2025-01" if i < 20 else "2025-02") for i in range(30)]
        self.apply(lines(self.changes))
        self.apply(lines([{"source": {"name": "s", "position": 7}, "updates": [{"key": "account/a", "add": "1"}]},
                          {"source": {"name": "s", "position": 8},
                           "updates": [{"key": "x", "expect_version": 0, "delete": True}]},
                          change("early", "account/b", 99, add="3")]), "--park")

    def picture(self, ledger=None):
        """All that a ledger answers with."""
        ledger = ledger or self.ledger
        return {"entities": self.json_lines("list", ledger, "--deleted"), "sources": self.json_lines("sources", ledger),
                "parked": self.json_lines("parked", ledger, "list"),
                "letters": self.json_lines("dead-letters", ledger, "list"),
                "retired": self.json_lines("retire", ledger, "--list"), "options": self.json_lines("options", ledger)}

    def sound(self, ledger=None):
        self.assertEqual("", self.json_lines("verify", ledger or self.ledger)[0]["fault"])

    def unchanged_by(self, *arguments, exit_status=2):
        before = self.picture()
        result = self.run_semel(*arguments, exit_status=exit_status)
        self.assertEqual(before, self.picture(), arguments)
        self.assertNotEqual("", result.stderr)
        return result.stderr


class Trim(UpkeepCase):
    def test_R34_sealed_and_trimmed_nothing_is_applied_again(self):
        before = self.picture()
        report = self.json_lines("trim", self.ledger, "--keep-bytes", 0, "--seal")[0]
        self.assertEqual(("1", ""), (report["removed_segments"], report["held_by"]))
        self.assertGreater(int(report["base_bytes"]), 1000)
        self.assertEqual(before, self.picture())
        stats = self.json_lines("stats", self.ledger)[0]
        self.assertEqual((report["floor_lsn"], report["base_bytes"]), (stats["floor_lsn"], stats["base_bytes"]))
        outcomes = self.apply(lines(self.changes))
        self.assertNotIn("APPLIED", {o["outcome"] for o in outcomes})
        self.assertEqual("DUPLICATE", outcomes[-1]["outcome"])
        self.sound()

    def test_R35_answerable_shows_from_where_on(self):
        shown = {"key": "account/a", "version": "31", "since_version": "0", "floor_lsn": "0", "retired": False}
        self.assertEqual([shown], self.json_lines("answerable", self.ledger, "account/a"))
        self.run_semel("trim", self.ledger, "--keep-bytes", 0, "--seal")
        self.apply(lines([change("N", "account/a", 31, add="1")]))
        shown = self.json_lines("answerable", self.ledger, "account/a")[0]
        self.assertEqual(("32", "31"), (shown["version"], shown["since_version"]))
        self.assertRegex(self.run_semel("answerable", self.ledger, "nobody").stdout, r"(?m)^version +0$")
        self.run_semel("answerable", self.ledger, "", exit_status=2)

    def test_what_was_trimmed_is_said_and_not_called_absent(self):
        self.run_semel("trim", self.ledger, "--keep-bytes", 0, "--seal")
        self.assertEqual("what led to version 31 was trimmed\n", self.run_semel("history", self.ledger, "account/a").stdout)
        self.apply(lines([change("N", "account/a", 31, add="1"), change("M", "account/a", 32, add="1")]))
        for order in ([], ["--oldest-first"]):
            text = self.run_semel("history", self.ledger, "account/a", *order).stdout
            self.assertEqual(4, len(text.splitlines()))
            self.assertIn("\nwhat led to version 31 was trimmed\n", text)
        self.assertNotIn("trimmed", self.run_semel("history", self.ledger, "account/a", "--limit", 1).stdout)
        for arguments in (["get", self.ledger, "account/a", "--as-of-version", 3], ["statement", self.ledger, "account/a"],
                          ["get", self.ledger, "account/a", "--as-of-lsn", 100], ["journal", self.ledger, "--from", 64],
                          ["trial-balance", self.ledger, "--as-of-time", "2020-01-01"]):
            self.assertRegex(self.run_semel(*arguments, exit_status=2).stderr, "retained history|not kept|trimmed")
        self.assertIn("trimmed before LSN", self.run_semel("journal", self.ledger).stdout)

    def test_bounds(self):
        for bound in (["--before-lsn", 10], ["--before-time", "2020-01-01"], ["--keep-bytes", "10GiB"],
                      ["--keep-bytes", 0, "--before-time", "2020-01-01"], ["--keep-bytes", "0"]):
            report = self.json_lines("trim", self.ledger, *bound)[0]
            self.assertEqual(("0", "0"), (report["floor_lsn"], report["removed_bytes"]), bound)
        tip = self.json_lines("stats", self.ledger)[0]["durable_lsn"]
        report = self.json_lines("trim", self.ledger, "--before-lsn", tip, "--seal")[0]
        self.assertEqual(tip, report["floor_lsn"])
        self.assertRegex(self.run_semel("trim", self.ledger, "--before-time", "2200-01-01").stdout,
                         r"(?m)^held_by +nothing$")

    def test_bad_bounds_remove_nothing(self):
        for bound in ([], ["--seal"], ["--before-lsn", "-1"], ["--before-time", "yesterday"], ["--keep-bytes", "5 apples"],
                      ["--keep-bytes", "-5"], ["--before-lsn", 5, "--sael"]):
            with self.subTest(bound):
                self.unchanged_by("trim", self.ledger, *bound)
        self.assertEqual("0", self.json_lines("stats", self.ledger)[0]["floor_lsn"])
        self.run_semel("trim", self.directory / "absent", "--keep-bytes", 0, exit_status=2)


class Retire(UpkeepCase):
    def test_R43_what_names_a_retired_key_is_indeterminate_for_ever(self):
        self.assertIn("such as transfer/2025-01/T-0?", self.unchanged_by("retire", self.ledger, "--prefix",
                                                                         "transfer/2025-01/"))
        report = self.json_lines("retire", self.ledger, "--prefix", "transfer/2025-01/", "--yes")[0]
        self.assertEqual({"prefix": "transfer/2025-01/", "erased": "20"}, report)
        for _ in range(2):
            outcomes = self.apply(lines(self.changes))
            self.assertEqual(["INDETERMINATE"] * 20 + ["DUPLICATE"] * 10, [o["outcome"] for o in outcomes])
            self.run_semel("trim", self.ledger, "--keep-bytes", "10GiB", "--seal")
            self.run_semel("rebuild", self.ledger)
        self.assertEqual([{"prefix": "transfer/2025-01/"}], self.json_lines("retire", self.ledger, "--list"))
        self.assertEqual("transfer/2025-01/\n", self.run_semel("retire", self.ledger, "--list").stdout)
        self.assertEqual("1", self.json_lines("stats", self.ledger)[0]["retired_prefixes"])
        key = "transfer/2025-01/T-0"
        self.assertEqual(f"{key} was retired\n", self.run_semel("get", self.ledger, key).stdout)
        self.assertTrue(self.json_lines("get", self.ledger, key)[0]["retired"])
        self.assertTrue(self.json_lines("answerable", self.ledger, key)[0]["retired"])
        self.assertIn("retired", self.run_semel("history", self.ledger, key, exit_status=2).stderr)
        self.sound()

    def test_again_it_goes_on_where_it_ended(self):
        self.run_semel("retire", self.ledger, "--prefix", "transfer/2025-01/", "--yes")
        for prefix in ("transfer/2025-01/", "transfer/2025-01/T-1"):
            self.assertEqual("0", self.json_lines("retire", self.ledger, "--prefix", prefix)[0]["erased"])
        self.assertEqual(1, len(self.json_lines("retire", self.ledger, "--list")))

    def test_a_mistyped_prefix_and_one_with_money_retire_nothing(self):
        self.assertIn("no key begins with", self.unchanged_by("retire", self.ledger, "--prefix", "transfers/", "--yes"))
        self.assertIn("has balance", self.unchanged_by("retire", self.ledger, "--prefix", "account/", "--yes",
                                                       exit_status=1))
        for arguments in ([], ["--yes"], ["--prefix", "", "--yes"], ["--prefix", "x" * 257, "--yes"],
                          ["--prefix", "transfer/", "--list"]):
            with self.subTest(arguments):
                self.unchanged_by("retire", self.ledger, *arguments)
        self.assertEqual([], self.json_lines("retire", self.ledger, "--list"))


class State(UpkeepCase):
    def test_rebuild_makes_a_lost_or_damaged_state_anew(self):
        before, digest = self.picture(), self.json_lines("stats", self.ledger)[0]["state_digest"]
        state = pathlib.Path(self.ledger, "state", "data.mdb")
        for damage in (lambda: None, state.unlink, lambda: os.truncate(state, 5000), lambda: shutil.rmtree(state.parent)):
            damage()
            report = self.json_lines("rebuild", self.ledger)[0]
            self.assertEqual(digest, report["state_digest"])
            self.assertEqual(before, self.picture())
        self.run_semel("trim", self.ledger, "--keep-bytes", 0, "--seal")
        state.unlink()
        self.assertIn("semel rebuild", self.run_semel("get", self.ledger, "account/a", exit_status=1).stderr)
        self.assertNotEqual("0", self.json_lines("rebuild", self.ledger)[0]["base_lsn"])
        self.assertEqual(before, self.picture())
        self.sound()

    def test_rebuild_and_compact_of_what_is_open_or_absent(self):
        process = self.start("apply", self.ledger, "-")
        process.stdin.write(lines([change("N", "n", 0, add="1")]))
        process.stdin.flush()
        while not self.json_lines("get", self.ledger, "n")[0]["version"] == "1":
            pass
        for command in ("rebuild", "compact"):
            self.assertIn("One process writes", self.run_semel(command, self.ledger, exit_status=1).stderr)
            self.run_semel(command, self.directory / "absent", exit_status=2)
        process.stdin.close()
        self.assertEqual(0, process.wait(60))
        self.assertFalse((self.directory / "absent").exists())

    def test_compact_gives_free_pages_back(self):
        self.apply(lines(change(f"F-{i}", f"fat/{i}", 0, put="eHh4" * 300) for i in range(2000)))
        self.run_semel("retire", self.ledger, "--prefix", "fat/", "--yes")
        before = self.picture()
        free = int(self.json_lines("stats", self.ledger)[0]["state_free_bytes"])
        self.assertGreater(free, 1 << 20)
        report = self.json_lines("compact", self.ledger)[0]
        self.assertLess(int(report["state_bytes"]), int(report["state_bytes_before"]) - (1 << 20))
        self.assertEqual(before, self.picture())
        self.sound()


class Backup(UpkeepCase):
    def setUp(self):
        super().setUp()
        self.copy = self.directory / "copy"
        self.restored = self.directory / "restored"

    def test_R36_backup_and_restore_carry_everything_and_the_epoch_rises(self):
        self.run_semel("retire", self.ledger, "--prefix", "transfer/2025-01/", "--yes")
        self.run_semel("trim", self.ledger, "--keep-bytes", 0, "--seal")
        self.apply(lines([change("N", "n", 0, add="1")]))
        before = self.picture()
        report = self.json_lines("backup", self.ledger, self.copy)[0]
        stats = self.json_lines("stats", self.ledger)[0]
        self.assertEqual((stats["durable_lsn"], stats["sequence"], "1"), (report["lsn"], report["sequence"], report["epoch"]))
        restored = self.json_lines("restore", self.copy, self.restored)[0]
        self.assertEqual(("2", report["lsn"]), (restored["epoch"], restored["lsn"]))
        self.assertEqual(before, self.picture(self.restored))
        self.sound(self.restored)
        wrong_epoch = {**change("E", "e", 0, add="1"), "epoch": 1}
        result = self.run_semel("apply", self.restored, "-", "--outcomes", self.outcomes, stdin=lines([wrong_epoch]))
        self.assertIn("epoch", self.read_outcomes()[0]["reason"], result)
        self.run_semel("restore", self.copy, self.directory / "again", "--epoch", 9)
        self.assertEqual("9", self.json_lines("stats", self.directory / "again")[0]["epoch"])

    def test_a_backup_is_brought_up_to_date_beside_a_writer(self):
        self.run_semel("backup", self.ledger, self.copy)
        process = self.start("apply", self.ledger, "-")
        process.stdin.write(lines([change("N", "n", 0, add="1")]))
        process.stdin.flush()
        while not self.json_lines("get", self.ledger, "n")[0]["version"] == "1":
            pass
        self.assertNotEqual("", self.run_semel("backup", self.ledger, self.copy, "--hard-links", "--no-verify").stdout)
        process.stdin.close()
        self.assertEqual(0, process.wait(60))
        self.run_semel("restore", self.copy, self.restored)
        self.assertEqual("1", self.json_lines("get", self.restored, "n")[0]["balance"])

    def test_wrong_places_harm_nothing(self):
        other = self.directory / "other"
        other.mkdir()
        (other / "mine").write_text("mine")
        self.unchanged_by("backup", self.ledger, other, exit_status=1)
        self.assertEqual(["mine"], os.listdir(other))
        self.run_semel("init", self.directory / "second")
        self.unchanged_by("backup", self.ledger, self.directory / "second", exit_status=1)
        self.run_semel("backup", self.ledger, self.copy)
        self.assertIn("semel restore", self.run_semel("get", self.copy, "account/a", exit_status=1).stderr)
        self.unchanged_by("restore", self.copy, self.ledger)
        self.assertIn("absent", self.run_semel("restore", self.directory / "absent", self.restored, exit_status=2).stderr)
        self.run_semel("restore", self.ledger, self.restored, exit_status=2)
        self.assertFalse(self.restored.exists())

    def test_a_damaged_backup_restores_nothing(self):
        self.run_semel("backup", self.ledger, self.copy)
        segment = next(pathlib.Path(self.copy, "journal").iterdir())
        content = bytearray(segment.read_bytes())
        content[content.index(b"T-5")] ^= 1
        segment.write_bytes(content)
        self.assertNotEqual("", self.run_semel("restore", self.copy, self.restored, exit_status=1).stderr)
        self.assertFalse(self.restored.exists() and os.listdir(self.restored))


class Export(UpkeepCase):
    def setUp(self):
        super().setUp()
        self.run_semel("retire", self.ledger, "--prefix", "transfer/2025-01/", "--yes")
        self.other = self.directory / "other"

    def check_imported(self):
        """All is there but the history: the latest change of each entity is recognised, older ones are not applied."""
        self.assertEqual(self.picture(), self.picture(self.other))
        stats = self.json_lines("stats", self.other)[0]
        self.assertEqual(("2", stats["durable_lsn"]), (stats["epoch"], stats["floor_lsn"]))
        self.sound(self.other)
        result = self.run_semel("apply", self.other, "-", "--json", stdin=lines(self.changes[-1:]))
        self.assertIn('"DUPLICATE":1', result.stdout)
        self.run_semel("apply", self.other, "-", "--outcomes", self.outcomes, stdin=lines(self.changes))
        self.assertNotIn("APPLIED", {o["outcome"] for o in self.read_outcomes()})

    def test_R36_export_and_import_as_json_lines_through_a_pipe(self):
        exported = self.run_semel("export", self.ledger).stdout
        self.assertEqual(exported, self.run_semel("export", self.ledger, "--format", "json").stdout)
        report = self.json_lines("import", self.other, stdin=exported)[0]
        self.assertEqual((str(len(exported.splitlines())), "2"), (report["records"], report["epoch"]))
        self.check_imported()

    def test_R36_export_and_import_as_protobuf_in_a_file(self):
        file = self.directory / "export.pb"
        self.assertRegex(self.run_semel("export", self.ledger, "-o", file).stdout, r"export\.pb: \d+ records\n$")
        self.assertEqual(0o600, file.stat().st_mode & 0o777)
        as_told = self.run_semel("export", self.ledger, "--format", "proto", stdin=b"").stdout
        self.assertEqual(file.read_bytes(), as_told)
        self.json_lines("import", self.other, file)
        self.check_imported()

    def test_an_existing_file_is_not_written_over(self):
        file = self.directory / "mine.jsonl"
        file.write_text("mine")
        self.unchanged_by("export", self.ledger, "-o", file)
        self.unchanged_by("export", self.ledger, "-o", self.directory / "absent" / "file")
        self.assertEqual("mine", file.read_text())

    def test_what_was_cut_or_edited_is_refused_and_leaves_nothing(self):
        records = self.run_semel("export", self.ledger).stdout.splitlines(keepends=True)
        edited = [r.replace('"balance":"-149"', '"balance":"-148"') for r in records]
        self.assertTrue(records != edited)
        for stdin in ("", "{}\n", "".join(records[:-1]), "".join(records)[:-20], "".join(records[:5] + records[6:]),
                      "".join(edited), "".join(records) + records[-1]):
            with self.subTest(stdin=stdin[:60]):
                result = self.run_semel("import", self.other, "-", stdin=stdin, exit_status=None)
                self.assertIn(result.returncode, (1, 2), result.stderr)
                self.assertNotEqual("", result.stderr)
                self.assertFalse(self.other.exists() and os.listdir(self.other))

    def test_wrong_places_harm_nothing(self):
        file = self.directory / "export.jsonl"
        self.run_semel("export", self.ledger, "-o", file)
        self.unchanged_by("import", self.ledger, file)
        self.run_semel("import", self.other, self.directory / "absent", exit_status=2)
        self.run_semel("import", self.other, file, "--format", "xml", exit_status=2)
        self.assertFalse(self.other.exists())
        self.run_semel("export", self.other, exit_status=2)


if __name__ == "__main__":
    main(__doc__)
