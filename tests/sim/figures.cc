// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/sim/figures.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_format.h"
#include "engine/base/checksum.h"
#include "gtest/gtest.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

uint64_t NumberFromEnvironment(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

uint64_t RoundsOf(uint64_t rounds) {
  if (const uint64_t asked = NumberFromEnvironment("SEMEL_TEST_ROUNDS"); asked != 0) return asked;
  if (NumberFromEnvironment("SEMEL_SOAK_SECONDS") != 0) return 0;
  return kSanitized ? (rounds + 9) / 10 : rounds;
}

// The running test's, or the program's where it is none of gtest.
const char* TestName() {
  const ::testing::TestInfo* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  return test == nullptr ? program_invocation_short_name : test->name();
}

const char* BuildName() { return kSanitized ? "sanitizer" : "optimised"; }

}  // namespace

Rounds::Rounds(uint64_t rounds)
    : rounds_(RoundsOf(rounds)),
      end_(std::chrono::steady_clock::now() + std::chrono::seconds(NumberFromEnvironment("SEMEL_SOAK_SECONDS"))),
      seed_(TestSeed()) {}

Rounds::~Rounds() {
  if (!::testing::Test::HasFailure()) return;
  std::printf("failed in round %llu; to repeat it alone: SEMEL_TEST_SEED=%llu SEMEL_TEST_ROUNDS=1\n",
              static_cast<unsigned long long>(done_), static_cast<unsigned long long>(seed_));
}

bool Rounds::Next(uint64_t* seed) {
  if (::testing::Test::HasFailure()) return false;
  if (rounds_ != 0 ? done_ >= rounds_ : std::chrono::steady_clock::now() >= end_) return false;
  if (done_ > 0) seed_ = internal::MixSeed(seed_, 1);  // of the seed alone, so that a chain can be gone on with
  ++done_;
  *seed = seed_;
  return true;
}

uint64_t Steps(uint64_t drawn) {
  const uint64_t most = NumberFromEnvironment("SEMEL_TEST_STEPS");
  return most == 0 ? drawn : std::min(drawn, most);
}

void Figure(std::string_view row, std::string_view what, uint64_t count) {
  const std::string line =
      absl::StrFormat("{\"row\": \"%s\", \"what\": \"%s\", \"count\": %d, \"build\": \"%s\", \"test\": \"%s\"}\n", row,
                      what, count, BuildName(), TestName());
  std::printf("[  FIGURE  ] %s", line.c_str());
  const char* const path = std::getenv("SEMEL_FIGURES");
  if (path == nullptr) return;
  std::FILE* const file = std::fopen(path, "a");
  if (file == nullptr) return;
  std::fputs(line.c_str(), file);  // one short write in append mode: processes do not mix their lines
  std::fclose(file);
}

}  // namespace semel::testing
