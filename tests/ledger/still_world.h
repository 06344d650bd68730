// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A ledger in real files of which every byte is the same each time: time, background work and uuid are the test's.

#ifndef SEMEL_TESTS_LEDGER_STILL_WORLD_H_
#define SEMEL_TESTS_LEDGER_STILL_WORLD_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "engine/ledger/world.h"
#include "tests/sim/sim_environment.h"

namespace semel::testing {

// `uuid`: 16 bytes, of a ledger that is created.
inline std::unique_ptr<Ledger> OpenStill(const std::string& directory, const Options& options,
                                         const std::string& uuid) {
  const auto at_once = InlineBackground::Mode::kAtOnce;
  internal::World world = internal::RealWorld(options.state_map_bytes, /*read_only=*/false);
  world.clock = std::make_unique<SimClock>(/*now_us=*/1'700'000'000'000'000, /*tick_us=*/7);
  world.checkpoint_background = std::make_unique<InlineBackground>(at_once);
  world.journal_background = std::make_unique<InlineBackground>(at_once);
  world.async_background = std::make_unique<InlineBackground>(at_once);
  world.trim_background = std::make_unique<InlineBackground>(at_once);
  world.new_uuid = [uuid] { return uuid; };
  auto opened = internal::OpenForWriting(directory, options, std::move(world));
  EXPECT_TRUE(opened.ok()) << opened.status();
  return *std::move(opened);
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LEDGER_STILL_WORLD_H_
