// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/codec/base64.h"

#include <array>
#include <cstdint>

namespace semel::internal {
namespace {

constexpr uint8_t kNoDigit = 255;

constexpr std::array<uint8_t, 256> MakeDigits() {
  std::array<uint8_t, 256> digits{};
  for (auto& digit : digits) digit = kNoDigit;
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (uint8_t i = 0; i < kAlphabet.size(); ++i) digits[static_cast<uint8_t>(kAlphabet[i])] = i;
  digits['-'] = 62;
  digits['_'] = 63;
  return digits;
}
constexpr std::array<uint8_t, 256> kDigits = MakeDigits();

bool MixesAlphabets(std::string_view text) {
  return text.find_first_of("+/") != text.npos && text.find_first_of("-_") != text.npos;
}

// Removes the padding; false if it is not what the length asks for.
bool StripPadding(std::string_view* text) {
  const size_t end = text->find('=');
  if (end == text->npos) return true;
  const std::string_view padding = text->substr(end);
  const bool right = text->size() % 4 == 0 && (padding == "=" || padding == "==");
  *text = text->substr(0, end);
  return right;
}

}  // namespace

bool DecodeBase64(std::string_view text, std::string* bytes) {
  if (!StripPadding(&text) || text.size() % 4 == 1 || MixesAlphabets(text)) return false;
  bytes->clear();
  bytes->reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int held = 0;  // how many low bits of `bits` are not written yet
  for (const char c : text) {
    const uint8_t digit = kDigits[static_cast<uint8_t>(c)];
    if (digit == kNoDigit) return false;
    bits = (bits << 6) | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes->push_back(static_cast<char>(bits >> held));
    }
  }
  return (bits & ((1u << held) - 1)) == 0;
}

}  // namespace semel::internal
