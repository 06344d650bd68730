// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/directory.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/journal/writer.h"
#include "engine/ledger/backup_directory.h"
#include "engine/ledger/replace_state.h"

namespace semel::internal {
namespace {

constexpr char kManifest[] = "MANIFEST";
// Stands in the directory from the first step of a creation to its last: what lies beside it may be thrown away as long
// as there is no MANIFEST.
constexpr char kCreating[] = "CREATING";
constexpr char kLock[] = "LOCK";
constexpr size_t kManifestBytesMax = 4096;

bool Contains(const std::vector<std::string>& names, const char* name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string ParentOf(const std::string& directory) {
  const size_t slash = directory.find_last_of('/', directory.find_last_not_of('/'));
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : directory.substr(0, slash);
}

// What a ledger has beside MANIFEST, the mark and the lock.
absl::Status RemoveContent(FileSystem* files, const std::string& directory) {
  for (const char* name : {"journal", "base", "state", "state.tmp", "state.new", "state.old", "pins", "DURABLE"}) {
    SEMEL_RETURN_IF_ERROR(RemoveTree(files, absl::StrCat(directory, "/", name)));
  }
  return absl::OkStatus();
}

absl::Status FillDirectory(FileSystem* files, const std::string& directory, const Manifest& manifest,
                           const std::function<absl::Status()>& fill) {
  SEMEL_RETURN_IF_ERROR(WriteFileAtomically(files, directory, kCreating, ""));
  SEMEL_RETURN_IF_ERROR(RemoveContent(files, directory));
  SEMEL_RETURN_IF_ERROR(fill());
  SEMEL_RETURN_IF_ERROR(WriteFileAtomically(files, directory, kManifest, FormatManifest(manifest)));
  return FinishCreation(files, directory);
}

// After an error of FillDirectory, as far as it goes. What stays is no ledger: the MANIFEST goes first, the mark last.
void Clear(FileSystem* files, const std::string& directory) {
  const auto path = [&](const char* name) { return absl::StrCat(directory, "/", name); };
  absl::Status cleared = RemoveTree(files, path(kManifest));
  if (cleared.ok()) cleared = files->SyncDirectory(directory);
  if (cleared.ok()) cleared = RemoveTree(files, path("MANIFEST.tmp"));
  if (cleared.ok()) cleared = RemoveContent(files, directory);
  if (cleared.ok()) cleared = RemoveTree(files, path("CREATING.tmp"));
  if (cleared.ok()) cleared = RemoveTree(files, path(kCreating));
  if (cleared.ok()) cleared = files->Remove(path(kLock));
}

}  // namespace

JournalIdentity JournalIdentityOf(const std::string& directory, const Manifest& manifest) {
  return {directory + "/journal", manifest.uuid, manifest.epoch, SeedsOf(manifest.uuid, manifest.epoch).checks,
          manifest.tamper_evident};
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
    return name == kLock || name == absl::StrCat(kCreating, ".tmp");
  });
  if (begun || Contains(names, kCreating)) return false;
  if (Contains(names, kBackupName) || Contains(names, kCopyingName)) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory, " is a backup, not a ledger: make a ledger of it with semel restore"));
  }
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
  return FillDirectory(world.files, directory, manifest, [&]() -> absl::Status {
    const JournalIdentity journal = JournalIdentityOf(directory, manifest);
    SEMEL_RETURN_IF_ERROR(world.files->CreateDirectory(journal.directory));
    JournalWriterOptions options;
    options.segment_bytes = segment_bytes;
    SEMEL_RETURN_IF_ERROR(CreateJournal(world.files, journal, options));
    return world.create_state(StateIdentityOf(directory, manifest));
  });
}

absl::Status MakeLedger(FileSystem* files, const std::string& directory, const Manifest& manifest,
                        const std::function<absl::Status()>& fill) {
  SEMEL_ASSIGN_OR_RETURN(bool exists, HoldsLedger(files, directory));
  std::unique_ptr<FileLock> lock;
  if (!exists) {
    SEMEL_RETURN_IF_ERROR(MakeDirectory(files, directory));
    SEMEL_ASSIGN_OR_RETURN(lock, files->Lock(absl::StrCat(directory, "/", kLock)));
    SEMEL_ASSIGN_OR_RETURN(exists, HoldsLedger(files, directory));  // another process may have been faster
  }
  if (exists) return absl::AlreadyExistsError(absl::StrCat("there is a ledger in ", directory, " already"));
  absl::Status made = FillDirectory(files, directory, manifest, fill);
  if (!made.ok()) Clear(files, directory);
  return made;
}

absl::StatusOr<Manifest> NextEpochOf(const Manifest& manifest, uint64_t epoch, Lsn lsn) {
  if (manifest.epoch == std::numeric_limits<uint64_t>::max()) {
    return absl::OutOfRangeError(absl::StrCat("there is no epoch after ", manifest.epoch));
  }
  Manifest next = manifest;
  next.epoch = std::max(manifest.epoch + 1, epoch);
  next.restored_from_epoch = manifest.epoch;
  next.restored_at_lsn = lsn;
  return next;
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
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                         files->Open(absl::StrCat(directory, "/", kManifest), OpenMode::kRead));
  std::string text(kManifestBytesMax, '\0');  // a longer one is damaged, and is so when it is cut off
  SEMEL_ASSIGN_OR_RETURN(const size_t size, file->ReadAt(0, text.data(), text.size()));
  text.resize(size);
  return ParseManifest(text);
}

}  // namespace semel::internal
