// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What can be said of a change without looking at any state.

#ifndef SEMEL_ENGINE_RULES_VALIDATE_H_
#define SEMEL_ENGINE_RULES_VALIDATE_H_

#include <string>

#include "semel/change.h"

namespace semel::internal {

// Why the change is kInvalid whatever the state: sizes, one action an update, each key once, preconditions that
// exclude each other, the anchoring rule. Empty if it is well-formed. O(n log n) in the updates. Judged after the
// source's stream checks; a source consumes the position of such a change.
std::string WhyInvalid(const Change& change);

// What is wrong with the source position itself (name, sizes, previous not below position, window). Empty if nothing.
// Consumes nothing.
std::string WhySourceMalformed(const SourcePosition& source);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_VALIDATE_H_
