// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Who a change is (its id) and what it means (its fingerprint), in the compact forms that heads and entries keep.

#ifndef SEMEL_ENGINE_RULES_IDENTITY_H_
#define SEMEL_ENGINE_RULES_IDENTITY_H_

#include <cstdint>
#include <cstring>
#include <string_view>

#include "semel/change.h"

namespace semel::internal {

// An id in 16 bytes: verbatim up to 16 bytes, else a keyed 128-bit hash. An identity made of a source position has a
// kind of its own, so that no given id can match it.
struct IdTag {
  static constexpr uint8_t kLong = 254;      // hash of an id of more than 16 bytes
  static constexpr uint8_t kPosition = 255;  // hash of (source, incarnation, position)

  char bytes[16] = {};
  uint8_t kind = 0;  // 1..16: length of a verbatim id, zero-padded; 0: none

  friend bool operator==(const IdTag& a, const IdTag& b) {
    return a.kind == b.kind && std::memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
  }
  friend bool operator!=(const IdTag& a, const IdTag& b) { return !(a == b); }
};

// `seed` is the ledger's, so that nobody outside can aim at a collision.
IdTag MakeIdTag(std::string_view id, uint64_t seed);
IdTag MakePositionTag(std::string_view source, std::string_view incarnation, uint64_t position, uint64_t seed);

// The tag of a change: of its id, else of its source position; kind 0 if it has neither.
IdTag IdTagOf(const Change& change, uint64_t seed);

// What the engine computes once per change, before it is queued.
struct Identity {
  IdTag id;
  Fingerprint fingerprint;
};
Identity IdentityOf(const Change& change, uint64_t seed);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_IDENTITY_H_
