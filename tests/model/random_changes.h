// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Random streams of changes with everything that goes wrong between a producer and a ledger: redelivery near and far,
// re-based retries, ids used twice, replayed and gappy sources, wrong incarnations, stale and early versions.

#ifndef SEMEL_TESTS_MODEL_RANDOM_CHANGES_H_
#define SEMEL_TESTS_MODEL_RANDOM_CHANGES_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "semel/change.h"
#include "tests/model/reference_model.h"
#include "tests/sim/random.h"

namespace semel::testing {

struct RandomChangesOptions {
  int keys = 4;                // few, so that changes meet
  bool wrong_assets = true;    // adds that name another asset than the entity's
  size_t remembered_max = 60;  // changes that may be delivered again
};

class RandomChanges {
 public:
  explicit RandomChanges(uint64_t seed, RandomChangesOptions options = {});

  // The next change to submit to a ledger whose state is that of `model`. The same seed and states give the same
  // stream.
  Change Next(const ReferenceModel& model);

 private:
  // A source as its broker keeps it: what was appended, in order.
  struct Log {
    std::string name;
    std::string incarnation;
    bool chained = false;
    bool dense = true;
    std::vector<Change> messages;
  };

  Change NewChange(const ReferenceModel& model);
  void AppendTo(Log* log, const ReferenceModel& model);
  void ReplayLog(const ReferenceModel& model);
  Change BrokenMessage(const ReferenceModel& model);
  Change Rebased(const ReferenceModel& model);
  Change OtherContent();
  Change Unacceptable();
  Change Remembered();

  void AddGuarded(Change* change, const Entity& entity);
  void AddTransfer(Change* change, const ReferenceModel& model);
  void AddStamped(Change* change, const ReferenceModel& model);
  void AddChecked(Change* change, const ReferenceModel& model);
  void AddAdministration(Change* change, const Entity& entity);
  void SetSomeAction(Update* update);
  void SetPolicyOf(Update* update, const Entity& entity);

  std::string Key() { return "K" + std::to_string(random_.Below(static_cast<uint64_t>(options_.keys))); }
  Amount SomeAmount();
  uint64_t VersionNear(const Entity& entity);
  std::string NewId();

  Random random_;
  RandomChangesOptions options_;
  uint64_t steps_ = 0;
  uint64_t ids_ = 0;
  std::deque<Change> remembered_;  // changes that may be delivered again, the oldest first
  std::deque<Change> pending_;     // a replay that has begun
  std::vector<Log> logs_;
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_MODEL_RANDOM_CHANGES_H_
