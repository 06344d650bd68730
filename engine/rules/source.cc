// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/source.h"

#include "absl/strings/str_cat.h"

namespace semel::internal {
namespace {

SourceJudgement Fault(std::string reason) { return {SourceStep::kStreamFault, std::move(reason)}; }
SourceJudgement Early(std::string reason) { return {SourceStep::kEarly, std::move(reason)}; }

// What is wrong with the stream itself; judged before the position is compared with the cursor (H06, H15, H18).
// `known`: a SourceState or a SourceMemory.
template <typename Known>
std::string StreamFault(const SourcePosition& source, const Known& known, std::optional<uint64_t> cursor) {
  if (source.incarnation != known.incarnation) {
    return "source: the incarnation differs from the one its first message named; positions may have started anew";
  }
  if (source.window != known.window) {
    return absl::StrCat("source: window ", source.window, " differs from the one its first message named, ",
                        known.window);
  }
  const bool ahead = !cursor.has_value() || source.position > *cursor;
  if (!ahead) return "";
  if (source.previous.has_value()) {
    if (cursor.has_value() && *source.previous < *cursor) {
      return absl::StrCat("source: previous ", *source.previous, " is below the cursor ", *cursor);
    }
  } else if (known.chained) {
    return "source: its messages name the previous position, this one does not";
  }
  return "";
}

bool BitAt(const std::string& bits, uint64_t i) {
  return i / 8 < bits.size() && (static_cast<uint8_t>(bits[i / 8]) >> (i % 8) & 1) != 0;
}

// How many ones the bitmap begins with.
uint64_t LeadingOnes(const std::string& bits) {
  uint64_t count = 0;
  while (BitAt(bits, count)) ++count;
  return count;
}

std::string DropBits(const std::string& bits, uint64_t count) {
  std::string rest;
  for (uint64_t i = count; i < bits.size() * 8; ++i) {
    if (!BitAt(bits, i)) continue;
    const uint64_t to = i - count;
    rest.resize(to / 8 + 1, '\0');
    rest[to / 8] = static_cast<char>(rest[to / 8] | 1 << to % 8);
  }
  return rest;
}

}  // namespace

bool IsConsumed(const SourceState& source, uint64_t position) {
  return position <= source.cursor || (source.window != 0 && BitAt(source.ahead, position - source.cursor - 1));
}

void ConsumeInWindow(uint64_t position, SourceState* source) {
  const uint64_t bit = position - source->cursor - 1;
  if (bit == 0 && source->ahead.empty()) {  // in order
    ++source->cursor;
    return;
  }
  if (bit / 8 >= source->ahead.size()) source->ahead.resize(bit / 8 + 1, '\0');
  source->ahead[bit / 8] = static_cast<char>(source->ahead[bit / 8] | 1 << bit % 8);
  const uint64_t passed = LeadingOnes(source->ahead);
  if (passed == 0) return;
  source->cursor += passed;
  source->ahead = DropBits(source->ahead, passed);
}

SourceJudgement JudgeSource(const SourcePosition& source, const Head& head, const SourceMemory* memory) {
  const SourceState* state = head.version == 0 ? nullptr : &*head.Extras().source;
  std::optional<uint64_t> cursor;
  if (state != nullptr) cursor = state->cursor;

  std::string fault;
  if (state != nullptr) {
    fault = StreamFault(source, *state, cursor);
  } else if (memory != nullptr) {
    fault = StreamFault(source, *memory, cursor);
  }
  if (!fault.empty()) return Fault(std::move(fault));

  if (state != nullptr && IsConsumed(*state, source.position)) return {SourceStep::kConsumedBefore, ""};
  if (cursor.has_value() && source.previous.has_value() && *source.previous > *cursor) {
    return Early(
        absl::StrCat("source: the cursor is at ", *cursor, ", previous ", *source.previous, " has not arrived"));
  }
  if (source.window != 0 && source.position - cursor.value_or(0) > source.window) {
    return Early(
        absl::StrCat("source: the cursor is at ", cursor.value_or(0), ", beyond its window of ", source.window));
  }
  const bool remembers = memory != nullptr && memory->blocked.has_value();
  const bool blocked = remembers && (!cursor.has_value() || *memory->blocked > *cursor);
  if (blocked && source.position > *memory->blocked) {
    return Early(absl::StrCat("source: position ", *memory->blocked, " is not decided yet"));
  }
  return {SourceStep::kDecide, ""};
}

}  // namespace semel::internal
