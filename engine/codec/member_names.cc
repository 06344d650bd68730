// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/codec/member_names.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>

#include "absl/strings/ascii.h"

namespace semel::internal {
namespace {

std::string SnakeCase(std::string_view name) {
  std::string snake;
  for (const char c : name) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !snake.empty()) snake += '_';
    snake += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return snake;
}

// Levenshtein's distance, row by row.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

bool IsSpellingOf(std::string_view given, std::string_view snake) {
  if (given == snake) return true;
  size_t at = 0;
  for (size_t i = 0; i < snake.size(); ++i, ++at) {
    const bool upper = snake[i] == '_';
    if (upper) ++i;
    const char expected = upper ? absl::ascii_toupper(static_cast<unsigned char>(snake[i])) : snake[i];
    if (at >= given.size() || given[at] != expected) return false;
  }
  return at == given.size();
}

std::string_view NearestName(std::string_view given, const std::vector<std::string_view>& names) {
  constexpr size_t kLongestTypo = 40;  // no name is as long; keeps the work small
  if (given.size() > kLongestTypo) return {};
  const std::string snake = SnakeCase(given);
  std::string_view nearest;
  size_t best = std::max<size_t>(2, snake.size() / 3) + 1;
  for (const std::string_view name : names) {
    const size_t distance = EditDistance(snake, name);
    if (distance < best && distance < name.size()) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace semel::internal
