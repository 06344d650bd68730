// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/classify.h"

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rules/fake_history.h"

namespace {
thread_local int allocations = 0;
}  // namespace

// Counted, so that a test can show what allocates nothing.
void* operator new(size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace semel::internal {
namespace {

using ::testing::HasSubstr;

const Fingerprint kSomething{5, 5};

Identity IdentityFor(const Change& change) { return IdentityOf(change, 0); }

Decision Decide(const Change& change, const std::vector<Head>& heads) {
  NoHistory history;
  const absl::StatusOr<Decision> decision = Classify(change, IdentityFor(change), PointersTo(heads), {}, history);
  EXPECT_TRUE(decision.ok()) << decision.status();
  return decision.ok() ? *decision : Decision();
}

std::string ReasonOf(const Change& change, const std::vector<Head>& heads) {
  return Explain(Decide(change, heads), change, PointersTo(heads));
}

// A transfer whose first leg finds its own entry at LSN 100, while the second leg's head is at version 0.
struct TornTransfer {
  TornTransfer() {
    change.AddUpdate("a").ExpectVersion(0).Add(-5);
    change.AddUpdate("b").ExpectVersion(0).Add(5);
    heads = {HeadAt(1), HeadAt(0)};
    heads[0].last.id = IdentityFor(change).id;
    heads[0].last.fingerprint = IdentityFor(change).fingerprint;
  }
  absl::StatusOr<Decision> Classify() {
    return internal::Classify(change, IdentityFor(change), PointersTo(heads), {}, history);
  }
  Change change{"T"};
  std::vector<Head> heads;
  FakeHistory history;
};

TEST(Classify, TheEntryMovedAnEntityWhoseHeadDeniesIt_IsDataLoss) {
  TornTransfer torn;
  torn.history.given[{100, 1}] = 1;
  EXPECT_EQ(torn.Classify().status().code(), absl::StatusCode::kDataLoss);
}

TEST(Classify, TheEntryDidNotMoveTheOtherEntity_IsADuplicate) {
  TornTransfer torn;
  ASSERT_TRUE(torn.Classify().ok());
  EXPECT_EQ(torn.Classify()->code, OutcomeCode::kDuplicate);
}

TEST(Classify, OtherContentUnderTheSameId_AccusesNobody) {
  TornTransfer torn;
  torn.history.given[{100, 1}] = 1;
  torn.heads[0].last.fingerprint = kSomething;
  ASSERT_TRUE(torn.Classify().ok());
  EXPECT_EQ(torn.Classify()->code, OutcomeCode::kIdReused);
}

TEST(Classify, EvidenceThatIsNotExact_AccusesNobody) {
  TornTransfer torn;
  torn.history.given[{100, 1}] = 1;
  torn.change.updates[0].ExpectVersion(1);  // re-based: found as the newest entry
  ASSERT_TRUE(torn.Classify().ok());
  EXPECT_EQ(torn.Classify()->code, OutcomeCode::kDuplicate);
}

TEST(Classify, RulesAreAskedLast) {
  Change change("a");
  change.AddUpdate("k").ExpectVersion(1).Add(-500);
  const Head limited = WithPolicy(HeadAt(1, 100), {{}, 0, {}, {}});
  const Decision rejected = Decide(change, {limited});
  EXPECT_EQ(rejected.code, OutcomeCode::kRejected);
  EXPECT_EQ(rejected.rule, Rule::kBalanceLimit);
  Head mine = limited;
  mine.last.id = IdentityFor(change).id;
  mine.last.fingerprint = IdentityFor(change).fingerprint;
  EXPECT_EQ(Decide(change, {mine}).code, OutcomeCode::kDuplicate);
  change.updates[0].ExpectVersion(2);
  EXPECT_EQ(Decide(change, {limited}).code, OutcomeCode::kEarly);
}

TEST(Classify, CurrentVersions_AllocateNothingAndAskNothing) {
  Change change("payment-1");
  change.balanced = true;
  change.AddUpdate("account/alice").ExpectVersion(1000).Add(-5);
  change.AddUpdate("account/bob").Add(5);
  const std::vector<Head> heads = {HeadAt(1000, 10), HeadAt(70)};
  const std::vector<const Head*> pointers = PointersTo(heads);
  NoHistory history;
  ASSERT_TRUE(Classify(change, IdentityFor(change), pointers, {}, history).ok());  // statics are made at first use
  const int before = allocations;
  const Identity identity = IdentityFor(change);
  const absl::StatusOr<Decision> decision = Classify(change, identity, pointers, {}, history);
  EXPECT_EQ(allocations, before);
  ASSERT_TRUE(decision.ok());
  EXPECT_EQ(decision->code, OutcomeCode::kApplied);
}

TEST(Explain, EachKindOfOutcome_NamesTheEntityAndWhatIsThere) {
  const auto with = [](const std::string& key, auto set) {
    Change change("me");
    set(change.AddUpdate(key));
    return change;
  };
  const auto expect = [&](const std::string& reason, const Head& head, auto set) {
    EXPECT_EQ(ReasonOf(with("account/alice", set), {head}), reason);
  };
  Head taken = HeadAt(6);
  expect("account/alice is at version 6, 5 was expected: taken by another change", taken,
         [](Update& u) { u.ExpectVersion(5).Add(1); });
  expect("account/alice is at version 6, 9 was expected: it has not arrived yet", taken,
         [](Update& u) { u.ExpectVersion(9).Add(1); });
  expect("account/alice: balance 100 - 500 would fall below min_balance 0", WithPolicy(HeadAt(1, 100), {{}, 0, {}, {}}),
         [](Update& u) { u.ExpectVersion(1).Add(-500); });
  expect("account/alice: balance 100 + 500 would rise above max_balance 200",
         WithPolicy(HeadAt(1, 100), {{}, {}, 200, {}}), [](Update& u) { u.ExpectVersion(1).Add(500); });
  expect("account/alice has balance 100, 7 was expected", HeadAt(1, 100), [](Update& u) { u.ExpectBalance(7).Add(1); });
  expect("account/alice is closed", WithPolicy(HeadAt(1), {{}, {}, {}, true}),
         [](Update& u) { u.ExpectVersion(1).Add(1); });
  expect("", HeadAt(1), [](Update& u) { u.ExpectVersion(1).Add(1); });
}

TEST(Explain, Duplicates_NameTheEntry) {
  Change change("me");
  change.AddUpdate("k").ExpectVersion(1).Add(1);
  Head head = HeadAt(2);
  head.last.id = IdentityFor(change).id;
  EXPECT_THAT(ReasonOf(change, {head}), HasSubstr("entry 2"));
  head.last.fingerprint = IdentityFor(change).fingerprint;
  EXPECT_EQ(ReasonOf(change, {head}), "applied before, as entry 2");
}

TEST(Explain, EveryDecision_SaysSomethingAndNoValue) {
  Change change("me");
  change.AddUpdate("k").ExpectVersion(1).Put("secret");
  const Head head = HeadAt(1);
  const Head* const heads[] = {&head};
  Decision decision;
  for (int code = static_cast<int>(OutcomeCode::kDuplicate); code < kOutcomeCodeCount; ++code) {
    decision.code = static_cast<OutcomeCode>(code);
    for (int rule = 0; rule <= static_cast<int>(Rule::kUnbalanced); ++rule) {
      decision.rule = static_cast<Rule>(rule);
      for (int conflict = 0; conflict <= static_cast<int>(Conflict::kPartlySuperseded); ++conflict) {
        decision.conflict = static_cast<Conflict>(conflict);
        const std::string reason = Explain(decision, change, heads);
        EXPECT_FALSE(reason.empty());
        EXPECT_EQ(reason.find("secret"), std::string::npos);
      }
    }
  }
}

TEST(ToString, EveryNumber_HasANameOfItsOwn) {
  std::vector<std::string> names;
  for (int i = 0; i < kOutcomeCodeCount; ++i) names.emplace_back(semel::ToString(static_cast<OutcomeCode>(i)));
  EXPECT_EQ(names[1], "APPLIED");
  EXPECT_EQ(names[9], "INDETERMINATE");
  for (int i = 1; i <= static_cast<int>(Rule::kUnbalanced); ++i) {
    names.emplace_back(semel::ToString(static_cast<Rule>(i)));
  }
  for (int i = 1; i <= static_cast<int>(Conflict::kPartlySuperseded); ++i) {
    names.emplace_back(semel::ToString(static_cast<Conflict>(i)));
  }
  for (size_t a = 0; a < names.size(); ++a) {
    for (size_t b = 0; b < a; ++b) EXPECT_NE(names[a], names[b]);
  }
  EXPECT_EQ(semel::ToString(static_cast<OutcomeCode>(200)), "UNKNOWN");
  EXPECT_EQ(semel::ToString(static_cast<Rule>(200)), "unknown");
  EXPECT_EQ(semel::ToString(static_cast<Conflict>(200)), "unknown");
}

}  // namespace
}  // namespace semel::internal
