// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R01-R05: who a change is.

#include <string>
#include <vector>

#include "tests/ledger/ledger_testing.h"

namespace semel::testing {
namespace {

class IdentityRules : public LedgerTest {};

void ExpectSameResult(const Outcome& original, const Outcome& again) {
  EXPECT_EQ(again.code, OutcomeCode::kDuplicate) << again.reason;
  EXPECT_EQ(again.sequence, original.sequence);
  EXPECT_EQ(again.lsn, original.lsn);
  ASSERT_EQ(again.updates.size(), original.updates.size());
  for (size_t i = 0; i < original.updates.size(); ++i) {
    EXPECT_EQ(again.updates[i].version, original.updates[i].version);
    EXPECT_EQ(again.updates[i].balance, original.updates[i].balance);
  }
}

TEST_F(IdentityRules, R01_RedeliveredAnyNumberOfTimesAppliedOnce) {
  const Change change = AddAt("T-1", "a", 0, 100);
  const Outcome first = Do(change);
  ASSERT_EQ(first.code, OutcomeCode::kApplied);
  const uint64_t sequence = Sequence();
  for (int i = 0; i < 10; ++i) ExpectSameResult(first, Do(change));
  EXPECT_EQ(Sequence(), sequence);  // no entry but the first
  EXPECT_EQ(Balance("a"), 100);
}

TEST_F(IdentityRules, R01_DuplicateAfterThousandLaterChangesReopeningAndCrash) {
  const Change change = AddAt("T-1", "a", 0, 100);
  const Change transfer = Transfer("T-2", "a", "b", 30);
  const Outcome first = Do(change);
  const Outcome second = Do(transfer);
  Fill("a", 1000);
  ExpectSameResult(first, Do(change));
  ExpectSameResult(second, Do(transfer));
  Crash();
  ExpectSameResult(first, Do(change));
  ExpectSameResult(second, Do(transfer));
  Reopen();
  ExpectSameResult(first, Do(change));
  ExpectSameResult(second, Do(transfer));
  EXPECT_EQ(Balance("a"), 100 - 30 + 1000);
  EXPECT_EQ(Do(change).reason, "applied before, as the entry at LSN " + std::to_string(first.lsn));
}

TEST_F(IdentityRules, R01_DuplicateWithinTheSameBatch) {
  const Change change = AddAt("T-1", "a", 0, 100);
  const std::vector<Change> batch = {change, AddAt("T-2", "a", 1, 1), change, AddAt("T-3", "a", 2, 1), change};
  auto outcomes = ledger_->ApplyBatch(batch);
  ASSERT_TRUE(outcomes.ok()) << outcomes.status();
  EXPECT_EQ((*outcomes)[0].code, OutcomeCode::kApplied);
  ExpectSameResult((*outcomes)[0], (*outcomes)[2]);
  ExpectSameResult((*outcomes)[0], (*outcomes)[4]);
  EXPECT_EQ(Balance("a"), 102);
}

TEST_F(IdentityRules, R02_TwoIdsSameBodyOneIsAppliedTheOtherConflicts) {
  EXPECT_EQ(Say(AddAt("one", "a", 0, 100)), "APPLIED");
  const Outcome other = Do(AddAt("two", "a", 0, 100));
  EXPECT_EQ(other.code, OutcomeCode::kConflict);
  EXPECT_EQ(other.conflict, Conflict::kTaken);
  EXPECT_EQ(Balance("a"), 100);
}

TEST_F(IdentityRules, R03_SameIdOtherOperandIsIdReusedAndChangesNothing) {
  EXPECT_EQ(Say(AddAt("T-1", "a", 0, 100)), "APPLIED");
  EXPECT_EQ(Say(AddAt("T-1", "a", 0, 101)), "ID_REUSED");
  EXPECT_EQ(Say(PutAt("T-1", "a", 0, "x")), "ID_REUSED");
  Fill("a", 20);
  EXPECT_EQ(Say(AddAt("T-1", "a", 0, 101)), "ID_REUSED");
  EXPECT_EQ(Balance("a"), 120);
  EXPECT_EQ(Version("a"), 21u);
}

TEST_F(IdentityRules, R03_OtherMetadataOrderAndSpellingIsTheSameChange) {
  const char* const forms[] = {
      R"({"id":"T-1","updates":[{"key":"a","expect_version":0,"add":"5"},{"key":"b","add":"7"}],"balanced":false})",
      R"({"updates":[{"add":7,"key":"b"},{"expectVersion":"0","add":5,"key":"a"}],"id":"T-1"})",
      R"({"id":"T-1","trace":{"x":[1]},"metadata":{"k":"v"},
          "updates":[{"key":"a","expect_version":1,"since":0,"add":"5"},{"key":"b","add":"+7"}]})",
  };
  std::vector<std::string> outcomes;
  for (const char* form : forms) {
    auto change = ParseChangeJson(form);
    ASSERT_TRUE(change.ok()) << change.status();
    EXPECT_EQ(FingerprintOf(*change), FingerprintOf(*ParseChangeJson(forms[0])));
    EXPECT_EQ(FingerprintOf(*ParseChangeProto(ToProto(*change))), FingerprintOf(*change));
    outcomes.push_back(Say(*change));
  }
  EXPECT_EQ(outcomes, (std::vector<std::string>{"APPLIED", "DUPLICATE", "DUPLICATE"}));
}

TEST_F(IdentityRules, R04_FingerprintsAreTheSameEverywhere) {
  EXPECT_EQ(ToHex(FingerprintOf(AddAt("any", "account/alice", 7, -100))),
            ToHex(FingerprintOf(AddAt("x", "account/alice", 9, -100))));
  Do(AddAt("T-1", "account/alice", 0, -100));
  std::vector<JournalEntry> entries;
  ASSERT_TRUE(ledger_
                  ->ReadJournal(0,
                                [&](const JournalEntry& entry) {
                                  entries.push_back(entry);
                                  return true;
                                })
                  .ok());
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].fingerprint, FingerprintOf(AddAt("any", "account/alice", 0, -100)));
  // The golden vectors stand in tests/rules/fingerprint_test.cc.
}

TEST_F(IdentityRules, R05_NothingDeletedIsResurrectedByAnOldMessage) {
  const Change create = PutAt("create", "order", 0, "new");
  const Change old = PutAt("old", "order", 1, "stale");
  EXPECT_EQ(Say(create), "APPLIED");
  EXPECT_EQ(Say(DeleteAt("delete", "order", 1)), "APPLIED");
  EXPECT_EQ(Say(create), "DUPLICATE");
  EXPECT_EQ(Say(PutAt("another-create", "order", 0, "new")), "CONFLICT");
  EXPECT_EQ(Say(PutAt("re-create", "order", 2, "again")), "APPLIED");
  EXPECT_EQ(Say(old), "CONFLICT");
  EXPECT_EQ(Say(create), "DUPLICATE");
  EXPECT_EQ(Get("order").value, "again");
  EXPECT_EQ(Version("order"), 3u);
}

}  // namespace
}  // namespace semel::testing
