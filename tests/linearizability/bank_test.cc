// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A bank: money moves between accounts while snapshots of all of them are taken in every way there is; each has the
// same sum. From the same process, from another one, and after kills.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/linearizability/child.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

constexpr int kAccounts = 10;
constexpr int kTellers = 3;
constexpr int64_t kDeposit = 1000;
constexpr int64_t kSum = kAccounts * kDeposit;

std::string AccountKey(uint64_t account) { return "bank/" + std::to_string(account); }

std::vector<std::string> AllKeys() {
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < kAccounts; ++i) keys.push_back(AccountKey(i));
  return keys;
}

std::unique_ptr<Ledger> OpenBank(const std::string& directory) {
  Options options;
  options.create_if_missing = true;
  options.segment_bytes = 256 << 10;
  options.max_dirty_bytes = 64 << 10;  // checkpoints all along
  auto opened = Ledger::Open(directory, options);
  EXPECT_TRUE(opened.ok()) << opened.status();
  return opened.ok() ? *std::move(opened) : nullptr;
}

void Found(const std::string& directory) {
  const auto ledger = OpenBank(directory);
  for (uint64_t i = 0; i < kAccounts; ++i) {
    ASSERT_TRUE(ledger->Apply(AddAt("deposit-" + std::to_string(i), AccountKey(i), 0, kDeposit))->applied());
  }
}

// ---- Tellers

// Moves money until told to stop. Positions go on where the ledger's cursor is.
void Move(Ledger* ledger, int teller, uint64_t seed, const std::atomic<bool>* stop) {
  Random random(seed);
  const std::string source = "teller-" + std::to_string(teller);
  const auto cursor = *ledger->GetSource(source);
  for (uint64_t position = cursor.has_value() ? cursor->position + 1 : 1; !stop->load(); ++position) {
    const uint64_t from = random.Below(kAccounts);
    const uint64_t to = (from + 1 + random.Below(kAccounts - 1)) % kAccounts;
    const Amount amount = static_cast<Amount>(random.Below(500));
    Change change;
    change.balanced = true;
    change.AddUpdate(AccountKey(from)).Add(-amount);
    change.AddUpdate(AccountKey(to)).Add(amount);
    const auto outcome = ledger->Apply(At(std::move(change), source, position));
    SEMEL_CHECK(outcome.ok() && outcome->applied());
  }
}

class Tellers {
 public:
  Tellers(Ledger* ledger, uint64_t seed) {
    for (int i = 0; i < kTellers; ++i) {
      threads_.emplace_back(Move, ledger, i, internal::MixSeed(seed, static_cast<uint64_t>(i)), &stop_);
    }
  }
  ~Tellers() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

// Until so many changes were made since.
void AwaitMoves(Ledger* ledger, uint64_t changes) {
  for (const uint64_t before = ledger->GetStats()->sequence; ledger->GetStats()->sequence < before + changes;) {
    usleep(100);
  }
}

// ---- Snapshots

absl::StatusOr<Amount> SumNow(Ledger* ledger, uint64_t* lsn) {
  SEMEL_ASSIGN_OR_RETURN(const ManyEntities many, ledger->GetMany(AllKeys()));
  Amount sum = 0;
  for (const Entity& entity : many.entities) sum += entity.balance;
  *lsn = many.lsn;
  return sum;
}

absl::StatusOr<Amount> SumOfScan(Ledger* ledger, bool fresh) {
  ScanOptions options;
  options.prefix = "bank/";
  options.fresh = fresh;
  Amount sum = 0;
  SEMEL_RETURN_IF_ERROR(ledger
                            ->Scan(options,
                                   [&](const Entity& entity) {
                                     sum += entity.balance;
                                     return true;
                                   })
                            .status());
  return sum;
}

absl::StatusOr<Amount> SumAsOf(Ledger* ledger, const AsOf& as_of) {
  Amount sum = 0;
  for (const std::string& key : AllKeys()) {
    SEMEL_ASSIGN_OR_RETURN(const Entity entity, ledger->Get(key, as_of));
    sum += entity.balance;
  }
  return sum;
}

void ExpectSum(const absl::StatusOr<Amount>& sum, const char* of, uint64_t* snapshots) {
  ASSERT_TRUE(sum.ok()) << of << ": " << sum.status();
  ASSERT_EQ(static_cast<int64_t>(*sum), kSum) << of;
  ++*snapshots;
}

// One snapshot of each kind.
void TakeSnapshots(Ledger* ledger, bool writes, uint64_t* snapshots) {
  uint64_t lsn = 0;
  ExpectSum(SumNow(ledger, &lsn), "many", snapshots);
  ExpectSum(SumAsOf(ledger, AsOf::Lsn(lsn - 1)), "as of an address", snapshots);
  ExpectSum(SumAsOf(ledger, AsOf::TimeUs(ledger->GetStats()->commit_time_us)), "as of a time", snapshots);
  ExpectSum(SumOfScan(ledger, /*fresh=*/writes), "scan", snapshots);
}

// ---- Tests

TEST(Bank, SumIsConstantInEverySnapshot_WhileTellersMoveMoney) {
  TempDirectory directory;
  const std::string path = directory.path() + "/ledger";
  Found(path);
  const auto ledger = OpenBank(path);
  uint64_t snapshots = 0;
  uint64_t seed = 0;
  {
    Rounds rounds(1000);
    rounds.Next(&seed);
    Tellers tellers(ledger.get(), seed);
    AwaitMoves(ledger.get(), 1);
    do {
      TakeSnapshots(ledger.get(), /*writes=*/true, &snapshots);
    } while (rounds.Next(&seed));
  }
  EXPECT_EQ(ledger->Verify()->fault, "");
  Figure("T13", "snapshots", snapshots);
}

// Of a reading process while the writing one lives, and of the next writing one after it was killed.
TEST(Bank, SumIsConstantInEverySnapshot_OfAnotherProcess_AndAfterKills) {
  TempDirectory directory;
  const std::string path = directory.path() + "/ledger";
  Found(path);
  uint64_t snapshots = 0;
  uint64_t kills = 0;
  uint64_t seed = 0;
  for (Rounds rounds(25); rounds.Next(&seed); ++kills) {
    Random random(seed);
    {
      Child child([&] {
        const auto ledger = OpenBank(path);
        if (ledger == nullptr) return 1;
        Tellers tellers(ledger.get(), seed);
        for (;;) pause();
      });
      const auto reader = Ledger::OpenReadOnly(path);
      ASSERT_TRUE(reader.ok()) << reader.status();
      AwaitMoves(reader->get(), random.Between(1, 100));
      for (uint64_t i = random.Between(1, 6); i > 0; --i) TakeSnapshots(reader->get(), /*writes=*/false, &snapshots);
      child.Kill();
    }
    const auto ledger = OpenBank(path);
    ASSERT_NE(ledger, nullptr);
    TakeSnapshots(ledger.get(), /*writes=*/true, &snapshots);
    ASSERT_EQ(ledger->Verify()->fault, "");
  }
  Figure("T13", "snapshots", snapshots);
  Figure("T13", "kills", kills);
}

}  // namespace
}  // namespace semel::testing
