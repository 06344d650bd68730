// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// T4, with R18 and R31: calls to the system fail, once or from one on. A failed write or sync of a live file poisons
// the ledger for good, and nothing is acknowledged any more; whatever else fails is refused and may be tried again.
// What was acknowledged is there afterwards, also if the power goes: a sync that failed made nothing durable, and no
// later one does.

#include <gtest/gtest.h>

#include "engine/base/checksum.h"
#include "tests/faults/power_loss.h"
#include "tests/faults/worker.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

void ExpectRecoversIn(const Script& script, const std::string& root) {
  const Ended recovered = InChild([&] {
    ExpectRecovers(script, root);
    return true;
  });
  EXPECT_EQ(recovered.fault, "");
  EXPECT_TRUE(recovered.finished);
}

// A life with a fault, sometimes after one that was killed. True if it struck.
bool FailOnce(Random* random) {
  constexpr Strike kStrikes[] = {Strike::kIoError, Strike::kNoSpace, Strike::kShortWrite, Strike::kInterrupt};
  const Script script = MakeScript(random->Next(), {.changes = random->Between(10, 60), .threads = random->OneIn(3)});
  const TempDirectory directory;
  ForgetObserved();
  SimFileSystem disk;
  FaultPlan plan;
  plan.root = directory.path();
  plan.record = true;
  if (random->OneIn(3)) {
    plan.call = random->Between(1, 150);
    plan.strike = Strike::kKillAfter;
    EXPECT_EQ(InChild([&] { return Live(script, plan); }).fault, "");
    PlayRecorded(&disk);
  }
  plan.call = random->Between(1, random->OneIn(3) ? 40 : 200);
  plan.strike = kStrikes[random->Below(4)];
  plan.for_ever = random->OneIn(2);
  const Ended ended = InChild([&] { return Live(script, plan); });
  EXPECT_EQ(ended.fault, "") << "call " << plan.call << ", a " << SharedWithChildren()->struck_call << " of "
                             << SharedWithChildren()->struck_path << ", strike " << static_cast<int>(plan.strike)
                             << (plan.for_ever ? " for ever" : " once");
  const bool struck = SharedWithChildren()->struck;
  SCOPED_TRACE(absl::StrCat("after call ", plan.call, ", a ", SharedWithChildren()->struck_call, " of ",
                            SharedWithChildren()->struck_path, ", strike ", static_cast<int>(plan.strike),
                            plan.for_ever ? " for ever" : " once"));
  if (random->OneIn(2)) {
    SCOPED_TRACE("the process ended");
    ExpectRecoversIn(script, directory.path());
  } else {
    SCOPED_TRACE("the power went");
    PlayRecorded(&disk);
    disk.Crash(random->Next());
    const TempDirectory image;
    WriteOut(&disk, image.path());
    ExpectRecoversIn(script, image.path());
  }
  return struck;
}

class Errors : public ::testing::TestWithParam<int> {};

TEST_P(Errors, R18_R31_AtAnyCallStopCleanlyAndLoseNothing) {
  uint64_t faults = 0;
  uint64_t seed = 0;
  for (Rounds rounds(900); rounds.Next(&seed);) {
    Random random(internal::MixSeed(seed, GetParam()));
    faults += FailOnce(&random);
  }
  Figure("T4", "faults", faults);
}

INSTANTIATE_TEST_SUITE_P(Parts, Errors, ::testing::Range(0, 4));

}  // namespace
}  // namespace semel::testing
