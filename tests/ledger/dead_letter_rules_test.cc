// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R21, R39 and R40: what a source was refused is kept until someone acts, retried at most once, never dropped.

#include "tests/ledger/ledger_testing.h"

namespace semel::testing {
namespace {

class DeadLetterTest : public LedgerTest {
 protected:
  std::vector<DeadLetter> Letters(const HeldOptions& options = {0, 0, ""}) {
    auto letters = ledger_->ListDeadLetters(options);
    EXPECT_TRUE(letters.ok()) << letters.status();
    return *letters;
  }
  Outcome Retry(uint64_t sequence) {
    auto outcome = ledger_->RetryDeadLetter(sequence);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? *outcome : Outcome();
  }

  // An account that may not fall below zero, with 10 in it.
  void MakeAccount() {
    Policy policy;
    policy.min_balance = 0;
    EXPECT_EQ(Say(PolicyAt("policy", "a", 0, policy)), "APPLIED");
    EXPECT_EQ(Say(AddAt("ten", "a", 1, 10)), "APPLIED");
  }
};

TEST_F(DeadLetterTest, R39_EveryRefusalOfASource_IsKept_WithReasonPositionTimeAndBytes) {
  MakeAccount();
  Change rejected = AddFrom("rejected", "s", 1, "a", -11);
  rejected.original = R"({"as": "it came"})";
  EXPECT_EQ(Say(rejected), "REJECTED");
  EXPECT_EQ(Say(At(AddAt("conflict", "a", 0, 1), "s", 2)), "CONFLICT");
  EXPECT_EQ(Say(At(AddAt("ten", "a", 1, 11), "s", 3)), "ID_REUSED");
  EXPECT_EQ(Say(At(Change("nothing"), "s", 4)), "INVALID");
  SourcePosition position;
  position.name = "s";
  position.position = 5;
  EXPECT_EQ(Say(Change::Undecodable(position, "\x01\xff{", "no JSON: unexpected byte 1")), "INVALID");
  EXPECT_EQ(Say(AddFrom("fine", "s", 6, "a", 1)), "APPLIED") << "the stream goes on";

  Crash();
  const std::vector<DeadLetter> letters = Letters();
  ASSERT_EQ(letters.size(), 5u);
  const OutcomeCode codes[] = {OutcomeCode::kRejected, OutcomeCode::kConflict, OutcomeCode::kIdReused,
                               OutcomeCode::kInvalid, OutcomeCode::kInvalid};
  for (size_t i = 0; i < letters.size(); ++i) {
    EXPECT_EQ(letters[i].outcome.code, codes[i]);
    EXPECT_EQ(letters[i].source->name, "s");
    EXPECT_EQ(letters[i].source->position, i + 1);
    EXPECT_FALSE(letters[i].outcome.reason.empty());
    EXPECT_GT(letters[i].refused_us, 0);
    EXPECT_EQ(letters[i].change.has_value(), i < 4);
  }
  EXPECT_EQ(letters[0].original, R"({"as": "it came"})");
  EXPECT_EQ(letters[0].outcome.rule, Rule::kBalanceLimit);
  EXPECT_EQ(letters[1].id, "conflict");
  EXPECT_EQ(letters[4].original, "\x01\xff{");
  EXPECT_EQ(letters[4].outcome.reason, "no JSON: unexpected byte 1");
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_->RetryDeadLetter(letters[4].sequence).status()));
  EXPECT_EQ(ledger_->GetStats()->dead_letters, 5u);

  EXPECT_EQ(Letters({letters[1].sequence, 2, ""}).size(), 2u);
  EXPECT_EQ(Letters({letters[1].sequence, 2, ""})[0].sequence, letters[2].sequence);
  EXPECT_EQ(Letters({0, 0, "other"}).size(), 0u);
}

TEST_F(DeadLetterTest, Undecodable_IsAnsweredTheSameOnRedelivery_AndAnotherMessageThereIsIdReused) {
  SourcePosition position;
  position.name = "s";
  position.position = 1;
  EXPECT_EQ(Say(Change::Undecodable(position, "junk", "why")), "INVALID");
  EXPECT_EQ(Say(Change::Undecodable(position, "junk", "why")), "INVALID");
  EXPECT_EQ(Say(Change::Undecodable(position, "other junk", "why")), "ID_REUSED");
  EXPECT_EQ(Letters().size(), 1u);
}

TEST_F(DeadLetterTest, WithoutASource_NothingIsKept) {
  EXPECT_EQ(Say(Change("nothing")), "INVALID");
  EXPECT_EQ(Say(AddAt("x", "a", 0, 1)), "APPLIED");
  EXPECT_EQ(Say(AddAt("y", "a", 0, 1)), "CONFLICT");
  EXPECT_TRUE(Letters().empty());
}

TEST_F(DeadLetterTest, R40_Retry_GoesThroughTheSameDecision_AndIsAppliedAtMostOnce) {
  MakeAccount();
  const Change change = AddFrom("x", "s", 1, "a", -15);
  EXPECT_EQ(Say(change), "REJECTED");
  const uint64_t letter = Letters()[0].sequence;
  EXPECT_EQ(Retry(letter).code, OutcomeCode::kRejected);
  EXPECT_EQ(Letters().size(), 1u) << "it stays as it was";
  Fill("a", 5);
  EXPECT_EQ(Say(change), "REJECTED") << "its position keeps its verdict though funds arrived";  // R21

  const Outcome applied = Retry(letter);
  EXPECT_EQ(applied.code, OutcomeCode::kApplied);
  EXPECT_EQ(Balance("a"), 0);
  EXPECT_TRUE(Letters().empty());
  EXPECT_TRUE(absl::IsNotFound(ledger_->RetryDeadLetter(letter).status()));
  for (int i = 0; i < 2; ++i) {
    const Outcome again = Do(change);
    EXPECT_EQ(again.code, OutcomeCode::kDuplicate);
    EXPECT_EQ(again.sequence, applied.sequence);
    EXPECT_EQ(again.updates[0].balance, 0);
    Crash();
  }
  EXPECT_EQ(Balance("a"), 0);
  EXPECT_TRUE(Letters().empty());
}

TEST_F(DeadLetterTest, R40_Retry_OfWhatAnotherAttemptApplied_IsADuplicate_AndLeaves) {
  MakeAccount();
  Change change("x");
  change.AddUpdate("a").ExpectVersion(0).Since(0).Add(1);
  EXPECT_EQ(Say(At(change, "s", 1)), "CONFLICT");
  change.updates[0].ExpectVersion(2);
  EXPECT_EQ(Say(change), "APPLIED");
  EXPECT_EQ(Retry(Letters()[0].sequence).code, OutcomeCode::kDuplicate);
  EXPECT_TRUE(Letters().empty());
  EXPECT_EQ(Balance("a"), 11);
}

TEST_F(DeadLetterTest, R40_APositionWhoseRetryWasADuplicate_AnswersWithTheOriginal) {
  MakeAccount();
  Change change("x");
  change.AddUpdate("a").ExpectVersion(0).Since(0).Add(1);
  const Change message = At(change, "s", 1);
  EXPECT_EQ(Say(message), "CONFLICT");
  change.updates[0].ExpectVersion(2);
  const Outcome applied = Do(change);
  EXPECT_EQ(Retry(Letters()[0].sequence).code, OutcomeCode::kDuplicate);
  const uint64_t retried = Sequence();

  for (const int newer : {0, 1}) {  // the original is the entity's newest entry, or one to be looked up
    Fill("a", newer);
    const Outcome again = Do(message);
    EXPECT_EQ(again.code, OutcomeCode::kDuplicate);
    EXPECT_EQ(again.sequence, applied.sequence);
    EXPECT_EQ(again.lsn, applied.lsn);
    const Outcome other = Do(At(AddAt("other", "a", 3, 1), "s", 1));
    EXPECT_EQ(other.code, OutcomeCode::kIdReused);
    EXPECT_EQ(other.sequence, retried);
    EXPECT_GT(other.lsn, applied.lsn);
  }
}

TEST_F(DeadLetterTest, R40_Retry_UnparksWhatWaitedForIt) {
  options_.parking = true;
  Reopen();
  MakeAccount();
  EXPECT_EQ(Say(At(AddAt("x", "a", 2, -15), "s", 1)), "REJECTED");
  EXPECT_EQ(Say(AddAt("y", "a", 4, 100)), "PARKED");
  EXPECT_EQ(Say(AddAt("z", "a", 2, 20)), "APPLIED");
  const uint64_t letter = Letters()[0].sequence;
  EXPECT_EQ(Retry(letter).code, OutcomeCode::kConflict) << "it expects a version that is taken now";
  EXPECT_EQ(Say(At(AddAt("w", "b", 0, 1), "s", 2)), "APPLIED");
  Fill("a", 1);
  EXPECT_EQ(Balance("a"), 131);
}

TEST_F(DeadLetterTest, R39_Discard_DropsTheBytes_NotTheVerdict) {
  MakeAccount();
  const Change change = AddFrom("x", "s", 1, "a", -15);
  EXPECT_EQ(Say(change), "REJECTED");
  ASSERT_TRUE(ledger_->DiscardDeadLetter(Letters()[0].sequence).ok());
  EXPECT_TRUE(Letters().empty());
  Fill("a", 5);
  EXPECT_EQ(Say(change), "REJECTED");
  Reopen();
  EXPECT_EQ(Say(change), "REJECTED");
  EXPECT_TRUE(absl::IsNotFound(ledger_->DiscardDeadLetter(1)));
}

TEST_F(DeadLetterTest, R39_AFullStore_StopsIntakeWithAnError_AndDropsNothing) {
  options_.max_dead_letters = 2;
  Reopen();
  for (uint64_t position = 1; position <= 2; ++position) {
    EXPECT_EQ(Say(At(Change("bad"), "s", position)), "INVALID");
  }
  const auto refused = ledger_->Apply(At(Change("bad"), "s", 3));
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status())) << refused.status();
  EXPECT_EQ(ledger_->GetSource("s")->value().position, 2u) << "not consumed";
  EXPECT_EQ(Say(AddFrom("fine", "s", 4, "a", 1)), "EARLY") << "the stream waits for it";
  EXPECT_EQ(Say(AddAt("unsourced", "a", 0, 1)), "APPLIED");
  ASSERT_TRUE(ledger_->DiscardDeadLetter(Letters()[0].sequence).ok());
  EXPECT_EQ(Say(At(Change("bad"), "s", 3)), "INVALID");
  EXPECT_EQ(Say(AddFrom("fine", "s", 4, "a", 1)), "APPLIED");
  EXPECT_EQ(Letters().size(), 2u);
}

TEST_F(DeadLetterTest, R39_AtFourFifths_TheLogSaysSo_Once) {
  std::vector<std::string> lines;
  options_.max_dead_letters = 10;
  options_.log = [&](std::string_view line) { lines.emplace_back(line); };
  Reopen();
  for (uint64_t position = 1; position <= 7; ++position) EXPECT_EQ(Say(At(Change("bad"), "s", position)), "INVALID");
  EXPECT_TRUE(lines.empty());
  for (uint64_t position = 8; position <= 10; ++position) EXPECT_EQ(Say(At(Change("bad"), "s", position)), "INVALID");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("dead letters are filling up: 8 of"), std::string::npos) << lines[0];
}

TEST_F(DeadLetterTest, KeysAndIdsOfAnyBytes_AreKeptAsTheyAre) {
  options_.parking = true;
  Reopen();
  const std::string binary("\x00\xff\xfe\x80", 4);
  EXPECT_EQ(Say(AddAt(binary, binary, 1, 5)), "PARKED");
  EXPECT_EQ(Say(At(AddAt(binary + "2", binary, 1, 7), binary, 1)), "PARKED");
  Crash();
  EXPECT_EQ(ledger_->ListParked()->at(1).change.source->name, binary);
  EXPECT_EQ(Say(AddAt("first", binary, 0, 1)), "APPLIED");
  EXPECT_EQ(Balance(binary), 6);
  ASSERT_EQ(Letters().size(), 1u);
  EXPECT_EQ(Letters()[0].id, binary + "2");
  EXPECT_EQ(Letters()[0].change->updates[0].key, binary);
}

TEST_F(DeadLetterTest, ParkedChanges_KeepTheirRoomAmongTheLetters) {
  options_.parking = true;
  options_.max_dead_letters = 2;
  Reopen();
  EXPECT_EQ(Say(AddAt("p1", "a", 1, 1)), "PARKED");
  EXPECT_EQ(Say(AddAt("p2", "a", 1, 2)), "PARKED");
  EXPECT_EQ(Say(AddAt("p3", "a", 1, 3)), "EARLY");
  EXPECT_FALSE(ledger_->Apply(At(Change("bad"), "s", 1)).ok());
  EXPECT_EQ(Say(AddAt("p0", "a", 0, 1)), "APPLIED");
  EXPECT_EQ(Letters().size(), 1u) << "p2 lost";
}

TEST_F(DeadLetterTest, AMessageBeyondItsLimits_IsKeptAsFarAsItFits) {
  Change large("large");
  large.AddUpdate("a").ExpectVersion(0).Put(std::string(kMaxValueBytes + 1, 'x'));
  EXPECT_EQ(Say(At(large, "s", 1)), "INVALID");
  Change huge = At(Change("huge"), "s", 2);
  huge.original = std::string(size_t{9} << 20, 'y');
  EXPECT_EQ(Say(huge), "INVALID");
  const auto letters = Letters();
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_GT(letters[0].original.size(), kMaxValueBytes);
  EXPECT_EQ(letters[0].original_bytes, letters[0].original.size());
  EXPECT_EQ(letters[1].original_bytes, size_t{9} << 20);
  EXPECT_LT(letters[1].original.size(), size_t{6} << 20);
  Crash();
  EXPECT_EQ(Letters().size(), 2u);
}

}  // namespace
}  // namespace semel::testing
