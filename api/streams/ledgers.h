// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Which ledger the messages of a source go to: the one there is, or one for each partition of a topic.

#ifndef SEMEL_API_STREAMS_LEDGERS_H_
#define SEMEL_API_STREAMS_LEDGERS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semel/ledger.h"

namespace semel::streams {

// Used by one thread.
class Ledgers {
 public:
  virtual ~Ledgers() = default;
  Ledgers(const Ledgers&) = delete;
  Ledgers& operator=(const Ledgers&) = delete;

  // The ledger of a source ("" for messages that have none), opened if it is not yet. Good until it is released.
  virtual absl::StatusOr<Ledger*> Of(std::string_view source) = 0;

  // The source, or every source, is another's from now on.
  virtual void Release(std::string_view source) = 0;
  virtual void ReleaseAll() = 0;

  // Of all that are open: sizes and counts are sums.
  virtual absl::StatusOr<Stats> GetStats() = 0;

 protected:
  Ledgers() = default;
};

// One ledger for everything.
class OneLedger : public Ledgers {
 public:
  explicit OneLedger(Ledger* ledger) : ledger_(ledger) {}  // which must outlive this

  absl::StatusOr<Ledger*> Of(std::string_view) override { return ledger_; }
  void Release(std::string_view) override {}
  void ReleaseAll() override {}
  absl::StatusOr<Stats> GetStats() override { return ledger_->GetStats(); }

 private:
  Ledger* const ledger_;
};

// Where the ledger of a partition is: of "kafka:payments/3" DIRECTORY/payments-3.
std::string PartitionLedger(const std::string& directory, std::string_view source);

// One ledger for each partition: DIRECTORY/TOPIC-NUMBER, made when the partition is assigned for the first time, and
// closed when it is taken away. Several processes may share the directory: a ledger's lock sees to it that one has it,
// and who is assigned a partition waits a while until who had it has closed it.
class PartitionedLedgers : public Ledgers {
 public:
  PartitionedLedgers(std::string directory, Options options, std::function<void(std::string_view)> log);

  // Errors: those of Ledger::Open; Unavailable if another process keeps the ledger open.
  absl::StatusOr<Ledger*> Of(std::string_view source) override;
  void Release(std::string_view source) override;
  void ReleaseAll() override;
  absl::StatusOr<Stats> GetStats() override;

 private:
  void Close(const std::string& source, Ledger& ledger);

  const std::string directory_;
  const Options options_;
  const std::function<void(std::string_view)> log_;
  std::map<std::string, std::unique_ptr<Ledger>, std::less<>> open_;  // by source
};

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_LEDGERS_H_
