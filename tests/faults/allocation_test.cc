// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// T5: allocations fail, one or all from one on, in any call to the ledger and in its threads. The process ends there
// and then, or LMDB's error ends the use of the ledger; in either case nothing acknowledged is lost.

#include <gtest/gtest.h>

#include "engine/base/checksum.h"
#include "engine/base/sha256.h"
#include "tests/faults/worker.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

// True if an allocation failed.
bool FailAllocation(Random* random) {
  const Script script = MakeScript(random->Next(), {.changes = random->Between(5, 40), .threads = random->OneIn(3)});
  const TempDirectory directory;
  ForgetObserved();
  FaultPlan plan;
  plan.root = directory.path();
  EXPECT_EQ(InChild([&] { return Live(script, plan); }).fault, "");
  const uint64_t allocations = SharedWithChildren()->allocations;

  const TempDirectory other;
  ForgetObserved();
  plan.root = other.path();
  plan.allocation = random->Between(1, allocations);
  plan.allocations_for_ever = random->OneIn(2);
  const Ended ended = InChild([&] { return Live(script, plan); });
  EXPECT_EQ(ended.fault, "") << "allocation " << plan.allocation << (plan.allocations_for_ever ? " for ever" : " once");
  const bool struck = SharedWithChildren()->struck;
  const Ended recovered = InChild([&] {
    ExpectRecovers(script, other.path());
    return true;
  });
  EXPECT_EQ(recovered.fault, "");
  EXPECT_TRUE(recovered.finished);
  return struck;
}

class Allocations : public ::testing::TestWithParam<int> {};

TEST_P(Allocations, ThatFailLoseNothing) {
  // Debian 12's libcrypto dereferences null when the first lookup of an algorithm finds no memory. That ends the
  // process, too, but without a word; so it looks it up before there is a fault.
  const internal::Sha256 looked_up;
  uint64_t failed = 0;
  uint64_t seed = 0;
  for (Rounds rounds(600); rounds.Next(&seed);) {
    Random random(internal::MixSeed(seed, GetParam()));
    failed += FailAllocation(&random);
  }
  Figure("T5", "failed allocations", failed);
}

INSTANTIATE_TEST_SUITE_P(Parts, Allocations, ::testing::Range(0, 4));

}  // namespace
}  // namespace semel::testing
