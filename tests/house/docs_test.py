#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Runs what README.md and docs/ print, so that a reader can.

usage: docs_test.py --semel PATH [UNITTEST_ARGUMENT ...]

A fenced block must name its language. What happens to it depends on that and on an HTML comment on the line before:

  sh                               run by bash -e, with the built semel first in PATH; the blocks of one document run in
                                   order in one temporary directory
  text  <!-- output -->            must equal the output of the sh block before it
  cpp   <!-- file: PATH -->        must equal that file without its copyright line
  cpp   <!-- excerpt: PATH -->     must stand in that file, whatever its indentation
  any   <!-- not run: REASON -->   left alone, and counted
  any   <!-- broker: SCHEME -->, <!-- broker output: SCHEME -->   left to tests/streams/docs_test.py
  cpp   without a comment          an error; other languages are left alone
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEMEL = None

FENCE = re.compile(r"^(\s*)```(.*)$")
COMMENT = re.compile(r"^\s*<!--\s*(.*?)\s*-->\s*$")
BLOCK_SECONDS_MAX = 120


class Block:
    def __init__(self, line, language, note):
        self.line, self.language, self.note, self.lines = line, language, note, []

    @property
    def text(self):
        return textwrap.dedent("\n".join(self.lines)).rstrip("\n") + "\n"


def parse(document):
    """The fenced blocks of a Markdown text, each with the comment on the last non-empty line before it."""
    blocks, block, note = [], None, ""
    for number, line in enumerate(document.splitlines(), 1):
        fence = FENCE.match(line)
        if block is not None:
            if fence and not fence.group(2).strip():
                blocks.append(block)
                block, note = None, ""
            else:
                block.lines.append(line)
        elif fence:
            block = Block(number, fence.group(2).strip(), note)
        elif line.strip():
            comment = COMMENT.match(line)
            note = comment.group(1) if comment else ""
    if block is not None:
        raise AssertionError(f"line {block.line}: the block is never closed")
    return blocks


class Runner:
    """Judges the blocks of one document, in order."""

    def __init__(self, directory, search_path, root):
        self.directory, self.search_path, self.root = directory, search_path, root
        self.output = None      # of the last sh block
        self.counts = {"run": 0, "compared": 0, "not run": 0, "with a broker": 0, "left alone": 0}

    def judge(self, block):
        """Returns what is wrong with a block, or None."""
        kind, _, argument = block.note.partition(":")
        if not block.language:
            return "name the language of the block (sh, cpp, text, json, ...)"
        if kind == "not run":
            self.counts["not run"] += 1
            return None if argument.strip() else "say why it is not run"
        if kind in ("broker", "broker output"):
            self.counts["with a broker"] += 1
            return None
        if kind == "output":
            return self.compare("the output of the commands before", self.output, block.text)
        if block.language == "sh":
            return self.run(block.text)
        if block.language == "cpp":
            return self.compare_source(kind, argument.strip(), block.text)
        self.counts["left alone"] += 1
        return None

    def run(self, commands):
        self.counts["run"] += 1
        environment = dict(os.environ, PATH=self.search_path + os.pathsep + os.environ["PATH"], LC_ALL="C.UTF-8")
        result = subprocess.run(["bash", "-e", "-c", commands], cwd=self.directory, env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=BLOCK_SECONDS_MAX, check=False)
        self.output = result.stdout
        return f"exit status {result.returncode}:\n{result.stdout}" if result.returncode else None

    def compare(self, what, wanted, text):
        self.counts["compared"] += 1
        if wanted is None:
            return f"there is no {what}"
        if wanted.rstrip("\n") + "\n" == text:
            return None
        return f"differs from {what}, which is:\n{wanted}"

    def compare_source(self, kind, path, text):
        if kind not in ("file", "excerpt"):
            return "say which file it is: <!-- file: PATH --> or <!-- excerpt: PATH -->"
        source = (self.root / path).read_text(encoding="utf-8")
        body = re.sub(r"\A// Copyright .*\n(?://\n)?\n?", "", source)
        if kind == "file":
            return self.compare(path, body, text)
        self.counts["compared"] += 1
        found = flat(text) in flat(body)
        return None if found else f"does not stand in {path}"


def flat(source):
    """The lines without their indentation."""
    return "\n" + "\n".join(line.strip() for line in source.strip().splitlines()) + "\n"


def faults(document, name, search_path, root):
    """Judges one document. Returns (faults, counts)."""
    with tempfile.TemporaryDirectory() as directory:
        runner = Runner(directory, search_path, root)
        found = [f"{name}:{block.line}: {why}" for block in parse(document) for why in [runner.judge(block)] if why]
        return found, runner.counts


def documents():
    return [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if path.exists()]


class Documents(unittest.TestCase):
    def test_every_block_does_what_it_says(self):
        total = {}
        for path in documents():
            with self.subTest(document=path.name):
                text = path.read_text(encoding="utf-8")
                found, counts = faults(text, path.relative_to(ROOT), str(SEMEL.parent), ROOT)
                for kind, count in counts.items():
                    total[kind] = total.get(kind, 0) + count
                self.assertEqual([], found, "\n".join(found))
        print("blocks:", ", ".join(f"{count} {kind}" for kind, count in total.items()), flush=True)
        self.assertGreater(total.get("run", 0), 0, "the README shows no command")


class Judging(unittest.TestCase):
    """The judge itself: what is right passes, what is wrong does not."""

    def judge(self, document, root=ROOT):
        return faults(textwrap.dedent(document), "x.md", "/usr/bin", root)

    def test_blocks_of_a_document_share_a_directory(self):
        found, counts = self.judge("""
            ```sh
            echo hello >a
            ```
            ```sh
            cat a
            ```
            <!-- output -->
            ```text
            hello
            ```
            """)
        self.assertEqual([], found)
        self.assertEqual((2, 1), (counts["run"], counts["compared"]))

    def test_a_failing_command_is_seen(self):
        self.assertIn("exit status", self.judge("```sh\nfalse\ntrue\n```\n")[0][0])

    def test_another_output_is_seen(self):
        self.assertIn("differs", self.judge("```sh\necho a\n```\n<!-- output -->\n```text\nb\n```\n")[0][0])

    def test_an_unmarked_block_is_seen(self):
        self.assertIn("name the language", self.judge("```\nx\n```\n")[0][0])

    def test_a_block_may_be_excused_with_a_reason_only(self):
        self.assertEqual([], self.judge("<!-- not run: installs -->\n```sh\nfalse\n```\n")[0])
        self.assertIn("say why", self.judge("<!-- not run: -->\n```sh\nfalse\n```\n")[0][0])

    def test_source_must_stand_in_its_file(self):
        with tempfile.TemporaryDirectory() as root:
            (pathlib.Path(root) / "a.cc").write_text("// Copyright X\n\nint a;\n  int b;\nint c;\n", encoding="utf-8")
            judge = lambda note, text: self.judge(f"<!-- {note} -->\n```cpp\n{text}```\n", pathlib.Path(root))[0]
            self.assertEqual([], judge("file: a.cc", "int a;\n  int b;\nint c;\n"))
            self.assertEqual([], judge("excerpt: a.cc", "int b;\nint c;\n"))
            self.assertIn("differs", judge("file: a.cc", "int a;\n")[0])
            self.assertIn("does not stand", judge("excerpt: a.cc", "int d;\n")[0])
            self.assertIn("say which file", judge("note", "int a;\n")[0])

    def test_an_open_block_is_seen(self):
        with self.assertRaises(AssertionError):
            self.judge("```sh\ntrue\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--semel", type=pathlib.Path, required=True)
    options, rest = parser.parse_known_args()
    SEMEL = options.semel.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
