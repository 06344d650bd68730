// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What a ledger leaves of a random life in the simulated world, in few bytes: the same for every build, compiler and
// process, as long as the formats and the decisions are.

#ifndef SEMEL_TESTS_DETERMINISM_RUN_DIGEST_H_
#define SEMEL_TESTS_DETERMINISM_RUN_DIGEST_H_

#include <cstdint>
#include <string>

namespace semel::testing {

// The seeds of golden.txt are 1 to this.
inline constexpr uint64_t kGoldenSeeds = 100;

// One line: the seed, and in hexadecimal digits a hash over all files of the journal, one over all answers, and the
// digest of the state.
std::string RunDigest(uint64_t seed);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_DETERMINISM_RUN_DIGEST_H_
