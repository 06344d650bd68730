// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Where a message stands in its source: the first three steps of "Sources" in docs/outcomes.md. Pure.

#ifndef SEMEL_ENGINE_RULES_SOURCE_H_
#define SEMEL_ENGINE_RULES_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "engine/rules/head.h"
#include "semel/change.h"

namespace semel::internal {

// What is remembered of a source beside its head, in memory only: what its first message said of itself while nothing
// is consumed yet, and the lowest position that was answered early, or with an error before it was decided.
struct SourceMemory {
  std::string incarnation;
  bool chained = false;
  uint32_t window = 0;
  std::optional<uint64_t> blocked;  // never of a windowed source; at or below the cursor it says nothing
};

enum class SourceStep : uint8_t {
  kDecide,          // the position is next: decide the change
  kStreamFault,     // kInvalid, consumes nothing
  kEarly,           // a lower position is undecided, or `previous` has not been consumed
  kConsumedBefore,  // at or below the cursor: the recorded outcome answers
};

struct SourceJudgement {
  SourceStep step = SourceStep::kDecide;
  std::string reason;  // of kStreamFault and kEarly
};

// Whether `position` was consumed, as far as the head itself knows.
bool IsConsumed(const SourceState& source, uint64_t position);

// Of a windowed source: consumes a position that is not, within the window.
void ConsumeInWindow(uint64_t position, SourceState* source);

// `head` is the source's (version 0: nothing consumed), `memory` what is remembered, null at the first sight of it.
SourceJudgement JudgeSource(const SourcePosition& source, const Head& head, const SourceMemory* memory);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_SOURCE_H_
