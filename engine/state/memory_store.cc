// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The state in memory: the same stored records as in LMDB, in maps. A commit changes the maps in place, or, while a
// snapshot is open, a copy of them.

#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"
#include "engine/state/active_readers.h"
#include "engine/state/state_store.h"
#include "engine/state/stored_record.h"

namespace semel::internal {
namespace {

using StoredRecords = std::map<std::string, std::string, std::less<>>;

struct Generation {
  std::array<StoredRecords, kTableCount> tables;
  CheckpointInfo info;

  StoredRecords& Of(Table table) { return tables[static_cast<size_t>(table)]; }
  const StoredRecords& Of(Table table) const { return tables[static_cast<size_t>(table)]; }
};

struct NewRecord {
  Table table;
  std::string key;
  std::string stored;  // empty: takes the record away
  uint64_t check;
};

// Replaces, inserts or takes away, keeping the digest.
absl::Status Put(NewRecord record, uint64_t seed, Generation* generation) {
  uint64_t& bytes = generation->info.bytes[static_cast<size_t>(record.table)];
  const auto [place, inserted] = generation->Of(record.table).try_emplace(std::move(record.key));
  if (!inserted) {
    SEMEL_ASSIGN_OR_RETURN(const uint64_t old, VerifiedCheck(record.table, place->first, place->second, seed));
    RemoveFromDigest(old, &generation->info.digest);
    bytes -= place->second.size() - kCheckBytes;
  }
  if (record.stored.empty()) {
    generation->Of(record.table).erase(place);
    return absl::OkStatus();
  }
  AddToDigest(record.check, &generation->info.digest);
  bytes += record.stored.size() - kCheckBytes;
  place->second = std::move(record.stored);
  return absl::OkStatus();
}

class MemoryStateStore;

class MemorySnapshot final : public StateSnapshot {
 public:
  MemorySnapshot(MemoryStateStore* store, std::shared_ptr<const Generation> generation, ActiveReaders::Handle handle)
      : store_(store), generation_(std::move(generation)), handle_(handle) {}
  ~MemorySnapshot() override;

  const CheckpointInfo& info() const override { return generation_->info; }

  absl::StatusOr<bool> Get(Table table, std::string_view key, Head* head) override;

  absl::Status Scan(Table table, std::string_view start,
                    const std::function<bool(std::string_view key, const Head& head)>& visit) override;

 private:
  MemoryStateStore* const store_;
  const std::shared_ptr<const Generation> generation_;
  const ActiveReaders::Handle handle_;
};

class MemoryStateStore final : public StateStore {
 public:
  explicit MemoryStateStore(uint64_t seed) : seed_(seed) {}
  ~MemoryStateStore() override { SEMEL_CHECK(OpenSnapshots() == 0); }

  absl::StatusOr<std::unique_ptr<StateSnapshot>> Snapshot() override {
    MutexLock lock(&mutex_);
    SEMEL_RETURN_IF_ERROR(poison_);
    return std::make_unique<MemorySnapshot>(this, current_, readers_.Begin());
  }

  absl::Status Commit(const RecordFeed& records, const CheckpointInfo& info) override {
    std::vector<NewRecord> batch;
    const absl::Status collected = Collect(records, &batch);
    MutexLock lock(&mutex_);
    SEMEL_RETURN_IF_ERROR(poison_);
    poison_ = collected.ok() ? Fold(std::move(batch), info) : collected;
    return poison_;
  }

  absl::StatusOr<StateStats> GetStats() override {
    MutexLock lock(&mutex_);
    SEMEL_RETURN_IF_ERROR(poison_);
    StateStats stats;
    stats.active_readers = readers_.count();
    stats.oldest_reader_age_us = readers_.OldestAgeUs();
    return stats;
  }

  absl::StatusOr<CheckpointInfo> Verify() override;

  void EndSnapshot(ActiveReaders::Handle handle) {
    MutexLock lock(&mutex_);
    readers_.End(handle);
  }
  uint64_t seed() const { return seed_; }

 private:
  size_t OpenSnapshots() {
    MutexLock lock(&mutex_);
    return readers_.count();
  }

  absl::Status Collect(const RecordFeed& records, std::vector<NewRecord>* batch) const {
    FeedOrder order;
    Table table;
    std::string_view key;
    const Head* head = nullptr;
    while (records(&table, &key, &head)) {
      SEMEL_RETURN_IF_ERROR(order.Next(table, key));
      NewRecord& record = batch->emplace_back();
      record.table = table;
      record.key = key;
      if (head->version != 0) record.check = EncodeStored(table, key, *head, seed_, &record.stored);
    }
    return absl::OkStatus();
  }

  absl::Status Fold(std::vector<NewRecord> batch, const CheckpointInfo& info) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (readers_.count() > 0) current_ = std::make_shared<Generation>(*current_);
    for (NewRecord& record : batch) SEMEL_RETURN_IF_ERROR(Put(std::move(record), seed_, current_.get()));
    current_->info.tip = info.tip;
    current_->info.options = info.options;
    current_->info.floor = info.floor;
    for (int t = 0; t < kTableCount; ++t) current_->info.records[t] = current_->tables[t].size();
    return absl::OkStatus();
  }

  const uint64_t seed_;
  Mutex mutex_;
  ActiveReaders readers_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Generation> current_ ABSL_GUARDED_BY(mutex_) = std::make_shared<Generation>();
  absl::Status poison_ ABSL_GUARDED_BY(mutex_);
};

MemorySnapshot::~MemorySnapshot() { store_->EndSnapshot(handle_); }

absl::StatusOr<bool> MemorySnapshot::Get(Table table, std::string_view key, Head* head) {
  const StoredRecords& records = generation_->Of(table);
  const auto found = records.find(key);
  if (found == records.end()) return false;
  SEMEL_RETURN_IF_ERROR(DecodeStored(table, key, found->second, store_->seed(), head).status());
  return true;
}

absl::Status MemorySnapshot::Scan(Table table, std::string_view start,
                                  const std::function<bool(std::string_view key, const Head& head)>& visit) {
  const StoredRecords& records = generation_->Of(table);
  for (auto record = records.lower_bound(start); record != records.end(); ++record) {
    Head head;
    SEMEL_RETURN_IF_ERROR(DecodeStored(table, record->first, record->second, store_->seed(), &head).status());
    if (!visit(record->first, head)) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<CheckpointInfo> MemoryStateStore::Verify() {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, Snapshot());
  return VerifyRecords(snapshot.get(), seed_);
}

}  // namespace

absl::Status StateStore::CopyTo(const std::string&) {
  return absl::UnimplementedError("a ledger without files cannot be backed up: export it");
}

std::unique_ptr<StateStore> NewMemoryStateStore(uint64_t seed) { return std::make_unique<MemoryStateStore>(seed); }

}  // namespace semel::internal
