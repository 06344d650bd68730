// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R26 and R27 for windowed sources, and cursors that are set by hand.

#include <algorithm>
#include <numeric>

#include "tests/ledger/ledger_testing.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

class WindowTest : public LedgerTest {
 protected:
  static Change Message(uint64_t position, uint32_t window, Amount amount = 1) {
    Change change = AddFrom("m" + std::to_string(position), "s", position, "a", amount);
    change.source->window = window;
    return change;
  }
  SourceCursor Cursor() { return ledger_->GetSource("s")->value(); }
};

TEST_F(WindowTest, R27_RandomShufflesWithinTheWindow_ApplyEachOnce) {
  Random random(TestSeed());
  for (const uint32_t window : {1u, 2u, 7u, 64u, 4096u}) {
    const std::string name = "s" + std::to_string(window);
    constexpr uint64_t kMessages = 300;
    std::vector<bool> sent(kMessages + 1, false);
    uint64_t low = 0;
    uint64_t applied = 0;
    while (low < kMessages) {
      // Any position of the window, again and again.
      const uint64_t position = std::min<uint64_t>(kMessages, low + 1 + random.Below(std::min(window, 40u)));
      Change change = AddFrom(name + std::to_string(position), name, position, name, Amount(position));
      change.source->window = window;
      ASSERT_EQ(Say(change), sent[position] ? "DUPLICATE" : "APPLIED") << position;
      applied += !sent[position];
      sent[position] = true;
      while (low < kMessages && sent[low + 1]) ++low;
      if (random.OneIn(40)) Crash();
      if (random.OneIn(90)) Reopen();
    }
    EXPECT_EQ(applied, kMessages);
    EXPECT_EQ(Balance(name), Amount(kMessages * (kMessages + 1) / 2));
    const SourceCursor cursor = ledger_->GetSource(name)->value();
    EXPECT_EQ(cursor.position, kMessages);
    EXPECT_EQ(cursor.window, window);
    EXPECT_EQ(cursor.ahead, 0u);
  }
}

TEST_F(WindowTest, R27_BeyondTheWindowIsEarly_AndEarlyOnesBlockNothing) {
  EXPECT_EQ(Say(Message(5, 4)), "EARLY");
  EXPECT_EQ(Say(Message(4, 4)), "APPLIED");
  EXPECT_EQ(Cursor().position, 0u);
  EXPECT_EQ(Cursor().ahead, 1u);
  EXPECT_EQ(Say(Message(5, 4)), "EARLY");
  EXPECT_EQ(Say(Message(2, 4)), "APPLIED");
  EXPECT_EQ(Say(Message(1, 4)), "APPLIED");
  EXPECT_EQ(Cursor().position, 2u);
  EXPECT_EQ(Say(Message(6, 4)), "APPLIED");
  EXPECT_EQ(Say(Message(7, 4)), "EARLY");
  EXPECT_EQ(Say(Message(3, 4)), "APPLIED");
  EXPECT_EQ(Cursor().position, 4u);
  for (const uint64_t position : {1, 2, 3, 4, 6}) {
    const Outcome again = Do(Message(position, 4));
    EXPECT_EQ(again.code, OutcomeCode::kDuplicate);
    ASSERT_EQ(again.updates.size(), 1u) << "the original result";
  }
  EXPECT_EQ(Say(Message(3, 4, 99)), "ID_REUSED");
  EXPECT_EQ(Balance("a"), 5);
}

TEST_F(WindowTest, R27_ItsSizeIsConstant) {
  const auto bytes = [&] {
    EXPECT_TRUE(ledger_->Checkpoint().ok());
    return ledger_->GetStats()->state_bytes;
  };
  for (uint64_t position = 4096; position > 1; --position) {
    EXPECT_EQ(Say(Message(position, 4096)), "APPLIED");
  }
  const uint64_t full = bytes();
  EXPECT_EQ(Say(Message(1, 4096)), "APPLIED");
  for (uint64_t position = 4097; position < 12000; ++position) EXPECT_EQ(Say(Message(position, 4096)), "APPLIED");
  EXPECT_LE(bytes(), full + 64 * 1024);
  EXPECT_EQ(ledger_->GetStats()->sources, 1u);
}

TEST_F(WindowTest, R27_ARefusalInAWindow_KeepsItsVerdict_WhateverComesAround) {
  EXPECT_EQ(Say(Message(3, 8)), "APPLIED");
  Change bad = At(Change("bad"), "s", 2);
  bad.source->window = 8;
  EXPECT_EQ(Say(bad), "INVALID");
  EXPECT_EQ(Say(Message(1, 8)), "APPLIED");
  EXPECT_EQ(Cursor().position, 3u);
  EXPECT_EQ(Say(bad), "INVALID");
  EXPECT_EQ(ledger_->ListDeadLetters()->size(), 1u);
}

TEST_F(WindowTest, R26_AWindowThatChanges_OrAPrevious_OrPositionZero_ConsumesNothing) {
  EXPECT_EQ(Say(Message(1, 4)), "APPLIED");
  EXPECT_EQ(Say(Message(2, 8)), "INVALID");
  EXPECT_EQ(Say(Message(2, 0)), "INVALID");
  Change chained = Message(2, 4);
  chained.source->previous = 1;
  EXPECT_EQ(Say(chained), "INVALID");
  EXPECT_EQ(Say(Message(0, 4)), "INVALID");
  EXPECT_EQ(Say(Message(2, 5000)), "INVALID");
  EXPECT_EQ(Cursor().position, 1u);
  EXPECT_EQ(Say(Message(2, 4)), "APPLIED");
}

// ---- Set by hand.

SourceCursor CursorAt(std::string_view name, uint64_t position, std::string_view incarnation = "",
                      uint32_t window = 0) {
  SourceCursor cursor;
  cursor.name = std::string(name);
  cursor.position = position;
  cursor.incarnation = std::string(incarnation);
  cursor.window = window;
  return cursor;
}

TEST_F(WindowTest, SetSource_Forward_SkipsWhatLiesBetween_AndIsJournaled) {
  EXPECT_EQ(Say(AddFrom("x", "s", 1, "a", 1)), "APPLIED");
  ASSERT_TRUE(ledger_->SetSource(CursorAt("s", 10)).ok());
  EXPECT_EQ(Cursor().position, 10u);
  EXPECT_EQ(Say(AddFrom("y", "s", 5, "a", 1)), "INVALID");
  EXPECT_EQ(Say(AddFrom("z", "s", 10, "a", 1)), "INVALID");
  EXPECT_EQ(Say(AddFrom("x", "s", 1, "a", 1)), "DUPLICATE");
  EXPECT_EQ(Say(AddFrom("w", "s", 11, "a", 1)), "APPLIED");
  Crash();
  EXPECT_EQ(Cursor().position, 11u);
  EXPECT_EQ(Say(AddFrom("x", "s", 1, "a", 1)), "DUPLICATE");
  EXPECT_EQ(Say(AddFrom("z", "s", 10, "a", 1)), "INVALID");
  std::vector<std::string> reasons;
  ASSERT_TRUE(ledger_
                  ->ReadJournal(0,
                                [&](const JournalEntry& entry) {
                                  reasons.push_back(entry.reason);
                                  return true;
                                })
                  .ok());
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), "cursor of source s set to 10"), 1);
}

TEST_F(WindowTest, SetSource_Backward_IsRefused_UnlessPositionsStartAnew) {
  EXPECT_EQ(Say(AddFrom("x", "s", 7, "a", 1)), "APPLIED");
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->SetSource(CursorAt("s", 3))));
  EXPECT_EQ(Cursor().position, 7u);
  ASSERT_TRUE(ledger_->SetSource(CursorAt("s", 0, "second")).ok());
  Change change = AddFrom("y", "s", 7, "a", 1);
  change.source->incarnation = "second";
  EXPECT_EQ(Say(change), "APPLIED") << "position 7 of the new incarnation was never seen";
  EXPECT_EQ(Say(change), "DUPLICATE");
  EXPECT_EQ(Say(AddFrom("z", "s", 8, "a", 1)), "INVALID") << "the old incarnation";
  EXPECT_EQ(Balance("a"), 2);
}

TEST_F(WindowTest, SetSource_OfANewSource_AndOfAWindowedOne) {
  ASSERT_TRUE(ledger_->SetSource(CursorAt("new", 100)).ok());
  EXPECT_EQ(Say(AddFrom("x", "new", 100, "a", 1)), "INVALID");
  EXPECT_EQ(Say(AddFrom("y", "new", 101, "a", 1)), "APPLIED");
  EXPECT_EQ(Say(Message(3, 4)), "APPLIED");
  ASSERT_TRUE(ledger_->SetSource(CursorAt("s", 20, "", 4)).ok());
  EXPECT_EQ(Say(Message(22, 4)), "APPLIED");
  EXPECT_EQ(Say(Message(21, 4)), "APPLIED");
  EXPECT_EQ(Say(Message(22, 4)), "DUPLICATE");
  EXPECT_EQ(Say(Message(9, 4)), "INVALID");
  EXPECT_EQ(Cursor().position, 22u);
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->SetSource(CursorAt("", 1))));
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->SetSource(CursorAt("s", 30, "", 5000))));
}

}  // namespace
}  // namespace semel::testing
