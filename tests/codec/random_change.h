// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Random changes that are well-formed and canonical: only what the chosen action means is set, all text is UTF-8. Such
// changes read back equal from both wire forms.

#ifndef SEMEL_TESTS_CODEC_RANDOM_CHANGE_H_
#define SEMEL_TESTS_CODEC_RANDOM_CHANGE_H_

#include "semel/change.h"
#include "tests/sim/random.h"

namespace semel::testing {

Change RandomChange(Random& random);

// Equal in every field.
bool SameChange(const Change& a, const Change& b);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_CODEC_RANDOM_CHANGE_H_
