// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Amounts at which arithmetic goes wrong, and sums that cannot.

#ifndef SEMEL_TESTS_RULES_EDGE_AMOUNTS_H_
#define SEMEL_TESTS_RULES_EDGE_AMOUNTS_H_

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/numeric/int128.h"
#include "engine/base/check.h"
#include "semel/change.h"

namespace semel::internal {

// 64 numbers: around zero, the powers of two that limbs end at, and both ends.
inline std::vector<Amount> EdgeAmounts() {
  constexpr Amount kMin = std::numeric_limits<Amount>::min();
  constexpr Amount kMax = std::numeric_limits<Amount>::max();
  std::vector<Amount> edges;
  for (const int bit : {0, 7, 31, 32, 62, 63, 64, 65, 95, 126}) {
    const Amount power = Amount{1} << bit;
    for (const Amount edge : {power - 1, power, power + 1, -power - 1, -power, -power + 1}) edges.push_back(edge);
  }
  edges.insert(edges.end(), {kMin, kMin + 1, kMax, kMax - 1});
  SEMEL_CHECK(edges.size() == 64);
  return edges;
}

// A sum in 192 bits, limb by limb: sums of few amounts never wrap.
using Limbs = std::array<uint64_t, 3>;
inline Limbs LimbsOf(Amount amount) {
  const uint64_t sign = amount < 0 ? ~uint64_t{0} : 0;
  return {absl::Int128Low64(amount), static_cast<uint64_t>(absl::Int128High64(amount)), sign};
}
inline Limbs Sum(const Limbs& a, const Limbs& b) {
  Limbs sum;
  uint64_t carry = 0;
  for (size_t i = 0; i < sum.size(); ++i) {
    const absl::uint128 limb = absl::uint128(a[i]) + b[i] + carry;
    sum[i] = absl::Uint128Low64(limb);
    carry = absl::Uint128High64(limb);
  }
  return sum;
}

}  // namespace semel::internal

#endif  // SEMEL_TESTS_RULES_EDGE_AMOUNTS_H_
