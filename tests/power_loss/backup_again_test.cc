// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A backup is killed, made again, and acknowledged; then the power goes. What the first one left in the cache of the
// system was taken for there already by the second, which must make it durable.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "engine/ledger/restore.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"

namespace semel::testing {
namespace {

// A ledger with a base snapshot.
std::unique_ptr<Ledger> MakeTrimmed(SimDisk* disk) {
  auto ledger = *OpenSim(disk);
  for (uint64_t i = 0; i < 20; ++i) EXPECT_TRUE(ledger->Apply(AddAt("a" + std::to_string(i), "a", i, 1))->applied());
  EXPECT_TRUE(ledger->Trim({.before_lsn = UINT64_MAX, .seal = true}).ok());
  return ledger;
}

TEST(BackupAgain, AfterAKillAtAnyCall_SurvivesAPowerLoss) {
  uint64_t kills = 0;
  for (bool more = true; more; ++kills) {
    SimDisk disk;
    auto ledger = MakeTrimmed(&disk);
    disk.files.InjectFault(disk.files.calls() + 1 + kills, Fault::kCrash);
    (void)ledger->Backup("/backup");
    more = disk.files.crashed();
    ledger.reset();
    disk.files.Kill(/*seed=*/kills);

    ledger = *OpenSim(&disk);
    ASSERT_TRUE(ledger->Backup("/backup").ok());
    for (uint64_t seed = 0; seed < 8; ++seed) {
      SimDisk image(disk, disk.files);
      image.files.Crash(seed);
      const auto restored = internal::RestoreBackup(MakeSimWorld(&image), "/backup", "/restored", 0, {});
      ASSERT_TRUE(restored.ok()) << restored.status() << "; killed in call " << kills + 1;
    }
  }
  EXPECT_GT(kills, 20u);
}

}  // namespace
}  // namespace semel::testing
