// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How much a random test does, and the figures that it leaves: a fixed number of rounds in the run, a time in the soak.
//
//   uint64_t images = 0;
//   uint64_t seed = 0;
//   for (Rounds rounds(1000); rounds.Next(&seed);) images += CrashOnce(seed);
//   Figure("T1", "power-loss images", images);

#ifndef SEMEL_TESTS_SIM_FIGURES_H_
#define SEMEL_TESTS_SIM_FIGURES_H_

#include <chrono>
#include <cstdint>
#include <string_view>

namespace semel::testing {

// Whether this is a sanitizer's build, in which everything takes several times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

// A loop over seeds: `rounds` of them, a tenth in a sanitizer's build. With SEMEL_SOAK_SECONDS it goes on for that long
// instead. The first seed is that of the environment variable SEMEL_TEST_SEED, else a new one, and each follows from
// the one before. After a failure the loop ends and prints the seed of its round: that seed and SEMEL_TEST_ROUNDS=1
// repeat the round alone.
class Rounds {
 public:
  explicit Rounds(uint64_t rounds);
  ~Rounds();
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  // False at the end, or after a failure of the test.
  bool Next(uint64_t* seed);
  uint64_t done() const { return done_; }

 private:
  const uint64_t rounds_;  // 0: until the time is over
  const std::chrono::steady_clock::time_point end_;
  uint64_t seed_;
  uint64_t done_ = 0;
};

// How many steps a round goes: as many as it drew, but no more than SEMEL_TEST_STEPS, with which tests/soak.sh makes a
// failing round small.
uint64_t Steps(uint64_t drawn);

// Records what a test did for a row of the table in docs/testing.md: prints it and, if the environment variable
// SEMEL_FIGURES names a file, adds a line of JSON to it; tests/figures.py makes the table. `what` is a plural:
// "power-loss images". Counts of the same row and name add up.
void Figure(std::string_view row, std::string_view what, uint64_t count);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_SIM_FIGURES_H_
