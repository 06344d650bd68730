// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/codec/utf8.h"

#include <cstdint>

namespace semel::internal {
namespace {

// What may follow a first byte: how many bytes, and the range of the second, which excludes overlong forms,
// surrogates and what lies above U+10FFFF (Unicode, table 3-7). Length 0: no first byte.
struct Lead {
  uint8_t length;
  uint8_t second_low;
  uint8_t second_high;
};

constexpr Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// Length of the well-formed character at the front of a text that is not empty; 0 if there is none.
size_t CharacterLength(std::string_view text) {
  const Lead lead = LeadOf(static_cast<uint8_t>(text[0]));
  if (lead.length <= 1) return lead.length;
  if (text.size() < lead.length) return 0;
  const uint8_t second = static_cast<uint8_t>(text[1]);
  if (second < lead.second_low || second > lead.second_high) return 0;
  for (size_t i = 2; i < lead.length; ++i) {
    if ((static_cast<uint8_t>(text[i]) & 0xC0) != 0x80) return 0;
  }
  return lead.length;
}

}  // namespace

size_t Utf8PrefixLength(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = CharacterLength(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::string ReplaceBadUtf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t good = Utf8PrefixLength(text);
    result += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    result += kReplacement;
    text.remove_prefix(1);
  }
  return result;
}

}  // namespace semel::internal
