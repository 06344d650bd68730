// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/strings.h"
#include "semel/change.h"

namespace semel {
namespace {

constexpr absl::uint128 kMagnitudeMax = static_cast<absl::uint128>(std::numeric_limits<Amount>::max());

absl::Status NotAnAmount(const char* why) {
  return absl::InvalidArgumentError(
      absl::StrCat("an amount ", why, "; write minor units as decimal digits with an optional sign, such as -1250"));
}

// The magnitude; at most 2^127, which only a negative amount may have.
absl::StatusOr<absl::uint128> ParseMagnitude(std::string_view digits) {
  if (digits.empty()) return NotAnAmount("has no digits");
  absl::uint128 magnitude = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return NotAnAmount("has a character that is not a digit");
    const unsigned digit = static_cast<unsigned>(c - '0');
    if (magnitude > (kMagnitudeMax + 1 - digit) / 10) return NotAnAmount("does not fit in 128 bits");
    magnitude = magnitude * 10 + digit;
  }
  return magnitude;
}

}  // namespace

std::string AmountToString(Amount amount) {
  // The magnitude is taken without a sign: that of the least amount does not fit with one.
  absl::uint128 rest = static_cast<absl::uint128>(amount);
  if (amount < 0) rest = 0 - rest;
  std::string text;
  do {
    text.push_back(static_cast<char>('0' + static_cast<unsigned>(rest % 10)));
    rest /= 10;
  } while (rest != 0);
  if (amount < 0) text.push_back('-');
  std::reverse(text.begin(), text.end());
  return text;
}

absl::StatusOr<Amount> ParseAmount(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  const absl::StatusOr<absl::uint128> magnitude = ParseMagnitude(text);
  if (!magnitude.ok()) return magnitude.status();
  if (!negative && *magnitude > kMagnitudeMax) return NotAnAmount("does not fit in 128 bits");
  return static_cast<Amount>(negative ? 0 - *magnitude : *magnitude);
}

}  // namespace semel
