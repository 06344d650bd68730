// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Recording what concurrent callers ask of a ledger, in memory that outlives the process in which they run.

#ifndef SEMEL_TESTS_LINEARIZABILITY_RECORDER_H_
#define SEMEL_TESTS_LINEARIZABILITY_RECORDER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "semel/ledger.h"
#include "tests/linearizability/history.h"
#include "tests/sim/random.h"

namespace semel::testing {

// Room for operations, shared with child processes.
class Record {
 public:
  explicit Record(size_t operations);
  ~Record();
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  // A place for the next operation; nullptr if there is none left. Any thread.
  Operation* Next();

  // The next moment. Any thread.
  uint64_t Now() { return shared_->clock.fetch_add(1); }

  // How many places were taken. Any thread or process.
  size_t used() const { return shared_->used.load(); }

  // What was called. Nobody must be recording.
  History Take() const;
  // Makes the places free again; the clock goes on.
  void Clear();

 private:
  struct Shared {
    std::atomic<uint64_t> clock{1};
    std::atomic<size_t> used{0};
  };
  const size_t size_;
  Shared* shared_;
  Operation* operations_;
};

// "PREFIX/0", "PREFIX/1", ...
std::string AccountKey(const std::string& prefix, int account);

// The id of the change that was called at that moment.
std::string ChangeId(const std::string& prefix, uint64_t called);

// One caller: a thread has its own.
class Caller {
 public:
  // `number` tells callers apart; each has a source of its own, whose positions are moments.
  Caller(Ledger* ledger, Record* record, int number, uint64_t seed)
      : ledger_(ledger), record_(record), source_("caller-" + std::to_string(number)), random_(seed) {}

  // The accounts of the next operations.
  void Begin(const std::string& prefix, int accounts);

  // Does and records one random operation. False if the record is full, or the ledger failed: then failure() says how.
  bool DoOne();
  const absl::Status& failure() const { return failure_; }

 private:
  void Choose(Operation* operation);
  absl::Status Read(Operation* operation);
  absl::Status Write(Operation* operation);
  Change ChangeOf(const Operation& operation) const;

  Ledger* const ledger_;
  Record* const record_;
  const std::string source_;
  Random random_;
  std::string prefix_;
  std::vector<uint64_t> known_;  // versions of the accounts, as last seen
  absl::Status failure_;
};

// Lets so many callers record operations at the same time, until the record is full.
absl::Status RecordAll(Ledger* ledger, Record* record, const std::string& prefix, int accounts, int callers,
                       uint64_t seed);

// Gives each operation with an unknown answer that took effect, as the ledger's history tells, what it made; leaves the
// others out.
History Resolve(History history, Ledger* ledger, const std::string& prefix, int accounts);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LINEARIZABILITY_RECORDER_H_
