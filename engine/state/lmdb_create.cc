// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Making a new state. A crash inside the very first opening of an LMDB file can leave one that is refused for ever, so
// it is made under another name, and gets its own when it is whole and durable.

#include <sys/stat.h>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/io/file_system.h"
#include "engine/state/lmdb_env.h"
#include "engine/state/lmdb_meta.h"
#include "engine/state/lmdb_tables.h"
#include "engine/state/state_store.h"

namespace semel::internal {
namespace {

std::string ParentOf(const std::string& directory) {
  const size_t slash = directory.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : directory.substr(0, slash);
}

// Removes what a creation that was cut short left behind; nothing that it would not have made.
absl::Status RemoveLeftovers(FileSystem* files, const std::string& directory) {
  struct stat found;
  if (lstat(directory.c_str(), &found) != 0) {
    return errno == ENOENT ? absl::OkStatus() : absl::ErrnoToStatus(errno, directory);
  }
  if (!S_ISDIR(found.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(directory, " is in the way: remove it"));
  }
  for (const char* name : {"/data.mdb", "/lock.mdb"}) {
    const absl::Status removed = files->Remove(directory + name);
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  }
  return files->Remove(directory);
}

// One synced commit with the header and the checkpoint of an empty state.
absl::Status WriteEmptyState(const std::string& directory, const LmdbOptions& options) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<LmdbEnv> env, LmdbEnv::Create(directory, options.map_bytes));
  SEMEL_ASSIGN_OR_RETURN(LmdbTxn txn, LmdbTxn::Begin(env->get(), 0));
  SEMEL_ASSIGN_OR_RETURN(const LmdbTables tables, OpenTables(txn.get(), MDB_CREATE));
  SEMEL_RETURN_IF_ERROR(PutMeta(txn.get(), tables, kHeaderKey, EncodeStateHeader(options)));
  CheckpointRecord checkpoint;
  checkpoint.transaction = mdb_txn_id(txn.get());
  SEMEL_RETURN_IF_ERROR(PutMeta(txn.get(), tables, kCheckpointKey, EncodeCheckpoint(checkpoint, options.seed)));
  return txn.Commit();
}

}  // namespace

absl::Status CreateLmdbState(const LmdbOptions& options) {
  SEMEL_CHECK(options.uuid.size() == 16);
  FileSystem* const files = PosixFileSystem();
  const std::string unfinished = options.directory + ".tmp";
  SEMEL_ASSIGN_OR_RETURN(const bool exists, files->Exists(options.directory));
  if (exists) return absl::AlreadyExistsError(absl::StrCat(options.directory, " exists already"));
  SEMEL_RETURN_IF_ERROR(RemoveLeftovers(files, unfinished));
  SEMEL_RETURN_IF_ERROR(files->CreateDirectory(unfinished));
  SEMEL_RETURN_IF_ERROR(WriteEmptyState(unfinished, options));
  SEMEL_RETURN_IF_ERROR(files->SyncDirectory(unfinished));
  SEMEL_RETURN_IF_ERROR(files->Rename(unfinished, options.directory));
  return files->SyncDirectory(ParentOf(options.directory));
}

}  // namespace semel::internal
