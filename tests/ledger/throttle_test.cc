// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Intake while checkpoints cannot keep up: slowed, the more the fuller, and never stopped.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"

namespace semel::testing {
namespace {

TEST(Throttle, SlowsIntakeTheMoreTheFullerAndNeverStopsIt) {
  SimDisk disk;
  internal::World world = MakeSimWorld(&disk);
  auto clock = std::make_unique<SimClock>();
  SimClock* const time = clock.get();
  world.clock = std::move(clock);
  // A checkpoint that is due stays queued until it is asked for.
  auto background = std::make_unique<InlineBackground>(InlineBackground::Mode::kWhenAsked);
  InlineBackground* const checkpoints = background.get();
  world.checkpoint_background = std::move(background);

  Options options;
  options.create_if_missing = true;
  options.segment_bytes = 64 << 10;
  options.max_dirty_bytes = 64 << 10;
  auto ledger = internal::OpenForWriting("/ledger", options, std::move(world));
  ASSERT_TRUE(ledger.ok()) << ledger.status();

  int64_t slept_before = 0;
  bool slowed = false;
  for (int i = 0; i < 400; ++i) {
    const int64_t begin = time->MonotonicUs();
    const double full = static_cast<double>((*ledger)->GetStats()->dirty_bytes) / (64 << 10);
    ASSERT_TRUE((*ledger)->Apply(AddAt("T-" + std::to_string(i), "k" + std::to_string(i), 0, 1))->applied());
    const int64_t slept = time->MonotonicUs() - begin;
    if (full <= 0.75) {
      EXPECT_EQ(slept, 0) << "at " << full;
    }
    EXPECT_GE(slept, slept_before) << "at " << full;
    slept_before = slept;
    slowed |= slept > 0;
  }
  EXPECT_TRUE(slowed);
  EXPECT_EQ(checkpoints->queued(), 1u);  // asked for once

  checkpoints->RunAll();
  const int64_t begin = time->MonotonicUs();
  ASSERT_TRUE((*ledger)->Apply(AddAt("after", "a", 0, 1))->applied());
  EXPECT_EQ(time->MonotonicUs(), begin);
}

}  // namespace
}  // namespace semel::testing
