// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/identity.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace semel::internal {
namespace {

std::string Hex(const IdTag& tag) { return absl::BytesToHexString(absl::string_view(tag.bytes, sizeof tag.bytes)); }

Change Sourced(const std::string& id) {
  Change change(id);
  change.source.emplace();
  change.source->name = "orders-3";
  change.source->incarnation = "inc";
  change.source->position = 77;
  return change;
}

TEST(MakeIdTag, ShortIds_AreKeptAsTheyAre) {
  const IdTag tag = MakeIdTag("T-1", 42);
  EXPECT_EQ(tag.kind, 3);
  EXPECT_EQ(Hex(tag), "542d3100000000000000000000000000");
  EXPECT_EQ(tag, MakeIdTag("T-1", 43));
  EXPECT_EQ(MakeIdTag("0123456789abcdef", 42).kind, 16);
  EXPECT_EQ(MakeIdTag("", 42).kind, 0);
  EXPECT_NE(MakeIdTag("T", 0), MakeIdTag(std::string_view("T\0", 2), 0));
}

TEST(MakeIdTag, R04_LongIdsHaveTheHashOfTheGoldenVectors) {
  const IdTag tag = MakeIdTag("0123456789abcdefg", 42);
  EXPECT_EQ(tag.kind, IdTag::kLong);
  EXPECT_EQ(Hex(tag), "a321062564470b7f71729db2c9535169");
  EXPECT_NE(tag, MakeIdTag("0123456789abcdefg", 43)) << "the ledger's seed counts";
  EXPECT_NE(tag, MakeIdTag("0123456789abcdefh", 42));
}

TEST(MakePositionTag, R04_PositionsHaveTheHashOfTheGoldenVectors) {
  const IdTag tag = MakePositionTag("orders-3", "inc", 77, 42);
  EXPECT_EQ(tag.kind, IdTag::kPosition);
  EXPECT_EQ(Hex(tag), "d41440d99e3e6a2cdf7435a00b2a7235");
}

TEST(MakePositionTag, EveryPart_Counts) {
  const std::vector<IdTag> tags = {MakePositionTag("s", "i", 1, 0), MakePositionTag("s", "i", 2, 0),
                                   MakePositionTag("s", "j", 1, 0), MakePositionTag("t", "i", 1, 0),
                                   MakePositionTag("si", "", 1, 0), MakePositionTag("", "si", 1, 0),
                                   MakePositionTag("s", "i", 1, 1)};
  for (size_t a = 0; a < tags.size(); ++a) {
    for (size_t b = 0; b < a; ++b) EXPECT_NE(tags[a], tags[b]) << a << " " << b;
  }
}

TEST(IdTagOf, TheIdCountsFirst_ThenThePosition) {
  EXPECT_EQ(IdTagOf(Sourced("T-1"), 42), MakeIdTag("T-1", 42));
  EXPECT_EQ(IdTagOf(Sourced(""), 42), MakePositionTag("orders-3", "inc", 77, 42));
  EXPECT_EQ(IdTagOf(Change(), 42).kind, 0);
}

TEST(IdTagOf, AnIdThatSpellsThePositionsHash_IsAnotherIdentity) {
  const IdTag position = MakePositionTag("orders-3", "inc", 77, 42);
  EXPECT_NE(MakeIdTag(std::string_view(position.bytes, sizeof position.bytes), 42), position);
}

}  // namespace
}  // namespace semel::internal
