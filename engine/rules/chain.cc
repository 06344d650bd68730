// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/chain.h"

#include "engine/base/check.h"

namespace semel::internal {
namespace {

constexpr int kBitsPerLevel = 3;  // 8 = 2^3
constexpr int kLevelsMax = 22;    // 8^21 = 2^63 is the last power of 8 in 64 bits

constexpr uint64_t StepOfLevel(int level) { return uint64_t{1} << (kBitsPerLevel * level); }
static_assert(kBitsPerLevel * (kLevelsMax - 1) == 63);

// Calls visit(level, target) for each back-pointer of `version`; the target is the newest version before it that is a
// multiple of 8^level. Targets of several levels that coincide are visited once.
template <typename Visit>
void ForEachTarget(uint64_t version, Visit visit) {
  if (version <= 1) return;
  uint64_t target = version - 1;
  visit(0, target);
  for (int level = 1; level < kLevelsMax && version % StepOfLevel(level - 1) == 0; ++level) {
    const uint64_t further = ChainTop::VersionAtLevel(version - 1, level);
    if (further == 0) return;  // so are those of all higher levels
    if (further != target) visit(level, further);
    target = further;
  }
}

}  // namespace

ChainTargets ChainTargetsOf(uint64_t version) {
  ChainTargets targets;
  ForEachTarget(version, [&](int, uint64_t target) { targets.push_back(target); });
  return targets;
}

void ChainTop::Push(uint64_t version, Lsn lsn) {
  SEMEL_DCHECK(version > 0 && levels_.size() == static_cast<size_t>(LevelCount(version - 1)));
  for (int level = 0; level < kLevelsMax && version % StepOfLevel(level) == 0; ++level) {
    if (static_cast<size_t>(level) == levels_.size()) {
      levels_.push_back(lsn);
    } else {
      levels_[level] = lsn;
    }
  }
}

ChainPointers ChainTop::PointersFor(uint64_t version) const {
  SEMEL_DCHECK(version > 0 && levels_.size() == static_cast<size_t>(LevelCount(version - 1)));
  ChainPointers pointers;
  ForEachTarget(version, [&](int level, uint64_t) { pointers.push_back(levels_[level]); });
  return pointers;
}

uint64_t ChainTop::VersionAtLevel(uint64_t version, int level) { return version - version % StepOfLevel(level); }

int ChainTop::LevelCount(uint64_t version) {
  int count = 0;
  while (count < kLevelsMax && version >= StepOfLevel(count)) ++count;
  return count;
}

}  // namespace semel::internal
