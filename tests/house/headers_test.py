#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Compiles every public header alone: as C++17 and C++20, under g++ and clang++, and also where Abseil's string_view,
optional, variant and any are the standard ones (they are types of its own in Debian 12, not elsewhere).
"""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = sorted((ROOT / "api/include/semel").glob("*.h"))
COMPILERS = [compiler for compiler in ("g++", "clang++") if shutil.which(compiler)]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
ABSL_OPTIONS = pathlib.Path("/usr/include/absl/base/options.h")
SWITCH = re.compile(r"^#define (ABSL_OPTION_USE_STD_(?:ANY|OPTIONAL|STRING_VIEW|VARIANT)) \d$", re.MULTILINE)


def compile_source(compiler, standard, source, search):
    directories = [argument for directory in search for argument in ("-I", str(directory))]
    return subprocess.run([compiler, f"-std={standard}", "-fsyntax-only", *WARNINGS, *directories, "-x", "c++", "-"],
                          input=source, capture_output=True, text=True, check=False)


def include_lines(headers):
    return "".join(f'#include "semel/{header.name}"\n' for header in headers)


def write_overlay(directory):
    """absl/base/options.h with the four switches set to 1. Returns how many were set."""
    text, count = SWITCH.subn(r"#define \1 1", ABSL_OPTIONS.read_text(encoding="utf-8"))
    target = pathlib.Path(directory) / "absl/base/options.h"
    target.parent.mkdir(parents=True)
    target.write_text(text, encoding="utf-8")
    return count


class Headers(unittest.TestCase):
    def check(self, source, *search):
        for compiler in COMPILERS:
            for standard in ("c++17", "c++20"):
                with self.subTest(compiler=compiler, standard=standard):
                    result = compile_source(compiler, standard, source, [*search, ROOT / "api/include"])
                    self.assertEqual(0, result.returncode, result.stderr)

    def test_there_are_headers_and_a_compiler(self):
        self.assertGreaterEqual(len(HEADERS), 7)
        self.assertTrue(COMPILERS)

    def test_each_compiles_alone_and_twice(self):
        for header in HEADERS:
            with self.subTest(header=header.name):
                self.check(include_lines([header, header]))

    def test_they_compile_where_abseil_uses_the_standard_types(self):
        same = ("#include <string_view>\n#include <type_traits>\n"
                "static_assert(std::is_same<absl::string_view, std::string_view>::value, \"not overlaid\");\n")
        with tempfile.TemporaryDirectory() as overlay:
            self.assertEqual(4, write_overlay(overlay))
            self.check(include_lines(HEADERS) + same, overlay)


if __name__ == "__main__":
    print("compilers:", " ".join(COMPILERS), flush=True)
    unittest.main()
