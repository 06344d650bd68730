// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Histories of a real ledger under concurrent callers, and through kills of their process, are linearizable. Both
// checkers look at small ones, of which some are then damaged, which both must see; long ones are checked by versions.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/linearizability/child.h"
#include "tests/linearizability/history.h"
#include "tests/linearizability/recorder.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

using Kind = Operation::Kind;
using Answer = Operation::Answer;

std::unique_ptr<Ledger> OpenAt(const std::string& directory) {
  Options options;
  options.create_if_missing = true;
  options.segment_bytes = size_t{1} << 20;
  options.max_dirty_bytes = size_t{16} << 20;
  auto opened = Ledger::Open(directory, options);
  EXPECT_TRUE(opened.ok()) << opened.status();
  return opened.ok() ? *std::move(opened) : nullptr;
}

// ---- Damage that no order explains

bool ChangeABalance(History* history, size_t i) {
  if ((*history)[i].answer != Answer::kApplied) return false;
  ++(*history)[i].touch[0].seen.balance;
  return true;
}

bool DoubleAVersion(History* history, size_t i) {
  const Operation& one = (*history)[i];
  if (one.answer != Answer::kApplied) return false;
  for (Operation& other : *history) {
    if (&other == &one || other.answer != Answer::kApplied || other.touch[0].account != one.touch[0].account) continue;
    other.touch[0].seen = one.touch[0].seen;
    return true;
  }
  return false;
}

// A read that was called after a write had returned sees what was before it.
bool MakeAReadStale(History* history, size_t i) {
  const Operation& write = (*history)[i];
  if (write.answer != Answer::kApplied || write.kind == Kind::kSet || write.returned == 0) return false;
  for (Operation& read : *history) {
    if (read.answer != Answer::kShown || read.called < write.returned) continue;
    AccountState& seen = read.touch[0].seen;
    if (read.touch[0].account != write.touch[0].account || seen.version != write.touch[0].seen.version) continue;
    --seen.version;
    seen.balance -= write.touch[0].operand;
    return true;
  }
  return false;
}

bool DenyAnEffect(History* history, size_t i) {
  Operation& operation = (*history)[i];
  if (operation.answer != Answer::kApplied || operation.kind == Kind::kMove) return false;
  operation.answer = Answer::kConflict;
  return true;
}

// nullopt if the history has no place for it.
std::optional<History> Damaged(const History& history, Random* random) {
  constexpr bool (*kDamages[])(History*, size_t) = {ChangeABalance, DoubleAVersion, MakeAReadStale, DenyAnEffect};
  const auto damage = kDamages[random->Below(std::size(kDamages))];
  const size_t first = random->Below(history.size());
  for (size_t i = 0; i < history.size(); ++i) {
    History damaged = history;
    if (damage(&damaged, (first + i) % history.size())) return damaged;
  }
  return std::nullopt;
}

// ---- Small histories

constexpr int kCallers = 3;
constexpr int kEach = 4;  // operations of each caller in one history
constexpr int kSmallAccounts = 2;
constexpr int kTogether = 64;  // histories, one after the other, between two looks at them

std::string SmallPrefix(uint64_t seed, int history) { return std::to_string(seed) + "-" + std::to_string(history); }

// In each the callers begin together, on accounts of its own.
absl::Status RecordSmallHistories(Ledger* ledger, Record* record, uint64_t seed) {
  std::barrier begin(kCallers);
  std::vector<absl::Status> failures(kCallers);
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([&, i] {
      Caller caller(ledger, record, i, internal::MixSeed(seed, static_cast<uint64_t>(i)));
      for (int history = 0; history < kTogether; ++history) {
        begin.arrive_and_wait();
        caller.Begin(SmallPrefix(seed, history), kSmallAccounts);
        for (int done = 0; done < kEach && caller.DoOne(); ++done) {
        }
      }
      failures[static_cast<size_t>(i)] = caller.failure();
    });
  }
  absl::Status status;
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& failure : failures) status.Update(failure);
  return status;
}

// Whether some operation was called before one that was called earlier had returned.
bool HasOverlap(const History& history) {
  return std::any_of(history.begin(), history.end(), [&](const Operation& a) {
    return std::any_of(history.begin(), history.end(),
                       [&](const Operation& b) { return a.called < b.called && b.called < a.returned; });
  });
}

class SmallHistories : public ::testing::TestWithParam<int> {};

TEST_P(SmallHistories, OfConcurrentCallers_AreLinearizable_AndBothCheckersAgree) {
  TempDirectory directory;
  const auto ledger = OpenAt(directory.path() + "/ledger");
  Record record(kTogether * kCallers * kEach);
  uint64_t operations = 0;
  uint64_t overlapping = 0;
  uint64_t damages = 0;
  uint64_t seed = 0;
  for (Rounds rounds(330); rounds.Next(&seed);) {
    ASSERT_TRUE(RecordSmallHistories(ledger.get(), &record, seed).ok());
    const History all = record.Take();
    record.Clear();
    ASSERT_EQ(all.size(), static_cast<size_t>(kTogether * kCallers * kEach));
    operations += all.size();
    Random random(seed);
    for (auto begin = all.begin(); begin != all.end(); begin += kCallers * kEach) {
      const History history(begin, begin + kCallers * kEach);
      ASSERT_EQ(CheckByVersions(history, kSmallAccounts), "");
      ASSERT_TRUE(CheckBySearch(history, kSmallAccounts));
      overlapping += HasOverlap(history);
      if (!random.OneIn(2)) continue;
      const std::optional<History> damaged = Damaged(history, &random);
      if (!damaged.has_value()) continue;
      ASSERT_NE(CheckByVersions(*damaged, kSmallAccounts), "");
      ASSERT_FALSE(CheckBySearch(*damaged, kSmallAccounts));
      ++damages;
    }
  }
  EXPECT_GT(overlapping, 0u);
  EXPECT_GT(damages, 0u);
  Figure("T12", "operations in small histories", operations);
  Figure("T12", "small histories with operations at the same time", overlapping);
  Figure("T12", "small histories damaged, seen by both checkers", damages);
}

INSTANTIATE_TEST_SUITE_P(Part, SmallHistories, ::testing::Range(0, 4));

// ---- Kills

// Records in child processes, which are killed when so many operations were begun, until the record is full. Returns
// how many were killed.
int RecordThroughKills(const std::string& directory, Record* record, const std::string& prefix, int accounts,
                       const std::vector<size_t>& kill_at, size_t size, uint64_t seed) {
  int kills = 0;
  for (uint64_t life = 0;; ++life) {
    Child child([&] {
      const auto ledger = OpenAt(directory);
      if (ledger == nullptr) return 1;
      return RecordAll(ledger.get(), record, prefix, accounts, kCallers, internal::MixSeed(seed, life)).ok() ? 0 : 1;
    });
    const size_t until = life < kill_at.size() ? kill_at[life] : size;
    while (record->used() < until && !child.HasEnded()) usleep(20);
    if (life < kill_at.size() && !child.HasEnded()) {
      child.Kill();
      ++kills;
      continue;
    }
    EXPECT_EQ(child.Join(), 0);
    if (life >= kill_at.size() || child.exit_status() != 0) return kills;
  }
}

uint64_t CountUnanswered(const History& history) {
  uint64_t count = 0;
  for (const Operation& operation : history) count += operation.answer == Answer::kUnknown;
  return count;
}

TEST(SmallHistories, ThroughKills_AreLinearizable) {
  constexpr size_t kOperations = 30;
  uint64_t seed = 0;
  uint64_t operations = 0;
  uint64_t kills = 0;
  uint64_t unanswered = 0;
  for (Rounds rounds(40); rounds.Next(&seed);) {
    TempDirectory directory;
    const std::string path = directory.path() + "/ledger";
    OpenAt(path);
    Record record(kOperations);
    Random random(seed);
    const std::vector<size_t> kill_at = {random.Between(1, 14), random.Between(15, kOperations)};
    kills +=
        static_cast<uint64_t>(RecordThroughKills(path, &record, "small", kSmallAccounts, kill_at, kOperations, seed));
    const History history = record.Take();
    operations += history.size();
    unanswered += CountUnanswered(history);
    const auto ledger = OpenAt(path);
    ASSERT_NE(ledger, nullptr);
    ASSERT_EQ(CheckByVersions(Resolve(history, ledger.get(), "small", kSmallAccounts), kSmallAccounts), "");
    ASSERT_TRUE(CheckBySearch(history, kSmallAccounts));
  }
  EXPECT_GT(unanswered, 0u);
  Figure("T12", "operations in small histories", operations);
  Figure("T12", "kills", kills);
  Figure("T12", "operations without an answer", unanswered);
}

// ---- Long histories

class LongHistories : public ::testing::TestWithParam<int> {};

// Those with an odd number through kills.
TEST_P(LongHistories, AreLinearizable) {
  constexpr size_t kOperations = kSanitized ? 10'000 : 100'000;
  constexpr int kAccounts = 8;
  const bool killed = GetParam() % 2 == 1;
  uint64_t histories = 0;
  uint64_t kills = 0;
  uint64_t unanswered = 0;
  uint64_t seed = 0;
  for (Rounds rounds(5); rounds.Next(&seed); ++histories) {
    TempDirectory directory;
    const std::string path = directory.path() + "/ledger";
    OpenAt(path);
    Record record(kOperations);
    std::vector<size_t> kill_at;
    for (size_t k = 1; killed && k <= 8; ++k) kill_at.push_back(k * kOperations / 9 + Random(seed + k).Below(1000));
    if (killed) {
      kills += static_cast<uint64_t>(RecordThroughKills(path, &record, "long", kAccounts, kill_at, kOperations, seed));
    } else {
      const auto ledger = OpenAt(path);
      ASSERT_TRUE(RecordAll(ledger.get(), &record, "long", kAccounts, kCallers, seed).ok());
    }
    const History history = record.Take();
    EXPECT_GT(history.size(), kOperations - 100);
    unanswered += CountUnanswered(history);
    const auto ledger = OpenAt(path);
    ASSERT_NE(ledger, nullptr);
    ASSERT_EQ(CheckByVersions(Resolve(history, ledger.get(), "long", kAccounts), kAccounts), "");
  }
  EXPECT_EQ(unanswered > 0, killed);
  Figure("T12", kSanitized ? "histories of 10,000 operations" : "histories of 100,000 operations", histories);
  if (!killed) return;
  Figure("T12", "kills", kills);
  Figure("T12", "operations without an answer", unanswered);
}

INSTANTIATE_TEST_SUITE_P(Part, LongHistories, ::testing::Range(0, 4));

}  // namespace
}  // namespace semel::testing
