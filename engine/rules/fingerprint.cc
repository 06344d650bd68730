// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The canonical encoding of what a change means, of which the fingerprint is XXH3-128, unseeded, so that it is equal
// everywhere. Integers are little-endian; "bytes" are prefixed with their length as a varint.
//
//   version        1        kEncodingVersion
//   updates, in ascending order of their keys:
//     key          bytes
//     action       1        number of the Action
//     operand               add: amount 16 (two's complement), asset bytes; put: value bytes; set_policy: see below;
//                           delete, check: nothing
//     has stamp    1        0 or 1
//     stamp        8        if it has one
//   balanced       1        0 or 1
//
// set_policy: 1 byte of presence bits (1 asset, 2 min_balance, 4 max_balance, 8 closed), then the fields that are
// present, in this order: asset bytes, min_balance 16, max_balance 16, closed 1.

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_format.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "semel/change.h"

namespace semel {
namespace {

using internal::PutBytes;
using internal::PutFixed64;

constexpr char kEncodingVersion = 1;
// A scratch buffer that one large change has blown up beyond this is given back.
constexpr size_t kScratchBytesKept = size_t{64} << 10;

void PutByte(std::string* out, unsigned byte) { out->push_back(static_cast<char>(byte)); }

void PutAmount(std::string* out, Amount amount) {
  PutFixed64(out, absl::Int128Low64(amount));
  PutFixed64(out, static_cast<uint64_t>(absl::Int128High64(amount)));
}

void PutPolicy(std::string* out, const Policy& policy) {
  PutByte(out, (policy.asset ? 1u : 0u) | (policy.min_balance ? 2u : 0u) | (policy.max_balance ? 4u : 0u) |
                   (policy.closed ? 8u : 0u));
  if (policy.asset) PutBytes(out, *policy.asset);
  if (policy.min_balance) PutAmount(out, *policy.min_balance);
  if (policy.max_balance) PutAmount(out, *policy.max_balance);
  if (policy.closed) PutByte(out, *policy.closed ? 1 : 0);
}

void PutOperand(std::string* out, const Update& update) {
  switch (update.action) {
    case Action::kAdd:
      PutAmount(out, update.amount);
      PutBytes(out, update.asset);
      break;
    case Action::kPut:
      PutBytes(out, update.value);
      break;
    case Action::kSetPolicy:
      PutPolicy(out, update.policy);
      break;
    case Action::kNone:
    case Action::kDelete:
    case Action::kCheck:
      break;
  }
}

void PutUpdate(std::string* out, const Update& update) {
  PutBytes(out, update.key);
  PutByte(out, static_cast<unsigned>(update.action));
  PutOperand(out, update);
  PutByte(out, update.newer ? 1 : 0);
  if (update.newer) PutFixed64(out, *update.newer);
}

void PutChange(std::string* out, const Change& change) {
  out->push_back(kEncodingVersion);
  absl::InlinedVector<const Update*, 8> sorted;
  for (const Update& update : change.updates) sorted.push_back(&update);
  std::sort(sorted.begin(), sorted.end(), [](const Update* a, const Update* b) { return a->key < b->key; });
  for (const Update* update : sorted) PutUpdate(out, *update);
  PutByte(out, change.balanced ? 1 : 0);
  if (!change.undecodable.empty()) *out += change.original;
}

}  // namespace

Fingerprint FingerprintOf(const Change& change) {
  thread_local std::string scratch;
  scratch.clear();
  PutChange(&scratch, change);
  const internal::Hash128 hash = internal::Checksum128(scratch, 0);
  if (scratch.capacity() > kScratchBytesKept) std::string().swap(scratch);
  return {hash.high, hash.low};
}

std::string ToHex(const Fingerprint& fingerprint) {
  return absl::StrFormat("%016x%016x", fingerprint.high, fingerprint.low);
}

}  // namespace semel
