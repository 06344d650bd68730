// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "absl/strings/numbers.h"

namespace semel::streams {
namespace {

constexpr size_t kBytesMax = size_t{8} << 20;
constexpr int kDepthMax = 32;
constexpr ptrdiff_t kExactDigits = 15;  // that a double holds

// "-12.5" and 2 make "-1250". Empty if there are more decimals.
std::string Scaled(std::string_view text, int decimals) {
  if (text.empty()) return "";
  const size_t point = text.find('.');
  std::string digits(text.substr(0, point));
  std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  if (fraction.size() > static_cast<size_t>(decimals)) return "";
  fraction.append(static_cast<size_t>(decimals) - fraction.size(), '0');
  return digits + fraction;
}

// The smallest character that takes so many bytes; a smaller one is overlong.
constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};

size_t Utf8Length(uint8_t first) {
  if (first < 0x80) return 1;
  return first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const uint8_t first = static_cast<uint8_t>(bytes[0]);
    const size_t length = Utf8Length(first);
    if (length == 0 || length > bytes.size()) return false;
    uint32_t character = first & (0xFFu >> length);
    for (const char c : bytes.substr(1, length - 1)) {
      const uint8_t next = static_cast<uint8_t>(c);
      if ((next & 0xC0) != 0x80) return false;
      character = character << 6 | (next & 0x3Fu);
    }
    const bool surrogate = character >= 0xD800 && character < 0xE000;
    if (character < kSmallest[length] || character > 0x10FFFF || surrogate) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

absl::StatusOr<Json> ParseObject(std::string_view text) {
  if (text.size() > kBytesMax) return absl::InvalidArgumentError("the message is larger than 8 MiB");
  bool too_deep = false;
  const auto bounded = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kDepthMax;
    return !too_deep;
  };
  const Json object = Json::parse(text, bounded, /*allow_exceptions=*/false);
  if (too_deep) return absl::InvalidArgumentError("the message is nested too deeply");
  if (object.is_object()) return object;
  return absl::InvalidArgumentError("the message is not a JSON object");
}

const Json* FindMember(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (at->is_object()) {
    const size_t dot = path.find('.');
    const auto member = at->find(std::string(path.substr(0, dot)));
    if (member == at->end()) return nullptr;
    at = &*member;
    if (dot == std::string_view::npos) return at->is_null() ? nullptr : at;
    path.remove_prefix(dot + 1);
  }
  return nullptr;
}

absl::StatusOr<std::string> ToText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return absl::InvalidArgumentError("takes a text or a number");
}

absl::StatusOr<uint64_t> ToNumber(const Json& value) {
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  uint64_t number = 0;
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    const bool digits =
        !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
    if (digits && absl::SimpleAtoi(text, &number)) return number;
  }
  return absl::InvalidArgumentError("takes a whole number, not negative");
}

absl::StatusOr<Amount> ToAmount(const Json& value, int decimals) {
  std::string text;
  if (value.is_string() || value.is_number_integer()) {
    text = value.is_string() ? value.get<std::string>() : value.dump();
  } else if (value.is_number_float()) {
    text = fmt::format("{}", value.get<double>());
    if (std::count_if(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); }) > kExactDigits)
      text = "";
  }
  const std::string scaled = Scaled(text, decimals);
  absl::StatusOr<Amount> amount = ParseAmount(scaled);
  if (amount.ok()) return amount;
  return absl::InvalidArgumentError(
      fmt::format("{} is no amount with at most {} decimals", text.empty() ? value.dump() : text, decimals));
}

}  // namespace semel::streams
