// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/source.h"

#include "absl/strings/str_cat.h"

namespace semel::internal {
namespace {

SourceJudgement Fault(std::string reason) { return {SourceStep::kStreamFault, std::move(reason)}; }
SourceJudgement Early(std::string reason) { return {SourceStep::kEarly, std::move(reason)}; }

// What is wrong with the stream itself; judged before the position is compared with the cursor (H06, H15, H18).
std::string StreamFault(const SourcePosition& source, const std::string& incarnation, bool chained,
                        std::optional<uint64_t> cursor) {
  if (source.incarnation != incarnation) {
    return "source: the incarnation differs from the one its first message named; positions may have started anew";
  }
  const bool ahead = !cursor.has_value() || source.position > *cursor;
  if (!ahead) return "";
  if (source.previous.has_value()) {
    if (cursor.has_value() && *source.previous < *cursor) {
      return absl::StrCat("source: previous ", *source.previous, " is below the cursor ", *cursor);
    }
  } else if (chained) {
    return "source: its messages name the previous position, this one does not";
  }
  return "";
}

}  // namespace

SourceJudgement JudgeSource(const SourcePosition& source, const Head& head, const SourceMemory* memory) {
  const SourceState* consumed = head.version == 0 ? nullptr : &*head.Extras().source;
  std::optional<uint64_t> cursor;
  if (consumed != nullptr) cursor = consumed->cursor;

  if (consumed != nullptr || memory != nullptr) {
    std::string fault = consumed != nullptr ? StreamFault(source, consumed->incarnation, consumed->chained, cursor)
                                            : StreamFault(source, memory->incarnation, memory->chained, cursor);
    if (!fault.empty()) return Fault(std::move(fault));
  }
  if (cursor.has_value() && source.position <= *cursor) return {SourceStep::kConsumedBefore, ""};
  if (cursor.has_value() && source.previous.has_value() && *source.previous > *cursor) {
    return Early(
        absl::StrCat("source: the cursor is at ", *cursor, ", previous ", *source.previous, " has not arrived"));
  }
  if (memory != nullptr && memory->blocked.has_value() && source.position > *memory->blocked) {
    return Early(absl::StrCat("source: position ", *memory->blocked, " is not decided yet"));
  }
  return {SourceStep::kDecide, ""};
}

}  // namespace semel::internal
