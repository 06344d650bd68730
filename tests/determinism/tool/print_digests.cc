// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Prints what tests/determinism/golden.txt holds.

#include <cstdio>

#include "tests/determinism/run_digest.h"

int main() {
  for (uint64_t seed = 1; seed <= semel::testing::kGoldenSeeds; ++seed) {
    std::puts(semel::testing::RunDigest(seed).c_str());
  }
}
