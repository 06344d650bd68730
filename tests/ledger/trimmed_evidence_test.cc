// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R08, R14, R16, R17, R21, R24, R28, R36 after everything was trimmed: what heads, cursors and verdicts of
// positions still answer, and that the rest fails closed.

#include "tests/ledger/ledger_testing.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

class TrimmedEvidence : public LedgerTest {
 protected:
  void SetUp() override {
    options_.segment_bytes = 4096;
    LedgerTest::SetUp();
  }

  void TrimAll() {
    TrimOptions everything;
    everything.before_lsn = ledger_->GetStats()->durable_lsn;
    everything.seal = true;
    const auto report = ledger_->Trim(everything);
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_EQ(report->floor_lsn, *everything.before_lsn) << report->held_by;
  }
};

TEST_F(TrimmedEvidence, R17_OneAccountTrimmedTheOtherReadable_IsADuplicate_NoEvidenceOnOne_IsIndeterminate) {
  Change both("both");
  both.AddUpdate("moved").ExpectVersion(0).Add(5);
  both.AddUpdate("quiet").ExpectVersion(0).Add(5);
  EXPECT_EQ(Say(both), "APPLIED");
  Fill("moved", 2);
  TrimAll();
  const Outcome again = Do(both);
  EXPECT_EQ(again.code, OutcomeCode::kDuplicate) << "the head of `quiet` is readable for ever";
  EXPECT_TRUE(again.updates.empty()) << "what it made of `moved` was not kept";
  Fill("quiet", 1);
  EXPECT_EQ(Say(both), "INDETERMINATE");
  Crash();
  EXPECT_EQ(Say(both), "INDETERMINATE");
}

TEST_F(TrimmedEvidence, R17_TheLatestChangeOfAnEntity_IsRecognisedForEver_WithItsResult) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Say(AddAt("x" + std::to_string(i), "a", i, 10)), "APPLIED");
  EXPECT_EQ(Say(PutAt("doc", "b", 0, "v")), "APPLIED");
  for (int round = 0; round < 3; ++round) {
    TrimAll();
    const Outcome last = Do(AddAt("x4", "a", 4, 10));
    EXPECT_EQ(last.code, OutcomeCode::kDuplicate);
    ASSERT_EQ(last.updates.size(), 1u);
    EXPECT_EQ(last.updates[0].version, 5u);
    EXPECT_EQ(last.updates[0].balance, 50);
    EXPECT_EQ(Say(AddAt("x3", "a", 3, 10)), "INDETERMINATE");
    EXPECT_EQ(Say(AddAt("new", "a", 3, 10)), "INDETERMINATE") << "nobody can tell it from x3";
    EXPECT_EQ(Say(PutAt("doc", "b", 0, "v")), "DUPLICATE");
    round == 0 ? Crash() : Reopen();
  }
}

TEST_F(TrimmedEvidence, R14_SinceBelowTheFloor_IsIndeterminate_AboveItIsAnswered) {
  Fill("a", 5);
  TrimAll();
  Fill("a", 5);
  Change change("x");
  change.AddUpdate("a").Since(4).Add(1);
  EXPECT_EQ(Say(change), "INDETERMINATE");
  change.updates[0].Since(5);
  EXPECT_EQ(Say(change), "APPLIED") << "versions 6 to 10 were read";
  EXPECT_EQ(Say(change), "DUPLICATE");
  EXPECT_EQ(Version("a"), 11u);
}

TEST_F(TrimmedEvidence, R28_APriorBalance_WithItsPastTrimmed_IsIndeterminate_UnlessSinceOrASourceStandIn) {
  Fill("a", 5);
  TrimAll();
  Change change("x");
  change.AddUpdate("a").ExpectBalance(5).Add(1);
  EXPECT_EQ(Say(change), "INDETERMINATE");
  Change since = change;
  since.updates[0].Since(5);
  EXPECT_EQ(Say(since), "APPLIED");
  Change sourced("y");
  sourced.AddUpdate("a").ExpectBalance(6).Add(1);
  EXPECT_EQ(Say(At(sourced, "s", 1)), "APPLIED");
  EXPECT_EQ(Balance("a"), 7);
}

TEST_F(TrimmedEvidence, R21_R24_OfASource_ConsumedPositionsStayConsumed_RefusalsKeepTheirVerdict) {
  EXPECT_EQ(Say(AddFrom("one", "s", 1, "a", 1)), "APPLIED");
  EXPECT_EQ(Say(At(AddAt("two", "a", 7, 1), "s", 5)), "EARLY");
  EXPECT_EQ(Say(At(AddAt("two", "a", 0, 1), "s", 5)), "CONFLICT");
  EXPECT_EQ(Say(AddFrom("three", "s", 9, "a", 1)), "APPLIED");
  EXPECT_EQ(Say(At(Change("bad"), "s", 11)), "INVALID");
  for (int round = 0; round < 3; ++round) {
    TrimAll();
    EXPECT_EQ(Say(AddFrom("one", "s", 1, "a", 1)), "DUPLICATE");
    EXPECT_EQ(Say(At(AddAt("two", "a", 0, 1), "s", 5)), "CONFLICT");
    EXPECT_EQ(Say(At(AddAt("other", "a", 0, 1), "s", 5)), "ID_REUSED");
    EXPECT_EQ(Say(AddFrom("three", "s", 9, "a", 1)), "DUPLICATE");
    EXPECT_EQ(Say(At(Change("bad"), "s", 11)), "INVALID");
    EXPECT_EQ(Say(AddFrom("never seen", "s", 10, "a", 1)), "INVALID") << "between a settled one and the cursor";
    EXPECT_EQ(Balance("a"), 2);
    round == 0 ? Crash() : Reopen();
  }
  EXPECT_EQ(Say(AddFrom("next", "s", 12, "a", 1)), "APPLIED");
}

TEST_F(TrimmedEvidence, R36_TrimmingKeepsParkedChangesAndLetters_WhichGoOnAsBefore) {
  options_.parking = true;
  Reopen();
  EXPECT_EQ(Say(At(AddAt("parked", "a", 1, 5), "s", 1)), "PARKED");
  EXPECT_EQ(Say(At(AddAt("letter", "b", 0, 5), "s", 2)), "APPLIED");
  EXPECT_EQ(Say(At(AddAt("refused", "b", 0, 5), "s", 3)), "CONFLICT");
  TrimAll();
  Crash();
  EXPECT_EQ(ledger_->ListParked()->size(), 1u);
  EXPECT_EQ(ledger_->ListDeadLetters()->size(), 1u);
  EXPECT_EQ(Say(At(AddAt("parked", "a", 1, 5), "s", 1)), "PARKED");
  EXPECT_EQ(Say(AddAt("first", "a", 0, 1)), "APPLIED");
  EXPECT_EQ(Balance("a"), 6);
  const Outcome resolved = Do(At(AddAt("parked", "a", 1, 5), "s", 1));
  EXPECT_EQ(resolved.code, OutcomeCode::kDuplicate);
  ASSERT_EQ(resolved.updates.size(), 1u);
  EXPECT_EQ(resolved.updates[0].balance, 6);
  Fill("a", 1);
  TrimAll();
  EXPECT_EQ(Say(At(AddAt("parked", "a", 1, 5), "s", 1)), "DUPLICATE");
  EXPECT_EQ(Balance("a"), 7);
}

TEST_F(TrimmedEvidence, R08_R34_NothingEverApplied_IsAppliedAgain_WhateverIsTrimmedBetween) {
  Random random(TestSeed());
  options_.parking = true;
  Reopen();
  std::vector<Change> sent;
  std::vector<Amount> balances(6, 0);
  uint64_t position = 0;
  for (int i = 0; i < 1500; ++i) {
    const uint64_t k = random.Below(6);
    const std::string key = "k" + std::to_string(k);
    const std::string id = "c" + std::to_string(i);
    Change change(id);
    Update& update = change.AddUpdate(key);
    update.Add(Amount(1) << k);
    switch (random.Below(4)) {
      case 0:
        update.ExpectVersion(Version(key));
        break;
      case 1:
        update.Since(Version(key));
        break;
      case 2:
        update.ExpectBalance(Balance(key)).Since(Version(key));
        break;
      default:
        change = At(change, "s", ++position);
    }
    ASSERT_EQ(Say(change), "APPLIED") << i;
    balances[k] += Amount(1) << k;
    sent.push_back(change);
    for (int j = 0; j < 3; ++j) {
      const Change& old = sent[random.Below(sent.size())];
      const std::string said = Say(old);
      ASSERT_TRUE(said == "DUPLICATE" || said == "INDETERMINATE") << said;
    }
    if (random.OneIn(60)) TrimAll();
    if (random.OneIn(80)) Crash();
    if (random.OneIn(200)) Reopen();
  }
  for (uint64_t k = 0; k < balances.size(); ++k) EXPECT_EQ(Balance("k" + std::to_string(k)), balances[k]);
}

}  // namespace
}  // namespace semel::testing
