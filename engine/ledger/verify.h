// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Verify: every checksum and every chain, whether the journal and the state tell the same story, and whether the
// history is still the one of a head that was noted earlier.

#ifndef SEMEL_ENGINE_LEDGER_VERIFY_H_
#define SEMEL_ENGINE_LEDGER_VERIFY_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/io/file_system.h"
#include "engine/journal/reader.h"
#include "engine/ledger/manifest.h"
#include "engine/state/state_store.h"
#include "semel/ledger.h"

namespace semel::internal {

// What is verified; all of it must stay, and nothing of the journal may be removed meanwhile (pins.h).
struct VerifiedFiles {
  FileSystem* files;
  std::string directory;  // that holds the base snapshots
  Manifest manifest;
  JournalReader* journal;  // up to its durable LSN; with its floor set
  StateStore* store;
  StateSnapshot* snapshot = nullptr;  // that the journal is compared with; null: the newest of `store`
};

// Replays the journal from its beginning into memory, or, where it was trimmed, from the base snapshot, checking on the
// way; at the state's checkpoint compares each record with what the replay says; goes on to the durable end. Memory:
// all heads and records. The first fault ends it.
// `against`: see semel::Ledger::Verify.
absl::StatusOr<VerifyReport> VerifyFiles(const VerifiedFiles& files, const Progress& progress,
                                         const std::optional<JournalHead>& against = std::nullopt);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_VERIFY_H_
