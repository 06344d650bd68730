// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// XXH3, the one hash of this project: checksums of files, hashes of keys, fingerprints.

#ifndef SEMEL_ENGINE_BASE_CHECKSUM_H_
#define SEMEL_ENGINE_BASE_CHECKSUM_H_

#include <cstdint>
#include <string_view>

namespace semel::internal {

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const Hash128& a, const Hash128& b) { return a.high == b.high && a.low == b.low; }
};

uint64_t Checksum64(std::string_view bytes, uint64_t seed);
Hash128 Checksum128(std::string_view bytes, uint64_t seed);

// Derives the seed of one place (an LSN, a table) from the seed of a ledger, so that bytes that are right elsewhere
// are wrong here.
uint64_t MixSeed(uint64_t seed, uint64_t place);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_CHECKSUM_H_
