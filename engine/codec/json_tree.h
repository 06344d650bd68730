// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A JSON text as a flat tree: one vector of nodes in the order of the text, each with the index after its last
// descendant. Unlike a general JSON library it keeps integers of any size as text, refuses doubled member names, and
// bounds depth and number of values while it reads.

#ifndef SEMEL_ENGINE_CODEC_JSON_TREE_H_
#define SEMEL_ENGINE_CODEC_JSON_TREE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace semel::internal {

enum class JsonKind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

struct JsonNode {
  JsonKind kind = JsonKind::kNull;
  bool boolean = false;
  uint32_t end = 0;  // index after the last descendant
  std::string name;  // of a member
  std::string text;  // of a string; of a number its decimal text
};

using JsonTree = std::vector<JsonNode>;  // never empty: the first node is the whole text

// Errors: InvalidArgument, with the place in the text: not JSON, not UTF-8, over kMaxMessageBytes, kMaxJsonDepth or
// kMaxMessageParts, a member name twice in one object.
absl::StatusOr<JsonTree> ParseJsonTree(std::string_view json);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_CODEC_JSON_TREE_H_
