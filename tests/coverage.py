#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Which lines and branches of engine/ the tests ran, as clang sees the source: one branch each way out of a condition.

usage: coverage.py BUILD_DIR PROFILES [--figures FILE] [--missed FILE]

BUILD_DIR is configured with SEMEL_COVERAGE (the preset asan-ubsan is), and its tests ran with
LLVM_PROFILE_FILE=PROFILES/%4m.profraw. Processes that are killed leave no counts. Prints a line a folder. Branches are told apart by where they stand:

  conditions   what the source decides
  passed on    the error branch of SEMEL_RETURN_IF_ERROR and SEMEL_ASSIGN_OR_RETURN: the callee's error is returned as it is.
               That it is, for every call that can fail, is what the fault rows T1, T4 and T15 strike
  assertions   what cannot be: SEMEL_CHECK

--figures appends the figures of T18, --missed writes each line that did not run and each branch that was not taken.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXPANSION, BRANCH_OF_CODE = 1, 0
KINDS = {"engine/base/status_macros.h": "passed on", "engine/base/check.h": "assertions"}
CONDITIONS = "conditions"


def run_llvm(tool, *arguments):
    return subprocess.run([tool, *map(str, arguments)], check=True, stdout=subprocess.PIPE).stdout


def in_engine(name):
    """The path from the root of a source of the engine, else None."""
    path = pathlib.Path(os.path.normpath(name))
    if not path.is_relative_to(ROOT / "engine"):
        return None
    return str(path.relative_to(ROOT))


class Counts:
    """Of one kind of thing, by source file."""

    def __init__(self):
        self.all, self.ran = collections.Counter(), collections.Counter()

    def add(self, name, ran):
        self.all[name] += 1
        self.ran[name] += bool(ran)

    def percent(self):
        return 100 * self.ran.total() / max(1, self.all.total())

    def of_folder(self, folder):
        count = sum(n for name, n in self.all.items() if name.startswith(folder + "/"))
        ran = sum(n for name, n in self.ran.items() if name.startswith(folder + "/"))
        return f"{100 * ran / count:6.1f} % of {count:,}" if count else ""


def lines_of(export):
    """{(file, line): how often it ran}, of lines that hold code."""
    lines = {}
    for file in export["files"]:
        name = in_engine(file["filename"])
        if name is None:
            continue
        wrapped = None  # the count that holds at the end of the line before
        segments = collections.defaultdict(list)
        for segment in file["segments"]:
            segments[segment[0]].append(segment)
        for line in range(min(segments, default=1), max(segments, default=0) + 1):
            begun = [count for _, _, count, has_count, is_entry, is_gap in segments[line]
                     if has_count and is_entry and not is_gap]
            counts = begun + ([wrapped] if wrapped is not None else [])
            if counts:
                lines[name, line] = max(counts)
            if segments[line]:
                _, _, count, has_count, _, is_gap = segments[line][-1]
                wrapped = count if has_count and not is_gap else None
    return lines


def branches_of(export):
    """{(file, line, column, place in a macro, way out): [kind, how often it was taken]}, over all instantiations."""
    branches = {}
    for function in export["functions"]:
        names = function["filenames"]
        if in_engine(names[0]) is None:
            continue
        expanded_at = {region[6]: region for region in function["regions"] if region[7] == EXPANSION}
        for line, column, _, _, taken, not_taken, file_id, *_ in function["branches"]:
            kind, place = KINDS.get(in_engine(names[file_id]) or "", CONDITIONS), ()
            while file_id in expanded_at:  # out of the macros, to where the first of them is named
                place += (line, column)
                region = expanded_at[file_id]
                line, column, file_id = region[0], region[1], region[5]
            name = in_engine(names[file_id])
            for way, count in ((True, taken), (False, not_taken)):
                branch = branches.setdefault((name, line, column, place, way), [kind, 0])
                branch[1] += count
    return branches


def export_of(build, profiles):
    programs = [path for folder in ("tests", "bin") for path in sorted((build / folder).glob("*"))
                if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
    with tempfile.NamedTemporaryFile(suffix=".profdata") as merged:
        run_llvm("llvm-profdata", "merge", "-sparse", "-o", merged.name, *sorted(profiles.glob("*.profraw")))
        objects = [word for program in programs[1:] for word in ("-object", program)]
        exported = run_llvm("llvm-cov", "export", f"-instr-profile={merged.name}", programs[0], *objects, ROOT / "engine")
        return json.loads(exported)["data"][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("profiles", type=pathlib.Path)
    parser.add_argument("--figures", type=pathlib.Path)
    parser.add_argument("--missed", type=pathlib.Path)
    options = parser.parse_args()

    export = export_of(options.build, options.profiles)
    lines, branches = lines_of(export), branches_of(export)
    counts = collections.defaultdict(Counts)
    for (name, _), count in lines.items():
        counts["lines"].add(name, count)
    for (name, *_), (kind, count) in branches.items():
        counts[kind].add(name, count)

    kinds = ["lines", CONDITIONS, *KINDS.values()]
    print(f"{'':<16}" + "".join(f"{kind:>20}" for kind in kinds))
    folders = sorted({str(pathlib.PurePath(name).parent) for name, _ in lines})
    for folder in [*folders, "engine"]:
        print(f"{folder:<16}" + "".join(f"{counts[kind].of_folder(folder):>20}" for kind in kinds))

    if options.missed:
        missed = [f"{name}:{line}: did not run" for (name, line), count in sorted(lines.items()) if count == 0]
        missed += [f"{name}:{line}:{column}: never {str(way).lower()} ({kind})"
                   for (name, line, column, _, way), (kind, count) in sorted(branches.items()) if count == 0]
        options.missed.write_text("\n".join(missed) + "\n", encoding="utf-8")
    if options.figures:
        with options.figures.open("a", encoding="utf-8") as figures:
            for what, kind in (("lines of engine/ that ran, per cent", "lines"), ("conditions' branches taken, per cent", CONDITIONS)):
                json.dump({"row": "T18", "what": what, "count": round(counts[kind].percent(), 1)}, figures)
                figures.write("\n")


if __name__ == "__main__":
    sys.exit(main())
