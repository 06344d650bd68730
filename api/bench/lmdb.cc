// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// LMDB: one transaction a batch, sorted by key; version compared, record written. With a history, each update also
// leaves its id and operand under (key, version), so that a duplicate can be told from a conflict and a statement
// printed. LMDB lets one writer in at a time.

#include <lmdb.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/bench/batch.h"
#include "api/bench/contenders.h"
#include "engine/base/status_macros.h"

namespace semel::bench {
namespace {

absl::Status Check(int rc, const char* what) {
  return rc == 0 ? absl::OkStatus() : absl::InternalError(absl::StrCat(what, ": ", mdb_strerror(rc)));
}

MDB_val ValOf(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
std::string_view BytesOf(const MDB_val& val) { return {static_cast<const char*>(val.mv_data), val.mv_size}; }

struct Tables {
  MDB_env* env = nullptr;
  MDB_dbi accounts = 0;
  MDB_dbi history = 0;
  bool has_history = false;
};

class LmdbSession final : public Session {
 public:
  explicit LmdbSession(const Tables& tables) : tables_(tables) {}

  absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) override {
    ListStepsByKey(changes, &steps_);
    MDB_txn* txn = nullptr;
    SEMEL_RETURN_IF_ERROR(Check(mdb_txn_begin(tables_.env, nullptr, 0, &txn), "mdb_txn_begin"));
    const absl::StatusOr<uint64_t> applied = ApplySteps(txn);
    if (!applied.ok() || *applied == 0) {
      mdb_txn_abort(txn);
      return applied;
    }
    SEMEL_RETURN_IF_ERROR(Check(mdb_txn_commit(txn), "mdb_txn_commit"));
    return applied;
  }

 private:
  absl::StatusOr<uint64_t> ApplySteps(MDB_txn* txn) {
    MDB_cursor* cursor = nullptr;
    SEMEL_RETURN_IF_ERROR(Check(mdb_cursor_open(txn, tables_.accounts, &cursor), "mdb_cursor_open"));
    uint64_t applied = 0;
    for (const Step& step : steps_) {
      MDB_val key = ValOf(step.update->key);
      MDB_val data = {};
      const int rc = mdb_cursor_get(cursor, &key, &data, MDB_SET);
      if (rc != 0 && rc != MDB_NOTFOUND) return Check(rc, "mdb_cursor_get");
      record_.Read(BytesOf(data));
      if (!record_.Apply(step)) continue;
      data = ValOf(record_.Bytes());
      SEMEL_RETURN_IF_ERROR(Check(mdb_cursor_put(cursor, &key, &data, rc == 0 ? MDB_CURRENT : 0), "mdb_cursor_put"));
      if (tables_.has_history) SEMEL_RETURN_IF_ERROR(KeepHistory(txn, step));
      ++applied;
    }
    return applied;
  }

  absl::Status KeepHistory(MDB_txn* txn, const Step& step) {
    history_key_ = step.update->key;
    for (int shift = 56; shift >= 0; shift -= 8) history_key_ += static_cast<char>(record_.version() >> shift);
    history_line_ = step.change->id;
    history_line_.append(reinterpret_cast<const char*>(&step.update->amount), sizeof step.update->amount);
    history_line_ += step.update->value;
    MDB_val key = ValOf(history_key_);
    MDB_val data = ValOf(history_line_);
    return Check(mdb_put(txn, tables_.history, &key, &data, 0), "mdb_put");
  }

  const Tables tables_;
  std::vector<Step> steps_;
  Record record_;
  std::string history_key_;
  std::string history_line_;
};

class LmdbContender final : public Contender {
 public:
  static OpenedContender Open(const Place& place, bool has_history) {
    auto contender = std::make_unique<LmdbContender>();
    SEMEL_RETURN_IF_ERROR(contender->OpenTables(place, has_history));
    return contender;
  }
  ~LmdbContender() override { mdb_env_close(tables_.env); }

  absl::StatusOr<std::unique_ptr<Session>> NewSession() override { return std::make_unique<LmdbSession>(tables_); }

  absl::StatusOr<Totals> Sum() override {
    MDB_txn* txn = nullptr;
    MDB_cursor* cursor = nullptr;
    SEMEL_RETURN_IF_ERROR(Check(mdb_txn_begin(tables_.env, nullptr, MDB_RDONLY, &txn), "mdb_txn_begin"));
    SEMEL_RETURN_IF_ERROR(Check(mdb_cursor_open(txn, tables_.accounts, &cursor), "mdb_cursor_open"));
    Totals totals;
    Record record;
    MDB_val key;
    MDB_val data;
    while (mdb_cursor_get(cursor, &key, &data, MDB_NEXT) == 0) {
      record.Read(BytesOf(data));
      totals.versions += record.version();
      totals.balance += record.balance();
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return totals;
  }

 private:
  absl::Status OpenTables(const Place& place, bool has_history) {
    tables_.has_history = has_history;
    const unsigned flags = place.durability == Durability::kSynced ? 0 : MDB_NOSYNC;
    SEMEL_RETURN_IF_ERROR(Check(mdb_env_create(&tables_.env), "mdb_env_create"));
    SEMEL_RETURN_IF_ERROR(Check(mdb_env_set_mapsize(tables_.env, size_t{1} << 38), "mdb_env_set_mapsize"));
    SEMEL_RETURN_IF_ERROR(Check(mdb_env_set_maxdbs(tables_.env, 2), "mdb_env_set_maxdbs"));
    SEMEL_RETURN_IF_ERROR(Check(mdb_env_open(tables_.env, place.directory.c_str(), flags, 0600), "mdb_env_open"));
    MDB_txn* txn = nullptr;
    SEMEL_RETURN_IF_ERROR(Check(mdb_txn_begin(tables_.env, nullptr, 0, &txn), "mdb_txn_begin"));
    SEMEL_RETURN_IF_ERROR(Check(mdb_dbi_open(txn, "accounts", MDB_CREATE, &tables_.accounts), "mdb_dbi_open"));
    if (has_history) {
      SEMEL_RETURN_IF_ERROR(Check(mdb_dbi_open(txn, "history", MDB_CREATE, &tables_.history), "mdb_dbi_open"));
    }
    return Check(mdb_txn_commit(txn), "mdb_txn_commit");
  }

  Tables tables_;
};

}  // namespace

OpenedContender OpenLmdb(const Place& place) { return LmdbContender::Open(place, /*has_history=*/false); }
OpenedContender OpenLmdbHistory(const Place& place) { return LmdbContender::Open(place, /*has_history=*/true); }

}  // namespace semel::bench
