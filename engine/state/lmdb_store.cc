// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The state in LMDB: the tables of engine/rules/head.h (keys as they are; data: see stored_record.h) and "meta" (see
// lmdb_meta.h).

#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"
#include "engine/state/active_readers.h"
#include "engine/state/lmdb_env.h"
#include "engine/state/lmdb_meta.h"
#include "engine/state/lmdb_pages.h"
#include "engine/state/lmdb_tables.h"
#include "engine/state/state_store.h"
#include "engine/state/stored_record.h"

namespace semel::internal {
namespace {

class LmdbStateStore;

class LmdbSnapshot final : public StateSnapshot {
 public:
  LmdbSnapshot(LmdbStateStore* store, MDB_txn* txn, std::shared_ptr<const CheckpointInfo> info,
               ActiveReaders::Handle handle)
      : store_(store), txn_(txn), info_(std::move(info)), handle_(handle) {}
  ~LmdbSnapshot() override;

  const CheckpointInfo& info() const override { return *info_; }

  absl::StatusOr<bool> Get(Table table, std::string_view key, Head* head) override;
  absl::Status Scan(Table table, std::string_view start,
                    const std::function<bool(std::string_view key, const Head& head)>& visit) override;

  MDB_txn* txn() const { return txn_; }

 private:
  absl::Status ScanWith(MDB_cursor* cursor, Table table, std::string_view start,
                        const std::function<bool(std::string_view key, const Head& head)>& visit);

  LmdbStateStore* const store_;
  MDB_txn* const txn_;
  const std::shared_ptr<const CheckpointInfo> info_;
  const ActiveReaders::Handle handle_;
};

class LmdbStateStore final : public StateStore {
 public:
  LmdbStateStore(const LmdbOptions& options, std::unique_ptr<LmdbEnv> env, const LmdbTables& tables)
      : data_path_(options.directory + "/data.mdb"),
        seed_(options.seed),
        read_only_(options.read_only),
        env_(std::move(env)),
        tables_(tables) {}

  ~LmdbStateStore() override {
    if (env_->forked()) return;
    MutexLock lock(&mutex_);
    SEMEL_CHECK(readers_.count() == 0);
    for (MDB_txn* txn : idle_) mdb_txn_abort(txn);
  }

  absl::StatusOr<std::unique_ptr<StateSnapshot>> Snapshot() override;
  absl::Status Commit(const RecordFeed& records, const CheckpointInfo& info) override;
  absl::Status CopyTo(const std::string& directory) override;
  absl::StatusOr<bool> Replaced() override;
  absl::StatusOr<StateStats> GetStats() override;
  absl::StatusOr<CheckpointInfo> Verify() override;

  void EndSnapshot(MDB_txn* txn, ActiveReaders::Handle handle);

  LmdbEnv* env() const { return env_.get(); }
  MDB_dbi Of(Table table) const { return tables_.Of(table); }
  uint64_t seed() const { return seed_; }

 private:
  absl::StatusOr<std::unique_ptr<LmdbSnapshot>> TakeSnapshot();
  absl::StatusOr<std::unique_ptr<LmdbSnapshot>> TryTakeSnapshot();
  absl::StatusOr<MDB_txn*> BeginRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<const CheckpointInfo>> InfoOf(MDB_txn* txn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<CheckpointRecord> Write(const RecordFeed& records, const CheckpointInfo& info);
  absl::Status PutRecords(MDB_txn* txn, const RecordFeed& records, CheckpointInfo* info);

  absl::StatusOr<uint64_t> CountFreePages();

  const std::string data_path_;
  const uint64_t seed_;
  const bool read_only_;
  const std::unique_ptr<LmdbEnv> env_;
  const LmdbTables tables_;

  Mutex mutex_;  // never held while a commit writes
  ActiveReaders readers_ ABSL_GUARDED_BY(mutex_);
  std::vector<MDB_txn*> idle_ ABSL_GUARDED_BY(mutex_);  // reset: they keep their reader slots, and no pages
  // Of the transaction last seen, so that a snapshot need not decode it again.
  uint64_t known_transaction_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const CheckpointInfo> known_info_ ABSL_GUARDED_BY(mutex_);
};

// ---- Reading

LmdbSnapshot::~LmdbSnapshot() { store_->EndSnapshot(txn_, handle_); }

absl::StatusOr<bool> LmdbSnapshot::Get(Table table, std::string_view key, Head* head) {
  SEMEL_RETURN_IF_ERROR(store_->env()->Usable());
  if (key.empty() || key.size() > kMaxKeyBytes) return false;
  MDB_val key_val = ValOf(key);
  MDB_val data;
  const int rc = mdb_get(txn_, store_->Of(table), &key_val, &data);
  if (rc == MDB_NOTFOUND) return false;
  if (rc != 0) return store_->env()->Poison(rc, "reading the state");
  SEMEL_RETURN_IF_ERROR(DecodeStored(table, key, ViewOf(data), store_->seed(), head).status());
  return true;
}

absl::Status LmdbSnapshot::Scan(Table table, std::string_view start,
                                const std::function<bool(std::string_view key, const Head& head)>& visit) {
  SEMEL_RETURN_IF_ERROR(store_->env()->Usable());
  MDB_cursor* cursor = nullptr;
  if (const int rc = mdb_cursor_open(txn_, store_->Of(table), &cursor); rc != 0) {
    return store_->env()->Poison(rc, "scanning the state");
  }
  const absl::Status status = ScanWith(cursor, table, start, visit);
  if (!store_->env()->forked()) mdb_cursor_close(cursor);
  return status;
}

absl::Status LmdbSnapshot::ScanWith(MDB_cursor* cursor, Table table, std::string_view start,
                                    const std::function<bool(std::string_view key, const Head& head)>& visit) {
  MDB_val key_val = ValOf(start);
  MDB_val data;
  // What is longer than any key stands behind all keys that it begins with; LMDB would refuse it.
  if (start.size() > kMaxKeyBytes) key_val.mv_size = kMaxKeyBytes + 1;
  int rc = mdb_cursor_get(cursor, &key_val, &data, start.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (rc == 0) {
    const std::string key(ViewOf(key_val));  // a copy: `visit` gets no pointer into the map
    Head head;
    SEMEL_RETURN_IF_ERROR(DecodeStored(table, key, ViewOf(data), store_->seed(), &head).status());
    if (!visit(key, head)) return absl::OkStatus();
    SEMEL_RETURN_IF_ERROR(store_->env()->Usable());
    rc = mdb_cursor_get(cursor, &key_val, &data, MDB_NEXT);
  }
  return rc == MDB_NOTFOUND ? absl::OkStatus() : store_->env()->Poison(rc, "scanning the state");
}

absl::StatusOr<std::unique_ptr<StateSnapshot>> LmdbStateStore::Snapshot() { return TakeSnapshot(); }

absl::StatusOr<std::unique_ptr<LmdbSnapshot>> LmdbStateStore::TakeSnapshot() {
  return UntilNotOvertaken([this] { return TryTakeSnapshot(); });
}

absl::StatusOr<std::unique_ptr<LmdbSnapshot>> LmdbStateStore::TryTakeSnapshot() {
  SEMEL_RETURN_IF_ERROR(env_->Usable());
  MutexLock lock(&mutex_);
  SEMEL_ASSIGN_OR_RETURN(MDB_txn* const txn, BeginRead());
  absl::StatusOr<std::shared_ptr<const CheckpointInfo>> info = InfoOf(txn);
  if (!info.ok()) {
    mdb_txn_abort(txn);
    return std::move(info).status();
  }
  return std::make_unique<LmdbSnapshot>(this, txn, *std::move(info), readers_.Begin());
}

absl::StatusOr<MDB_txn*> LmdbStateStore::BeginRead() {
  MDB_txn* txn = nullptr;
  int rc = 0;
  if (idle_.empty()) {
    rc = mdb_txn_begin(env_->get(), nullptr, MDB_RDONLY, &txn);
    if (rc == MDB_READERS_FULL) {
      return absl::ResourceExhaustedError("too many snapshots of the state are open: close some, then try again");
    }
  } else {
    txn = idle_.back();
    rc = mdb_txn_renew(txn);
    if (rc == 0) idle_.pop_back();
  }
  if (rc != 0) return env_->Poison(rc, "taking a snapshot of the state");
  return txn;
}

absl::StatusOr<std::shared_ptr<const CheckpointInfo>> LmdbStateStore::InfoOf(MDB_txn* txn) {
  const uint64_t transaction = mdb_txn_id(txn);
  if (known_info_ == nullptr || known_transaction_ != transaction || !env_->IsNewest(txn)) {
    CheckpointInfo info;
    SEMEL_RETURN_IF_ERROR(ReadCheckpointOf(txn, *env_, tables_, seed_, &info));
    known_info_ = std::make_shared<const CheckpointInfo>(info);
    known_transaction_ = transaction;
  }
  return known_info_;
}

void LmdbStateStore::EndSnapshot(MDB_txn* txn, ActiveReaders::Handle handle) {
  if (env_->forked()) return;
  mdb_txn_reset(txn);
  MutexLock lock(&mutex_);
  readers_.End(handle);
  idle_.push_back(txn);
}

// ---- Writing

// The last step of a commit is the write of a meta page. When that fails, LMDB writes the page once more with the old
// transaction number, so that it does not count as the newest, but leaves it leading to the tree that was to be: what
// OpenLmdbState takes for a damaged page. So the page gets back all that it held. Nothing is acknowledged for it; if it
// fails as well, or the power goes in between, the state has to be made anew from the journal.
absl::Status CommitOrPutMetaBack(const LmdbEnv& env, LmdbTxn* txn) {
  MDB_stat stat;
  if (const int rc = mdb_env_stat(env.get(), &stat); rc != 0) return LmdbStatus(rc, "mdb_env_stat");
  const off_t offset = static_cast<off_t>(mdb_txn_id(txn->get()) & 1) * stat.ms_psize;
  std::string meta(stat.ms_psize, '\0');
  if (pread(env.fd(), meta.data(), meta.size(), offset) != static_cast<ssize_t>(meta.size())) {
    return absl::InternalError("a meta page of the state cannot be read");
  }
  absl::Status committed = txn->Commit();
  if (!committed.ok() && pwrite(env.fd(), meta.data(), meta.size(), offset) > 0) (void)fdatasync(env.fd());
  return committed;
}

absl::Status LmdbStateStore::Commit(const RecordFeed& records, const CheckpointInfo& info) {
  SEMEL_RETURN_IF_ERROR(env_->Usable());
  if (read_only_) return absl::FailedPreconditionError("the state is open for reading only");
  absl::StatusOr<CheckpointRecord> written;
  {
    const MutexLock committing(env_->commit_mutex());
    written = Write(records, info);
    if (!written.ok()) return env_->Poison(written.status());
  }
  MutexLock lock(&mutex_);
  known_info_ = std::make_shared<const CheckpointInfo>(written->info);
  known_transaction_ = written->transaction;
  return absl::OkStatus();
}

absl::StatusOr<CheckpointRecord> LmdbStateStore::Write(const RecordFeed& records, const CheckpointInfo& info) {
  // Readers that died without a word would keep their pages for ever.
  int dead = 0;
  if (const int rc = mdb_reader_check(env_->get(), &dead); rc != 0) return LmdbStatus(rc, "mdb_reader_check");

  SEMEL_ASSIGN_OR_RETURN(LmdbTxn txn, LmdbTxn::Begin(env_->get(), 0));
  CheckpointRecord checkpoint;
  checkpoint.transaction = mdb_txn_id(txn.get());
  SEMEL_RETURN_IF_ERROR(ReadCheckpoint(txn.get(), tables_, seed_, checkpoint.transaction - 1, &checkpoint.info));
  checkpoint.info.tip = info.tip;
  checkpoint.info.options = info.options;
  checkpoint.info.floor = info.floor;
  SEMEL_RETURN_IF_ERROR(PutRecords(txn.get(), records, &checkpoint.info));
  SEMEL_RETURN_IF_ERROR(PutMeta(txn.get(), tables_, kCheckpointKey, EncodeCheckpoint(checkpoint, seed_)));
  SEMEL_RETURN_IF_ERROR(CommitOrPutMetaBack(*env_, &txn));
  return checkpoint;
}

// Writes through one cursor a table, moving forward only.
class TableWriter {
 public:
  TableWriter(Table table, uint64_t seed, CheckpointInfo* info)
      : table_(table),
        seed_(seed),
        count_(&info->records[static_cast<size_t>(table)]),
        bytes_(&info->bytes[static_cast<size_t>(table)]),
        digest_(&info->digest) {}

  absl::Status Open(MDB_txn* txn, MDB_dbi dbi) {
    const int rc = mdb_cursor_open(txn, dbi, &cursor_);  // closed by the end of the transaction
    return rc == 0 ? absl::OkStatus() : LmdbStatus(rc, "writing the state");
  }

  absl::Status Put(std::string_view key, const Head& head) {
    MDB_val key_val = ValOf(key);
    MDB_val old;
    int rc = mdb_cursor_get(cursor_, &key_val, &old, MDB_SET);
    if (rc != 0 && rc != MDB_NOTFOUND) return LmdbStatus(rc, "reading the state");
    const bool exists = rc == 0;
    if (exists) {
      SEMEL_ASSIGN_OR_RETURN(const uint64_t check, VerifiedCheck(table_, key, ViewOf(old), seed_));
      RemoveFromDigest(check, digest_);
      *bytes_ -= old.mv_size - kCheckBytes;
    }
    return head.version == 0 ? Remove(exists) : Write(key, head, exists);
  }

 private:
  absl::Status Write(std::string_view key, const Head& head, bool exists) {
    AddToDigest(EncodeStored(table_, key, head, seed_, &stored_), digest_);
    *bytes_ += stored_.size() - kCheckBytes;
    MDB_val key_val = ValOf(key);
    MDB_val data = ValOf(stored_);
    const int rc = mdb_cursor_put(cursor_, &key_val, &data, exists ? MDB_CURRENT : 0);
    if (rc != 0) return LmdbStatus(rc, "writing the state");
    if (!exists) ++*count_;
    return absl::OkStatus();
  }

  absl::Status Remove(bool exists) {
    if (!exists) return absl::OkStatus();
    --*count_;
    const int rc = mdb_cursor_del(cursor_, 0);
    return rc == 0 ? absl::OkStatus() : LmdbStatus(rc, "writing the state");
  }

  const Table table_;
  const uint64_t seed_;
  uint64_t* const count_;
  uint64_t* const bytes_;
  Hash128* const digest_;
  MDB_cursor* cursor_ = nullptr;
  std::string stored_;
};

absl::Status LmdbStateStore::PutRecords(MDB_txn* txn, const RecordFeed& records, CheckpointInfo* info) {
  std::vector<TableWriter> writers;
  writers.reserve(kTableCount);
  for (int t = 0; t < kTableCount; ++t) {
    const Table table{static_cast<uint8_t>(t)};
    writers.emplace_back(table, seed_, info);
    SEMEL_RETURN_IF_ERROR(writers.back().Open(txn, tables_.Of(table)));
  }
  FeedOrder order;
  Table table;
  std::string_view key;
  const Head* head = nullptr;
  while (records(&table, &key, &head)) {
    SEMEL_RETURN_IF_ERROR(order.Next(table, key));
    SEMEL_RETURN_IF_ERROR(writers[static_cast<size_t>(table)].Put(key, *head));
  }
  return absl::OkStatus();
}

// ---- Looking after it

absl::Status LmdbStateStore::CopyTo(const std::string& directory) {
  SEMEL_RETURN_IF_ERROR(env_->Usable());
  return env_->CopyTo(directory, 0);
}

absl::StatusOr<bool> LmdbStateStore::Replaced() {
  SEMEL_RETURN_IF_ERROR(env_->Usable());
  struct stat open;
  struct stat named;
  if (fstat(env_->fd(), &open) != 0) return absl::ErrnoToStatus(errno, data_path_);
  if (lstat(data_path_.c_str(), &named) != 0) {
    if (errno == ENOENT) return false;  // between two renames: the next look will tell
    return absl::ErrnoToStatus(errno, data_path_);
  }
  return open.st_dev != named.st_dev || open.st_ino != named.st_ino;
}

// Counts the transactions that hold a snapshot; a line of the reader table ends in "-" when it holds none.
int CountReader(const char* line, void* count) {
  const std::string_view text(line);
  const bool heading = text.find("pid") != std::string_view::npos || text.front() == '(';
  const bool idle = text.size() >= 2 && text.substr(text.size() - 2) == "-\n";
  if (!heading && !idle) ++*static_cast<uint64_t*>(count);
  return 0;
}

absl::StatusOr<StateStats> LmdbStateStore::GetStats() {
  SEMEL_RETURN_IF_ERROR(env_->Usable());
  StateStats stats;
  struct stat file;
  if (fstat(env_->fd(), &file) != 0) return absl::ErrnoToStatus(errno, "reading the size of the state");
  stats.file_bytes = static_cast<uint64_t>(file.st_size);
  if (const int rc = mdb_reader_list(env_->get(), CountReader, &stats.active_readers); rc < 0) {
    return env_->Poison(rc, "mdb_reader_list");
  }
  {
    MutexLock lock(&mutex_);
    stats.oldest_reader_age_us = readers_.OldestAgeUs();
  }
  MDB_stat pages;
  if (const int rc = mdb_env_stat(env_->get(), &pages); rc != 0) return env_->Poison(rc, "mdb_env_stat");
  SEMEL_ASSIGN_OR_RETURN(const uint64_t free_pages, CountFreePages());
  stats.free_bytes = free_pages * pages.ms_psize;
  return stats;
}

// LMDB keeps the pages that its transactions gave back in the first of its tables: a record for each transaction, which
// begins with their number.
absl::StatusOr<uint64_t> LmdbStateStore::CountFreePages() {
  constexpr MDB_dbi kFreePages = 0;
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<LmdbSnapshot> snapshot, TakeSnapshot());
  MDB_cursor* cursor = nullptr;
  if (const int rc = mdb_cursor_open(snapshot->txn(), kFreePages, &cursor); rc != 0) {
    return env_->Poison(rc, "counting the free pages of the state");
  }
  uint64_t count = 0;
  MDB_val key;
  MDB_val data;
  int rc = 0;
  while ((rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) count += GetFixed64(ViewOf(data).data());
  mdb_cursor_close(cursor);
  if (rc != MDB_NOTFOUND) return env_->Poison(rc, "counting the free pages of the state");
  return count;
}

absl::StatusOr<CheckpointInfo> LmdbStateStore::Verify() {
  return UntilNotOvertaken([this]() -> absl::StatusOr<CheckpointInfo> {
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<LmdbSnapshot> snapshot, TakeSnapshot());
    SEMEL_RETURN_IF_ERROR(CheckPagesOf(snapshot->txn(), env_->fd()));
    return VerifyRecords(snapshot.get(), seed_);
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenLmdbState(const LmdbOptions& options) {
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<LmdbEnv> env,
                         LmdbEnv::Open(options.directory, options.map_bytes,
                                       (options.read_only ? MDB_RDONLY : 0) | (options.is_copy ? MDB_NOLOCK : 0)));
  SEMEL_ASSIGN_OR_RETURN(const LmdbTables tables, OpenCheckedTables(env.get(), options));
  return std::make_unique<LmdbStateStore>(options, std::move(env), tables);
}

}  // namespace semel::internal
