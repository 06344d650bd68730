// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The same input gives the same bytes of journal, the same answers and the same digest of the state: in one process
// twice, and in every build, as each is compared with what is written down in golden.txt.

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/determinism/run_digest.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

TEST(Determinism, SameInput_SameBytes_InEveryBuild) {
  std::ifstream golden(std::string(SEMEL_SOURCE_DIR) + "/tests/determinism/golden.txt");
  uint64_t seeds = 0;
  for (std::string line; std::getline(golden, line); ++seeds) {
    ASSERT_EQ(RunDigest(seeds + 1), line) << "meant? then write it anew: print_digests >tests/determinism/golden.txt";
  }
  EXPECT_EQ(seeds, kGoldenSeeds);
  Figure("T19", "seeds", seeds);
}

TEST(Determinism, SameInput_SameBytes_Again) {
  uint64_t seed = 0;
  for (Rounds rounds(10); rounds.Next(&seed);) EXPECT_EQ(RunDigest(seed), RunDigest(seed));
}

}  // namespace
}  // namespace semel::testing
