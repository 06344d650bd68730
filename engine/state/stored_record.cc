// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The check is XXH3 of the body, seeded with XXH3 of the key, seeded with the table's seed: so the boundary between key
// and body needs no separator, and bytes that are right elsewhere are wrong here.

#include "engine/state/stored_record.h"

#include <cstring>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"
#include "engine/state/record.h"

namespace semel::internal {
namespace {

void AddSigned(absl::uint128 check, Hash128* digest) {
  const absl::uint128 sum = absl::MakeUint128(digest->high, digest->low) + check;
  *digest = {absl::Uint128High64(sum), absl::Uint128Low64(sum)};
}

}  // namespace

uint64_t RecordCheck(Table table, std::string_view key, std::string_view body, uint64_t seed) {
  return Checksum64(body, Checksum64(key, MixSeed(seed, static_cast<uint64_t>(table))));
}

void AddToDigest(uint64_t check, Hash128* digest) { AddSigned(check, digest); }
void RemoveFromDigest(uint64_t check, Hash128* digest) { AddSigned(-absl::uint128(check), digest); }

uint64_t EncodeStored(Table table, std::string_view key, const Head& head, uint64_t seed, std::string* stored) {
  stored->assign(kCheckBytes, '\0');
  if (HasHeads(table)) {
    EncodeHead(head, stored);
  } else {
    stored->append(*head.Extras().value);
  }
  const uint64_t check = RecordCheck(table, key, std::string_view(*stored).substr(kCheckBytes), seed);
  std::memcpy(stored->data(), &check, sizeof check);
  return check;
}

absl::StatusOr<uint64_t> VerifiedCheck(Table table, std::string_view key, std::string_view stored, uint64_t seed) {
  if (stored.size() < kCheckBytes || stored.size() > kMaxStoredBytes) {
    return absl::DataLossError("a record of the state has an impossible size");
  }
  const uint64_t check = GetFixed64(stored.data());
  if (check != RecordCheck(table, key, stored.substr(kCheckBytes), seed)) {
    return absl::DataLossError("a record of the state does not match its check");
  }
  return check;
}

absl::StatusOr<uint64_t> DecodeStored(Table table, std::string_view key, std::string_view stored, uint64_t seed,
                                      Head* head) {
  SEMEL_ASSIGN_OR_RETURN(const uint64_t check, VerifiedCheck(table, key, stored, seed));
  if (HasHeads(table)) {
    SEMEL_RETURN_IF_ERROR(DecodeHead(stored.substr(kCheckBytes), head));
  } else {
    *head = RecordHead(stored.substr(kCheckBytes));
  }
  return check;
}

absl::Status FeedOrder::Next(Table table, std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes) return absl::InternalError("checkpoint: a key of a wrong size");
  const bool ascending = first_ || table > table_ || (table == table_ && key > key_);
  if (!ascending) return absl::InternalError("checkpoint: records are not in order");
  first_ = false;
  table_ = table;
  key_.assign(key.data(), key.size());
  return absl::OkStatus();
}

absl::StatusOr<CheckpointInfo> VerifyRecords(StateSnapshot* snapshot, uint64_t seed) {
  const CheckpointInfo& info = snapshot->info();
  Hash128 digest;
  std::string stored;
  for (int t = 0; t < kTableCount; ++t) {
    const Table table{static_cast<uint8_t>(t)};
    uint64_t count = 0;
    uint64_t bytes = 0;
    SEMEL_RETURN_IF_ERROR(snapshot->Scan(table, "", [&](std::string_view key, const Head& head) {
      AddToDigest(EncodeStored(table, key, head, seed, &stored), &digest);
      ++count;
      bytes += stored.size() - kCheckBytes;
      return true;
    }));
    if (count != info.RecordsOf(table) || bytes != info.bytes[t]) {
      return absl::DataLossError(absl::StrCat("the state should have ", info.RecordsOf(table), " ", TableName(table),
                                              " of ", info.bytes[t], " bytes, it has ", count, " of ", bytes));
    }
  }
  if (!(digest == info.digest)) return absl::DataLossError("the records of the state do not add up to its digest");
  return info;
}

}  // namespace semel::internal
