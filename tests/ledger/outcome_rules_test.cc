// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R07-R15, R20, R28, R29, R37: what is decided.

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

class OutcomeRules : public LedgerTest {};

TEST_F(OutcomeRules, R07_VersionAheadIsEarlyAndWritesNothing) {
  const uint64_t sequence = Sequence();
  EXPECT_EQ(Say(AddAt("T-2", "a", 1, 10)), "EARLY");
  EXPECT_EQ(Sequence(), sequence);
  EXPECT_EQ(Version("a"), 0u);
  EXPECT_EQ(Say(AddAt("T-1", "a", 0, 5)), "APPLIED");
  EXPECT_EQ(Say(AddAt("T-2", "a", 1, 10)), "APPLIED");
  EXPECT_EQ(Balance("a"), 15);
}

TEST_F(OutcomeRules, R07_EveryPermutationWithRedeliveryEndsInTheSameState) {
  // One upstream over two accounts, made new for each permutation by a prefix of the keys.
  std::vector<int> order = {0, 1, 2, 3, 4};
  int permutation = 0;
  do {
    const std::string a = "a" + std::to_string(permutation);
    const std::string b = "b" + std::to_string(permutation);
    const std::string p = std::to_string(permutation++) + "-";
    std::vector<Change> stream = {AddAt(p + "m1", a, 0, 5), AddAt(p + "m2", a, 1, -2), PutAt(p + "m3", b, 1, "x"),
                                  AddAt(p + "m4", a, 2, 1), AddAt(p + "m5", b, 2, -1)};
    stream[1].AddUpdate(b).ExpectVersion(0).Add(2);
    std::vector<int> left = order;
    for (int round = 0; !left.empty() && round < 6; ++round) {
      std::vector<int> early;
      for (int i : left) {
        const std::string said = Say(stream[i]);
        if (said == "EARLY")
          early.push_back(i);
        else
          ASSERT_EQ(said, "APPLIED");
      }
      left = early;
    }
    ASSERT_TRUE(left.empty());
    EXPECT_EQ(Balance(a), 4);
    EXPECT_EQ(Balance(b), 1);
    EXPECT_EQ(Version(a), 3u);
    EXPECT_EQ(Version(b), 3u);
    for (const Change& change : stream) EXPECT_EQ(Say(change), "DUPLICATE");
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(permutation, 120);
}

TEST_F(OutcomeRules, R08_FinalOutcomesAreNeverAppliedLater) {
  Random random(TestSeed());
  std::map<std::string, Change> final;  // id -> the very message that was answered finally
  std::vector<Change> sent;
  for (int step = 0; step < 4000; ++step) {
    const std::string key(1, static_cast<char>('a' + random.Below(3)));
    const std::string id =
        random.OneIn(4) && !sent.empty() ? sent[random.Below(sent.size())].id : "i" + std::to_string(step);
    Change change = AddAt(id, key, Version(key) + random.Below(3) - (Version(key) > 0 ? 1 : 0), 1 + random.Below(2));
    if (random.OneIn(5)) {
      change = Change(id);
      change.AddUpdate(key).Newer(random.Below(step / 10 + 2)).Put(random.OneIn(2) ? "x" : "y");
    }
    if (random.OneIn(3) && !sent.empty()) change = sent[random.Below(sent.size())];
    sent.push_back(change);
    const Outcome outcome = Do(change);
    const std::string text = ToJson(change);
    if (outcome.applied()) {
      ASSERT_EQ(final.count(text), 0u) << "was final before: " << text;
    }
    const bool is_final = outcome.code == OutcomeCode::kDuplicate || outcome.code == OutcomeCode::kIdReused ||
                          outcome.code == OutcomeCode::kSuperseded ||
                          (outcome.code == OutcomeCode::kConflict && outcome.conflict == Conflict::kTaken);
    if (is_final) final.emplace(text, change);
    if (random.OneIn(1000)) Crash();
  }
  Reopen();
  for (const auto& [text, change] : final) ASSERT_FALSE(Do(change).applied()) << text;
  EXPECT_GT(final.size(), 100u);
}

class Racing : public OutcomeRules {
 protected:
  // Applies changes[i] from thread i, all at once.
  std::vector<Outcome> Race(const std::vector<Change>& changes) {
    std::vector<Outcome> outcomes(changes.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < changes.size(); ++i) {
      threads.emplace_back([&, i] { outcomes[i] = Do(changes[i]); });
    }
    for (std::thread& thread : threads) thread.join();
    return outcomes;
  }
  static int Count(const std::vector<Outcome>& outcomes, OutcomeCode code) {
    return static_cast<int>(
        std::count_if(outcomes.begin(), outcomes.end(), [&](const Outcome& o) { return o.code == code; }));
  }
};

TEST_F(Racing, R09_ThreadsExpectingOneVersionWithDistinctIds) {
  for (int round = 0; round < 20; ++round) {
    std::vector<Change> changes;
    for (int i = 0; i < 8; ++i)
      changes.push_back(AddAt(std::to_string(round) + "-" + std::to_string(i), "a", round, 1));
    const std::vector<Outcome> outcomes = Race(changes);
    EXPECT_EQ(Count(outcomes, OutcomeCode::kApplied), 1);
    EXPECT_EQ(Count(outcomes, OutcomeCode::kConflict), 7);
  }
  EXPECT_EQ(Balance("a"), 20);
}

TEST_F(Racing, R09_ThreadsWithOneIdAllGetTheSameResult) {
  for (int round = 0; round < 20; ++round) {
    const std::vector<Outcome> outcomes =
        Race(std::vector<Change>(8, AddAt("id" + std::to_string(round), "a", round, 1)));
    EXPECT_EQ(Count(outcomes, OutcomeCode::kApplied), 1);
    EXPECT_EQ(Count(outcomes, OutcomeCode::kDuplicate), 7);
    for (const Outcome& outcome : outcomes) {
      EXPECT_EQ(outcome.lsn, outcomes[0].lsn);
      ASSERT_EQ(outcome.updates.size(), 1u);
      EXPECT_EQ(outcome.updates[0].version, static_cast<uint64_t>(round) + 1);
      EXPECT_EQ(outcome.updates[0].balance, round + 1);
    }
  }
}

TEST_F(OutcomeRules, R10_EachEntityAdvancesByOneAndARefusalAdvancesNothing) {
  Change two("T-1");
  two.AddUpdate("a").ExpectVersion(0).Add(5);
  two.AddUpdate("b").Put("x");
  two.AddUpdate("c").Add(1);
  EXPECT_EQ(Say(two), "APPLIED");
  for (const char* key : {"a", "b", "c"}) EXPECT_EQ(Version(key), 1u);

  Change refused("T-2");
  refused.AddUpdate("b").Put("y");
  refused.AddUpdate("a").ExpectVersion(0).Add(5);
  EXPECT_EQ(Say(refused), "CONFLICT");
  Change twice("T-3");
  twice.AddUpdate("a").ExpectVersion(1).Add(5);
  twice.AddUpdate("a").ExpectVersion(2).Add(5);
  EXPECT_EQ(Say(twice), "INVALID");
  Change checked("T-4");
  checked.AddUpdate("a").ExpectVersion(1).Add(5);
  checked.AddUpdate("a").ExpectVersion(1).Check();
  EXPECT_EQ(Say(checked), "INVALID");
  for (const char* key : {"a", "b", "c"}) EXPECT_EQ(Version(key), 1u);
}

TEST_F(OutcomeRules, R11_AppliedCarriesNewVersionsConflictCurrentOnes) {
  Fill("a", 3);
  Change change("T-1");
  change.AddUpdate("a").ExpectVersion(3).Add(10);
  change.AddUpdate("b").Add(-10);
  const Outcome applied = Do(change);
  ASSERT_EQ(applied.updates.size(), 2u);
  EXPECT_EQ(applied.updates[0].version, 4u);
  EXPECT_EQ(applied.updates[0].balance, 13);
  EXPECT_EQ(applied.updates[1].version, 1u);
  EXPECT_EQ(applied.updates[1].balance, -10);
  const Outcome conflict = Do(AddAt("T-2", "a", 3, 1));
  ASSERT_EQ(conflict.code, OutcomeCode::kConflict);
  ASSERT_EQ(conflict.updates.size(), 1u);
  EXPECT_EQ(conflict.updates[0].version, 4u);
  EXPECT_EQ(conflict.updates[0].balance, 13);
}

TEST_F(OutcomeRules, R12_RetryWithAFreshVersionAndSinceIsADuplicate) {
  Fill("a", 7);
  EXPECT_EQ(Say(AddAt("T-1", "a", 7, 50)), "APPLIED");  // the reply is lost
  Change retry("T-1");
  retry.AddUpdate("a").ExpectVersion(8).Since(7).Add(50);
  EXPECT_EQ(Say(retry), "DUPLICATE");
  Fill("a", 5);
  retry.updates[0].expect_version = 13;
  EXPECT_EQ(Say(retry), "DUPLICATE");
  EXPECT_EQ(Balance("a"), 7 + 50 + 5);
}

TEST_F(OutcomeRules, R13_DelayedFirstAttemptAfterTheRetryIsNeverApplied) {
  Fill("a", 9);
  Change retry("T-1");
  retry.AddUpdate("a").ExpectVersion(9).Since(7).Add(50);
  EXPECT_EQ(Say(retry), "APPLIED");
  const Change first = AddAt("T-1", "a", 7, 50);  // delayed all the while
  EXPECT_EQ(Say(first), "CONFLICT");
  Crash();
  EXPECT_EQ(Say(first), "CONFLICT");
  EXPECT_EQ(Say(retry), "DUPLICATE");
  EXPECT_EQ(Balance("a"), 9 + 50);
}

TEST_F(OutcomeRules, R14_SinceAppliesEachIdOnceInAnyInterleaving) {
  Random random(TestSeed());
  std::map<std::string, Change> sent;
  Amount expected = 0;
  for (int step = 0; step < 3000; ++step) {
    if (sent.empty() || random.OneIn(3)) {
      Change change("i" + std::to_string(step));
      change.AddUpdate("hot").Since(Version("hot")).Add(1 + random.Below(9));
      EXPECT_EQ(Say(change), "APPLIED");
      expected += change.updates[0].amount;
      sent.emplace(change.id, change);
    } else {
      auto any = sent.begin();
      std::advance(any, random.Below(sent.size()));
      EXPECT_EQ(Say(any->second), "DUPLICATE");
    }
  }
  EXPECT_EQ(Balance("hot"), expected);
}

TEST_F(OutcomeRules, R14_SinceAheadIsEarlyBeyondTheLookbackIndeterminate) {
  options_.balance_lookback = 10;
  Crash();
  Change ahead("T-1");
  ahead.AddUpdate("a").Since(1).Add(5);
  EXPECT_EQ(Say(ahead), "EARLY");
  Change first("T-2");
  first.AddUpdate("a").Since(0).Add(5);
  EXPECT_EQ(Say(first), "APPLIED");
  Fill("a", 9);
  EXPECT_EQ(Say(first), "DUPLICATE");
  Fill("a", 1);
  EXPECT_EQ(Say(first), "INDETERMINATE");
  Change unseen("T-3");
  unseen.AddUpdate("a").Since(0).Add(5);
  EXPECT_EQ(Say(unseen), "INDETERMINATE");
  EXPECT_EQ(Balance("a"), 15);
}

TEST_F(OutcomeRules, R15_ChangesThatNothingCouldMakeIdempotentAreInvalid) {
  std::vector<Change> invalid;
  invalid.emplace_back("since with put").AddUpdate("a").Since(0).Put("x");
  invalid.emplace_back("since with delete").AddUpdate("a").Since(0).Delete();
  invalid.emplace_back("newer with add").AddUpdate("a").Newer(1).Add(1);
  invalid.emplace_back("newer with set_policy").AddUpdate("a").Newer(1).SetPolicy({});
  invalid.emplace_back("newer beside unconditional").AddUpdate("a").Newer(1).Put("x");
  invalid.back().AddUpdate("b").Add(1);
  invalid.emplace_back("key twice").AddUpdate("a").ExpectVersion(0).Add(1);
  invalid.back().AddUpdate("a").Add(1);
  invalid.emplace_back("no anchor").AddUpdate("a").Add(1);
  invalid.emplace_back("only a check").AddUpdate("a").ExpectVersion(0).Check();
  invalid.emplace_back("anchored by a check").AddUpdate("a").ExpectVersion(0).Check();
  invalid.back().AddUpdate("b").Add(1);
  invalid.emplace_back("").AddUpdate("a").ExpectVersion(0).Add(1);
  invalid.emplace_back("no updates");
  invalid.emplace_back("no action").AddUpdate("a").ExpectVersion(0);
  invalid.emplace_back("two preconditions").AddUpdate("a").ExpectVersion(0).ExpectBalance(0).Add(1);
  invalid.emplace_back("since above").AddUpdate("a").ExpectVersion(0).Since(1).Add(1);
  for (const Change& change : invalid) {
    const Outcome outcome = Do(change);
    EXPECT_EQ(outcome.code, OutcomeCode::kInvalid) << change.id;
    EXPECT_NE(outcome.reason, "") << change.id;
  }
  EXPECT_EQ(Sequence(), 0u);
}

TEST_F(OutcomeRules, R20_RejectedOnPinnedEntitiesIsNeverAppliedLater) {
  Policy policy;
  policy.min_balance = 0;
  EXPECT_EQ(Say(PolicyAt("P", "a", 0, policy)), "APPLIED");
  const Change overdraft = AddAt("T-1", "a", 1, -5);
  const Outcome rejected = Do(overdraft);
  EXPECT_EQ(rejected.code, OutcomeCode::kRejected);
  EXPECT_EQ(rejected.rule, Rule::kBalanceLimit);
  EXPECT_EQ(Say(overdraft), "REJECTED");
  Fill("a", 10);  // funds arrive
  EXPECT_EQ(Say(overdraft), "CONFLICT");
  Crash();
  EXPECT_EQ(Say(overdraft), "CONFLICT");
  EXPECT_EQ(Balance("a"), 10);
}

TEST_F(OutcomeRules, R28_PriorBalanceThatComesBackDoesNotApplyTwice) {
  Change first("T-1");
  first.AddUpdate("a").ExpectBalance(100).Add(50);
  Do(AddAt("open", "a", 0, 100));
  EXPECT_EQ(Say(first), "APPLIED");
  EXPECT_EQ(Say(AddAt("back", "a", 2, -50)), "APPLIED");
  EXPECT_EQ(Balance("a"), 100);
  EXPECT_EQ(Say(first), "DUPLICATE");
  EXPECT_EQ(Balance("a"), 100);
}

TEST_F(OutcomeRules, R28_PriorBalanceBeyondTheLookbackIsIndeterminate) {
  options_.balance_lookback = 3;
  Crash();
  Change first("T-1");
  first.AddUpdate("a").ExpectBalance(0).Add(50);
  EXPECT_EQ(Say(first), "APPLIED");
  EXPECT_EQ(Say(AddAt("back", "a", 1, -50)), "APPLIED");
  EXPECT_EQ(Say(first), "DUPLICATE");
  Do(AddAt("x", "a", 2, 1));
  Do(AddAt("y", "a", 3, -1));
  EXPECT_EQ(Balance("a"), 0);
  EXPECT_EQ(Say(first), "INDETERMINATE");
  EXPECT_EQ(Balance("a"), 0);
}

TEST_F(OutcomeRules, R29_PutWithNewer) {
  auto put = [](std::string_view id, uint64_t stamp, std::string_view value) {
    Change change(id);
    change.AddUpdate("row").Newer(stamp).Put(value);
    return change;
  };
  EXPECT_EQ(Say(put("A", 5, "five")), "APPLIED");
  EXPECT_EQ(Say(put("A", 5, "five")), "DUPLICATE");
  EXPECT_EQ(Say(put("B", 5, "five")), "DUPLICATE");  // the same state from another reader of the log
  EXPECT_EQ(Say(put("A", 5, "other")), "ID_REUSED");
  EXPECT_EQ(Say(put("C", 5, "other")), "CONFLICT");
  EXPECT_EQ(Say(put("D", 4, "four")), "SUPERSEDED");
  EXPECT_EQ(Say(put("E", 900, "gap")), "APPLIED");
  EXPECT_EQ(Say(put("A", 5, "five")), "SUPERSEDED");
  EXPECT_EQ(Say(PutAt("F", "row", 2, "unstamped")), "APPLIED");
  EXPECT_EQ(Say(put("E", 900, "gap")), "DUPLICATE");
  EXPECT_EQ(Get("row").value, "unstamped");
  EXPECT_EQ(Say(DeleteAt("G", "row", 3)), "APPLIED");
  EXPECT_EQ(Say(put("E", 900, "gap")), "DUPLICATE");
  EXPECT_EQ(Say(put("D", 4, "four")), "SUPERSEDED");
  EXPECT_TRUE(Get("row").deleted);
  Crash();
  EXPECT_EQ(Say(put("E", 900, "gap")), "DUPLICATE");
  EXPECT_EQ(Say(put("H", 901, "anew")), "APPLIED");
  EXPECT_EQ(Get("row").value, "anew");
}

TEST_F(OutcomeRules, R37_OverflowIsAnOutcomeAndNothingWraps) {
  const Amount max = absl::Int128Max();
  const Amount min = absl::Int128Min();
  EXPECT_EQ(Say(AddAt("max", "a", 0, max)), "APPLIED");
  const Outcome over = Do(AddAt("over", "a", 1, 1));
  EXPECT_EQ(over.code, OutcomeCode::kRejected);
  EXPECT_EQ(over.rule, Rule::kOverflow);
  EXPECT_EQ(Say(AddAt("min", "b", 0, min)), "APPLIED");
  EXPECT_EQ(Do(AddAt("under", "b", 1, -1)).rule, Rule::kOverflow);
  EXPECT_EQ(Balance("a"), max);
  EXPECT_EQ(Balance("b"), min);
  Crash();
  EXPECT_EQ(Balance("a"), max);
  EXPECT_EQ(Balance("b"), min);

  // A sum that leaves 128 bits on its way to zero, and one that would be zero if it wrapped.
  Change wide("wide");
  wide.balanced = true;
  wide.AddUpdate("c").ExpectVersion(0).Add(max);
  wide.AddUpdate("d").Add(max);
  wide.AddUpdate("e").Add(min);
  wide.AddUpdate("f").Add(min);
  wide.AddUpdate("g").Add(2);
  EXPECT_EQ(Say(wide), "APPLIED");
  Change wraps("wraps");
  wraps.balanced = true;
  wraps.AddUpdate("h").ExpectVersion(0).Add(min);
  wraps.AddUpdate("i").Add(min);
  EXPECT_EQ(Do(wraps).rule, Rule::kUnbalanced);
}

TEST_F(OutcomeRules, R37_PositionsAndVersionsUseAllSixtyFourBits) {
  const uint64_t top = UINT64_MAX;
  EXPECT_EQ(Say(AddFrom("x", "s", 0, "a", 1)), "APPLIED");
  EXPECT_EQ(Say(AddFrom("y", "s", top, "a", 1)), "APPLIED");
  EXPECT_EQ(Say(AddFrom("y", "s", top, "a", 1)), "DUPLICATE");
  EXPECT_EQ(Say(AddFrom("x", "s", 0, "a", 1)), "DUPLICATE");
  EXPECT_EQ(Say(AddAt("z", "a", top, 1)), "EARLY");
  Change stamped("n");
  stamped.AddUpdate("b").Newer(top).Put("x");
  EXPECT_EQ(Say(stamped), "APPLIED");
  Change below("m");
  below.AddUpdate("b").Newer(0).Put("y");
  EXPECT_EQ(Say(below), "SUPERSEDED");
  EXPECT_EQ(Get("b").stamp, top);
}

}  // namespace
}  // namespace semel::testing
