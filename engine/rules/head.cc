// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/head.h"

#include <utility>

namespace semel::internal {
namespace {

// Of a string beyond the object itself: short ones live inside it.
size_t HeapBytes(const std::string& text) {
  static const size_t kInside = std::string().capacity();
  return text.capacity() > kInside ? text.capacity() + 1 : 0;
}

}  // namespace

size_t HeapBytes(const Head& head) {
  constexpr size_t kLevelsInside = 2;
  const size_t levels = head.chain.levels().capacity();
  size_t bytes = levels > kLevelsInside ? levels * sizeof(Lsn) : 0;
  if (head.extras == nullptr) return bytes;
  bytes += sizeof(HeadExtras);
  if (head.extras->value) bytes += HeapBytes(*head.extras->value);
  if (head.GetPolicy().asset) bytes += HeapBytes(*head.GetPolicy().asset);
  if (head.extras->source) bytes += HeapBytes(head.extras->source->incarnation) + HeapBytes(head.extras->source->ahead);
  return bytes;
}

Head RecordHead(std::string_view bytes) {
  auto extras = std::make_shared<HeadExtras>();
  extras->value.emplace(bytes);
  Head head;
  head.version = 1;
  head.extras = std::move(extras);
  return head;
}

const char* TableName(Table table) {
  static constexpr const char* kNames[kTableCount] = {"entities", "sources", "positions",
                                                      "parked",   "letters", "retired"};
  return kNames[static_cast<size_t>(table)];
}

}  // namespace semel::internal
