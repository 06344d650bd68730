// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rule R43: a change that names a retired key is kIndeterminate, for ever.

#include "tests/ledger/ledger_testing.h"

namespace semel::testing {
namespace {

class RetireTest : public LedgerTest {
 protected:
  uint64_t Retire(std::string_view prefix) {
    auto report = ledger_->Retire(prefix);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? report->erased : 0;
  }
};

TEST_F(RetireTest, R43_RetiredKeys_AreIndeterminateForEver_AndGoneFromTheState) {
  std::vector<Change> january;
  for (int i = 0; i < 20; ++i) january.push_back(Transfer("2026-01/" + std::to_string(i), "alice", "bob", 5));
  for (const Change& change : january) EXPECT_EQ(Say(change), "APPLIED");
  const Change february = Transfer("2026-02/1", "alice", "bob", 5);
  EXPECT_EQ(Say(february), "APPLIED");
  EXPECT_EQ(Retire("transfer/2026-01/"), 20u);
  for (int round = 0; round < 3; ++round) {
    for (const Change& change : january) ASSERT_EQ(Say(change), "INDETERMINATE");
    EXPECT_EQ(Say(AddAt("new", "transfer/2026-01/never seen", 0, 1)), "INDETERMINATE");
    EXPECT_EQ(Say(february), "DUPLICATE");
    EXPECT_EQ(Balance("bob"), 105);
    EXPECT_EQ(Version("transfer/2026-01/7"), 0u);
    EXPECT_TRUE(Get("transfer/2026-01/7").retired);
    EXPECT_FALSE(Get("transfer/2026-03/7").retired);
    EXPECT_TRUE(absl::IsOutOfRange(ledger_->Get("transfer/2026-01/7", AsOf::Lsn(100)).status()));
    EXPECT_TRUE(absl::IsOutOfRange(ledger_->History("transfer/2026-01/7").status()));
    const std::vector<std::string> keys = {"transfer/2026-01/7", "alice"};
    EXPECT_TRUE(ledger_->GetMany(keys)->entities[0].retired);
    EXPECT_TRUE(ledger_->AnswerableSince("transfer/2026-01/7")->retired);
    EXPECT_EQ(ledger_->ListRetired().value(), std::vector<std::string>{"transfer/2026-01/"});
    round == 0 ? Crash() : Reopen();
  }
  EXPECT_EQ(ledger_->GetStats()->entities, 3u);
  uint64_t seen = 0;
  ASSERT_TRUE(ledger_
                  ->Scan({},
                         [&](const Entity& entity) {
                           EXPECT_NE(entity.key.substr(0, 16), "transfer/2026-01");
                           ++seen;
                           return true;
                         })
                  .ok());
  EXPECT_EQ(seen, 3u);
}

TEST_F(RetireTest, AnEntityWithABalance_IsNotRetired_AndNothingChanges) {
  EXPECT_EQ(Say(Transfer("t", "account/alice", "account/bob", 5)), "APPLIED");
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_->Retire("account/").status()));
  ASSERT_TRUE(ledger_->Checkpoint().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_->Retire("account/").status()));
  EXPECT_TRUE(ledger_->ListRetired()->empty());
  EXPECT_EQ(Say(AddAt("x", "account/alice", 1, 1)), "APPLIED");
}

TEST_F(RetireTest, BadPrefixes_AreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->Retire("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->Retire(std::string(kMaxKeyBytes + 1, 'x')).status()));
}

TEST_F(RetireTest, OverlappingPrefixes_CoverTheirUnion) {
  EXPECT_EQ(Say(PutAt("1", "a/b/1", 0, "")), "APPLIED");
  EXPECT_EQ(Say(PutAt("2", "a/c", 0, "")), "APPLIED");
  EXPECT_EQ(Retire("a/b/"), 1u);
  EXPECT_EQ(Retire("a/"), 1u);
  EXPECT_EQ(Retire("a/b/"), 0u) << "covered";
  EXPECT_EQ(Retire("a/"), 0u);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(ledger_->ListRetired().value(), std::vector<std::string>{"a/"});
    for (const char* key : {"a/", "a/c", "a/b/1", "a/b/", "a/zzz"}) {
      EXPECT_EQ(Say(PutAt("n", key, 0, "")), "INDETERMINATE") << key;
    }
    EXPECT_EQ(Say(PutAt("n", "a", 0, "")), round == 0 ? "APPLIED" : "DUPLICATE");
    Crash();
  }
}

TEST_F(RetireTest, R43_ParkedChangesThatNameARetiredKey_BecomeDeadLetters) {
  options_.parking = true;
  Reopen();
  EXPECT_EQ(Say(PutAt("early", "doc/1", 1, "")), "PARKED");
  EXPECT_EQ(Say(PutAt("other", "kept/1", 1, "")), "PARKED");
  Retire("doc/");
  EXPECT_EQ(ledger_->ListParked()->size(), 1u);
  ASSERT_EQ(ledger_->ListDeadLetters()->size(), 1u);
  EXPECT_EQ(ledger_->ListDeadLetters()->front().outcome.code, OutcomeCode::kIndeterminate);
}

TEST_F(RetireTest, R43_AlsoAfterTrimBackupRestoreAndRebuild) {
  const Change transfer = Transfer("2026-01/1", "alice", "bob", 5);
  EXPECT_EQ(Say(transfer), "APPLIED");
  Retire("transfer/2026-01/");
  TrimOptions everything;
  everything.before_lsn = ledger_->GetStats()->durable_lsn;
  everything.seal = true;
  ASSERT_TRUE(ledger_->Trim(everything).ok());
  EXPECT_EQ(Say(transfer), "INDETERMINATE");
  ASSERT_TRUE(ledger_->Backup(directory_.path() + "/backup").ok());
  ASSERT_TRUE(ledger_->Close().ok());
  ASSERT_TRUE(RebuildLedger(path()).ok());
  Open();
  EXPECT_EQ(Say(transfer), "INDETERMINATE");
  ASSERT_TRUE(RestoreLedger(directory_.path() + "/backup", directory_.path() + "/restored").ok());
  const auto restored = Ledger::Open(directory_.path() + "/restored");
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ((*restored)->Apply(transfer)->code, OutcomeCode::kIndeterminate);
  EXPECT_EQ((*restored)->Get("bob")->balance, 5);
}

TEST_F(RetireTest, R43_OfASource_AnAppliedPosition_StaysADuplicate_ANewOneIsIndeterminate) {
  const Change before = At(PutAt("x", "doc/1", 0, "v"), "s", 1);
  EXPECT_EQ(Say(before), "APPLIED");
  Retire("doc/");
  EXPECT_EQ(Say(before), "DUPLICATE") << "its position was consumed by it";
  EXPECT_EQ(Say(At(PutAt("x", "doc/1", 0, "v"), "s", 2)), "INDETERMINATE");
  EXPECT_EQ(ledger_->ListDeadLetters()->size(), 1u);
}

}  // namespace
}  // namespace semel::testing
