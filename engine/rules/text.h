// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Keys in messages for people.

#ifndef SEMEL_ENGINE_RULES_TEXT_H_
#define SEMEL_ENGINE_RULES_TEXT_H_

#include <string>
#include <string_view>

namespace semel::internal {

// The key with what is not printable escaped, at most 80 characters of it: keys come from outside and end up in logs.
std::string ShowKey(std::string_view key);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_TEXT_H_
