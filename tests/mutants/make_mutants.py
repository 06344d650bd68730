#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Makes copies of the engine's sources with the bugs of mutants.py in them, each behind a MUTANT(name).

    make_mutants.py --files             the sources that have mutants, from the root of the repository
    make_mutants.py --areas             the test programs that kill them
    make_mutants.py ROOT SOURCE OUT     writes the copy of ROOT/SOURCE to OUT

Fails if the text that a mutant replaces does not stand in its source exactly once.
"""
import os
import sys

from mutants import MUTANTS


def mutated(source, text):
    for mutant in MUTANTS:
        if mutant.file != source:
            continue
        if f"MUTANT({mutant.name})" not in mutant.new:
            sys.exit(f"{mutant.name}: its text never asks for MUTANT({mutant.name})")
        count = text.count(mutant.old)
        if count != 1:
            sys.exit(f"{mutant.name}: the mutant no longer applies: its text stands {count} times in {source}:\n"
                     f"{mutant.old}")
        text = text.replace(mutant.old, mutant.new)
    return f'#include "tests/mutants/mutant.h"\n{text}'


def main():
    if sys.argv[1:] == ["--files"]:
        print(";".join(sorted({mutant.file for mutant in MUTANTS})), end="")
        return
    if sys.argv[1:] == ["--areas"]:
        print(";".join(sorted({area for mutant in MUTANTS for area in mutant.killers})), end="")
        return
    root, source, out = sys.argv[1:]
    with open(os.path.join(root, source), encoding="utf-8") as original:
        text = mutated(source, original.read())
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "w", encoding="utf-8") as copy:
        copy.write(text)


if __name__ == "__main__":
    main()
