// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/effect.h"

#include <string>

#include "engine/rules/rules.h"
#include "gtest/gtest.h"
#include "tests/rules/fake_history.h"

namespace semel::internal {
namespace {

EntryRef RefAt(Lsn lsn) { return {MakeIdTag("id" + std::to_string(lsn), 0), {lsn, lsn}, lsn, lsn / 10}; }

Update On() {
  Update update;
  update.key = "k";
  return update;
}

// Applies `update` to `head` by the entry at `lsn`, and returns its effect.
Effect Apply(const Update& update, Lsn lsn, Head* head) {
  Effect effect = EffectOf(update, *head);
  EXPECT_TRUE(ApplyEffect(effect, RefAt(lsn), head).ok());
  return effect;
}

TEST(ApplyEffect, Add_MovesVersionBalanceLastAndChain) {
  Head head;
  Apply(On().Add(5), 10, &head);
  const Update update = On().Add(-7);  // the effect's key points into it
  const Effect effect = Apply(update, 20, &head);
  EXPECT_EQ(effect.key, "k");
  EXPECT_EQ(effect.version, 2u);
  EXPECT_EQ(effect.amount, -7);
  EXPECT_EQ(effect.balance, -2);
  EXPECT_EQ(effect.pointers, (ChainPointers{10}));
  EXPECT_EQ(head.version, 2u);
  EXPECT_EQ(head.balance, -2);
  EXPECT_EQ(head.last.lsn, 20u);
  EXPECT_EQ(head.last.sequence, 2u);
  EXPECT_EQ(head.last.id, MakeIdTag("id20", 0));
  EXPECT_EQ(head.chain.levels()[0], 20u);
  EXPECT_EQ(head.extras, nullptr) << "a plain account needs no extras";
}

TEST(ApplyEffect, Put_KeepsWhereTheValueWasSet) {
  Head head;
  const Effect put = Apply(On().Put("v1"), 10, &head);
  EXPECT_FALSE(put.value_lsn.has_value()) << "set by itself";
  EXPECT_EQ(head.Extras().value, "v1");
  const Effect add = Apply(On().Add(1), 20, &head);
  EXPECT_EQ(add.value_lsn, 10u);
  EXPECT_EQ(head.Extras().value, "v1");
  const Effect again = Apply(On().Put(""), 30, &head);
  EXPECT_FALSE(again.value_lsn.has_value());
  EXPECT_EQ(head.Extras().value, "");
  EXPECT_EQ(NextEffect(Table::kEntities, "k", head).value_lsn, 30u);
}

TEST(ApplyEffect, Delete_ClearsTheValueAndKeepsVersionPolicyAndStamp) {
  Head head;
  Apply(On().SetPolicy({"EUR", 0, {}, {}}), 10, &head);
  Apply(On().Newer(7).Put("v"), 20, &head);
  const Effect gone = Apply(On().Delete(), 30, &head);
  EXPECT_FALSE(gone.value_lsn.has_value());
  EXPECT_EQ(gone.policy_lsn, 10u);
  EXPECT_TRUE(head.deleted);
  EXPECT_EQ(head.version, 3u);
  EXPECT_FALSE(head.Extras().value.has_value());
  EXPECT_EQ(head.GetPolicy().asset, "EUR");
  ASSERT_TRUE(head.Extras().stamp.has_value());
  EXPECT_EQ(head.Extras().stamp->value, 7u);
  EXPECT_EQ(head.Extras().stamp->setter.lsn, 20u);

  Apply(On().SetPolicy({{}, -5, {}, {}}), 40, &head);
  EXPECT_TRUE(head.deleted) << "a policy does not re-create";
  Apply(On().Add(1), 50, &head);
  EXPECT_FALSE(head.deleted);
  EXPECT_FALSE(head.Extras().value.has_value()) << "an add brings no value back";
}

TEST(ApplyEffect, SetPolicy_CarriesTheWholePolicy) {
  Head head;
  Apply(On().SetPolicy({"EUR", -10, {}, {}}), 10, &head);
  const Effect effect = Apply(On().SetPolicy({{}, {}, 90, true}), 20, &head);
  const Policy whole = {"EUR", -10, 90, true};
  EXPECT_EQ(effect.policy, whole);
  EXPECT_FALSE(effect.policy_lsn.has_value());
  EXPECT_EQ(head.GetPolicy(), whole);
  EXPECT_EQ(NextEffect(Table::kEntities, "k", head).policy_lsn, 20u);
}

TEST(ApplyEffect, Newer_RemembersWhoSetTheStampAndWhatItMade) {
  Head head;
  Apply(On().Add(4), 10, &head);
  const Effect effect = Apply(On().Newer(3).Put("v"), 20, &head);
  EXPECT_EQ(effect.stamp, 3u);
  Apply(On().Put("w"), 30, &head);
  ASSERT_TRUE(head.Extras().stamp.has_value());
  EXPECT_EQ(head.Extras().stamp->value, 3u);
  EXPECT_EQ(head.Extras().stamp->setter.lsn, 20u);
  EXPECT_EQ(head.Extras().stamp->result.version, 2u);
  EXPECT_EQ(head.Extras().stamp->result.balance, 4);
}

TEST(ApplyEffect, Source_MovesTheCursor) {
  Head head;
  Effect effect = NextEffect(Table::kSources, "s", head);
  effect.position = 7;
  effect.incarnation = "i";
  effect.chained = true;
  ASSERT_TRUE(ApplyEffect(effect, RefAt(10), &head).ok());
  effect = NextEffect(Table::kSources, "s", head);
  effect.position = 9;
  effect.incarnation = "i";
  effect.chained = true;
  ASSERT_TRUE(ApplyEffect(effect, RefAt(20), &head).ok());
  EXPECT_EQ(head.version, 2u);
  EXPECT_EQ(head.last.lsn, 20u);
  ASSERT_TRUE(head.Extras().source.has_value());
  EXPECT_EQ(head.Extras().source->cursor, 9u);
  EXPECT_EQ(head.Extras().source->incarnation, "i");
  EXPECT_TRUE(head.Extras().source->chained);
}

TEST(ApplyEffect, AVersionThatIsNotTheNext_IsDataLossAndChangesNothing) {
  const Update update = On().Put("v");
  for (const uint64_t version : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{4}, ~uint64_t{0}}) {
    Head head = HeadAt(2, 5);
    Effect effect = EffectOf(update, head);
    effect.version = version;
    EXPECT_EQ(ApplyEffect(effect, RefAt(90), &head).code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(head.version, 2u);
    EXPECT_EQ(head.last.lsn, 200u);
    EXPECT_EQ(head.extras, nullptr);
  }
}

TEST(ApplyEffect, VersionsDoNotWrap) {
  Head head;
  head.version = ~uint64_t{0};
  Effect effect;
  effect.version = 0;
  EXPECT_EQ(ApplyEffect(effect, RefAt(10), &head).code(), absl::StatusCode::kDataLoss);
}

TEST(ApplyEffect, CopiesOfAHead_KeepWhatTheyHad) {
  Head head;
  Apply(On().Put("v1"), 10, &head);
  const Head copy = head;
  Apply(On().Newer(3).Put("v2"), 20, &head);
  EXPECT_EQ(copy.Extras().value, "v1");
  EXPECT_FALSE(copy.Extras().stamp.has_value());
  EXPECT_EQ(head.Extras().value, "v2");
}

TEST(ApplyEffect, ExtrasOfOneHeadOnly_AreChangedInPlace) {
  Head head;
  Apply(On().Put("v1"), 10, &head);
  const HeadExtras* const before = head.extras.get();
  Apply(On().Put("v2"), 20, &head);
  EXPECT_EQ(head.extras.get(), before);
  Head copy = head;
  Apply(On().Add(1), 30, &copy);
  EXPECT_EQ(copy.extras.get(), before) << "an add leaves the extras alone";
}

TEST(HeapBytes, CountWhatStandsOutsideOfTheHead) {
  Head head = HeadAt(1);
  EXPECT_EQ(HeapBytes(head), 0u);
  EXPECT_GT(HeapBytes(HeadAt(100)), 0u) << "levels that do not fit inside";
  Apply(On().Put(std::string(1000, 'x')), 10, &head);
  EXPECT_GE(HeapBytes(head), 1000u + sizeof(HeadExtras));
}

}  // namespace
}  // namespace semel::internal
