// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Text for people, and what people write.

#ifndef SEMEL_API_CLI_TEXT_H_
#define SEMEL_API_CLI_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "semel/change.h"

namespace semel::cli {

// Safe to print on a terminal: control characters and those that change the direction of writing are escaped, bytes
// that are not UTF-8 are replaced.
std::string Printable(std::string_view text);

// The same, cut after `max` characters.
std::string Printable(std::string_view text, size_t max);

// "payments-3:17"; "-" if there is none.
std::string ShowSource(const std::optional<SourcePosition>& source);

// "1 dead letter", "2 dead letters".
std::string Count(uint64_t number, std::string_view what);

// How many columns a terminal needs for UTF-8 text, one a character.
size_t Columns(std::string_view text);

// "2026-11-21T02:15:00.123456Z".
std::string FormatTime(int64_t time_us);

// Reads RFC 3339, a date (its first moment in UTC), or microseconds since 1970.
std::optional<int64_t> ParseTime(const std::string& text);

// Reads decimal digits, and nothing else.
std::optional<uint64_t> ParseNumber(std::string_view text);

// Reads a number of bytes: "4096", "64KiB", "10GiB", "2GB" (powers of 1000).
std::optional<uint64_t> ParseSize(std::string_view text);

// The word of `words` that `given` most likely meant; empty if none is near.
std::string Nearest(const std::string& given, const std::vector<std::string>& words);

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_TEXT_H_
