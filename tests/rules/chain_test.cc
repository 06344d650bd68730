// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/chain.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "tests/sim/random.h"

namespace semel::internal {
namespace {

Lsn LsnOf(uint64_t version) { return 64 + 10 * version; }

// The definition in chain.h, word by word.
std::vector<uint64_t> TargetsByDefinition(uint64_t version) {
  uint64_t k = 0;
  for (uint64_t power = 8; version % power == 0; power *= 8) ++k;
  std::vector<uint64_t> targets = {version - 1};
  uint64_t power = 1;
  for (uint64_t level = 1; level <= k + 1; ++level) {
    power *= 8;
    uint64_t target = version - 1;
    while (target % power != 0) --target;
    targets.push_back(target);
  }
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  while (!targets.empty() && targets.back() == 0) targets.pop_back();
  return targets;
}

std::vector<Lsn> LsnsOf(const std::vector<uint64_t>& versions) {
  std::vector<Lsn> lsns;
  for (const uint64_t version : versions) lsns.push_back(LsnOf(version));
  return lsns;
}

// How many pointers are followed from the head at `newest` to `wanted`, each time the farthest that does not pass it.
int StepsTo(const ChainTop& top, uint64_t newest, uint64_t wanted) {
  uint64_t at = newest;
  for (int level = 0; level < static_cast<int>(top.levels().size()); ++level) {
    const uint64_t known = ChainTop::VersionAtLevel(newest, level);
    if (known >= wanted) at = std::min(at, known);
  }
  int steps = 1;
  while (at != wanted) {
    uint64_t next = at;
    for (const uint64_t target : ChainTargetsOf(at)) {
      if (target >= wanted) next = target;
    }
    if (next == at) return -1;
    at = next;
    ++steps;
  }
  return steps;
}

TEST(ChainTop, PointersFor_AnyVersion_LeadToTheTargetsOfTheDefinition) {
  constexpr uint64_t kPast8To6 = 262144 + 70;
  ChainTop top;
  for (uint64_t version = 1; version <= kPast8To6; ++version) {
    const uint64_t near_power = std::min({version % 512, version % 4096, version % 32768});
    if (version <= 5000 || near_power < 4 || near_power > 508) {
      const std::vector<uint64_t> wanted = TargetsByDefinition(version);
      const ChainTargets targets = ChainTargetsOf(version);
      const ChainPointers pointers = top.PointersFor(version);
      ASSERT_EQ(std::vector<uint64_t>(targets.begin(), targets.end()), wanted) << version;
      ASSERT_EQ(std::vector<Lsn>(pointers.begin(), pointers.end()), LsnsOf(wanted)) << version;
    }
    top.Push(version, LsnOf(version));
  }
}

TEST(ChainTop, Levels_AnyVersion_AreTheNewestMultiples) {
  ChainTop top;
  for (uint64_t version = 1; version <= 5000; ++version) {
    top.Push(version, LsnOf(version));
    ASSERT_EQ(static_cast<int>(top.levels().size()), ChainTop::LevelCount(version));
    for (int level = 0; level < ChainTop::LevelCount(version); ++level) {
      const uint64_t known = ChainTop::VersionAtLevel(version, level);
      ASSERT_GT(known, 0u);
      ASSERT_EQ(top.levels()[static_cast<size_t>(level)], LsnOf(known)) << version << " level " << level;
    }
  }
}

TEST(ChainTop, LevelCount_Edges) {
  EXPECT_EQ(ChainTop::LevelCount(0), 0);
  EXPECT_EQ(ChainTop::LevelCount(1), 1);
  EXPECT_EQ(ChainTop::LevelCount(7), 1);
  EXPECT_EQ(ChainTop::LevelCount(8), 2);
  EXPECT_EQ(ChainTop::LevelCount(1000000), 7);
  EXPECT_EQ(ChainTop::LevelCount(~uint64_t{0}), 22);
  EXPECT_EQ(ChainTop::VersionAtLevel(~uint64_t{0}, 21), uint64_t{1} << 63);
}

TEST(ChainTargets, LargestVersions_StayBelowTheVersion) {
  for (const uint64_t version : {~uint64_t{0}, uint64_t{1} << 63, (uint64_t{1} << 63) + 1, uint64_t{1} << 60}) {
    uint64_t previous = version;
    for (const uint64_t target : ChainTargetsOf(version)) {
      EXPECT_GT(target, 0u);
      EXPECT_LT(target, previous);
      previous = target;
    }
  }
}

TEST(ChainTargets, OneMillionVersions_TwoPointersAnEntryAndFewStepsToAnyOfThem) {
  constexpr uint64_t kVersions = 1000000;
  ChainTop top;
  uint64_t pointers = 0;
  for (uint64_t version = 1; version <= kVersions; ++version) {
    pointers += top.PointersFor(version).size();
    top.Push(version, LsnOf(version));
  }
  const double per_entry = static_cast<double>(pointers) / kVersions;
  EXPECT_GT(per_entry, 1.99);  // 2.14 where those that coincide would be stored twice
  EXPECT_LT(per_entry, 2.01);

  testing::Random random(testing::TestSeed());
  for (int i = 0; i < 2000; ++i) {
    const int steps = StepsTo(top, kVersions, random.Between(1, kVersions));
    ASSERT_GT(steps, 0);
    ASSERT_LE(steps, 49);
  }
}

}  // namespace
}  // namespace semel::internal
