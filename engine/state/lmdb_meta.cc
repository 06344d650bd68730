// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// All numbers are little-endian and of fixed size.
//
//   header:      check 8 (not seeded by the ledger: it must be readable before one knows whose it is),
//                format 4, uuid 16, epoch 8. Later formats keep the check and the place of `format`.
//   checkpoint:  check 8, transaction 8, then see checkpoint_codec.cc

#include "engine/state/lmdb_meta.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/state/checkpoint_codec.h"
#include "engine/state/stored_record.h"

namespace semel::internal {
namespace {

// Beside the tables of the state, for the seeds of checks.
constexpr Table kMetaRecords{255};
constexpr uint64_t kHeaderSeed = 0;
constexpr size_t kUuidBytes = 16;

std::string WithCheck(std::string_view key, std::string_view body, uint64_t seed) {
  std::string stored;
  PutFixed64(&stored, RecordCheck(kMetaRecords, key, body, seed));
  stored.append(body);
  return stored;
}

// The body of a stored record whose check is right.
absl::StatusOr<std::string_view> CheckedBody(std::string_view key, std::string_view stored, uint64_t seed) {
  SEMEL_RETURN_IF_ERROR(VerifiedCheck(kMetaRecords, key, stored, seed).status());
  return stored.substr(kCheckBytes);
}

absl::Status Malformed(std::string_view key) {
  return absl::DataLossError(absl::StrCat("the record '", ToAbsl(key), "' of the state is malformed"));
}

}  // namespace

std::string EncodeStateHeader(const LmdbOptions& options) {
  std::string body;
  PutFixed32(&body, kStateFormat);
  body.append(options.uuid);
  PutFixed64(&body, options.epoch);
  return WithCheck(kHeaderKey, body, kHeaderSeed);
}

absl::Status CheckStateHeader(std::string_view stored, const LmdbOptions& options) {
  SEMEL_ASSIGN_OR_RETURN(const std::string_view body, CheckedBody(kHeaderKey, stored, kHeaderSeed));
  Decoder in(body);
  uint32_t format = 0;
  if (!in.GetFixed32(&format)) return Malformed(kHeaderKey);
  if (format != kStateFormat) {
    return absl::FailedPreconditionError(absl::StrCat("the state has format ", format, ", this library knows format ",
                                                      kStateFormat, ": use the release that wrote it, or a newer one"));
  }
  std::string_view uuid;
  uint64_t epoch = 0;
  if (!in.GetRaw(kUuidBytes, &uuid) || !in.GetFixed64(&epoch) || !in.done()) return Malformed(kHeaderKey);
  if (uuid != options.uuid) {
    return absl::FailedPreconditionError("the state belongs to another ledger: put the right files back");
  }
  if (epoch != options.epoch) {
    return absl::FailedPreconditionError(absl::StrCat("the state is of epoch ", epoch, ", the ledger of epoch ",
                                                      options.epoch, ": put the right files back"));
  }
  return absl::OkStatus();
}

std::string EncodeCheckpoint(const CheckpointRecord& checkpoint, uint64_t seed) {
  std::string body;
  PutFixed64(&body, checkpoint.transaction);
  EncodeCheckpointInfo(checkpoint.info, &body);
  return WithCheck(kCheckpointKey, body, seed);
}

absl::Status DecodeCheckpoint(std::string_view stored, uint64_t seed, uint64_t transaction, CheckpointInfo* info) {
  SEMEL_ASSIGN_OR_RETURN(const std::string_view body, CheckedBody(kCheckpointKey, stored, seed));
  Decoder in(body);
  uint64_t written_by = 0;
  if (!in.GetFixed64(&written_by) || !DecodeCheckpointInfo(&in, info) || !in.done()) return Malformed(kCheckpointKey);
  if (written_by != transaction) {
    return absl::DataLossError(absl::StrCat("a meta page of the state is damaged: it names transaction ", transaction,
                                            ", what it leads to was written by ", written_by));
  }
  return absl::OkStatus();
}

}  // namespace semel::internal
