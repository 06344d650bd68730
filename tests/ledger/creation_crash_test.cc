// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A process dies while it creates a ledger, the next one completes the creation or finds it complete, and then the
// power goes: the names that the first one gave and did not sync must not be lost with what the second one
// acknowledged.

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

// The calls to the files that an undisturbed creation makes.
uint64_t CallsOfCreation() {
  SimDisk disk;
  EXPECT_TRUE(OpenSim(&disk).ok());
  return disk.files.calls();
}

TEST(Creation, KilledAtAnyCallThenOpened_PowerLossTakesNothingAcknowledged) {
  const uint64_t seed = TestSeed();
  const uint64_t calls = CallsOfCreation();
  EXPECT_GT(calls, 10u);
  for (uint64_t call = 1; call <= calls; ++call) {
    for (uint64_t draw = 0; draw < 8; ++draw) {
      SCOPED_TRACE("killed in call " + std::to_string(call));
      SimDisk disk;
      disk.files.InjectFault(call, Fault::kCrash);
      EXPECT_FALSE(OpenSim(&disk).ok());
      disk.files.Kill(seed + draw);
      {
        auto ledger = OpenSim(&disk);
        ASSERT_TRUE(ledger.ok()) << ledger.status();
        ASSERT_TRUE((*ledger)->Apply(AddAt("T-1", "a", 0, 1))->applied());
      }
      disk.files.Crash(seed + draw);
      auto ledger = OpenSim(&disk);
      ASSERT_TRUE(ledger.ok()) << ledger.status();
      ASSERT_EQ((*ledger)->Apply(AddAt("T-1", "a", 0, 1))->code, OutcomeCode::kDuplicate);
    }
  }
}

}  // namespace
}  // namespace semel::testing
