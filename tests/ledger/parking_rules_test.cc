// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R38, R39 and what DESIGN says of parking: held durably, decided in order, one per id, bounded.

#include <algorithm>
#include <numeric>

#include "tests/ledger/ledger_testing.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

class ParkingTest : public LedgerTest {
 protected:
  void SetUp() override {
    options_.parking = true;
    options_.on_unparked = [this](const Change& change, const Outcome& outcome) {
      unparked_.push_back(change.id + " " + std::string(ToString(outcome.code)));
    };
    LedgerTest::SetUp();
  }

  std::vector<ParkedChange> Parked() {
    auto parked = ledger_->ListParked({0, 0, ""});
    EXPECT_TRUE(parked.ok()) << parked.status();
    return *parked;
  }
  std::vector<std::string> ParkedIds() {
    std::vector<std::string> ids;
    for (const ParkedChange& parked : Parked()) ids.push_back(parked.change.id);
    return ids;
  }
  std::vector<DeadLetter> Letters() {
    auto letters = ledger_->ListDeadLetters({0, 0, ""});
    EXPECT_TRUE(letters.ok()) << letters.status();
    return *letters;
  }

  std::vector<std::string> unparked_;
};

using Strings = std::vector<std::string>;

TEST_F(ParkingTest, R38_EveryPermutationOfOneUpstream_EndsInTheSameState_WithoutRedelivery) {
  std::vector<int> order = {0, 1, 2, 3, 4};
  int permutation = 0;
  do {
    const std::string key = "account/" + std::to_string(permutation++);
    for (int i : order) {
      const std::string outcome =
          Say(AddAt(key + "#" + std::to_string(i), key, static_cast<uint64_t>(i), Amount(1) << (4 * i)));
      EXPECT_TRUE(outcome == "APPLIED" || outcome == "PARKED") << outcome;
    }
    const Entity entity = Get(key);
    ASSERT_EQ(entity.version, 5u);
    ASSERT_EQ(entity.balance, 0x11111);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(permutation, 120);
  EXPECT_TRUE(Parked().empty());
}

TEST_F(ParkingTest, R38_SeveralEntitiesCascade_OldestFirst) {
  Change both("both");
  both.AddUpdate("a").ExpectVersion(1).Add(1);
  both.AddUpdate("b").ExpectVersion(1).Add(1);
  EXPECT_EQ(Say(both), "PARKED");
  EXPECT_EQ(Say(AddAt("b1", "b", 2, 10)), "PARKED");
  EXPECT_EQ(Say(AddAt("a0", "a", 0, 100)), "APPLIED");
  EXPECT_EQ(unparked_, Strings());
  EXPECT_EQ(Say(AddAt("b0", "b", 0, 1000)), "APPLIED");
  EXPECT_EQ(unparked_, Strings({"both APPLIED", "b1 APPLIED"}));
  EXPECT_EQ(Balance("a"), 101);
  EXPECT_EQ(Balance("b"), 1011);
}

TEST_F(ParkingTest, R39_ParkedChangesSurviveACrashAndAReopening_AndAreDecidedAfterIt) {
  EXPECT_EQ(Say(AddAt("third", "a", 2, 100)), "PARKED");
  EXPECT_EQ(Say(At(AddAt("second", "a", 1, 10), "stream", 7)), "PARKED");
  Crash();
  EXPECT_EQ(ParkedIds(), Strings({"third", "second"}));
  Reopen();
  ASSERT_EQ(Parked().size(), 2u);
  const ParkedChange parked = Parked()[1];
  ASSERT_EQ(parked.waits.size(), 1u);
  EXPECT_EQ(parked.waits[0].key, "a");
  EXPECT_EQ(parked.waits[0].version, 1u);
  EXPECT_EQ(parked.waits[0].present, 0u);
  EXPECT_GT(parked.parked_us, 0);
  EXPECT_EQ(ledger_->GetStats()->parked, 2u);
  EXPECT_GT(ledger_->GetStats()->parked_bytes, 0u);

  EXPECT_EQ(Say(AddAt("first", "a", 0, 1)), "APPLIED");
  EXPECT_EQ(unparked_, Strings({"second APPLIED", "third APPLIED"}));
  EXPECT_EQ(Balance("a"), 111);
  EXPECT_EQ(ledger_->GetStats()->parked, 0u);
  Crash();
  EXPECT_EQ(Balance("a"), 111);
  EXPECT_TRUE(Parked().empty());
}

TEST_F(ParkingTest, Redelivery_OfAParkedChange_IsParked_AndOnceDecided_CarriesTheOriginalResult) {
  const Change plain = AddAt("plain", "a", 1, 5);
  const Change sourced = At(AddAt("sourced", "a", 2, 7), "s", 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Say(plain), "PARKED");
    EXPECT_EQ(Say(sourced), "PARKED");
  }
  EXPECT_EQ(Parked().size(), 2u);
  EXPECT_EQ(Say(AddAt("first", "a", 0, 1)), "APPLIED");
  for (int i = 0; i < 2; ++i) {
    const Outcome again = Do(plain);
    EXPECT_EQ(again.code, OutcomeCode::kDuplicate);
    ASSERT_EQ(again.updates.size(), 1u);
    EXPECT_EQ(again.updates[0].version, 2u);
    EXPECT_EQ(again.updates[0].balance, 6);
    const Outcome by_position = Do(sourced);
    EXPECT_EQ(by_position.code, OutcomeCode::kDuplicate);
    ASSERT_EQ(by_position.updates.size(), 1u);
    EXPECT_EQ(by_position.updates[0].version, 3u);
    EXPECT_EQ(by_position.updates[0].balance, 13);
    EXPECT_EQ(by_position.sequence, again.sequence + 1);
    Fill("a", 3);
    Crash();
  }
}

TEST_F(ParkingTest, AnotherAttemptOfItsId_Applied_TakesTheParkedOneOutOfTheLot) {
  EXPECT_EQ(Say(At(AddAt("x", "a", 2, 5), "s", 1)), "PARKED");
  const Outcome lower = Do(AddAt("x", "a", 0, 5));
  EXPECT_EQ(lower.code, OutcomeCode::kApplied);
  EXPECT_TRUE(Parked().empty());
  Fill("a", 3);
  EXPECT_EQ(Balance("a"), 8) << "5 once";
  const Outcome again = Do(At(AddAt("x", "a", 2, 5), "s", 1));
  EXPECT_EQ(again.code, OutcomeCode::kDuplicate);
  EXPECT_EQ(again.sequence, lower.sequence);
}

TEST_F(ParkingTest, SameId_OtherContent_WhileParked_IsIdReused) {
  EXPECT_EQ(Say(AddAt("x", "a", 2, 5)), "PARKED");
  EXPECT_EQ(Say(AddAt("x", "a", 2, 6)), "ID_REUSED");
  EXPECT_EQ(Say(AddAt("x", "a", 0, 6)), "ID_REUSED");
  EXPECT_EQ(Version("a"), 0u);
}

TEST_F(ParkingTest, RefusedWhenItsTurnComes_BecomesADeadLetter_WithOrWithoutASource) {
  EXPECT_EQ(Say(AddAt("late", "a", 1, 5)), "PARKED");
  EXPECT_EQ(Say(At(AddAt("late too", "a", 1, 7), "s", 3)), "PARKED");
  EXPECT_EQ(Say(AddAt("first", "a", 0, 1)), "APPLIED");
  EXPECT_EQ(unparked_, Strings({"late APPLIED", "late too CONFLICT"}));
  ASSERT_EQ(Letters().size(), 1u);
  const DeadLetter letter = Letters()[0];
  EXPECT_EQ(letter.id, "late too");
  EXPECT_EQ(letter.outcome.code, OutcomeCode::kConflict);
  ASSERT_TRUE(letter.source.has_value());
  EXPECT_EQ(letter.source->position, 3u);
  ASSERT_TRUE(letter.change.has_value());
  EXPECT_EQ(ToProto(*letter.change), letter.original);
  EXPECT_EQ(Say(At(AddAt("late too", "a", 1, 7), "s", 3)), "CONFLICT");
  Crash();
  EXPECT_EQ(Say(At(AddAt("late too", "a", 1, 7), "s", 3)), "CONFLICT");
  EXPECT_EQ(Letters().size(), 1u);
}

// Deciding it again would look for its id where the history is gone.
TEST_F(ParkingTest, ACheckOfItsEntity_MovesNothing_AndLeavesItParked) {
  Fill("a", 2);
  Change waits("w");
  waits.AddUpdate("a").ExpectVersion(5).Since(0).Add(1);
  EXPECT_EQ(Say(waits), "PARKED");
  TrimOptions everything;
  everything.before_lsn = ledger_->GetStats()->durable_lsn;
  everything.seal = true;
  ASSERT_TRUE(ledger_->Trim(everything).ok());

  Change checks("c");
  checks.AddUpdate("a").ExpectVersion(2).Check();
  checks.AddUpdate("b").ExpectVersion(0).Add(1);
  EXPECT_EQ(Say(checks), "APPLIED");
  EXPECT_EQ(ParkedIds(), Strings{"w"});
  Fill("a", 1);
  EXPECT_EQ(unparked_, Strings{"w INDETERMINATE"});
}

TEST_F(ParkingTest, R39_Discarded_IsAConflictFromThenOn_AndADeadLetter) {
  const Change change = At(AddAt("x", "a", 1, 5), "s", 1);
  EXPECT_EQ(Say(change), "PARKED");
  const auto discarded = ledger_->DiscardParked(Parked()[0].sequence);
  ASSERT_TRUE(discarded.ok()) << discarded.status();
  EXPECT_EQ(discarded->code, OutcomeCode::kConflict);
  EXPECT_EQ(discarded->conflict, Conflict::kDiscarded);
  EXPECT_EQ(Say(change), "CONFLICT");
  EXPECT_EQ(Letters().size(), 1u);
  EXPECT_TRUE(absl::IsNotFound(ledger_->DiscardParked(12345).status()));
  Fill("a", 2);
  EXPECT_EQ(Balance("a"), 2);
}

TEST_F(ParkingTest, R39_BoundsHold_AndBeyondThemChangesAreEarly) {
  options_.parking_changes = 10;
  options_.parking_changes_per_entity = 4;
  Reopen();
  for (uint64_t i = 1; i <= 6; ++i) {
    EXPECT_EQ(Say(AddAt("a" + std::to_string(i), "a", i, 1)), i <= 4 ? "PARKED" : "EARLY") << i;
  }
  for (uint64_t i = 1; i <= 8; ++i) {
    const std::string key = "k" + std::to_string(i);
    EXPECT_EQ(Say(AddAt(key, key, 1, 1)), i <= 6 ? "PARKED" : "EARLY") << i;
  }
  EXPECT_EQ(Parked().size(), 10u);
  options_.parking_changes = 1000;
  options_.parking_bytes = 600;
  Reopen();
  EXPECT_EQ(Say(PutAt("large", "z", 1, std::string(600, 'x'))), "EARLY") << "bytes count";
  options_.parking_bytes = 1 << 20;
  options_.parking_bytes_per_entity = 500;
  Reopen();
  EXPECT_EQ(Say(PutAt("large", "z", 1, std::string(600, 'x'))), "EARLY");
  EXPECT_EQ(Say(PutAt("small", "z", 1, std::string(100, 'x'))), "PARKED");
}

TEST_F(ParkingTest, OneCallMaySayOtherwise) {
  EXPECT_EQ(ledger_->Apply(AddAt("x", "a", 1, 5), {false})->code, OutcomeCode::kEarly);
  options_.parking = false;
  Reopen();
  EXPECT_EQ(Say(AddAt("x", "a", 1, 5)), "EARLY");
  EXPECT_EQ(ledger_->Apply(AddAt("x", "a", 1, 5), {true})->code, OutcomeCode::kParked);
}

TEST_F(ParkingTest, AnUnparkedSource_GoesOn_WhereAnEarlyOneWouldBlockIt) {
  EXPECT_EQ(Say(At(AddAt("x", "a", 1, 5), "s", 1)), "PARKED");
  EXPECT_EQ(Say(At(AddAt("y", "b", 0, 5), "s", 2)), "APPLIED");
  EXPECT_EQ(ledger_->GetSource("s")->value().position, 2u);
}

// Random upstreams through a lot that is large enough: no redelivery is needed; with redelivery nothing changes.
TEST_F(ParkingTest, R38_RandomUpstreams_OverSeveralEntities_EndExact) {
  Random random(TestSeed());
  constexpr int kEntities = 8;
  constexpr int kChanges = 3000;
  std::vector<uint64_t> versions(kEntities, 0);
  std::vector<Amount> expected(kEntities, 0);
  std::vector<Change> changes;
  for (int i = 0; i < kChanges; ++i) {
    Change change("c" + std::to_string(i));
    const uint64_t first = random.Below(kEntities);
    const uint64_t count = 1 + random.Below(3);
    for (uint64_t j = 0; j < count; ++j) {
      const uint64_t entity = (first + j) % kEntities;
      const Amount amount = static_cast<Amount>(random.Below(1000)) - 500;
      change.AddUpdate("e" + std::to_string(entity)).ExpectVersion(versions[entity]++).Add(amount);
      expected[entity] += amount;
    }
    changes.push_back(std::move(change));
  }
  for (size_t i = 0; i < changes.size(); ++i) {  // each moves up to 100 places
    std::swap(changes[i], changes[std::min(changes.size() - 1, i + random.Below(100))]);
  }
  for (size_t i = 0; i < changes.size(); ++i) {
    const std::string outcome = Say(changes[i]);
    ASSERT_TRUE(outcome == "APPLIED" || outcome == "PARKED") << outcome;
    if (random.OneIn(10)) Do(changes[random.Below(i + 1)]);
    if (random.OneIn(500)) Crash();
  }
  for (int i = 0; i < kEntities; ++i) {
    EXPECT_EQ(Balance("e" + std::to_string(i)), expected[i]);
    EXPECT_EQ(Version("e" + std::to_string(i)), versions[i]);
  }
  EXPECT_TRUE(Parked().empty());
  for (const Change& change : changes) ASSERT_EQ(Say(change), "DUPLICATE");
}

}  // namespace
}  // namespace semel::testing
