// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// RocksDB: reads through an indexed write batch, so that a batch sees its own writes, and writes it with sync. Its
// block cache is as large as the ledger's cache by default; keys have bloom filters.

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/write_batch_with_index.h>

#include <memory>
#include <string>
#include <vector>

#include "api/bench/batch.h"
#include "api/bench/peers/peers.h"
#include "engine/base/status_macros.h"

namespace semel::bench {
namespace {

absl::Status ToAbslStatus(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::InternalError("RocksDB: " + status.ToString());
}

class RocksdbSession final : public Session {
 public:
  RocksdbSession(rocksdb::DB* db, Durability durability) : db_(db) { write_.sync = durability == Durability::kSynced; }

  absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) override {
    ListSteps(changes, &steps_);
    batch_.Clear();
    uint64_t applied = 0;
    for (const Step& step : steps_) {
      stored_.clear();
      const rocksdb::Status found = batch_.GetFromBatchAndDB(db_, {}, step.update->key, &stored_);
      if (!found.ok() && !found.IsNotFound()) return ToAbslStatus(found);
      record_.Read(stored_);
      if (!record_.Apply(step)) continue;
      SEMEL_RETURN_IF_ERROR(ToAbslStatus(batch_.Put(step.update->key, SliceOf(record_.Bytes()))));
      ++applied;
    }
    if (applied > 0) SEMEL_RETURN_IF_ERROR(ToAbslStatus(db_->Write(write_, batch_.GetWriteBatch())));
    return applied;
  }

 private:
  static rocksdb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

  rocksdb::DB* const db_;
  rocksdb::WriteOptions write_;
  rocksdb::WriteBatchWithIndex batch_{rocksdb::BytewiseComparator(), 0, /*overwrite_key=*/true};
  std::vector<Step> steps_;
  std::string stored_;
  Record record_;
};

class RocksdbContender final : public Contender {
 public:
  static OpenedContender Open(const Place& place) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(size_t{256} << 20);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    rocksdb::Options options;
    options.create_if_missing = true;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    SEMEL_RETURN_IF_ERROR(ToAbslStatus(rocksdb::DB::Open(options, place.directory, &db)));
    return std::make_unique<RocksdbContender>(db, place.durability);
  }

  RocksdbContender(rocksdb::DB* db, Durability durability) : db_(db), durability_(durability) {}

  absl::StatusOr<std::unique_ptr<Session>> NewSession() override {
    return std::make_unique<RocksdbSession>(db_.get(), durability_);
  }

  absl::StatusOr<Totals> Sum() override {
    const std::unique_ptr<rocksdb::Iterator> all(db_->NewIterator({}));
    Totals totals;
    Record record;
    for (all->SeekToFirst(); all->Valid(); all->Next()) {
      record.Read({all->value().data(), all->value().size()});
      totals.versions += record.version();
      totals.balance += record.balance();
    }
    SEMEL_RETURN_IF_ERROR(ToAbslStatus(all->status()));
    return totals;
  }

 private:
  const std::unique_ptr<rocksdb::DB> db_;
  const Durability durability_;
};

}  // namespace

OpenedContender OpenRocksdb(const Place& place) { return RocksdbContender::Open(place); }

}  // namespace semel::bench
