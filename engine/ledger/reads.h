// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Reading: what the writing and the read-only ledger share. Everything is answered from durable heads, the state and
// the journal.

#ifndef SEMEL_ENGINE_LEDGER_READS_H_
#define SEMEL_ENGINE_LEDGER_READS_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/base/environment.h"
#include "engine/commit/head_table.h"
#include "engine/io/file_system.h"
#include "engine/journal/reader.h"
#include "engine/ledger/manifest.h"
#include "engine/state/state_store.h"
#include "semel/ledger.h"

namespace semel::internal {

// Thread-safe as far as its parts are.
class Reads {
 public:
  Reads(const Manifest& manifest, HeadTable* heads, StateStore* store, JournalReader* journal, Clock* clock,
        FileSystem* files, const std::string& directory);

  absl::StatusOr<Entity> Get(std::string_view key, const AsOf& as_of) const;
  absl::StatusOr<ManyEntities> GetMany(absl::Span<const std::string> keys) const;
  absl::StatusOr<uint64_t> LsnAtTime(int64_t time_us) const;
  absl::StatusOr<std::vector<HistoryLine>> History(std::string_view key, const HistoryOptions& options) const;

  // As of the last checkpoint; with `dirty`, also what was changed since.
  absl::StatusOr<uint64_t> Scan(const ScanOptions& options, bool dirty,
                                const std::function<bool(const Entity&)>& visit) const;

  absl::StatusOr<std::optional<SourceCursor>> GetSource(std::string_view name) const;
  absl::StatusOr<std::vector<SourceCursor>> ListSources() const;
  absl::StatusOr<Answerable> AnswerableSince(std::string_view key) const;
  // The caller holds a pin at `from`.
  absl::StatusOr<uint64_t> ReadJournal(uint64_t from, const std::function<bool(const JournalEntry&)>& visit) const;

  const HeadTable& heads() const { return *heads_; }

  absl::StatusOr<JournalHead> GetHead() const;

  // What is known without a committer.
  absl::StatusOr<Stats> GetStats() const;

 private:
  absl::StatusOr<Entity> GetAtLsn(std::string_view key, const Head& head, Lsn lsn) const;
  absl::StatusOr<Entity> ReadPast(std::string_view key, const Head& head, Lsn lsn) const;
  absl::StatusOr<bool> IsRetired(std::string_view key) const;

  const Manifest& manifest_;
  HeadTable* const heads_;
  StateStore* const store_;
  JournalReader* const journal_;
  Clock* const clock_;
  FileSystem* const files_;
  const std::string directory_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_READS_H_
