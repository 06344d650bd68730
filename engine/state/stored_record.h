// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What stands behind a key of the state: a check over (table, key, body), then the body.
//
//   check   8   little-endian, see RecordCheck
//   body        of the tables of heads: see record.cc; of the table "meta": see lmdb_meta.cc

#ifndef SEMEL_ENGINE_STATE_STORED_RECORD_H_
#define SEMEL_ENGINE_STATE_STORED_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/rules/head.h"
#include "engine/state/state_store.h"

namespace semel::internal {

inline constexpr size_t kCheckBytes = 8;

// Far above what a head or a record can take, so that a damaged length is refused before anything is read.
inline constexpr size_t kMaxStoredBytes = size_t{16} << 20;

// Puts the check and the encoding of `head` into `stored`, and returns the check.
uint64_t EncodeStored(Table table, std::string_view key, const Head& head, uint64_t seed, std::string* stored);

// The check of a stored record, after comparing it with its key and body. Errors: DataLoss.
absl::StatusOr<uint64_t> VerifiedCheck(Table table, std::string_view key, std::string_view stored, uint64_t seed);

// The same, and decodes the body. Errors: DataLoss.
absl::StatusOr<uint64_t> DecodeStored(Table table, std::string_view key, std::string_view stored, uint64_t seed,
                                      Head* head);

// Follows a feed and refuses what is not in ascending (table, key) order, or has a key of a wrong size.
class FeedOrder {
 public:
  // Errors: Internal.
  absl::Status Next(Table table, std::string_view key);

 private:
  bool first_ = true;
  Table table_ = Table::kEntities;
  std::string key_;
};

// Recomputes checks, counts and digest of all records and compares them with what the snapshot says of itself. Errors:
// DataLoss, and those of the snapshot.
absl::StatusOr<CheckpointInfo> VerifyRecords(StateSnapshot* snapshot, uint64_t seed);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_STORED_RECORD_H_
