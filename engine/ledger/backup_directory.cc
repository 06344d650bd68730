// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/backup_directory.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

constexpr size_t kMarkBytesMax = 4096;

bool Contains(const std::vector<std::string>& names, const char* name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::StatusOr<BackupMark> ReadMark(FileSystem* files, const std::string& directory, const char* name) {
  SEMEL_ASSIGN_OR_RETURN(const std::string text,
                         ReadWholeFile(files, absl::StrCat(directory, "/", name), kMarkBytesMax));
  return ParseBackupMark(text);
}

// The names in it; none if it is not there. Errors: FailedPrecondition (no directory); of files.
absl::StatusOr<std::vector<std::string>> NamesIn(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, files->Exists(directory));
  if (!exists) return std::vector<std::string>();
  return files->List(directory);
}

}  // namespace

absl::StatusOr<Destination> ReadDestination(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(files, directory));
  Destination destination;
  if (Contains(names, "MANIFEST")) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory, " holds a ledger; choose another directory for the backup"));
  }
  destination.whole = Contains(names, kBackupName);
  if (destination.whole || Contains(names, kCopyingName)) {
    SEMEL_ASSIGN_OR_RETURN(destination.mark,
                           ReadMark(files, directory, destination.whole ? kBackupName : kCopyingName));
    return destination;
  }
  const bool begun = std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return name == "LOCK" || name == absl::StrCat(kCopyingName, ".tmp");
  });
  if (begun) return destination;
  return absl::FailedPreconditionError(
      absl::StrCat(directory, " is not empty and holds no backup; choose another directory"));
}

absl::Status MarkUnfinishedBackup(FileSystem* files, const std::string& directory, const BackupMark& mark) {
  return WriteFileAtomically(files, directory, kCopyingName, FormatBackupMark(mark));
}

absl::Status MarkWholeBackup(FileSystem* files, const std::string& directory, const BackupMark& mark) {
  SEMEL_RETURN_IF_ERROR(WriteFileAtomically(files, directory, kBackupName, FormatBackupMark(mark)));
  const absl::Status removed = files->Remove(absl::StrCat(directory, "/", kCopyingName));
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

absl::StatusOr<BackupMark> ReadBackup(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(files, directory));
  if (Contains(names, kBackupName)) return ReadMark(files, directory, kBackupName);
  absl::string_view instead = " holds no backup";
  if (Contains(names, kCopyingName)) instead = " holds a backup that is not whole: run semel backup to it again";
  if (Contains(names, "MANIFEST")) instead = " holds a ledger, not a backup: make one of it with semel backup";
  return absl::NotFoundError(absl::StrCat(directory, instead));
}

}  // namespace semel::internal
