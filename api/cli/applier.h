// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Feeds a stream of messages to a ledger, batch by batch, and keeps count of what became of them.

#ifndef SEMEL_API_CLI_APPLIER_H_
#define SEMEL_API_CLI_APPLIER_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/cli/message_reader.h"
#include "api/cli/outcome_counts.h"
#include "api/cli/progress.h"
#include "semel/ledger.h"

namespace semel::cli {

struct ApplyOptions {
  std::string ledger;
  std::string file;
  std::string format;  // "jsonl", "proto", or "": by the file's name
  std::string source;
  std::string outcomes;
  std::optional<bool> park;  // absent: as the ledger's option says
  size_t batch = 1000;
  bool create = false;
  bool json = false;
};

struct ApplyCounts {
  uint64_t changes = 0;
  uint64_t malformed = 0;  // among them: those that could not be read
  OutcomeCounts by_code{};
};

class Applier {
 public:
  using FileHandle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

  // `outcomes` may be null: then the outcomes are only counted.
  Applier(const ApplyOptions& options, Ledger* ledger, MessageReader* reader, Progress* progress, FileHandle outcomes);

  // Until the input ends, breaks or is stopped. What the reader said last is in `end`. A batch is full, or as much as
  // was there when the input paused. With a source, a message that cannot be read is given to the ledger, which keeps
  // it as a dead letter; without one it is INVALID here. Errors: those of Ledger::ApplyBatch and of writing the
  // outcomes; what was counted until then is durable.
  absl::Status Run(MessageReader::Result* end);

  const ApplyCounts& counts() const { return counts_; }

 private:
  // One message of the batch.
  struct Item {
    uint64_t number;
    std::string malformed;  // why it could not be read; empty: it could
    bool decided;           // by the ledger, as the next of `changes_`
  };

  MessageReader::Result ReadBatch();
  void Take(const Message& message);
  void TakeMalformed(const Message& message, std::string_view why);
  SourcePosition PositionOf(const Message& message) const;
  absl::StatusOr<Change> Parse(const Message& message) const;
  absl::Status Decide();
  absl::Status Report(const Item& item, const Change& change, const Outcome& outcome);
  std::string MalformedLine(const Item& item, const Outcome& outcome) const;

  const ApplyOptions& options_;
  Ledger* const ledger_;
  MessageReader* const reader_;
  Progress* const progress_;
  FileHandle outcomes_;
  std::vector<Item> items_;
  std::vector<Change> changes_;
  ApplyCounts counts_;
};

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_APPLIER_H_
