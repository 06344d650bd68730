// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What a worker does with a ledger, and what must come of it, however often it is cut short and begun anew.

#ifndef SEMEL_TESTS_FAULTS_SCRIPT_H_
#define SEMEL_TESTS_FAULTS_SCRIPT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "semel/ledger.h"

namespace semel::testing {

enum class Act {
  kApply,    // changes [begin, end), one by one
  kBatch,    // in one call
  kAsync,    // with callbacks
  kThreads,  // one by one, from several threads, in any order but within a thread
  kCheckpoint,
  kTrim,    // everything that may go
  kBackup,  // over the one before
  kReopen,
  kRetryLetters,
};

struct Step {
  Act act;
  size_t begin = 0;
  size_t end = 0;
};

struct ScriptOptions {
  size_t changes = 60;   // about
  bool threads = false;  // also steps with several threads
  bool upkeep = true;    // also trims and backups
};

// A stream of changes of every kind, and the calls in which it comes. Deterministic: whatever was applied of it before,
// the whole of it leads to `end_state`. An account is "bank/<n>" if only transfers touch it: their sum is 0 always.
struct Script {
  Options options;
  std::vector<Change> changes;
  std::vector<Step> steps;
  std::vector<OutcomeCode> outcomes;   // of each change in a run that nothing disturbs
  std::vector<std::string> end_state;  // likewise, as ShowState
  bool trims = false;                  // so that a redelivery may be kIndeterminate
};

constexpr int kScriptThreads = 3;

Script MakeScript(uint64_t seed, const ScriptOptions& options);

// What was answered before, and now: empty, or what is wrong with it. `before`: kUnspecified if nothing was.
// `after_an_error`: some call was refused, so that changes came in another order.
std::string JudgeAnswer(const Script& script, size_t change, OutcomeCode before, OutcomeCode now, bool after_an_error);

// Entities, cursors, what is parked and the dead letters, line by line, without what depends on the moment.
absl::StatusOr<std::vector<std::string>> ShowState(Ledger* ledger);

// The sum of all "bank/" accounts.
absl::StatusOr<Amount> SumOfBank(Ledger* ledger);

// Retries every dead letter once.
absl::Status RetryLetters(Ledger* ledger);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_FAULTS_SCRIPT_H_
