// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/directory.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/journal/writer.h"
#include "engine/ledger/replace_state.h"

namespace semel::internal {
namespace {

constexpr char kManifest[] = "MANIFEST";
// Stands in the directory from the first step of a creation to its last: what lies beside it may be thrown away as long
// as there is no MANIFEST.
constexpr char kCreating[] = "CREATING";
constexpr size_t kManifestBytesMax = 4096;

bool Contains(const std::vector<std::string>& names, const char* name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string ParentOf(const std::string& directory) {
  const size_t slash = directory.find_last_of('/', directory.find_last_not_of('/'));
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : directory.substr(0, slash);
}

}  // namespace

JournalIdentity JournalIdentityOf(const std::string& directory, const Manifest& manifest) {
  return {directory + "/journal", manifest.uuid, manifest.epoch, SeedsOf(manifest.uuid, manifest.epoch).checks};
}

StateIdentity StateIdentityOf(const std::string& directory, const Manifest& manifest) {
  StateIdentity identity;
  identity.directory = directory;
  identity.uuid = manifest.uuid;
  identity.epoch = manifest.epoch;
  identity.seed = SeedsOf(manifest.uuid, manifest.epoch).checks;
  return identity;
}

absl::StatusOr<bool> HoldsLedger(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, files->Exists(directory));
  if (!exists) return false;
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files->List(directory));
  if (Contains(names, kManifest)) return true;
  const bool begun = std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return name == "LOCK" || name == absl::StrCat(kCreating, ".tmp");
  });
  if (begun || Contains(names, kCreating)) return false;
  if (Contains(names, "journal")) {
    return absl::DataLossError(absl::StrCat(directory, " has a journal but no MANIFEST; restore it from a backup"));
  }
  return absl::FailedPreconditionError(
      absl::StrCat(directory, " is not empty and holds no ledger; choose another directory"));
}

absl::Status MakeDirectory(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, files->Exists(directory));
  if (!exists) {
    absl::Status status = files->CreateDirectory(directory);
    // Another process may have been faster; the lock decides.
    if (!status.ok() && !absl::IsAlreadyExists(status)) return status;
  }
  // Also where it exists: whoever made it may have died before this.
  return files->SyncDirectory(ParentOf(directory));
}

absl::Status CreateLedger(const World& world, const std::string& directory, const Manifest& manifest,
                          size_t segment_bytes) {
  FileSystem* files = world.files;
  const JournalIdentity journal = JournalIdentityOf(directory, manifest);
  SEMEL_RETURN_IF_ERROR(WriteFileAtomically(files, directory, kCreating, ""));
  for (const char* leftover : {"journal", "state", "state.tmp", "DURABLE"}) {
    SEMEL_RETURN_IF_ERROR(RemoveTree(files, absl::StrCat(directory, "/", leftover)));
  }
  SEMEL_RETURN_IF_ERROR(files->CreateDirectory(journal.directory));
  JournalWriterOptions options;
  options.segment_bytes = segment_bytes;
  SEMEL_RETURN_IF_ERROR(CreateJournal(files, journal, options));
  SEMEL_RETURN_IF_ERROR(world.create_state(StateIdentityOf(directory, manifest)));
  SEMEL_RETURN_IF_ERROR(WriteFileAtomically(files, directory, kManifest, FormatManifest(manifest)));
  return FinishCreation(files, directory);
}

absl::Status FinishCreation(FileSystem* files, const std::string& directory) {
  SEMEL_RETURN_IF_ERROR(files->SyncDirectory(directory));
  const std::string mark = absl::StrCat(directory, "/", kCreating);
  SEMEL_ASSIGN_OR_RETURN(const bool marked, files->Exists(mark));
  if (!marked) return absl::OkStatus();
  SEMEL_RETURN_IF_ERROR(files->Remove(mark));
  return files->SyncDirectory(directory);
}

absl::StatusOr<std::unique_ptr<StateStore>> OpenState(const World& world, const std::string& directory,
                                                      const Manifest& manifest) {
  absl::StatusOr<std::unique_ptr<StateStore>> store = world.open_state(StateIdentityOf(directory, manifest));
  if (absl::IsDataLoss(store.status())) {
    return absl::DataLossError(absl::StrCat(store.status().message(), "; to make the state anew, run semel rebuild"));
  }
  if (!absl::IsNotFound(store.status())) return store;
  SEMEL_ASSIGN_OR_RETURN(const bool replacing, IsReplacingState(world.files, directory));
  if (replacing) {
    return absl::UnavailableError(absl::StrCat(
        "the state of ", directory, " is being replaced: try again; or open the ledger for writing, to finish it"));
  }
  return absl::DataLossError(
      absl::StrCat(directory, " has lost its state; to make it anew from the journal, run semel rebuild"));
}

absl::StatusOr<Manifest> ReadManifest(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const std::string text,
                         ReadWholeFile(files, absl::StrCat(directory, "/", kManifest), kManifestBytesMax));
  return ParseManifest(text);
}

}  // namespace semel::internal
