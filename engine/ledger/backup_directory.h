// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The directory of a backup: what it holds, and marking it.

#ifndef SEMEL_ENGINE_LEDGER_BACKUP_DIRECTORY_H_
#define SEMEL_ENGINE_LEDGER_BACKUP_DIRECTORY_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/io/file_system.h"
#include "engine/ledger/manifest.h"

namespace semel::internal {

// Stands in place of MANIFEST in a backup that is whole ...
inline constexpr char kBackupName[] = "BACKUP";
// ... and in one that was begun and has never been whole. Beside BACKUP it means nothing.
inline constexpr char kCopyingName[] = "COPYING";

// What a directory holds that is to become a backup, or an up-to-date one.
struct Destination {
  std::optional<BackupMark> mark;  // of the backup in it
  bool whole = false;
};

// Errors: FailedPrecondition (it holds something else), DataLoss (a damaged mark).
absl::StatusOr<Destination> ReadDestination(FileSystem* files, const std::string& directory);

// Of these only the manifest counts as long as the backup is not whole.
absl::Status MarkUnfinishedBackup(FileSystem* files, const std::string& directory, const BackupMark& mark);

// Everything else must be durable.
absl::Status MarkWholeBackup(FileSystem* files, const std::string& directory, const BackupMark& mark);

// The mark of a backup that can be restored. Errors: NotFound (there is none), DataLoss, FailedPrecondition (another
// format).
absl::StatusOr<BackupMark> ReadBackup(FileSystem* files, const std::string& directory);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_BACKUP_DIRECTORY_H_
