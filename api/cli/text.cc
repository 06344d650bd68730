// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

namespace semel::cli {
namespace {

constexpr int64_t kMicros = 1000000;

bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Takes one character off the front of well-formed UTF-8.
char32_t TakeCharacter(std::string_view* text) {
  const unsigned char first = static_cast<unsigned char>(text->front());
  char32_t point = first < 0x80 ? first : first < 0xE0 ? first & 0x1F : first < 0xF0 ? first & 0x0F : first & 0x07;
  text->remove_prefix(1);
  for (; !text->empty() && ContinuesCharacter(text->front()); text->remove_prefix(1)) {
    point = (point << 6) | (static_cast<unsigned char>(text->front()) & 0x3F);
  }
  return point;
}

// DEL and the control characters beyond ASCII, line separators, and the marks that change the direction of writing.
bool IsTreacherous(char32_t c) {
  return (c >= 0x7F && c <= 0x9F) || (c >= 0x200E && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

// A JSON string has its control characters escaped and is UTF-8.
std::string AsJson(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Whether `text` has the form of `pattern`, in which 0 stands for any digit.
bool HasForm(std::string_view text, std::string_view pattern) {
  const auto fits = [](char c, char wanted) { return wanted == '0' ? c >= '0' && c <= '9' : c == wanted; };
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(), fits);
}

// Reads "+02:00" or "Z": seconds east of Greenwich.
std::optional<int> ParseZone(std::string_view zone) {
  if (zone == "Z" || zone == "z") return 0;
  if (!HasForm(zone, "+00:00") && !HasForm(zone, "-00:00")) return std::nullopt;
  int hours = 0;
  int minutes = 0;
  std::sscanf(std::string(zone).c_str() + 1, "%2d:%2d", &hours, &minutes);
  if (hours > 23 || minutes > 59) return std::nullopt;
  return (zone[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

// Takes ".25" off the front of what follows the seconds; absent is 0. Beyond six digits it is cut.
int64_t TakeFraction(std::string_view* rest) {
  if (rest->empty() || rest->front() != '.') return 0;
  rest->remove_prefix(1);
  int64_t micros = 0;
  int64_t unit = kMicros;
  for (; !rest->empty() && rest->front() >= '0' && rest->front() <= '9'; rest->remove_prefix(1)) {
    unit /= 10;
    micros += unit * (rest->front() - '0');
  }
  return micros;
}

// Reads "2026-11-21T10:00:00.5Z", or "2026-11-21" as its first moment in UTC.
std::optional<int64_t> ParseRfc3339(const std::string& text) {
  const std::string full = HasForm(text, "0000-00-00") ? text + "T00:00:00Z" : text;
  const std::string_view moment = std::string_view(full).substr(0, 19);
  if (!HasForm(moment, "0000-00-00T00:00:00") && !HasForm(moment, "0000-00-00t00:00:00") &&
      !HasForm(moment, "0000-00-00 00:00:00")) {
    return std::nullopt;
  }
  std::tm given{};
  std::sscanf(full.c_str(), "%4d-%2d-%2d%*c%2d:%2d:%2d", &given.tm_year, &given.tm_mon, &given.tm_mday, &given.tm_hour,
              &given.tm_min, &given.tm_sec);
  given.tm_year -= 1900;
  given.tm_mon -= 1;
  std::tm real = given;
  const int64_t seconds = timegm(&real);  // normalises: the 31st of February becomes another date
  std::string_view rest = std::string_view(full).substr(moment.size());
  const int64_t fraction = TakeFraction(&rest);
  const std::optional<int> zone = ParseZone(rest);
  const bool exists = real.tm_mon == given.tm_mon && real.tm_mday == given.tm_mday && real.tm_hour == given.tm_hour &&
                      real.tm_min == given.tm_min && real.tm_sec == given.tm_sec;
  if (!zone.has_value() || !exists) return std::nullopt;
  return (seconds - *zone) * kMicros + fraction;
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

std::string Printable(std::string_view text) {
  const std::string json = AsJson(text);
  std::string_view rest = std::string_view(json).substr(1, json.size() - 2);
  std::string result;
  while (!rest.empty()) {
    if (rest.substr(0, 2) == "\\\"") rest.remove_prefix(1);  // a quote needs no escape here
    const std::string_view before = rest;
    const char32_t character = TakeCharacter(&rest);
    if (IsTreacherous(character)) {
      result += fmt::format("\\u{:04x}", static_cast<uint32_t>(character));
    } else {
      result += before.substr(0, before.size() - rest.size());
    }
    if (character == U'\\' && !rest.empty()) {  // the second character of an escape, whatever it is
      result += rest.front();
      rest.remove_prefix(1);
    }
  }
  return result;
}

std::string Printable(std::string_view text, size_t max) {
  std::string whole = Printable(text.substr(0, max * 4));  // a character has at most four bytes
  if (Columns(whole) <= max && text.size() <= max * 4) return whole;
  size_t end = 0;
  for (size_t seen = 0; end < whole.size() && (seen < max || ContinuesCharacter(whole[end])); ++end) {
    if (!ContinuesCharacter(whole[end])) ++seen;
  }
  return whole.substr(0, end) + "...";
}

std::string ShowSource(const std::optional<SourcePosition>& source) {
  return source.has_value() ? fmt::format("{}:{}", Printable(source->name), source->position) : "-";
}

std::string Count(uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

size_t Columns(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !ContinuesCharacter(c); }));
}

std::string FormatTime(int64_t time_us) {
  const int64_t micros = ((time_us % kMicros) + kMicros) % kMicros;
  const std::time_t seconds = time_us / kMicros - (time_us % kMicros < 0 ? 1 : 0);
  std::tm time{};
  gmtime_r(&seconds, &time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", time.tm_year + 1900, time.tm_mon + 1, time.tm_mday,
                     time.tm_hour, time.tm_min, time.tm_sec, micros);
}

std::optional<int64_t> ParseTime(const std::string& text) {
  int64_t time_us = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, time_us);
  if (error == std::errc() && stop == end) return time_us;
  return ParseRfc3339(text);
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  static constexpr std::pair<std::string_view, uint64_t> kUnits[] = {
      {"", 1},
      {"B", 1},
      {"kB", 1000},
      {"MB", 1000 * 1000},
      {"GB", 1000 * 1000 * 1000},
      {"TB", uint64_t{1000} * 1000 * 1000 * 1000},
      {"KiB", uint64_t{1} << 10},
      {"MiB", uint64_t{1} << 20},
      {"GiB", uint64_t{1} << 30},
      {"TiB", uint64_t{1} << 40},
  };
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  for (const auto& [unit, factor] : kUnits) {
    if (std::string_view(stop, static_cast<size_t>(end - stop)) != unit) continue;
    if (number > std::numeric_limits<uint64_t>::max() / factor) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

std::string Nearest(const std::string& given, const std::vector<std::string>& words) {
  constexpr size_t kLongestTypo = 40;  // no word is as long; keeps the work small
  if (given.size() > kLongestTypo) return "";
  std::string nearest;
  size_t best = std::max<size_t>(2, given.size() / 3) + 1;
  for (const std::string& word : words) {
    const size_t distance = EditDistance(given, word);
    if (distance < best && distance < word.size()) {
      best = distance;
      nearest = word;
    }
  }
  return nearest;
}

}  // namespace semel::cli
