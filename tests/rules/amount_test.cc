// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "semel/change.h"

namespace semel {
namespace {

constexpr Amount kMin = std::numeric_limits<Amount>::min();
constexpr Amount kMax = std::numeric_limits<Amount>::max();
constexpr char kMinText[] = "-170141183460469231731687303715884105728";
constexpr char kMaxText[] = "170141183460469231731687303715884105727";

TEST(Amount, TextAndBack_Edges) {
  const std::vector<std::pair<Amount, std::string>> pairs = {
      {0, "0"},
      {7, "7"},
      {-1, "-1"},
      {1250, "1250"},
      {std::numeric_limits<int64_t>::min(), "-9223372036854775808"},
      {absl::MakeInt128(1, 0), "18446744073709551616"},
      {absl::MakeInt128(-1, ~uint64_t{0}), "-1"},
      {kMax, kMaxText},
      {kMin, kMinText},
      {kMin + 1, "-170141183460469231731687303715884105727"}};
  for (const auto& [amount, text] : pairs) {
    EXPECT_EQ(AmountToString(amount), text);
    const absl::StatusOr<Amount> parsed = ParseAmount(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, amount) << text;
  }
}

TEST(ParseAmount, SignsAndZerosBeforeTheNumber_AreAccepted) {
  EXPECT_EQ(*ParseAmount("+5"), 5);
  EXPECT_EQ(*ParseAmount("-0"), 0);
  EXPECT_EQ(*ParseAmount(std::string(1000, '0') + "12"), 12);
  EXPECT_EQ(*ParseAmount("-000" + std::string(kMinText).substr(1)), kMin);
}

TEST(ParseAmount, AnythingElse_IsInvalidArgument) {
  for (const std::string text :
       {"", "-", "+", "+-1", "--1", " 1", "1 ", "1.5", "1e3", "0x10", "1,000", "abc", "\xd9\xa1",
        "170141183460469231731687303715884105728", "-170141183460469231731687303715884105729",
        "340282366920938463463374607431768211456", "999999999999999999999999999999999999999999999999"}) {
    EXPECT_EQ(ParseAmount(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(ParseAmount(std::string_view("1\0", 2)).ok());
}

}  // namespace
}  // namespace semel
