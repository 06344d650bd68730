// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R23-R26: sources and their cursors.

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

class SourceRules : public LedgerTest {};

Change Message(uint64_t position) {
  return AddFrom("m" + std::to_string(position), "feed", position, "a", static_cast<int64_t>(position));
}

// A crash at every call of a run that consumes ten messages; then the stream is read again from every position up to
// the cursor, and on from the next.
TEST(SimulatedSourceRules, R23_CursorAndEffectsCommitTogether) {
  const uint64_t seed = TestSeed();
  constexpr uint64_t kMessages = 10;
  bool more = true;
  for (uint64_t call = 1; more; ++call) {
    SimDisk disk;
    disk.files.InjectFault(call, Fault::kCrash);
    uint64_t acknowledged = 0;
    if (auto ledger = OpenSim(&disk); ledger.ok()) {
      for (uint64_t p = 1; p <= kMessages; ++p) {
        auto outcome = (*ledger)->Apply(Message(p));
        if (!outcome.ok()) break;
        ASSERT_TRUE(outcome->applied());
        acknowledged = p;
      }
    }
    more = disk.files.crashed();
    disk.files.Crash(seed + call);

    auto ledger = OpenSim(&disk);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    const auto cursor = *(*ledger)->GetSource("feed");
    const uint64_t consumed = cursor.has_value() ? cursor->position : 0;
    EXPECT_GE(consumed, acknowledged) << "crash in call " << call;
    EXPECT_EQ((*ledger)->Get("a")->balance, Amount(consumed * (consumed + 1) / 2)) << "crash in call " << call;
    for (uint64_t from = 1; from <= consumed; ++from) {
      for (uint64_t p = from; p <= consumed; ++p) {
        ASSERT_EQ((*ledger)->Apply(Message(p))->code, OutcomeCode::kDuplicate);
      }
    }
    for (uint64_t p = consumed + 1; p <= kMessages; ++p) ASSERT_TRUE((*ledger)->Apply(Message(p))->applied());
    EXPECT_EQ((*ledger)->Get("a")->balance, Amount(kMessages * (kMessages + 1) / 2));
  }
}

TEST_F(SourceRules, R24_BatchHalfOldHalfNewIsJudgedChangeByChange) {
  for (uint64_t p = 1; p <= 5; ++p) EXPECT_EQ(Say(Message(p)), "APPLIED");
  std::vector<Change> batch;
  for (uint64_t p = 1; p <= 10; ++p) batch.push_back(Message(p));
  auto outcomes = ledger_->ApplyBatch(batch);
  ASSERT_TRUE(outcomes.ok());
  for (uint64_t p = 1; p <= 10; ++p) {
    EXPECT_EQ(ToString((*outcomes)[p - 1].code), p <= 5 ? "DUPLICATE" : "APPLIED") << p;
    ASSERT_EQ((*outcomes)[p - 1].updates.size(), 1u);
    EXPECT_EQ((*outcomes)[p - 1].updates[0].balance, Amount(p * (p + 1) / 2)) << p;  // the original result
  }
  EXPECT_EQ(Balance("a"), 55);
}

TEST_F(SourceRules, R24_OnePositionWithTwoContentsIsIdReusedNeverASecondEffect) {
  EXPECT_EQ(Say(AddFrom("x", "feed", 1, "a", 5)), "APPLIED");
  for (uint64_t p = 2; p <= 300; ++p) Do(Message(p));
  const Amount balance = Balance("a");
  EXPECT_EQ(Say(AddFrom("x", "feed", 1, "a", 6)), "ID_REUSED");
  EXPECT_EQ(Say(AddFrom("y", "feed", 1, "a", 5)), "ID_REUSED");
  EXPECT_EQ(Say(AddFrom("x", "feed", 1, "a", 5)), "DUPLICATE");
  Crash();
  EXPECT_EQ(Say(AddFrom("y", "feed", 1, "a", 5)), "ID_REUSED");
  EXPECT_EQ(Say(AddFrom("x", "feed", 1, "a", 5)), "DUPLICATE");
  EXPECT_EQ(Balance("a"), balance);
}

TEST_F(SourceRules, R25_TwoConsumersOfOnePartitionApplyEachMessageOnce) {
  constexpr uint64_t kMessages = 400;
  auto consume = [this](uint64_t batch_size) {
    for (uint64_t p = 1; p <= kMessages;) {
      std::vector<Change> batch;
      for (; p <= kMessages && batch.size() < batch_size; ++p) batch.push_back(Message(p));
      auto outcomes = ledger_->ApplyBatch(batch);
      ASSERT_TRUE(outcomes.ok());
      for (const Outcome& outcome : *outcomes) {
        EXPECT_TRUE(outcome.applied() || outcome.code == OutcomeCode::kDuplicate) << outcome.reason;
      }
    }
  };
  std::thread zombie([&] { consume(3); });
  std::thread owner([&] { consume(7); });
  zombie.join();
  owner.join();
  EXPECT_EQ(Balance("a"), Amount(kMessages * (kMessages + 1) / 2));
  EXPECT_EQ(Version("a"), kMessages);
  EXPECT_EQ((*ledger_->GetSource("feed"))->consumed, kMessages);
}

TEST_F(SourceRules, R26_ChangedOrOmittedIncarnationIsRefusedAndConsumesNothing) {
  auto message = [](uint64_t position, std::string_view incarnation) {
    Change change = Message(position);
    change.source->incarnation = std::string(incarnation);
    return change;
  };
  EXPECT_EQ(Say(message(1, "i1")), "APPLIED");
  EXPECT_EQ(Say(message(9, "i2")), "INVALID");
  EXPECT_EQ(Say(message(1, "i2")), "INVALID");
  EXPECT_EQ(Say(message(2, "")), "INVALID");
  EXPECT_EQ((*ledger_->GetSource("feed"))->position, 1u);
  EXPECT_EQ(Say(message(2, "i1")), "APPLIED");
  Crash();
  EXPECT_EQ(Say(message(3, "i2")), "INVALID");
  EXPECT_EQ(Say(message(3, "i1")), "APPLIED");
}

// docs/decisions/0017
TEST_F(SourceRules, R26_MalformedPositionSaysNothingOfItsStream) {
  Change malformed = AddFrom("x", "feed", 0, "a", 1);
  malformed.source->incarnation = "other";
  malformed.source->window = 8;  // positions of a window begin at 1
  EXPECT_EQ(Say(malformed), "INVALID");
  EXPECT_EQ(Say(AddFrom("y", "feed", 1, "a", 2)), "APPLIED");
  EXPECT_EQ(Balance("a"), 2);
}

TEST_F(SourceRules, R26_WrongPreviousConsumesNothingAndAGapIsEarly) {
  auto chained = [](uint64_t position, uint64_t previous) {
    Change change = Message(position);
    change.source->previous = previous;
    return change;
  };
  EXPECT_EQ(Say(chained(10, 0)), "APPLIED");
  EXPECT_EQ(Say(chained(30, 20)), "EARLY");
  EXPECT_EQ(Say(chained(20, 5)), "INVALID");
  EXPECT_EQ(Say(chained(20, 20)), "INVALID");
  EXPECT_EQ(Say(Message(20)), "INVALID");  // a chained stream names the previous one
  EXPECT_EQ(Say(chained(20, 10)), "APPLIED");
  EXPECT_EQ(Say(chained(30, 20)), "APPLIED");
  EXPECT_EQ(Balance("a"), 60);
}

TEST_F(SourceRules, R26_SkippedPositionIsNotADuplicate) {
  EXPECT_EQ(Say(Message(1)), "APPLIED");
  EXPECT_EQ(Say(Message(3)), "APPLIED");
  const Outcome skipped = Do(Message(2));
  EXPECT_EQ(skipped.code, OutcomeCode::kInvalid);
  EXPECT_NE(skipped.reason, "");
  EXPECT_EQ(Balance("a"), 4);
}

TEST_F(SourceRules, R21_RefusalConsumesThePositionAndKeepsItsVerdict) {
  Policy policy;
  policy.min_balance = 0;
  EXPECT_EQ(Say(PolicyAt("P", "a", 0, policy)), "APPLIED");
  const Change overdraft = AddFrom("x", "feed", 1, "a", -5);
  const Outcome first = Do(overdraft);
  EXPECT_EQ(first.code, OutcomeCode::kRejected);
  EXPECT_EQ(Say(AddFrom("y", "feed", 2, "a", 100)), "APPLIED");  // funds arrive
  for (int i = 0; i < 2; ++i) {
    const Outcome again = Do(overdraft);
    EXPECT_EQ(again.code, OutcomeCode::kRejected);
    EXPECT_EQ(again.rule, Rule::kBalanceLimit);
    EXPECT_EQ(again.reason, first.reason);
    EXPECT_EQ(again.sequence, first.sequence);
    Crash();
  }
  EXPECT_EQ(Balance("a"), 100);
}

// An early message holds up those behind it, in whichever batch they come.
TEST_F(SourceRules, EarlyPositionIsNeverJumpedOver) {
  const Change early = At(AddAt("x", "a", 1, 5), "feed", 1);
  EXPECT_EQ(Say(early), "EARLY");
  EXPECT_EQ(Say(At(AddAt("y", "b", 0, 5), "feed", 2)), "EARLY");
  EXPECT_EQ(Version("b"), 0u);
  EXPECT_EQ(Say(AddAt("z", "a", 0, 1)), "APPLIED");
  EXPECT_EQ(Say(early), "APPLIED");
  EXPECT_EQ(Say(At(AddAt("y", "b", 0, 5), "feed", 2)), "APPLIED");
}

}  // namespace
}  // namespace semel::testing
