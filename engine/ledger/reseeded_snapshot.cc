// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/reseeded_snapshot.h"

#include <string>
#include <string_view>
#include <utility>

#include "engine/base/status_macros.h"
#include "engine/state/stored_record.h"

namespace semel::internal {
namespace {

class BaseSnapshot final : public StateSnapshot {
 public:
  explicit BaseSnapshot(std::unique_ptr<BaseReader> base) : base_(std::move(base)) {}

  const CheckpointInfo& info() const override { return base_->info(); }

  absl::StatusOr<bool> Get(Table, std::string_view, Head*) override {
    return absl::UnimplementedError("a base snapshot is read from its beginning to its end");
  }

  absl::Status Scan(Table table, std::string_view,
                    const std::function<bool(std::string_view key, const Head& head)>& visit) override {
    for (;;) {
      if (head_ == nullptr) {
        SEMEL_ASSIGN_OR_RETURN(const bool more, base_->Next(&table_, &key_, &head_));
        if (!more) head_ = nullptr;
      }
      if (head_ == nullptr || table_ != table) return absl::OkStatus();
      if (!visit(key_, *std::exchange(head_, nullptr))) return absl::OkStatus();
    }
  }

 private:
  const std::unique_ptr<BaseReader> base_;
  Table table_ = Table::kEntities;
  std::string_view key_;
  const Head* head_ = nullptr;  // that was read and not visited
};

class Reseeded final : public StateSnapshot {
 public:
  Reseeded(std::unique_ptr<StateSnapshot> records, const CheckpointInfo& info)
      : records_(std::move(records)), info_(info) {}

  const CheckpointInfo& info() const override { return info_; }
  absl::StatusOr<bool> Get(Table table, std::string_view key, Head* head) override {
    return records_->Get(table, key, head);
  }
  absl::Status Scan(Table table, std::string_view start,
                    const std::function<bool(std::string_view key, const Head& head)>& visit) override {
    return records_->Scan(table, start, visit);
  }

 private:
  const std::unique_ptr<StateSnapshot> records_;
  const CheckpointInfo info_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StateSnapshot>> OpenBaseSnapshot(FileSystem* files, const StateIdentity& identity,
                                                                Lsn lsn) {
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<BaseReader> base, BaseReader::Open(files, identity, lsn));
  return std::make_unique<BaseSnapshot>(std::move(base));
}

absl::StatusOr<std::unique_ptr<StateSnapshot>> ReseedSnapshot(
    const std::function<absl::StatusOr<std::unique_ptr<StateSnapshot>>()>& open, const JournalTip& tip, Lsn floor,
    uint64_t seed) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> records, open());
  CheckpointInfo info = records->info();
  info.tip = tip;
  info.floor = floor;
  info.digest = Hash128();
  std::string stored;
  for (int t = 0; t < kTableCount; ++t) {
    const Table table{static_cast<uint8_t>(t)};
    SEMEL_RETURN_IF_ERROR(records->Scan(table, "", [&](std::string_view key, const Head& head) {
      AddToDigest(EncodeStored(table, key, head, seed, &stored), &info.digest);
      return true;
    }));
  }
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<StateSnapshot> again, open());
  return std::make_unique<Reseeded>(std::move(again), info);
}

}  // namespace semel::internal
