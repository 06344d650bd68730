// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/state/lmdb_tables.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/state/lmdb_meta.h"
#include "engine/state/lmdb_pages.h"

namespace semel::internal {
namespace {

absl::StatusOr<std::string_view> GetMeta(MDB_txn* txn, const LmdbTables& tables, std::string_view key) {
  MDB_val key_val = ValOf(key);
  MDB_val data;
  const int rc = mdb_get(txn, tables.meta, &key_val, &data);
  if (rc != 0) return LmdbStatus(rc, "reading the state's own records");
  return ViewOf(data);
}

// A damaged transaction number in the newest meta page makes LMDB choose the older one, which leads to a state that is
// sound, but not the last. It shows in what the two pages lead to. (Beside a writer the older one is no man's land.)
absl::Status CheckOlderMeta(int fd, uint64_t seed) {
  SEMEL_ASSIGN_OR_RETURN(const LmdbMetaPages pages, ReadLmdbMetaPages(fd));
  const uint64_t transaction = pages.older.transaction;
  if (transaction == 0) return absl::OkStatus();  // before the first commit there is nothing
  SEMEL_ASSIGN_OR_RETURN(const std::string stored,
                         FindInSmallLmdbTree(fd, pages, pages.older, kMetaTable, kCheckpointKey));
  CheckpointInfo info;
  return DecodeCheckpoint(stored, seed, transaction, &info);
}

// One look.
absl::StatusOr<LmdbTables> TryOpenCheckedTables(LmdbEnv* env, const LmdbOptions& options) {
  SEMEL_ASSIGN_OR_RETURN(LmdbTxn txn, LmdbTxn::Begin(env->get(), MDB_RDONLY));
  SEMEL_RETURN_IF_ERROR(CheckPagesOf(txn.get(), env->fd()));
  SEMEL_ASSIGN_OR_RETURN(const LmdbTables tables, OpenTables(txn.get(), 0));
  SEMEL_ASSIGN_OR_RETURN(const std::string_view header, GetMeta(txn.get(), tables, kHeaderKey));
  SEMEL_RETURN_IF_ERROR(CheckStateHeader(header, options));
  CheckpointInfo info;
  SEMEL_RETURN_IF_ERROR(ReadCheckpointOf(txn.get(), *env, tables, options.seed, &info));
  if (!options.read_only) SEMEL_RETURN_IF_ERROR(CheckOlderMeta(env->fd(), options.seed));
  SEMEL_RETURN_IF_ERROR(txn.Commit());
  return tables;
}

}  // namespace

absl::StatusOr<LmdbTxn> LmdbTxn::Begin(MDB_env* env, unsigned int flags) {
  MDB_txn* txn = nullptr;
  if (const int rc = mdb_txn_begin(env, nullptr, flags, &txn); rc != 0) return LmdbStatus(rc, "mdb_txn_begin");
  return LmdbTxn(txn);
}

absl::Status LmdbTxn::Commit() {
  const int rc = mdb_txn_commit(std::exchange(txn_, nullptr));
  return rc == 0 ? absl::OkStatus() : LmdbStatus(rc, "committing the state");
}

absl::StatusOr<LmdbTables> OpenTables(MDB_txn* txn, unsigned int flags) {
  LmdbTables tables;
  for (int t = 0; t < kTableCount; ++t) {
    const char* const name = TableName(Table{static_cast<uint8_t>(t)});
    if (const int rc = mdb_dbi_open(txn, name, flags, &tables.records[t]); rc != 0) return LmdbStatus(rc, name);
  }
  if (const int rc = mdb_dbi_open(txn, kMetaTable.data(), flags, &tables.meta); rc != 0) {
    return LmdbStatus(rc, kMetaTable.data());
  }
  return tables;
}

absl::StatusOr<LmdbTables> OpenCheckedTables(LmdbEnv* env, const LmdbOptions& options) {
  return UntilNotOvertaken([&] { return TryOpenCheckedTables(env, options); });
}

absl::Status CheckPagesOf(MDB_txn* txn, int fd) {
  const uint64_t transaction = mdb_txn_id(txn);
  SEMEL_ASSIGN_OR_RETURN(const LmdbMetaPages pages, ReadLmdbMetaPages(fd));
  for (const LmdbMeta* meta : {&pages.newest, &pages.older}) {
    if (meta->transaction == transaction) return CheckLmdbPages(fd, pages, *meta);
  }
  if (transaction < pages.older.transaction) {
    return absl::UnavailableError("the writer made two checkpoints meanwhile: try again");
  }
  return absl::DataLossError("the meta pages of the state do not name its transaction");
}

absl::Status PutMeta(MDB_txn* txn, const LmdbTables& tables, std::string_view key, std::string_view stored) {
  MDB_val key_val = ValOf(key);
  MDB_val data = ValOf(stored);
  const int rc = mdb_put(txn, tables.meta, &key_val, &data, 0);
  return rc == 0 ? absl::OkStatus() : LmdbStatus(rc, "writing the state's own records");
}

absl::Status ReadCheckpoint(MDB_txn* txn, const LmdbTables& tables, uint64_t seed, uint64_t transaction,
                            CheckpointInfo* info) {
  SEMEL_ASSIGN_OR_RETURN(const std::string_view stored, GetMeta(txn, tables, kCheckpointKey));
  return DecodeCheckpoint(stored, seed, transaction, info);
}

absl::Status ReadCheckpointOf(MDB_txn* txn, const LmdbEnv& env, const LmdbTables& tables, uint64_t seed,
                              CheckpointInfo* info) {
  const absl::Status read = ReadCheckpoint(txn, tables, seed, mdb_txn_id(txn), info);
  if (!absl::IsDataLoss(read) || env.IsNewest(txn)) return read;
  return absl::UnavailableError(absl::StrCat("a writer made checkpoints meanwhile: try again (", read.message(), ")"));
}

}  // namespace semel::internal
