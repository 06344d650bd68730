// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Member names of the JSON form: written in snake_case or in camelCase; near misses get a suggestion.

#ifndef SEMEL_ENGINE_CODEC_MEMBER_NAMES_H_
#define SEMEL_ENGINE_CODEC_MEMBER_NAMES_H_

#include <string_view>
#include <vector>

namespace semel::internal {

// Whether `given` is `snake` (expect_version) or its camelCase form (expectVersion).
bool IsSpellingOf(std::string_view given, std::string_view snake);

// The name that `given` most likely meant; empty if none is near.
std::string_view NearestName(std::string_view given, const std::vector<std::string_view>& names);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_CODEC_MEMBER_NAMES_H_
