// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Random numbers for tests: the same on every platform, from a seed that a failing run can be repeated with.

#ifndef SEMEL_TESTS_SIM_RANDOM_H_
#define SEMEL_TESTS_SIM_RANDOM_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "engine/base/checksum.h"

namespace semel::testing {

// Copyable: a copy continues with the same numbers.
class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}

  uint64_t Next() { return internal::MixSeed(seed_, count_++); }
  uint64_t Below(uint64_t n) { return Next() % n; }                                      // n > 0
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }  // both inclusive
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  std::string Bytes(size_t size) {
    std::string bytes;
    while (bytes.size() < size) bytes.push_back(static_cast<char>(Next()));
    return bytes;
  }

 private:
  uint64_t seed_;
  uint64_t count_ = 0;
};

// The seed of this test: of the environment variable SEMEL_TEST_SEED, else a new one. Prints it.
inline uint64_t TestSeed() {
  const char* const given = std::getenv("SEMEL_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::printf("SEMEL_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_SIM_RANDOM_H_
