// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#ifndef SEMEL_TESTS_GOLDEN_GOLDEN_OPTIONS_H_
#define SEMEL_TESTS_GOLDEN_GOLDEN_OPTIONS_H_

#include "semel/options.h"

namespace semel::testing {

// The options that golden ledgers are made and opened with: files as small as can be.
inline Options GoldenOptions() {
  Options options;
  options.segment_bytes = 4 << 10;
  options.state_map_bytes = 16 << 20;
  return options;
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_GOLDEN_GOLDEN_OPTIONS_H_
