// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// MANIFEST: what a ledger is. Text, one `name: value` a line in fixed order, the last line a checksum of the others;
// replaced atomically.
//
//   semel ledger
//   format: 1
//   uuid: 0f8f...            32 hexadecimal digits
//   epoch: 1                 rises when a backup is restored
//   created_us: 1767225600000000
//   balance_lookback: 4096   as the ledger was created; later changes are in the journal
//   explicit_entities: 0
//   parking: 0
//   parking_changes: 100000, and the other bounds of parking
//   tamper_evident: 0        1: each frame carries the hash of the history before it
//   restored_from_epoch: 0   of the backup or export that the ledger was made of; 0: it was created empty
//   restored_at_lsn: 0       where this epoch began
//   checksum: 9a3c...        XXH3 of the lines above, 16 hexadecimal digits
//
// BACKUP: what a backup holds. The same lines under the title `semel backup`, then
//
//   floor_lsn: 0             the history in it begins here ...
//   base_lsn: 0              ... with the base snapshot at this address; 0: without one
//   lsn: 40960               it holds the ledger up to here
//   next_sequence: 312
//   frame_checksum: 873...   of the last frame, decimal
//   history: 5d41...         the history hash there (engine/journal/frame.h), 64 hexadecimal digits
//   commit_time_us: 1767225600000000
//   checksum: 9a3c...

#ifndef SEMEL_ENGINE_LEDGER_MANIFEST_H_
#define SEMEL_ENGINE_LEDGER_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/journal/frame.h"
#include "engine/rules/classify.h"
#include "semel/version.h"

namespace semel::internal {

struct Manifest {
  int format = kFormatVersion;
  std::string uuid;  // 16 bytes
  uint64_t epoch = 1;
  int64_t created_us = 0;
  DecidingOptions options;
  bool tamper_evident = false;
  uint64_t restored_from_epoch = 0;
  Lsn restored_at_lsn = 0;
};

struct BackupMark {
  Manifest manifest;  // of the ledger
  Lsn floor = 0;
  Lsn base_lsn = 0;
  JournalTip tip;
};

std::string FormatManifest(const Manifest& manifest);
std::string FormatBackupMark(const BackupMark& mark);

// Errors: DataLoss (damaged), FailedPrecondition (of another format; nothing else in it is trusted then).
absl::StatusOr<Manifest> ParseManifest(std::string_view text);
absl::StatusOr<BackupMark> ParseBackupMark(std::string_view text);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_MANIFEST_H_
