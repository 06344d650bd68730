// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A ledger beside the reference model: both get the same random stream, and everything that the API shows must be what
// the model says: answers, journal, present and past.

#ifndef SEMEL_TESTS_LEDGER_MODEL_RUN_H_
#define SEMEL_TESTS_LEDGER_MODEL_RUN_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "semel/ledger.h"
#include "tests/model/random_changes.h"
#include "tests/model/reference_model.h"
#include "tests/sim/random.h"

namespace semel::testing {

// One stream and the model of it. The ledger may be another object with each call, as long as it holds the same files.
// What differs is a test failure; stop then.
class ModelRun {
 public:
  explicit ModelRun(uint64_t seed);

  // What a new ledger must be created with, and every later open may repeat.
  Options DecidingOptions() const;

  // Hands the ledger up to `most` changes, by one call or several of one kind. The ledger's error, if it gave one.
  absl::Status Apply(Ledger* ledger, uint64_t most);

  // Compares the answers to the last Apply, and what it added to the journal.
  void CompareAnswers(Ledger* ledger);

  // After the ledger was opened again; compares answers, too. If the last Apply failed, a prefix of its changes may be
  // in the ledger, one that holds everything acknowledged; the model goes back to it.
  void Reopened(Ledger* ledger);

  // The present state of all entities.
  void CompareEntities(Ledger* ledger);
  // One look of each kind, at random places: entities, sources, scans, histories, past states.
  void CompareSomething(Ledger* ledger);
  // The whole present state, all histories, statistics; and the shipped checker.
  void CompareEverything(Ledger* ledger);

  // How the run went, so that a test can show that it was not an idle one.
  uint64_t changes() const { return changes_; }      // that were acknowledged
  uint64_t lost_in_flight() const { return lost_; }  // failed calls of which nothing was left
  uint64_t kept_in_flight() const { return kept_; }  // failed calls of which a part or all was left

 private:
  struct Step {
    Change change;
    Outcome wanted;
    uint64_t sequence_after;  // entries in the model after it
  };
  struct Answers {
    std::vector<Outcome> outcomes;  // of the first changes, as many as were acknowledged
    absl::Status status;
    size_t attempted = 0;    // changes that the ledger was given
    bool one_frame = false;  // all or none of them
  };

  void MakeSteps(uint64_t count);
  void ExpectEntry(const Step& step);
  Answers Submit(Ledger* ledger);
  Answers SubmitBatch(Ledger* ledger) const;
  Answers SubmitOneByOne(Ledger* ledger) const;
  Answers SubmitAsync(Ledger* ledger) const;
  void GoBackTo(uint64_t sequence);
  void RedeliverLater();

  void ReadJournalOn(Ledger* ledger);
  void CompareSources(Ledger* ledger);
  void CompareScan(Ledger* ledger, const ScanOptions& options);
  void CompareHistory(Ledger* ledger, const std::string& key, const HistoryOptions& options);
  void CompareAsOfVersion(Ledger* ledger, const std::string& key);
  void CompareAsOfLsn(Ledger* ledger, const std::string& key);
  void CompareAsOfTime(Ledger* ledger, const std::string& key);
  void CompareStats(Ledger* ledger);

  std::string SomeKey();
  uint64_t EntriesUpToLsn(uint64_t lsn) const;
  uint64_t EntriesUpToTime(int64_t time_us) const;

  Random random_;
  ModelOptions options_;
  ReferenceModel model_;
  RandomChanges stream_;

  ReferenceModel before_;            // the model as it was before steps_
  std::vector<Step> steps_;          // of the last Apply
  Answers answers_;                  // to them
  std::vector<Change> redelivered_;  // to be applied next

  std::vector<JournalEntry> expected_;  // by sequence - 1; without what only the ledger knows: address, time, reason
  std::vector<JournalEntry> journal_;   // as read, equal to expected_
  uint64_t journal_end_ = 0;            // where reading goes on
  std::map<std::string, std::vector<uint64_t>> versions_;  // of each key: the sequences that made version 1, 2, ...
  uint64_t answered_[kOutcomeCodeCount] = {};              // since the ledger was opened

  uint64_t changes_ = 0;
  uint64_t lost_ = 0;
  uint64_t kept_ = 0;
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LEDGER_MODEL_RUN_H_
