// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.

#ifndef SEMEL_ENGINE_CODEC_UTF8_H_
#define SEMEL_ENGINE_CODEC_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace semel::internal {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Length of the longest well-formed prefix.
size_t Utf8PrefixLength(std::string_view text);

inline bool IsUtf8(std::string_view text) { return Utf8PrefixLength(text) == text.size(); }

// The text with U+FFFD in place of each byte that belongs to no well-formed character.
std::string ReplaceBadUtf8(std::string_view text);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_CODEC_UTF8_H_
