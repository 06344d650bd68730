// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/validate.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semel::internal {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Change Anchored(const std::string& id = "a") {
  Change change(id);
  change.AddUpdate("anchor").ExpectVersion(0).Put("");
  return change;
}

SourcePosition Source() {
  SourcePosition source;
  source.name = "s";
  source.position = 1;
  return source;
}

// One update, alone in a change, with whether that is valid.
struct Case {
  const char* says;
  bool valid;
  Update update;
};

Update On(const std::string& key = "k") {
  Update update;
  update.key = key;
  return update;
}

TEST(WhyInvalid, R15_EachCombinationOfPreconditionAndAction) {
  const std::vector<Case> cases = {
      {"a version with each advancing action", true, On().ExpectVersion(1).Add(1)},
      {"", true, On().ExpectVersion(1).Put("")},
      {"", true, On().ExpectVersion(1).Delete()},
      {"", true, On().ExpectVersion(1).SetPolicy({})},
      {"a version beside since", true, On().ExpectVersion(3).Since(3).Put("")},
      {"since above it", false, On().ExpectVersion(3).Since(4).Put("")},
      {"since alone with add", true, On().Since(3).Add(1)},
      {"since alone with anything else", false, On().Since(3).Put("")},
      {"", false, On().Since(3).Delete()},
      {"", false, On().Since(3).SetPolicy({})},
      {"a balance with any advancing action", true, On().ExpectBalance(0).Add(1)},
      {"", true, On().ExpectBalance(0).Delete()},
      {"a balance beside since, with add", true, On().ExpectBalance(0).Since(0).Add(1)},
      {"a balance beside since, with anything else", false, On().ExpectBalance(0).Since(0).Put("")},
      {"newer with put and delete", true, On().Newer(1).Put("")},
      {"", true, On().Newer(1).Delete()},
      {"newer with anything else", false, On().Newer(1).Add(1)},
      {"", false, On().Newer(1).SetPolicy({})},
      {"", false, On().Newer(1).Check()},
      {"newer beside since", false, On().Newer(1).Since(0).Put("")},
      {"two preconditions", false, On().ExpectVersion(1).ExpectBalance(1).Add(1)},
      {"", false, On().ExpectVersion(1).Newer(1).Put("")},
      {"", false, On().ExpectBalance(1).Newer(1).Put("")},
      {"no anchor", false, On().Add(1)},
      {"a check alone", false, On().ExpectVersion(1).Check()},
      {"no action", false, On().ExpectVersion(1)}};
  for (const Case& c : cases) {
    Change change("a");
    change.updates = {c.update};
    EXPECT_EQ(WhyInvalid(change).empty(), c.valid) << c.says << ": " << WhyInvalid(change);
  }
}

TEST(WhyInvalid, R15_ChecksBesideAnAnchor) {
  const std::vector<Case> cases = {{"of a version", true, On().ExpectVersion(1).Check()},
                                   {"of a balance", true, On().ExpectBalance(1).Check()},
                                   {"of nothing", false, On().Check()},
                                   {"of what newer says", false, On().Newer(1).Check()},
                                   {"with since", false, On().ExpectVersion(1).Since(0).Check()},
                                   {"with since and a balance", false, On().ExpectBalance(1).Since(0).Check()}};
  for (const Case& c : cases) {
    Change change = Anchored();
    change.updates.push_back(c.update);
    EXPECT_EQ(WhyInvalid(change).empty(), c.valid) << c.says << ": " << WhyInvalid(change);
  }
}

TEST(WhyInvalid, R15_TheAnchoringRule) {
  Change stamped("a");
  stamped.AddUpdate("k").Newer(1).Put("");
  stamped.AddUpdate("l").Newer(1).Put("");
  EXPECT_THAT(WhyInvalid(stamped), IsEmpty());
  stamped.AddUpdate("m").Add(1);
  EXPECT_THAT(WhyInvalid(stamped), HasSubstr("newer")) << "newer guards only itself";
  stamped.source = Source();
  EXPECT_THAT(WhyInvalid(stamped), HasSubstr("newer")) << "also with a source";
  stamped.AddUpdate("n").Since(0).Add(1);
  EXPECT_THAT(WhyInvalid(stamped), IsEmpty());

  Change bare("a");
  bare.AddUpdate("k").Add(1);
  EXPECT_THAT(WhyInvalid(bare), HasSubstr("not anchored"));
  bare.source = Source();
  EXPECT_THAT(WhyInvalid(bare), IsEmpty());
  bare.id.clear();
  EXPECT_THAT(WhyInvalid(bare), IsEmpty());

  Change checked("a");
  checked.AddUpdate("k").ExpectVersion(1).Check();
  checked.AddUpdate("l").Add(1);
  EXPECT_THAT(WhyInvalid(checked), HasSubstr("not anchored")) << "a check never anchors";
  EXPECT_THAT(WhyInvalid(Anchored("")), HasSubstr("neither id nor source"));
}

TEST(WhyInvalid, R10_AKeyTwice_IsNamed) {
  Change change("a");
  for (int i = 0; i < 20; ++i) change.AddUpdate("k" + std::to_string(i)).ExpectVersion(0).Put("");
  EXPECT_THAT(WhyInvalid(change), IsEmpty());
  change.AddUpdate("k7").ExpectVersion(3).Check();
  EXPECT_THAT(WhyInvalid(change), HasSubstr("k7: the key stands twice"));
}

TEST(WhyInvalid, EachLimit_MinusOneAtAndAbove) {
  const auto expect = [](bool valid, const Change& change, const char* what) {
    EXPECT_EQ(WhyInvalid(change).empty(), valid) << what << ": " << WhyInvalid(change);
  };
  for (const int beyond : {-1, 0, 1}) {
    const auto sized = [&](size_t limit) { return std::string(limit + static_cast<size_t>(beyond), 'x'); };
    const bool valid = beyond <= 0;
    Change change = Anchored(sized(kMaxIdBytes));
    expect(valid, change, "id");
    change = Anchored();
    change.updates[0].key = sized(kMaxKeyBytes);
    expect(valid, change, "key");
    change = Anchored();
    change.updates[0].value = sized(kMaxValueBytes);
    expect(valid, change, "value");
    change = Anchored();
    change.AddUpdate("k").Add(1, sized(kMaxAssetBytes));
    expect(valid, change, "asset of an add");
    change = Anchored();
    change.AddUpdate("k").SetPolicy({sized(kMaxAssetBytes), {}, {}, {}});
    expect(valid, change, "asset of a policy");
    change = Anchored();
    while (change.updates.size() < kMaxUpdatesPerChange + static_cast<size_t>(beyond)) {
      change.AddUpdate("k" + std::to_string(change.updates.size())).Add(1);
    }
    expect(valid, change, "updates");
    change = Anchored();
    const size_t others = change.id.size() + change.updates[0].key.size() + 4;
    for (const char* key : {"a", "b", "c", "d"}) change.AddUpdate(key).Put(std::string(kMaxValueBytes, 'x'));
    change.updates.back().value.resize(kMaxValueBytes - others + static_cast<size_t>(beyond));
    expect(valid, change, "all together");
  }
}

TEST(WhyInvalid, EmptyParts_AreNamed) {
  EXPECT_THAT(WhyInvalid(Change("a")), HasSubstr("no updates"));
  Change change = Anchored();
  change.AddUpdate("").Add(1);
  EXPECT_THAT(WhyInvalid(change), HasSubstr("update 1"));
  change = Anchored();
  change.AddUpdate("k").SetPolicy({"", {}, {}, {}});
  EXPECT_THAT(WhyInvalid(change), HasSubstr("asset"));
  change = Anchored();
  change.updates[0].action = static_cast<Action>(77);
  EXPECT_THAT(WhyInvalid(change), HasSubstr("no action"));
}

TEST(WhyInvalid, OperandsOfOtherActions_AreIgnored) {
  Change change = Anchored();
  change.AddUpdate("k").Add(1);
  change.updates[1].value = std::string(kMaxChangeBytes, 'x');
  change.updates[1].policy.asset = "";
  change.updates[0].asset = std::string(kMaxAssetBytes + 1, 'x');
  EXPECT_THAT(WhyInvalid(change), IsEmpty());
}

TEST(WhyInvalid, UnprintableKeys_AreEscapedAndCut) {
  Change change("a");
  change.AddUpdate("a\nb\x01").Add(1).Newer(1);
  EXPECT_THAT(WhyInvalid(change), HasSubstr("a\\nb\\x01: "));
  change.updates[0].key = std::string(kMaxKeyBytes, '\xff');
  EXPECT_LT(WhyInvalid(change).size(), 300u);
}

TEST(WhySourceMalformed, EachFault) {
  EXPECT_THAT(WhySourceMalformed(Source()), IsEmpty());
  SourcePosition source = Source();
  source.name.clear();
  EXPECT_THAT(WhySourceMalformed(source), Not(IsEmpty()));
  source = Source();
  source.window = kMaxSourceWindow;
  source.position = 1;
  source.previous.reset();
  EXPECT_THAT(WhySourceMalformed(source), IsEmpty());
  ++source.window;
  EXPECT_THAT(WhySourceMalformed(source), HasSubstr("above the limit of 4096"));
  source.window = 1;
  source.position = 0;
  EXPECT_THAT(WhySourceMalformed(source), HasSubstr("begin at 1"));
  source.position = 2;
  source.previous = 1;
  EXPECT_THAT(WhySourceMalformed(source), HasSubstr("name no previous one"));
  for (const int beyond : {-1, 0, 1}) {
    source = Source();
    source.name = std::string(kMaxSourceNameBytes + static_cast<size_t>(beyond), 'x');
    EXPECT_EQ(WhySourceMalformed(source).empty(), beyond <= 0);
    source = Source();
    source.incarnation = std::string(kMaxIncarnationBytes + static_cast<size_t>(beyond), 'x');
    EXPECT_EQ(WhySourceMalformed(source).empty(), beyond <= 0);
    source = Source();
    source.position = 5;
    source.previous = static_cast<uint64_t>(5 + beyond);
    EXPECT_EQ(WhySourceMalformed(source).empty(), beyond < 0);
  }
  source = Source();
  source.position = ~uint64_t{0};
  source.previous = 0;
  EXPECT_THAT(WhySourceMalformed(source), IsEmpty());
}

}  // namespace
}  // namespace semel::internal
