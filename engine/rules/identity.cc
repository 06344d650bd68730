// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The bytes that a position's tag is a hash of: varint-prefixed source, varint-prefixed incarnation, position (8 bytes,
// little-endian).

#include "engine/rules/identity.h"

#include <string>

#include "engine/base/checksum.h"
#include "engine/base/coding.h"

namespace semel::internal {
namespace {

IdTag HashedTag(std::string_view bytes, uint64_t seed, uint8_t kind) {
  static_assert(sizeof(Hash128) == sizeof IdTag::bytes);
  const Hash128 hash = Checksum128(bytes, seed);
  IdTag tag;
  std::memcpy(tag.bytes, &hash.low, sizeof hash.low);
  std::memcpy(tag.bytes + sizeof hash.low, &hash.high, sizeof hash.high);
  tag.kind = kind;
  return tag;
}

}  // namespace

IdTag MakeIdTag(std::string_view id, uint64_t seed) {
  if (id.size() > sizeof IdTag::bytes) return HashedTag(id, seed, IdTag::kLong);
  IdTag tag;
  if (!id.empty()) std::memcpy(tag.bytes, id.data(), id.size());
  tag.kind = static_cast<uint8_t>(id.size());
  return tag;
}

IdTag MakePositionTag(std::string_view source, std::string_view incarnation, uint64_t position, uint64_t seed) {
  std::string bytes;
  PutBytes(&bytes, source);
  PutBytes(&bytes, incarnation);
  PutFixed64(&bytes, position);
  return HashedTag(bytes, seed, IdTag::kPosition);
}

IdTag IdTagOf(const Change& change, uint64_t seed) {
  if (!change.id.empty()) return MakeIdTag(change.id, seed);
  if (!change.source.has_value()) return IdTag();
  return MakePositionTag(change.source->name, change.source->incarnation, change.source->position, seed);
}

Identity IdentityOf(const Change& change, uint64_t seed) { return {IdTagOf(change, seed), FingerprintOf(change)}; }

}  // namespace semel::internal
