#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Reads every #include line and holds the architecture: folders are layers, and no include runs upwards.

usage: layers_test.py [SOURCE_DIR]
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Which layers each layer may include, beside itself and the public headers.
LAYERS = {
    "base": set(),
    "io": {"base"},
    "rules": {"base"},
    "codec": {"base", "rules"},
    "journal": {"base", "io", "rules"},
    "state": {"base", "io", "rules", "journal"},
    "commit": {"base", "io", "rules", "journal", "state"},
    "ledger": {"base", "io", "rules", "codec", "journal", "state", "commit"},
}

# Headers of which one layer is the only user.
ONLY_IN = [
    (re.compile(r"\.pb\.h$|^google/protobuf/"), "codec", "Protobuf stays in engine/codec"),
    (re.compile(r"^openssl/"), "base", "OpenSSL stays in engine/base"),
    (re.compile(r"^lmdb\.h$"), "state", "LMDB stays in engine/state"),
]

# The rules are pure: same input, same decision.
IMPURE = re.compile(r"^(thread|mutex|shared_mutex|condition_variable|atomic|future|chrono|ctime|time\.h|random|fstream|"
                    r"iostream|cstdio|stdio\.h|filesystem|unistd\.h|fcntl\.h|sys/.*|"
                    r"absl/(time|synchronization|random)/.*)$")

# What LMDB can do and the state must not ask of it: to give up syncs, duplicates, transactions inside others.
UNSAFE_LMDB = re.compile(r"\bMDB_(DUPSORT|DUPFIXED|INTEGERDUP|REVERSEDUP|MULTIPLE|WRITEMAP|NOSYNC|NOMETASYNC|"
                         r"MAPASYNC)\b|"
                         r"\bmdb_txn_begin\([^,]*,(?! *nullptr,)")

# Folders whose code sees the library as a user does.
OUTSIDE = ("api/cli", "api/streams", "examples", "tests/consumer")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def includes(path):
    """Yields (line number, included path) of one file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def sources(root, folder):
    return sorted(path for path in (root / folder).rglob("*") if path.suffix in (".h", ".cc", ".cpp", ".c"))


def engine_fault(layer, included):
    """What is wrong with a file of engine/<layer> including `included`, or None."""
    own = re.match(r"engine/([a-z]+)/", included)
    if own and own.group(1) != layer and own.group(1) not in LAYERS[layer]:
        return f"engine/{layer} may not include engine/{own.group(1)}"
    if included.startswith(("api/", "tests/", "bench/", "examples/", "../")):
        return "engine includes its own layers and <semel/...> only"
    for pattern, owner, why in ONLY_IN:
        if pattern.search(included) and layer != owner:
            return why
    if layer == "rules" and IMPURE.match(included):
        return "rules know no thread, clock or file"
    return None


def public_fault(included):
    """What is wrong with a public header including `included`, or None."""
    if included.startswith("engine/") or included.endswith(".pb.h") or included == "lmdb.h":
        return "public headers show nothing of the engine"
    if included.startswith("absl/strings/string_view"):
        return "public headers use std::string_view"
    return None


def outside_fault(included):
    """What is wrong with code of a user including `included`, or None."""
    if included.startswith(("engine/", "tests/", "api/include", "api/proto")) or included == "lmdb.h":
        return "uses public headers only"
    return None


def streams_fault(included):
    """What is wrong with api/streams including `included`, or None."""
    return "streams know nothing of the command" if included.startswith("api/cli/") else outside_fault(included)


def faults(root):
    found = []

    def look(folder, judge):
        for path in sources(root, folder):
            for number, included in includes(path):
                why = judge(included)
                if why:
                    found.append(f"{path.relative_to(root)}:{number}: {included}: {why}")

    for layer in LAYERS:
        look(f"engine/{layer}", lambda included, layer=layer: engine_fault(layer, included))
    look("api/include", public_fault)
    for folder in OUTSIDE:
        look(folder, streams_fault if folder == "api/streams" else outside_fault)
    return found


class Layers(unittest.TestCase):
    def test_no_include_runs_upwards_or_breaks_a_seam(self):
        self.assertEqual([], faults(ROOT))

    def test_every_folder_of_the_engine_is_a_layer(self):
        folders = {path.name for path in (ROOT / "engine").iterdir() if path.is_dir()}
        self.assertEqual(set(), folders - set(LAYERS))

    def test_the_tree_has_sources_to_judge(self):
        self.assertGreater(len(sources(ROOT, "engine")), 10)
        self.assertGreater(len(sources(ROOT, "api/include")), 5)


class StorageRules(unittest.TestCase):
    def test_storage_rule_9_lmdb_gives_up_nothing(self):
        found = [f"{path.relative_to(ROOT)}: {match.group()}" for path in sources(ROOT, "engine")
                 for match in UNSAFE_LMDB.finditer(path.read_text(encoding="utf-8"))]
        self.assertEqual([], found)

    def test_storage_rule_9_what_is_unsafe_is_seen(self):
        for text in ["mdb_env_open(env, path, MDB_NOSYNC, mode)", "flags | MDB_WRITEMAP",
                     "mdb_txn_begin(env, parent, 0, &t)"]:
            self.assertIsNotNone(UNSAFE_LMDB.search(text), text)
        self.assertIsNone(UNSAFE_LMDB.search("mdb_txn_begin(env_->get(), nullptr, MDB_RDONLY, &txn)"))


class Judges(unittest.TestCase):
    """The judges themselves: each kind of fault is seen."""

    def test_upward_includes_are_seen(self):
        for layer, included in [("base", "engine/io/file_system.h"), ("rules", "engine/journal/entry.h"),
                                ("journal", "engine/state/record.h"), ("state", "engine/commit/committer.h"),
                                ("commit", "engine/ledger/ledger.h"), ("codec", "engine/journal/entry.h")]:
            self.assertIsNotNone(engine_fault(layer, included), (layer, included))

    def test_broken_seams_are_seen(self):
        for layer, included in [("ledger", "lmdb.h"), ("rules", "semel/v1/change.pb.h"), ("rules", "chrono"),
                                ("rules", "thread"), ("commit", "tests/sim/disk.h")]:
            self.assertIsNotNone(engine_fault(layer, included), (layer, included))

    def test_downward_includes_are_allowed(self):
        for layer, included in [("state", "lmdb.h"), ("codec", "semel/v1/change.pb.h"),
                                ("state", "engine/journal/entry.h"), ("ledger", "engine/codec/limits.h"),
                                ("commit", "thread"), ("rules", "semel/change.h")]:
            self.assertIsNone(engine_fault(layer, included), (layer, included))

    def test_users_see_public_headers_only(self):
        self.assertIsNotNone(outside_fault("engine/base/check.h"))
        self.assertIsNotNone(public_fault("engine/base/check.h"))
        self.assertIsNone(outside_fault("semel/ledger.h"))
        self.assertIsNotNone(streams_fault("api/cli/output.h"))
        self.assertIsNotNone(streams_fault("engine/base/check.h"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
