#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Runs the random tests for as long as asked, one process a core, and ends with what they did. See tests/soak.sh."""
import argparse
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Name, program, one test of it, share of the time.
SOAKS = [
    ("power-loss-journal", "journal_test", "Part/JournalPowerLoss.*/0", 3),
    ("power-loss-engine", "power_loss_test", "Part/PowerLoss.*/0", 4),
    ("power-loss-files", "faults_test", "Parts/PowerLoss.*/0", 4),
    ("kills", "faults_test", "Parts/Kills.*/0", 3),
    ("errors", "faults_test", "Parts/Errors.*/0", 3),
    ("allocations", "faults_test", "Parts/Allocations.*/0", 2),
    ("full-disks", "faults_test", "FullDisk.AtEachSizeRefusesAndRecovers", 1),
    ("mounted-images", "faults_test", "Mounted.PowerLoss*", 1),
    ("device-errors", "faults_test", "Mounted.OneError*", 1),
    ("damage-closed", "damage_test", "*/Closed0", 1),
    ("damage-trimmed", "damage_test", "*/TrimmedKilled0", 1),
    ("damage-power-lost", "damage_test", "*/PowerLost0", 1),
    ("repair", "repair_test", "RepairLedger.*", 2),
    ("sequences", "ledger_test", "Part/ModelSequences.*/0", 3),
    ("model-on-disk", "ledger_test", "Model.R42_Soak_*", 3),
    ("small-histories", "linearizability_test", "Part/SmallHistories.*/0", 2),
    ("histories-through-kills", "linearizability_test", "SmallHistories.ThroughKills*", 1),
    ("long-histories", "linearizability_test", "Part/LongHistories.*/0", 2),
    ("bank", "linearizability_test", "Bank.*AfterKills", 1),
]

# How a failing round is made small: it is repeated with fewer steps.
STEPS_MAX = 1 << 12


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--build", default=str(ROOT / "build" / "soak"))
    parser.add_argument("--seed", type=int, help="where the chains of seeds begin; another one each time if not given")
    parser.add_argument("--only", metavar="NAME,...", help="of: " + ", ".join(name for name, *_ in SOAKS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--figures", help="a file for the figures, a JSON object a line")
    return parser.parse_args()


class Soak:
    def __init__(self, arguments):
        self.arguments = arguments
        self.seed = arguments.seed if arguments.seed is not None else int.from_bytes(os.urandom(4), "little")
        self.failed = []
        self.lock = threading.Lock()
        names = [name for name, *_ in SOAKS]
        wanted = names if arguments.only is None else arguments.only.split(",")
        for name in wanted:
            if name not in names:
                sys.exit(f"there is no soak {name}; see --help")
        self.soaks = [soak for soak in SOAKS if soak[0] in wanted]
        self.figures = arguments.figures or tempfile.NamedTemporaryFile(suffix=".jsonl", delete=False).name

    def say(self, text):
        with self.lock:
            print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    def run_test(self, program, tests, environment):
        command = [str(pathlib.Path(self.arguments.build) / "tests" / program), f"--gtest_filter={tests}"]
        return subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)

    def run(self, soak, seconds):
        name, program, tests, _ = soak
        self.say(f"{name}: {seconds} s, SEMEL_TEST_SEED={self.seed}")
        result = self.run_test(program, tests, {"SEMEL_SOAK_SECONDS": str(seconds), "SEMEL_TEST_SEED": str(self.seed),
                                                "SEMEL_FIGURES": self.figures})
        if "Running 1 test " not in result.stdout:  # several would share the time
            self.failed.append(name)
            self.say(f"{name}: {tests} is not one test of {program}")
            return
        figures = re.findall(r'\[  FIGURE  \] (.*)', result.stdout)
        done = ", ".join(f"{json.loads(line)['count']:,} {json.loads(line)['what']}" for line in figures)
        self.say(f"{name}: {'done' if result.returncode == 0 else 'FAILED'}: {done}")
        if result.returncode != 0:
            self.failed.append(name)
            self.report(soak, result.stdout)

    def report(self, soak, output):
        """What failed, and the smallest round that fails the same way."""
        name, program, tests, _ = soak
        self.say(output[-4000:])
        found = re.search(r"to repeat it alone: SEMEL_TEST_SEED=(\d+)", output)
        if not found:
            self.say(f"{name}: it ended without naming its round; the whole is repeated with SEMEL_TEST_SEED={self.seed}")
            return
        alone = {"SEMEL_TEST_SEED": found.group(1), "SEMEL_TEST_ROUNDS": "1"}

        def fails(steps):
            return self.run_test(program, tests, {**alone, "SEMEL_TEST_STEPS": str(steps)}).returncode != 0

        if not fails(STEPS_MAX):
            self.say(f"{name}: alone, the round passes: it depends on the moment. {alone}")
            return
        low, high = 0, STEPS_MAX  # high fails
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if fails(middle) else (middle, high)
        self.say(f"{name}: the smallest that fails: SEMEL_TEST_SEED={found.group(1)} SEMEL_TEST_ROUNDS=1 "
                 f"SEMEL_TEST_STEPS={high} {self.arguments.build}/tests/{program} --gtest_filter='{tests}'")

    def run_all(self):
        jobs = min(self.arguments.jobs, len(self.soaks))
        shares = sum(share for *_, share in self.soaks)
        waiting = queue.Queue()
        for soak in self.soaks:
            waiting.put((soak, max(1, int(self.arguments.minutes * 60 * jobs * soak[3] / shares))))

        def work():
            while True:
                try:
                    soak, seconds = waiting.get_nowait()
                except queue.Empty:
                    return
                self.run(soak, seconds)

        begun = time.time()
        threads = [threading.Thread(target=work) for _ in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.say(f"{(time.time() - begun) / 60:.1f} minutes on {jobs} cores, SEMEL_TEST_SEED={self.seed}")
        subprocess.run([sys.executable, str(ROOT / "tests" / "figures.py"), "--no-goals", self.figures], check=False)
        if self.failed:
            self.say("failed: " + ", ".join(self.failed))
        return 1 if self.failed else 0


if __name__ == "__main__":
    sys.exit(Soak(parse()).run_all())
