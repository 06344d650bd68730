// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Many short lives of ledgers beside the reference model: redelivered, reordered, with gaps, one id with other content.

#include <algorithm>
#include <memory>

#include "gtest/gtest.h"
#include "semel/ledger.h"
#include "tests/ledger/model_run.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/figures.h"

namespace semel::testing {
namespace {

class ModelSequences : public ::testing::TestWithParam<int> {};

TEST_P(ModelSequences, R42_AnswerAndEndAsTheModelDoes) {
  uint64_t seed = 0;
  uint64_t sequences = 0;
  uint64_t changes = 0;
  for (Rounds rounds(25'000); rounds.Next(&seed); ++sequences) {
    const uint64_t own = internal::MixSeed(seed, GetParam());
    Random random(own);
    ModelRun run(own);
    SimDisk disk;
    auto ledger = OpenSim(&disk, run.DecidingOptions());
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    run.Reopened(ledger->get());
    const uint64_t most = Steps(random.Between(4, 24));
    while (run.changes() < most && !HasFailure()) {
      ASSERT_TRUE(run.Apply(ledger->get(), random.Between(1, 6)).ok());
      run.CompareAnswers(ledger->get());
    }
    run.CompareEntities(ledger->get());
    if (random.OneIn(20)) run.CompareEverything(ledger->get());
    changes += run.changes();
  }
  Figure("T11", "sequences", sequences);
  Figure("T11", "changes in them", changes);
}

INSTANTIATE_TEST_SUITE_P(Part, ModelSequences, ::testing::Range(0, 4));

}  // namespace
}  // namespace semel::testing
