// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The chain: how an entity's newest entry leads to any older one in O(log n) reads (docs/design.md, "History is the
// index"). The entry that made version v points back to version v-1 and, for l = 1 .. k+1 where 8^k is the largest
// power of 8 that divides v, to the last multiple of 8^l before v. The head keeps, for each level l, the LSN of its
// newest entry whose version is a multiple of 8^l, so that appending reads nothing.

#ifndef SEMEL_ENGINE_RULES_CHAIN_H_
#define SEMEL_ENGINE_RULES_CHAIN_H_

#include <cstdint>

#include "absl/container/inlined_vector.h"

namespace semel::internal {

using Lsn = uint64_t;

// Where the back-pointers of the entry that made `version` lead: distinct versions, descending, all > 0 and < version.
// Empty for version 1.
using ChainTargets = absl::InlinedVector<uint64_t, 3>;
ChainTargets ChainTargetsOf(uint64_t version);

// The LSNs of those versions, in the same order. Stored with each effect.
using ChainPointers = absl::InlinedVector<Lsn, 3>;

// The part of a head that knows where its entries are.
class ChainTop {
 public:
  // Records that the entry at `lsn` made `version`, which must be the one after the last pushed (1 first).
  void Push(uint64_t version, Lsn lsn);

  // The pointers to store in the entry that will make `version`, which must be the next.
  ChainPointers PointersFor(uint64_t version) const;

  // The known entries of an entity whose newest version is `version`: levels()[l] is the LSN of the entry that made
  // VersionAtLevel(version, l). Level 0 is the newest.
  const absl::InlinedVector<Lsn, 2>& levels() const { return levels_; }
  static uint64_t VersionAtLevel(uint64_t version, int level);

  // For the codec of heads.
  absl::InlinedVector<Lsn, 2>& mutable_levels() { return levels_; }
  // How many levels a head at `version` has.
  static int LevelCount(uint64_t version);

 private:
  absl::InlinedVector<Lsn, 2> levels_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_CHAIN_H_
