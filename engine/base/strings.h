// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Debian's absl::string_view is not std::string_view and neither converts to the other; elsewhere they are one type.
// This is the bridge: absl::StrCat(ToAbsl(s)), map.find(ToStd(s)).

#ifndef SEMEL_ENGINE_BASE_STRINGS_H_
#define SEMEL_ENGINE_BASE_STRINGS_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace semel::internal {

inline absl::string_view ToAbsl(std::string_view s) { return absl::string_view(s.data(), s.size()); }
inline std::string_view ToStd(absl::string_view s) { return std::string_view(s.data(), s.size()); }

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_STRINGS_H_
