// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The ledger's rules (overdraft, closed, balanced, ...) and the effects of a change that passes them.

#ifndef SEMEL_ENGINE_RULES_RULES_H_
#define SEMEL_ENGINE_RULES_RULES_H_

#include <cstddef>
#include <utility>

#include "absl/types/span.h"
#include "engine/rules/classify.h"
#include "engine/rules/effect.h"
#include "engine/rules/head.h"
#include "semel/change.h"
#include "semel/outcome.h"

namespace semel::internal {

struct RuleVerdict {
  Rule rule = Rule::kNone;  // kNone: accepted
  size_t update = 0;        // the update that broke it; of kUnbalanced none in particular
};

// In order of updates, then the rule of the whole change. Reads nothing but its arguments: no clock, no randomness.
RuleVerdict CheckRules(const Change& change, absl::Span<const Head* const> heads, const DecidingOptions& options);

// The effect of update `i`, which must not be a check, on its head; the change has passed CheckRules.
Effect EffectOf(const Update& update, const Head& head);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_RULES_H_
