// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/io/file_system.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"

namespace semel::internal {

absl::StatusOr<std::string> ReadWholeFile(FileSystem* file_system, const std::string& path, size_t limit) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, file_system->Open(path, OpenMode::kRead));
  SEMEL_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > limit) {
    return absl::ResourceExhaustedError(absl::StrCat(path, " has ", size, " bytes; at most ", limit, " are read"));
  }
  std::string bytes(size, '\0');
  SEMEL_ASSIGN_OR_RETURN(const size_t read, file->ReadAt(0, bytes.data(), bytes.size()));
  bytes.resize(read);
  return bytes;
}

absl::Status RemoveTree(FileSystem* file_system, const std::string& path) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, file_system->Exists(path));
  if (!exists) return absl::OkStatus();
  if (absl::StatusOr<std::vector<std::string>> names = file_system->List(path); names.ok()) {
    for (const std::string& name : *names) {
      SEMEL_RETURN_IF_ERROR(RemoveTree(file_system, absl::StrCat(path, "/", name)));
    }
  }
  return file_system->Remove(path);
}

absl::Status WriteFileAtomically(FileSystem* file_system, const std::string& directory, const std::string& name,
                                 std::string_view data) {
  const std::string path = absl::StrCat(directory, "/", name);
  const std::string temporary = absl::StrCat(path, ".tmp");
  // A leftover of a crash.
  if (absl::Status removed = file_system->Remove(temporary); !removed.ok() && !absl::IsNotFound(removed))
    return removed;
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, file_system->Open(temporary, OpenMode::kCreateNew));
  SEMEL_RETURN_IF_ERROR(file->WriteAt(0, data));
  SEMEL_RETURN_IF_ERROR(file->Sync());
  SEMEL_RETURN_IF_ERROR(file_system->Rename(temporary, path));
  return file_system->SyncDirectory(directory);
}

}  // namespace semel::internal
