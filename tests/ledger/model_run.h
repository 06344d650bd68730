// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A ledger beside the reference model: both get the same random stream, and everything that the API shows must be what
// the model says: answers, journal, present and past, what is parked, dead letters, what a trim leaves.
//
// The ledger numbers more entries than the model: what operators do has entries, too. So the model's numbers are
// translated by the journal before they are compared.

#ifndef SEMEL_TESTS_LEDGER_MODEL_RUN_H_
#define SEMEL_TESTS_LEDGER_MODEL_RUN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "semel/ledger.h"
#include "tests/model/operation.h"
#include "tests/model/random_operations.h"
#include "tests/model/reference_model.h"
#include "tests/sim/random.h"

namespace semel::testing {

// One stream and the model of it. The ledger may be another object with each call, as long as it holds the same files.
// What differs is a test failure; stop then.
class ModelRun {
 public:
  explicit ModelRun(uint64_t seed);

  // What to open the ledger with. Now and then other options than before, with which the run goes on once it is told
  // that the ledger was Reopened.
  Options DecidingOptions();

  // Hands the ledger up to `most` changes, by one call or several of one kind; or retries or discards what it holds.
  // The ledger's error, if it gave one.
  absl::Status Apply(Ledger* ledger, uint64_t most);

  // Trims the ledger somehow. Its error, if it gave one.
  absl::Status Trim(Ledger* ledger);

  // Compares what the last Trim, a successful one, says and left.
  void CompareTrim(Ledger* ledger);

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
  uint64_t trimmed() const { return trimmed_; }      // trims after which less could be read
  uint64_t retried() const { return retried_; }      // letters that a retry settled
  uint64_t unparked() const { return unparked_total_; }

 private:
  struct Step {
    Operation operation;
    Outcome wanted;
    uint64_t sequence_after;  // entries in the model after it
  };
  struct Answers {
    std::vector<Outcome> outcomes;  // to the first steps, as many as were acknowledged
    absl::Status status;
    size_t attempted = 0;    // steps that the ledger was given
    bool one_frame = false;  // all or none of them
  };
  // A parked change that was decided, and how.
  struct Unparked {
    Change change;
    Outcome outcome;
  };

  void MakeSteps(uint64_t count);
  Operation NextOperation();
  void MakeStep(Operation operation);
  void ExpectEvent(const ModelEvent& event);
  JournalEntry EntryOf(const ModelEvent& event) const;
  Answers Submit(Ledger* ledger);
  Answers SubmitBatch(Ledger* ledger) const;
  Answers SubmitOneByOne(Ledger* ledger) const;
  Answers SubmitAsync(Ledger* ledger) const;
  Answers SubmitOperation(Ledger* ledger, const Step& step) const;
  TrimOptions SomeTrim();
  uint64_t CountEntries(Ledger* ledger) const;
  void GoBackTo(uint64_t sequence);
  void RedeliverLater();
  void FollowFloor(Ledger* ledger);

  void ReadJournalOn(Ledger* ledger);
  void CompareEntry(const JournalEntry& entry);
  void CompareUnparked();
  void CompareHeld(Ledger* ledger);
  void CompareParked(Ledger* ledger, const HeldOptions& page);
  void CompareLetters(Ledger* ledger, const HeldOptions& page);
  void CompareAnswerable(Ledger* ledger, const std::string& key);
  void CompareSources(Ledger* ledger);
  void CompareScan(Ledger* ledger, const ScanOptions& options);
  void CompareHistory(Ledger* ledger, const std::string& key, const HistoryOptions& options);
  void CompareAsOfVersion(Ledger* ledger, const std::string& key);
  void CompareAsOfLsn(Ledger* ledger, const std::string& key);
  void CompareAsOfTime(Ledger* ledger, const std::string& key);
  void ComparePast(const absl::StatusOr<Entity>& shown, bool told, const Entity& wanted);
  void CompareStats(Ledger* ledger);

  std::string SomeKey();
  HeldOptions SomePage();
  bool IsOnPage(uint64_t sequence, const Change& change, const HeldOptions& page) const;
  uint64_t EntriesUpToLsn(uint64_t lsn) const;
  uint64_t EntriesUpToTime(int64_t time_us) const;
  static bool IsOperators(const JournalEntry& entry);
  uint64_t LedgerNumber(uint64_t sequence) const;
  Outcome AsLedger(Outcome wanted) const;
  Outcome AsFarAsKnown(const Change& change, Outcome wanted, const Outcome& shown) const;
  bool IsBelowSettledLater(const Change& change) const;
  bool CanRead(const std::string& key, uint64_t version) const;
  bool CanTell(const std::string& key, uint64_t version) const;
  bool CanTellAt(const std::string& key, uint64_t sequence);
  uint64_t SetBy(const std::string& key, uint64_t version, Action action) const;

  Random random_;
  ModelOptions options_;  // of the ledger that is open, or being opened
  ReferenceModel model_;
  RandomOperations stream_;

  ReferenceModel before_;               // the model as it was before steps_
  std::vector<Step> steps_;             // of the last Apply
  Answers answers_;                     // to them
  std::vector<Change> redelivered_;     // to be applied next
  std::optional<Operation> postponed_;  // to be done next
  absl::StatusOr<TrimReport> trim_;     // of the last Trim
  bool trimming_ = false;               // a trim has begun, and none has raised the floor and ended since

  std::vector<JournalEntry> expected_;  // by sequence - 1; without what only the ledger knows: address, time, reason
  std::vector<JournalEntry> journal_;   // as read, equal to expected_; the model's entries only
  uint64_t journal_end_ = 0;            // where reading goes on
  uint64_t journal_count_ = 0;          // entries read, those of operators too
  uint64_t floor_lsn_ = 0;
  uint64_t floor_before_trim_ = 0;
  std::map<std::string, std::vector<uint64_t>> versions_;  // of each key: the sequences that made version 1, 2, ...
  // Of each source the positions that were refused or parked first and settled later, by the entry here.
  std::map<std::string, std::map<uint64_t, uint64_t>> settled_later_;
  uint64_t answered_[kOutcomeCodeCount] = {};  // since the ledger was opened
  std::vector<Unparked> unparked_wanted_;      // by the last Apply
  std::vector<Unparked> unparked_;             // as the ledger called

  uint64_t changes_ = 0;
  uint64_t lost_ = 0;
  uint64_t kept_ = 0;
  uint64_t trimmed_ = 0;
  uint64_t retried_ = 0;
  uint64_t unparked_total_ = 0;
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LEDGER_MODEL_RUN_H_
