// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// T3: a process with a real ledger is killed before, in the middle of and after its calls to the system, and begins
// anew, over and over on the same files. What it acknowledged stays; in the end everything is there once.

#include <gtest/gtest.h>

#include "engine/base/checksum.h"
#include "tests/faults/worker.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

// Lives on one directory until one gets to its end or there were enough. Returns the kills.
uint64_t KillOverAndOver(Random* random) {
  constexpr int kLives = 10;
  constexpr Strike kStrikes[] = {Strike::kKillBefore, Strike::kKillWithin, Strike::kKillAfter};
  const Script script = MakeScript(random->Next(), {.changes = random->Between(10, 80), .threads = random->OneIn(2)});
  const TempDirectory directory;
  ForgetObserved();
  uint64_t kills = 0;
  for (int life = 0; life < kLives; ++life) {
    // Also soon after the beginning: in the recovery from the kill before.
    FaultPlan plan;
    plan.root = directory.path();
    plan.call = random->Between(1, random->OneIn(2) ? 40 : 200);
    plan.strike = kStrikes[random->Below(3)];
    const Ended ended = InChild([&] { return Live(script, plan); });
    EXPECT_EQ(ended.fault, "") << "life " << life;
    kills += ended.by_kill;
    if (!ended.by_kill) break;
  }
  const Ended recovered = InChild([&] {
    ExpectRecovers(script, directory.path());
    return true;
  });
  EXPECT_EQ(recovered.fault, "");
  EXPECT_TRUE(recovered.finished);
  return kills;
}

class Kills : public ::testing::TestWithParam<int> {};

TEST_P(Kills, AtAnyCallOfAnyLifeLoseAndDoubleNothing) {
  uint64_t kills = 0;
  uint64_t seed = 0;
  for (Rounds rounds(600); rounds.Next(&seed);) {
    Random random(internal::MixSeed(seed, GetParam()));
    kills += KillOverAndOver(&random);
  }
  Figure("T3", "kills", kills);
}

INSTANTIATE_TEST_SUITE_P(Parts, Kills, ::testing::Range(0, 2));

}  // namespace
}  // namespace semel::testing
