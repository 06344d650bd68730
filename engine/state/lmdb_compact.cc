// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Making a state anew without its free pages. LMDB numbers the transactions of such a copy from 1, and the checkpoint
// names the transaction that wrote it; so it is written again, twice: LMDB has two meta pages, and both must lead to a
// checkpoint that is right.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/io/file_system.h"
#include "engine/state/lmdb_env.h"
#include "engine/state/lmdb_meta.h"
#include "engine/state/lmdb_tables.h"
#include "engine/state/state_store.h"

namespace semel::internal {
namespace {

// Copies, and returns the checkpoint that the copy holds.
absl::StatusOr<CheckpointInfo> Copy(const LmdbOptions& options, const std::string& to_directory) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<LmdbEnv> env, LmdbEnv::Open(options.directory, options.map_bytes, 0));
  SEMEL_ASSIGN_OR_RETURN(const LmdbTables tables, OpenCheckedTables(env.get(), options));
  CheckpointInfo info;
  {
    SEMEL_ASSIGN_OR_RETURN(const LmdbTxn txn, LmdbTxn::Begin(env->get(), MDB_RDONLY));
    SEMEL_RETURN_IF_ERROR(ReadCheckpoint(txn.get(), tables, options.seed, mdb_txn_id(txn.get()), &info));
  }
  SEMEL_RETURN_IF_ERROR(env->CopyTo(to_directory, MDB_CP_COMPACT));
  return info;
}

absl::Status WriteCheckpoints(const LmdbOptions& options, const CheckpointInfo& info) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<LmdbEnv> env, LmdbEnv::Open(options.directory, options.map_bytes, 0));
  for (int meta_page = 0; meta_page < 2; ++meta_page) {
    SEMEL_ASSIGN_OR_RETURN(LmdbTxn txn, LmdbTxn::Begin(env->get(), 0));
    SEMEL_ASSIGN_OR_RETURN(const LmdbTables tables, OpenTables(txn.get(), 0));
    const CheckpointRecord checkpoint{info, mdb_txn_id(txn.get())};
    SEMEL_RETURN_IF_ERROR(PutMeta(txn.get(), tables, kCheckpointKey, EncodeCheckpoint(checkpoint, options.seed)));
    SEMEL_RETURN_IF_ERROR(txn.Commit());
  }
  return absl::OkStatus();
}

// Every page, record and sum of the copy.
absl::Status CheckCopy(const LmdbOptions& options, const CheckpointInfo& info) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateStore> store, OpenLmdbState(options));
  SEMEL_ASSIGN_OR_RETURN(const CheckpointInfo copied, store->Verify());
  if (copied.digest == info.digest && copied.records == info.records && copied.tip.lsn == info.tip.lsn) {
    return absl::OkStatus();
  }
  return absl::DataLossError("the compacted state is not what was copied: look at the disk");
}

}  // namespace

absl::Status CompactLmdbState(const LmdbOptions& options, const std::string& to_directory) {
  FileSystem* const files = PosixFileSystem();
  SEMEL_RETURN_IF_ERROR(files->CreateDirectory(to_directory));
  const auto make = [&]() -> absl::Status {
    SEMEL_ASSIGN_OR_RETURN(const CheckpointInfo info, Copy(options, to_directory));
    LmdbOptions copy = options;
    copy.directory = to_directory;
    SEMEL_RETURN_IF_ERROR(WriteCheckpoints(copy, info));
    SEMEL_RETURN_IF_ERROR(CheckCopy(copy, info));
    return files->SyncDirectory(to_directory);
  };
  absl::Status made = make();
  if (!made.ok()) (void)RemoveTree(files, to_directory);
  return made;
}

}  // namespace semel::internal
