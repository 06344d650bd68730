// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/text.h"

#include "absl/strings/escaping.h"
#include "engine/base/strings.h"

namespace semel::internal {

std::string ShowKey(std::string_view key) {
  constexpr size_t kCharsMax = 80;
  // Escaping never shortens, so what is beyond the limit need not be escaped.
  std::string text = absl::CHexEscape(ToAbsl(key.substr(0, kCharsMax)));
  if (text.size() <= kCharsMax && key.size() <= kCharsMax) return text;
  text.resize(kCharsMax - 3);
  return text + "...";
}

}  // namespace semel::internal
