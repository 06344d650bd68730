// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Random streams of changes with everything that goes wrong between a producer and a ledger: redelivery near and far,
// re-based retries, ids used twice, replayed, shuffled and gappy sources, wrong incarnations, stale and early versions,
// upstreams whose messages come in any order.

#ifndef SEMEL_TESTS_MODEL_RANDOM_CHANGES_H_
#define SEMEL_TESTS_MODEL_RANDOM_CHANGES_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "semel/change.h"
#include "tests/model/reference_model.h"
#include "tests/sim/random.h"

namespace semel::testing {

struct RandomChangesOptions {
  int keys = 4;                // few, so that changes meet
  bool wrong_assets = true;    // adds that name another asset than the entity's
  bool wide = false;           // also windowed sources, upstreams in disorder, and debits that often lack funds
  size_t remembered_max = 60;  // changes that may be delivered again
};

inline constexpr char kPurse[] = "purse";  // an entity that must not go below zero

// Makes a retry of a change: the same content with present versions, and, if `with_since`, the versions first seen kept
// as `since`.
void FreshenVersions(const ReferenceModel& model, bool with_since, Change* change);

class RandomChanges {
 public:
  explicit RandomChanges(uint64_t seed, RandomChangesOptions options = {});

  // The next change to submit to a ledger whose state is that of `model`. The same seed and states give the same
  // stream.
  Change Next(const ReferenceModel& model);

  // For the debits that sources bring if they are wide.
  Change Funds(const ReferenceModel& model);

 private:
  // A source as its broker keeps it: what was appended, in order.
  struct Log {
    std::string name;
    std::string incarnation;
    bool chained = false;
    bool dense = true;
    uint32_t window = 0;
    std::vector<Change> messages;
  };

  Change NewChange(const ReferenceModel& model);
  void AppendTo(Log* log, const ReferenceModel& model);
  void FillMessage(Change* change, const ReferenceModel& model);
  void ReplayLog(const ReferenceModel& model);
  void ReplayInOrder(const Log& log, size_t next);
  void ReplayShuffled(const Log& log, size_t next);
  Change BrokenMessage(const ReferenceModel& model);
  void DeliverUpstream(const ReferenceModel& model);
  Change UpstreamMessage(std::map<std::string, uint64_t>* versions);
  void DeliverWithAccidents(const Change& message, std::vector<Change>* burst);
  Change Rebased(const ReferenceModel& model);
  Change OtherContent();
  Change Unacceptable();
  void Remember(const Change& change);
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
  std::deque<Change> pending_;     // a replay or an upstream's burst that has begun
  std::vector<Log> logs_;
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_MODEL_RANDOM_CHANGES_H_
