// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// MUTANT(name): whether the planted bug of this name is on; false wherever the environment variable SEMEL_MUTANT does
// not name it. Only in the copies that make_mutants.py makes; the engine's own sources know nothing of it.

#ifndef SEMEL_TESTS_MUTANTS_MUTANT_H_
#define SEMEL_TESTS_MUTANTS_MUTANT_H_

#include <cstdlib>
#include <string_view>

namespace semel::testing {

inline bool IsMutant(std::string_view name) {
  const char* const chosen = std::getenv("SEMEL_MUTANT");
  return chosen != nullptr && name == chosen;
}

}  // namespace semel::testing

#define MUTANT(name)                                           \
  ([] {                                                        \
    static const bool is_on = semel::testing::IsMutant(#name); \
    return is_on;                                              \
  }())

#endif  // SEMEL_TESTS_MUTANTS_MUTANT_H_
