// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the benchmarks measure with: the stream of changes and the percentiles.

#include "api/bench/workload.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "api/bench/latencies.h"
#include "gtest/gtest.h"
#include "semel/ledger.h"

namespace semel::bench {
namespace {

TEST(Zipf, DrawsEachRankAsOftenAsItsShare) {
  constexpr uint64_t kCount = 1000;
  constexpr int kDraws = 200'000;
  const Zipf zipf(kCount);
  std::vector<int> drawn(kCount);
  uint64_t random = 1;
  for (int i = 0; i < kDraws; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const uint64_t rank = zipf.Draw(random);
    ASSERT_LT(rank, kCount);
    ++drawn[rank];
  }
  double zeta = 0;
  for (uint64_t rank = 1; rank <= kCount; ++rank) zeta += std::pow(static_cast<double>(rank), -0.99);
  EXPECT_NEAR(drawn[0], kDraws / zeta, kDraws / zeta * 0.05);
  EXPECT_NEAR(drawn[1], kDraws / zeta / std::pow(2, 0.99), kDraws / zeta * 0.05);
  const int top_tenth = std::accumulate(drawn.begin(), drawn.begin() + kCount / 10, 0);
  EXPECT_GT(top_tenth, kDraws / 2);
  EXPECT_GT(std::count_if(drawn.begin(), drawn.end(), [](int times) { return times > 0; }), kCount * 9 / 10);
}

TEST(Zipf, FewRanks) {
  for (const uint64_t count : {1, 2, 3}) {
    const Zipf zipf(count);
    for (uint64_t step = 0; step < 100; ++step) EXPECT_LT(zipf.Draw(step * (~uint64_t{0} / 99)), count);
  }
}

TEST(Producer, CallersHaveAccountsOfTheirOwn) {
  Workload workload;
  workload.entities = 10;
  std::multiset<std::string> created;
  for (uint64_t caller = 0; caller < 3; ++caller) {
    Producer producer(workload, caller, 3);
    std::vector<Change> batch;
    std::set<std::string> own;
    while (producer.NextCreations(2, &batch) > 0) {
      for (const Change& change : batch) own.insert(change.updates[0].key);
    }
    producer.NextBatch(100, &batch);
    for (const Change& change : batch) EXPECT_TRUE(own.count(change.updates[0].key) == 1);
    created.insert(own.begin(), own.end());
  }
  EXPECT_EQ(created.size(), 10u);
  EXPECT_EQ(std::set<std::string>(created.begin(), created.end()).size(), 10u);
}

TEST(Producer, ForetellsWhatIsAppliedAndWhatIsADuplicate) {
  for (const Redelivered redelivered : {Redelivered::kRecent, Redelivered::kOld}) {
    Workload workload;
    workload.entities = 50;
    workload.updates = 2;
    workload.duplicates_percent = 40;
    workload.redelivered = redelivered;
    Producer producer(workload);
    const auto ledger = Ledger::OpenInMemory().value();
    std::vector<Change> batch;
    while (producer.NextCreations(20, &batch) > 0) ASSERT_TRUE(ledger->ApplyBatch(batch).ok());
    uint64_t fresh = 0;
    for (int i = 0; i < 20; ++i) {
      const uint64_t must_apply = producer.NextBatch(100, &batch);
      uint64_t applied = 0;
      const std::vector<Outcome> outcomes = ledger->ApplyBatch(batch).value();
      for (const Outcome& outcome : outcomes) {
        EXPECT_TRUE(outcome.applied() || outcome.code == OutcomeCode::kDuplicate) << ToString(outcome.code);
        if (outcome.applied()) applied += 2;
      }
      EXPECT_EQ(applied, must_apply);
      fresh += must_apply / 2;
    }
    EXPECT_NEAR(static_cast<double>(fresh), 2000 * 0.6, 100);
  }
}

TEST(Latencies, NearestRanks) {
  std::vector<float> calls(1000);
  std::iota(calls.rbegin(), calls.rend(), 1.0F);
  const Latencies latencies(calls);
  EXPECT_EQ(latencies.p50, 500);
  EXPECT_EQ(latencies.p99, 990);
  EXPECT_EQ(latencies.p999, 999);
  EXPECT_EQ(latencies.max, 1000);
  const Latencies one({7});
  EXPECT_EQ(one.p50, 7);
  EXPECT_EQ(one.p999, 7);
}

}  // namespace
}  // namespace semel::bench
