// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "semel/change.h"

namespace semel {
namespace {

constexpr Amount kMin = std::numeric_limits<Amount>::min();
constexpr Amount kMax = std::numeric_limits<Amount>::max();

Change Transfer() {
  Change change("T-1");
  change.balanced = true;
  change.AddUpdate("transfer/T-1").ExpectVersion(0).Put("{}");
  change.AddUpdate("account/alice").Add(-100, "EUR");
  change.AddUpdate("account/bob").Add(100, "EUR");
  return change;
}

// The bytes behind these were written by hand after the format in fingerprint.cc, and hashed by XXH3 itself.
TEST(Fingerprint, R04_GoldenVectors) {
  Change add("a");
  add.AddUpdate("account/alice").ExpectVersion(3).Add(100);
  EXPECT_EQ(ToHex(FingerprintOf(add)), "d1059e616ca0976315829381b505aa8e");

  EXPECT_EQ(ToHex(FingerprintOf(Transfer())), "03a01d6419d9e85d5b0d50e91500edad");

  Change stamped("b");
  std::string value;
  for (int byte = 0; byte < 200; ++byte) value.push_back(static_cast<char>(byte));
  stamped.AddUpdate("row/8").Newer(3).Delete();
  stamped.AddUpdate("row/7").Newer(uint64_t{1} << 40).Put(value);
  EXPECT_EQ(ToHex(FingerprintOf(stamped)), "0d2d3fb669e635de8ef01217719eae10");

  Change policy("c");
  policy.AddUpdate("k").ExpectVersion(0).SetPolicy({"EUR", kMin, kMax, true});
  policy.AddUpdate("z").ExpectVersion(5).Check();
  EXPECT_EQ(ToHex(FingerprintOf(policy)), "e1072ce02001b47815538e4409ebf690");

  EXPECT_EQ(ToHex(FingerprintOf(Change())), "4d6ac5b7d1a1655cab94ac0ace7276c0");
}

TEST(Fingerprint, R03_OrderExpectationsIdAndSourceDoNotCount) {
  const Fingerprint wanted = FingerprintOf(Transfer());
  Change change = Transfer();
  std::sort(change.updates.begin(), change.updates.end(),
            [](const Update& a, const Update& b) { return a.key < b.key; });
  do {
    EXPECT_EQ(FingerprintOf(change), wanted);
  } while (std::next_permutation(change.updates.begin(), change.updates.end(),
                                 [](const Update& a, const Update& b) { return a.key < b.key; }));
  change.id = "another";
  change.source.emplace();
  change.source->name = "s";
  change.updates[0].ExpectVersion(9).Since(3);
  change.updates[1].ExpectBalance(5);
  change.updates[2].expect_version.reset();
  EXPECT_EQ(FingerprintOf(change), wanted);
}

TEST(Fingerprint, OperandsOfOtherActions_DoNotCount) {
  Change change = Transfer();
  change.updates[0].amount = 5;
  change.updates[0].asset = "USD";
  change.updates[1].value = "x";
  change.updates[2].policy.closed = true;
  EXPECT_EQ(FingerprintOf(change), FingerprintOf(Transfer()));
}

TEST(Fingerprint, ACheckCountsByItsKey) {
  Change version("c");
  version.AddUpdate("k").ExpectVersion(1).Check();
  Change balance("c");
  balance.AddUpdate("k").ExpectBalance(7).Check();
  EXPECT_EQ(FingerprintOf(version), FingerprintOf(balance));
}

// One update on "k", of which each meaning differs from all others.
std::vector<Update> Meanings() {
  const auto update = [](const std::string& key) {
    Update fresh;
    fresh.key = key;
    return fresh;
  };
  return {update("k").Add(1),
          update("k").Add(-1),
          update("k").Add(0),
          update("k").Add(kMin),
          update("k").Add(kMax),
          update("k").Add(Amount{1} << 64),
          update("k").Add(1, "EUR"),
          update("k").Add(1, "USD"),
          update("K").Add(1),
          update("kk").Add(1),
          update("k").Put(""),
          update("k").Put("a"),
          update("k").Put(std::string_view("a\0", 2)),
          update("k").Put("a").Newer(0),
          update("k").Put("a").Newer(1),
          update("k").Delete(),
          update("k").Delete().Newer(1),
          update("k").Check(),
          update("k").SetPolicy({}),
          update("k").SetPolicy({"EUR", {}, {}, {}}),
          update("k").SetPolicy({{}, 1, {}, {}}),
          update("k").SetPolicy({{}, {}, 1, {}}),
          update("k").SetPolicy({{}, {}, {}, false}),
          update("k").SetPolicy({{}, {}, {}, true}),
          update("k").SetPolicy({{}, 1, 2, true})};
}

TEST(Fingerprint, EachDifferenceInMeaning_GivesAnother) {
  std::map<std::string, size_t> seen;
  size_t count = 0;
  const auto note = [&](const Change& change) {
    const auto [place, fresh] = seen.emplace(ToHex(FingerprintOf(change)), count++);
    EXPECT_TRUE(fresh) << "as number " << place->second;
  };
  for (const Update& meaning : Meanings()) {
    for (const bool balanced : {false, true}) {
      Change change("i");
      change.balanced = balanced;
      change.updates = {meaning};
      note(change);
      change.AddUpdate("z").Add(1);
      note(change);
    }
  }
}

TEST(Fingerprint, AfterALargeChange_SmallOnesAreAsBefore) {
  const Fingerprint before = FingerprintOf(Transfer());
  Change large("l");
  large.AddUpdate("k").Put(std::string(kMaxValueBytes, 'x'));
  const Fingerprint of_large = FingerprintOf(large);
  EXPECT_EQ(FingerprintOf(Transfer()), before);
  EXPECT_EQ(FingerprintOf(large), of_large);
}

}  // namespace
}  // namespace semel
