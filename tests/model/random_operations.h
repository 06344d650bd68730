// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Random changes, and between them what an operator does: dead letters retried and discarded, parked changes given up,
// trims; each followed by redeliveries of what it concerned, and of anything ever sent.

#ifndef SEMEL_TESTS_MODEL_RANDOM_OPERATIONS_H_
#define SEMEL_TESTS_MODEL_RANDOM_OPERATIONS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/operation.h"
#include "tests/model/random_changes.h"
#include "tests/model/reference_model.h"
#include "tests/sim/random.h"

namespace semel::testing {

struct RandomOperationsOptions {
  RandomChangesOptions changes = {.wide = true};
  bool trims = true;          // of everything
  bool entity_trims = false;  // of one entity alone, too, which no journal can
  bool options_vary = false;  // parking, the lookback and reopening too
};

class RandomOperations {
 public:
  explicit RandomOperations(uint64_t seed, RandomOperationsOptions options = {});

  // The next operation on a ledger whose state is that of `model`. The same seed and states give the same stream.
  Operation Next(const ReferenceModel& model);

  // Something that became of a change in `model`: what is rare is delivered again as often as what is common.
  void Observe(const ModelEvent& event);

  // Among the next operations, so many are changes that were sent before.
  void RedeliverAnything(uint64_t count);

 private:
  void PlanLetter(const ReferenceModel& model);
  void PrepareRetry(const Change& letter, const ReferenceModel& model);
  std::pair<uint64_t, Change> SomeParked(const ReferenceModel& model);
  Operation GiveUpParked(const ReferenceModel& model);
  void PlanOvertaking(const ReferenceModel& model);
  Operation Trim(const ReferenceModel& model);
  Operation OtherOptions();
  Operation Sent(const Operation& operation);
  void Keep(const Change& change, size_t most, std::vector<Change>* changes);

  std::pair<uint64_t, ModelLetter> SomeLetter(const ReferenceModel& model);

  Random random_;
  RandomOperationsOptions options_;
  RandomChanges changes_;
  std::vector<Change> sent_;                                                       // some of everything
  std::map<std::pair<ModelEvent::Kind, OutcomeCode>, std::vector<Change>> fates_;  // some of each
  std::deque<Operation> next_;                                                     // what comes soon
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_MODEL_RANDOM_OPERATIONS_H_
