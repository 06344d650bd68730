// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The tables of a state's environment, and its two records of the table "meta".

#ifndef SEMEL_ENGINE_STATE_LMDB_TABLES_H_
#define SEMEL_ENGINE_STATE_LMDB_TABLES_H_

#include <lmdb.h>

#include <array>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/state/lmdb_env.h"
#include "engine/state/state_store.h"

namespace semel::internal {

inline MDB_val ValOf(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
inline std::string_view ViewOf(const MDB_val& val) { return {static_cast<const char*>(val.mv_data), val.mv_size}; }

// A transaction that is aborted unless it is committed. Used by the thread that began it.
class LmdbTxn {
 public:
  static absl::StatusOr<LmdbTxn> Begin(MDB_env* env, unsigned int flags);
  LmdbTxn(LmdbTxn&& other) noexcept : txn_(std::exchange(other.txn_, nullptr)) {}
  LmdbTxn& operator=(LmdbTxn&&) = delete;
  ~LmdbTxn() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }

  MDB_txn* get() const { return txn_; }
  absl::Status Commit();

 private:
  explicit LmdbTxn(MDB_txn* txn) : txn_(txn) {}
  MDB_txn* txn_;
};

struct LmdbTables {
  std::array<MDB_dbi, kTableCount> records = {};
  MDB_dbi meta = 0;

  MDB_dbi Of(Table table) const { return records[static_cast<size_t>(table)]; }
};

// With MDB_CREATE in `flags` makes them. The handles are good once the transaction has been committed.
absl::StatusOr<LmdbTables> OpenTables(MDB_txn* txn, unsigned int flags);

// Checks every page, then the header, then the checkpoint, then gives the tables. Errors: DataLoss,
// FailedPrecondition (see CheckStateHeader), Unavailable (a writer was faster, again and again).
absl::StatusOr<LmdbTables> OpenCheckedTables(LmdbEnv* env, const LmdbOptions& options);

// Checks every page that the transaction, which only reads, can see. Errors: DataLoss; Unavailable (a writer was
// faster: try again with a new transaction).
absl::Status CheckPagesOf(MDB_txn* txn, int fd);

// Looks until no writer is faster: two checkpoints come during one look hardly ever, and hardly ever again. `look`
// returns a StatusOr.
template <typename Look>
auto UntilNotOvertaken(const Look& look) -> decltype(look()) {
  constexpr int kAttempts = 20;
  for (int attempt = 1;; ++attempt) {
    auto result = look();
    if (attempt == kAttempts || !absl::IsUnavailable(result.status())) return result;
  }
}

absl::Status PutMeta(MDB_txn* txn, const LmdbTables& tables, std::string_view key, std::string_view stored);

// The checkpoint that `transaction` must have written. Errors: DataLoss.
absl::Status ReadCheckpoint(MDB_txn* txn, const LmdbTables& tables, uint64_t seed, uint64_t transaction,
                            CheckpointInfo* info);

// The checkpoint that a read transaction sees, by which all that it sees is known to be of one commit, that of its
// number. Errors: DataLoss; Unavailable (as CheckPagesOf).
absl::Status ReadCheckpointOf(MDB_txn* txn, const LmdbEnv& env, const LmdbTables& tables, uint64_t seed,
                              CheckpointInfo* info);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_LMDB_TABLES_H_
