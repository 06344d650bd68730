// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The two records of the table "meta": which state this is, and which checkpoint it holds.

#ifndef SEMEL_ENGINE_STATE_LMDB_META_H_
#define SEMEL_ENGINE_STATE_LMDB_META_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "engine/state/state_store.h"

namespace semel::internal {

inline constexpr std::string_view kMetaTable = "meta";
inline constexpr std::string_view kHeaderKey = "header";
inline constexpr std::string_view kCheckpointKey = "checkpoint";

// Of the state alone; the ledger's MANIFEST has its own.
inline constexpr uint32_t kStateFormat = 1;

std::string EncodeStateHeader(const LmdbOptions& options);

// Errors: DataLoss (malformed), FailedPrecondition (newer format, another ledger's uuid, another epoch).
absl::Status CheckStateHeader(std::string_view stored, const LmdbOptions& options);

// A checkpoint, and the LMDB transaction that wrote it: LMDB chooses between two unchecked meta pages, and a damaged
// one could make it choose the older.
struct CheckpointRecord {
  CheckpointInfo info;
  uint64_t transaction = 0;
};
std::string EncodeCheckpoint(const CheckpointRecord& checkpoint, uint64_t seed);

// Errors: DataLoss, also if another transaction wrote it than `transaction`.
absl::Status DecodeCheckpoint(std::string_view stored, uint64_t seed, uint64_t transaction, CheckpointInfo* info);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_LMDB_META_H_
