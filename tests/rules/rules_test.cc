// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/rules.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/rules/edge_amounts.h"
#include "tests/rules/fake_history.h"
#include "tests/sim/figures.h"

namespace semel::internal {
namespace {

constexpr Amount kMin = std::numeric_limits<Amount>::min();
constexpr Amount kMax = std::numeric_limits<Amount>::max();

Update On() {
  Update update;
  update.key = "k";
  return update;
}

RuleVerdict Check(const Update& update, const Head& head, DecidingOptions options = {}) {
  Change change("a");
  change.updates = {update};
  return CheckRules(change, {&head}, options);
}

Head Deleted(Head head) {
  head.deleted = true;
  return head;
}

struct Case {
  const char* says;
  Head head;
  Update update;
  Rule rule;
};

TEST(CheckRules, OneUpdate_EachRule) {
  const Head plain = HeadAt(3, 100);
  const Head empty = HeadAt(3, 0);
  const Head gone = Deleted(HeadAt(4));
  const Head closed = WithPolicy(plain, {{}, {}, {}, true});
  const Head limited = WithPolicy(plain, {"EUR", 0, 150, {}});
  const std::vector<Case> cases = {
      {"an add", plain, On().Add(-500), Rule::kNone},
      {"an add to what never existed creates it", HeadAt(0), On().Add(5), Rule::kNone},
      {"a put", plain, On().Put("x"), Rule::kNone},
      {"an add to the deleted", gone, On().Add(1), Rule::kDeleted},
      {"by balance", gone, On().ExpectBalance(0).Add(1), Rule::kDeleted},
      {"by since", gone, On().Since(4).Add(1), Rule::kDeleted},
      {"who names the tombstone's version re-creates it", gone, On().ExpectVersion(4).Add(1), Rule::kNone},
      {"so does a newer stamp", gone, On().Newer(9).Put("x"), Rule::kNone},
      {"a check of the deleted", gone, On().ExpectBalance(0).Check(), Rule::kNone},
      {"closed to adds", closed, On().Add(1), Rule::kClosed},
      {"closed to puts", closed, On().Put("x"), Rule::kClosed},
      {"closed to deletes", closed, On().Delete(), Rule::kClosed},
      {"closed, not to set_policy", closed, On().SetPolicy({{}, {}, {}, false}), Rule::kNone},
      {"not closed any more", WithPolicy(plain, {{}, {}, {}, false}), On().Add(1), Rule::kNone},
      {"down to the limit", limited, On().Add(-100), Rule::kNone},
      {"below it", limited, On().Add(-101), Rule::kBalanceLimit},
      {"up to the limit", limited, On().Add(50), Rule::kNone},
      {"above it", limited, On().Add(51), Rule::kBalanceLimit},
      {"the same asset", limited, On().Add(1, "EUR"), Rule::kNone},
      {"another asset", limited, On().Add(1, "USD"), Rule::kAssetMismatch},
      {"an asset where there is none", plain, On().Add(1, "EUR"), Rule::kAssetMismatch},
      {"delete with a zero balance", empty, On().Delete(), Rule::kNone},
      {"delete with a balance", plain, On().Delete(), Rule::kNotZero},
      {"delete what never existed", HeadAt(0), On().ExpectVersion(0).Delete(), Rule::kNothingToDelete},
      {"delete the deleted", gone, On().ExpectVersion(4).Delete(), Rule::kNothingToDelete},
      {"the first asset", plain, On().SetPolicy({"EUR", {}, {}, {}}), Rule::kNone},
      {"the same asset again", limited, On().SetPolicy({"EUR", {}, {}, {}}), Rule::kNone},
      {"another asset", limited, On().SetPolicy({"USD", {}, {}, {}}), Rule::kAssetImmutable},
      {"limits that admit the balance", plain, On().SetPolicy({{}, 100, 100, {}}), Rule::kNone},
      {"a least balance above it", plain, On().SetPolicy({{}, 101, {}, {}}), Rule::kPolicyBalance},
      {"a greatest balance below it", plain, On().SetPolicy({{}, {}, 99, {}}), Rule::kPolicyBalance},
      {"limits that exclude each other", plain, On().SetPolicy({{}, 100, 99, {}}), Rule::kPolicyBalance},
      {"no fields at all", limited, On().SetPolicy({}), Rule::kNone}};
  for (const Case& c : cases) {
    EXPECT_EQ(Check(c.update, c.head).rule, c.rule) << c.says;
  }
}

TEST(CheckRules, ExplicitEntities_RefuseAddsThatWouldCreate) {
  DecidingOptions options;
  options.explicit_entities = true;
  EXPECT_EQ(Check(On().Add(1), HeadAt(0), options).rule, Rule::kNoSuchEntity);
  EXPECT_EQ(Check(On().ExpectVersion(0).Add(1), HeadAt(0), options).rule, Rule::kNoSuchEntity);
  EXPECT_EQ(Check(On().ExpectVersion(0).Put("x"), HeadAt(0), options).rule, Rule::kNone);
  EXPECT_EQ(Check(On().Add(1), HeadAt(1), options).rule, Rule::kNone);
}

TEST(CheckRules, SeveralUpdates_TheFirstThatBreaksOneIsNamed) {
  const std::vector<Head> heads = {HeadAt(1, 5), HeadAt(2, 7), HeadAt(0)};
  Change change("a");
  change.balanced = true;
  change.AddUpdate("a").Add(1);
  change.AddUpdate("b").ExpectVersion(2).Delete();
  change.AddUpdate("c").ExpectVersion(0).Delete();
  const RuleVerdict verdict = CheckRules(change, PointersTo(heads), {});
  EXPECT_EQ(verdict.rule, Rule::kNotZero);
  EXPECT_EQ(verdict.update, 1u);
}

TEST(CheckRules, R37_AddAtTheEdgesOf128Bits_OverflowsExactlyWhenTheSumDoesNotFit) {
  int overflows = 0;
  for (const Amount balance : EdgeAmounts()) {
    for (const Amount amount : EdgeAmounts()) {
      const Head head = HeadAt(1, balance);
      const Limbs sum = Sum(LimbsOf(balance), LimbsOf(amount));
      const Amount wrapped = absl::MakeInt128(static_cast<int64_t>(sum[1]), sum[0]);
      const bool fits = LimbsOf(wrapped) == sum;
      ASSERT_EQ(Check(On().Add(amount), head).rule, fits ? Rule::kNone : Rule::kOverflow)
          << AmountToString(balance) << " + " << AmountToString(amount);
      if (fits) {
        ASSERT_EQ(EffectOf(On().Add(amount), head).balance, wrapped);
      }
      overflows += !fits;
    }
  }
  EXPECT_GT(overflows, 0);
  testing::Figure("T14", "pairs of edge integers", 64 * 64);
}

TEST(CheckRules, R37_LimitsAtTheEdgesOf128Bits_HoldExactly) {
  for (const Amount limit : EdgeAmounts()) {
    for (const Amount balance : EdgeAmounts()) {
      const Head head = HeadAt(1, balance);
      const Rule least = balance < limit ? Rule::kPolicyBalance : Rule::kNone;
      const Rule greatest = balance > limit ? Rule::kPolicyBalance : Rule::kNone;
      ASSERT_EQ(Check(On().SetPolicy({{}, limit, {}, {}}), head).rule, least);
      ASSERT_EQ(Check(On().SetPolicy({{}, {}, limit, {}}), head).rule, greatest);
      const Rule add = balance < limit ? Rule::kBalanceLimit : Rule::kNone;
      ASSERT_EQ(Check(On().Add(0), WithPolicy(head, {{}, limit, {}, {}})).rule, add);
    }
  }
  testing::Figure("T14", "pairs of edge integers", 3 * 64 * 64);
}

TEST(CheckRules, R37_BalancedAtTheEdgesOf128Bits_IsZeroExactlyWhenTheSumIs) {
  const std::vector<Head> heads(3);
  const std::vector<const Head*> pointers = PointersTo(heads);
  const std::vector<Amount> edges = EdgeAmounts();
  Change change("a");
  change.balanced = true;
  for (const char* key : {"a", "b", "c"}) change.AddUpdate(key).ExpectVersion(0).Add(0);
  int balanced = 0;
  for (const Amount a : edges) {
    for (const Amount b : edges) {
      for (const Amount c : edges) {
        change.updates[0].amount = a;
        change.updates[1].amount = b;
        change.updates[2].amount = c;
        const bool zero = Sum(Sum(LimbsOf(a), LimbsOf(b)), LimbsOf(c)) == Limbs{};
        ASSERT_EQ(CheckRules(change, pointers, {}).rule, zero ? Rule::kNone : Rule::kUnbalanced);
        balanced += zero;
      }
    }
  }
  EXPECT_GT(balanced, 100);
  testing::Figure("T14", "triples of edge integers", 64 * 64 * 64);
}

TEST(CheckRules, R37_AThousandExtremeAdds_AreSummedExactly) {
  Change change("a");
  change.balanced = true;
  const std::vector<Head> heads(kMaxUpdatesPerChange);
  for (size_t i = 0; i < kMaxUpdatesPerChange; ++i) {
    change.AddUpdate("k" + std::to_string(i)).Add(i % 2 == 0 ? kMax : -kMax);
  }
  const std::vector<const Head*> pointers = PointersTo(heads);
  EXPECT_EQ(CheckRules(change, pointers, {}).rule, Rule::kNone);
  std::sort(change.updates.begin(), change.updates.end(),
            [](const Update& a, const Update& b) { return a.amount > b.amount; });
  EXPECT_EQ(CheckRules(change, pointers, {}).rule, Rule::kNone);
  change.updates.back().amount = kMin;
  EXPECT_EQ(CheckRules(change, pointers, {}).rule, Rule::kUnbalanced);
  for (Update& update : change.updates) update.amount = kMin;  // sums to a multiple of 2^128
  EXPECT_EQ(CheckRules(change, pointers, {}).rule, Rule::kUnbalanced);
}

TEST(CheckRules, Balanced_EachAssetByItself) {
  const Policy eur = {"EUR", {}, {}, {}};
  const Policy usd = {"USD", {}, {}, {}};
  const std::vector<Head> heads = {WithPolicy(HeadAt(1), eur), WithPolicy(HeadAt(1), usd), WithPolicy(HeadAt(1), eur),
                                   HeadAt(1), HeadAt(0)};
  Change change("a");
  change.balanced = true;
  for (const char* key : {"a", "b", "c", "d", "e"}) change.AddUpdate(key).Add(0);
  const auto rule_of = [&](std::vector<Amount> amounts) {
    for (size_t i = 0; i < amounts.size(); ++i) change.updates[i].amount = amounts[i];
    return CheckRules(change, PointersTo(heads), {}).rule;
  };
  EXPECT_EQ(rule_of({5, 0, -5, 7, -7}), Rule::kNone);
  EXPECT_EQ(rule_of({5, -5, 0, 0, 0}), Rule::kUnbalanced) << "EUR against USD";
  EXPECT_EQ(rule_of({5, 0, 0, -5, 0}), Rule::kUnbalanced) << "EUR against no asset";
  EXPECT_EQ(rule_of({0, 1, 0, 0, 0}), Rule::kUnbalanced);
  change.balanced = false;
  EXPECT_EQ(rule_of({5, -5, 0, 0, 0}), Rule::kNone);
}

}  // namespace
}  // namespace semel::internal
