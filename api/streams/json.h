// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// JSON messages of others: parsed within bounds, read member by member.

#ifndef SEMEL_API_STREAMS_JSON_H_
#define SEMEL_API_STREAMS_JSON_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semel/change.h"

namespace semel::streams {

using Json = nlohmann::json;

// An object. Errors: InvalidArgument (not JSON, not an object, deeper than 32, larger than 8 MiB).
absl::StatusOr<Json> ParseObject(std::string_view text);

// Whether these bytes are well-formed UTF-8, as all texts of a change are.
bool IsUtf8(std::string_view bytes);

// The member at a path of names with dots ("payment.amount"), or nullptr. A null counts as absent.
const Json* FindMember(const Json& object, std::string_view path);

// A string as it is, a number or a boolean as its text. Errors: InvalidArgument (an object, an array).
absl::StatusOr<std::string> ToText(const Json& value);

// A whole number, from a number or from decimal digits in a string. Errors: InvalidArgument.
absl::StatusOr<uint64_t> ToNumber(const Json& value);

// An amount of minor units, from an integer or a decimal text with at most so many decimals: with 2, "12.5" is 1250. A
// number with a fraction is taken by its shortest decimal text; beyond 15 digits it is refused, as it may have lost
// some on its way. Errors: InvalidArgument.
absl::StatusOr<Amount> ToAmount(const Json& value, int decimals);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_JSON_H_
