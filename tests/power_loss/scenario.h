// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What producers and operators do to a ledger, of everything something, and how an undisturbed ledger answers: random,
// but made so that doing any beginning of it once more changes nothing. A ledger that was disturbed must answer the
// same and end the same.

#ifndef SEMEL_TESTS_POWER_LOSS_SCENARIO_H_
#define SEMEL_TESTS_POWER_LOSS_SCENARIO_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "semel/ledger.h"

namespace semel::testing {

// One thing done to the ledger: a change, or what an operator asks for.
struct Deed {
  enum class Kind {
    kChange,
    kRetryLetter,
    kDiscardLetter,
    kDiscardParked,
    kRetire,
    kSetSource,
    kCheckpoint,
    kTrim,
    kBackup,
  };
  Kind kind = Kind::kChange;
  Change change;
  std::string name;     // the change's id of what is retried or discarded; the prefix; the source
  uint64_t number = 0;  // kSetSource: the position; kTrim: how many bytes to keep
  std::string answer;   // of the undisturbed ledger, as DoDeed gives it
  size_t together = 1;  // how many changes, from this one on, are handed over by one call ...
  bool async = false;   // ... or by that many asynchronous ones
};

struct Scenario {
  std::vector<Deed> deeds;
  std::vector<std::string> keys;   // of all changes
  std::vector<std::string> shown;  // [i]: what the ledger shows after the first i deeds
};

// At least `deeds` deeds, done to an undisturbed ledger with these options.
Scenario MakeScenario(uint64_t seed, size_t deeds, const Options& options);

// Does one deed, by a call of its own. The answer as text. Doing it once more is harmless. Errors: the ledger's.
absl::StatusOr<std::string> DoDeed(Ledger* ledger, const Deed& deed, const std::string& backup_directory);

// The code of an outcome, its reason, and what became of the entities.
std::string AnswerText(const Outcome& outcome);

// Whether two answers to the first delivery of a change are the same, but for what depends on how much was trimmed.
bool IsSameAnswer(const std::string& a, const std::string& b);

// Everything that two ledgers to which the same was done show alike: not addresses, times and numbers of entries.
absl::StatusOr<std::string> Show(Ledger* ledger, const std::vector<std::string>& keys);

// Whether a change that was answered `first` may be answered `again` when it comes once more, later. `again` is
// kApplied only if `first` was not known.
bool MayFollow(const std::string& first, const Outcome& again);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_POWER_LOSS_SCENARIO_H_
