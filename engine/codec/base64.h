// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Base64 (RFC 4648) as the Protobuf JSON mapping uses it.

#ifndef SEMEL_ENGINE_CODEC_BASE64_H_
#define SEMEL_ENGINE_CODEC_BASE64_H_

#include <string>
#include <string_view>

namespace semel::internal {

// Decodes the standard or the url-safe alphabet, but not both in one text. Padding may be left out; if it is there it
// must be right. Everything else is refused: other characters, blanks, bits beyond the last byte.
bool DecodeBase64(std::string_view text, std::string* bytes);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_CODEC_BASE64_H_
