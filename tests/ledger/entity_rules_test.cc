// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R16, R18, R19, R22: several entities, and the past.

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

class EntityRules : public LedgerTest {};

TEST_F(EntityRules, R16_TransferRedeliveredAfterBothAccountsMovedOn) {
  const Change documented = Transfer("T-1", "a", "b", 10);
  EXPECT_EQ(Say(documented), "APPLIED");
  Change versioned("T-2");
  versioned.AddUpdate("a").ExpectVersion(1).Add(-5);
  versioned.AddUpdate("b").ExpectVersion(1).Add(5);
  versioned.AddUpdate("limit").ExpectVersion(0).Put("x");
  EXPECT_EQ(Say(versioned), "APPLIED");
  Change checking("T-3");
  checking.AddUpdate("a").ExpectVersion(2).Add(1);
  checking.AddUpdate("limit").ExpectVersion(1).Check();
  EXPECT_EQ(Say(checking), "APPLIED");
  Fill("a", 50);
  Fill("b", 50);
  Fill("limit", 5);  // what was checked has moved on as well
  for (const Change& change : {documented, versioned, checking}) EXPECT_EQ(Say(change), "DUPLICATE") << change.id;
  EXPECT_EQ(Balance("a"), -10 - 5 + 1 + 50);
}

TEST_F(EntityRules, R18_SameIdWithOtherParticipantsIsIdReused) {
  Change two("T-1");
  two.AddUpdate("a").ExpectVersion(0).Add(-5);
  two.AddUpdate("b").ExpectVersion(0).Add(5);
  EXPECT_EQ(Say(two), "APPLIED");
  Change fewer("T-1");
  fewer.AddUpdate("a").ExpectVersion(0).Add(-5);
  EXPECT_EQ(Say(fewer), "ID_REUSED");
  Change more = two;
  more.AddUpdate("c").ExpectVersion(0).Add(0);
  EXPECT_EQ(Say(more), "ID_REUSED");
  Change other = two;
  other.updates[1].key = "c";
  EXPECT_EQ(Say(other), "ID_REUSED");
  EXPECT_EQ(Version("c"), 0u);
  EXPECT_EQ(Version("a"), 1u);
}

// A crash at every write and sync of a run of transfers between three accounts, with power loss; all participants or
// none, and no money made or lost.
TEST(SimulatedEntityRules, R18_CrashAtEveryCallAllParticipantsOrNone) {
  const uint64_t seed = TestSeed();
  const std::vector<std::string> accounts = {"a", "b", "c"};
  auto transfer = [&](uint64_t i) {
    return Transfer("T-" + std::to_string(i), accounts[i % 3], accounts[(i + 1) % 3], 1 + i);
  };
  constexpr uint64_t kTransfers = 12;
  bool more = true;
  uint64_t crashes = 0;
  for (uint64_t call = 1; more; ++call) {
    SimDisk disk;
    disk.files.InjectFault(call, Fault::kCrash);
    if (auto ledger = OpenSim(&disk); ledger.ok()) {
      for (uint64_t i = 0; i < kTransfers; ++i) static_cast<void>((*ledger)->Apply(transfer(i)));
      static_cast<void>((*ledger)->Close());
    }
    more = disk.files.crashed();
    crashes += more;
    disk.files.Crash(seed + call);

    auto ledger = OpenSim(&disk);
    ASSERT_TRUE(ledger.ok()) << "after a crash in call " << call << ": " << ledger.status();
    auto all = (*ledger)->GetMany(accounts);
    ASSERT_TRUE(all.ok());
    Amount sum = 0;
    for (const Entity& account : all->entities) sum += account.balance;
    EXPECT_EQ(sum, 0) << "after a crash in call " << call;
    std::vector<Amount> expected(3, 0);
    for (uint64_t i = 0; i < kTransfers; ++i) {
      if ((*ledger)->Get("transfer/T-" + std::to_string(i))->version == 0) continue;
      expected[i % 3] -= static_cast<int64_t>(1 + i);
      expected[(i + 1) % 3] += static_cast<int64_t>(1 + i);
    }
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(all->entities[i].balance, expected[i]) << "after a crash in call " << call;
    EXPECT_EQ((*ledger)->Verify()->fault, "");
  }
  EXPECT_GT(crashes, 20u);
}

TEST_F(EntityRules, R19_ConcurrentTransfersOverAHotAccountNeverConflict) {
  constexpr int kThreads = 8;
  constexpr int kTransfers = 50;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kTransfers; ++i) {
        const Change change =
            Transfer(std::to_string(t) + "/" + std::to_string(i), "hot", "other" + std::to_string(t), 1);
        EXPECT_EQ(Say(change), "APPLIED");
        EXPECT_EQ(Say(change), "DUPLICATE");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Balance("hot"), -kThreads * kTransfers);
  EXPECT_EQ(Version("hot"), static_cast<uint64_t>(kThreads * kTransfers));
}

// Whatever the past is asked by, it must be what the journal says.
TEST_F(EntityRules, R22_AsOfAgreesWithReplayingTheJournal) {
  Random random(TestSeed());
  const std::vector<std::string> keys = {"a", "b", "c"};
  for (int i = 0; i < 600; ++i) {
    const std::string& key = keys[random.Below(keys.size())];
    const std::string id = "i" + std::to_string(i);
    const uint64_t version = Version(key);
    if (random.OneIn(5)) {
      Do(PutAt(id, key, version, "value " + id));
    } else if (random.OneIn(9)) {
      Policy policy;
      policy.min_balance = -1'000'000 - i;
      Do(PolicyAt(id, key, version, policy));
    } else if (random.OneIn(9) && Balance(key) == 0) {
      Do(DeleteAt(id, key, version));
    } else {
      Do(AddAt(id, key, version, static_cast<int64_t>(random.Below(3)) - 1));
    }
    if (random.OneIn(200)) Reopen();
  }

  struct Past {
    uint64_t lsn;
    int64_t time_us;
    std::map<std::string, Entity> entities;
  };
  std::vector<Past> replay;
  std::map<std::string, Entity> now;
  ASSERT_TRUE(ledger_
                  ->ReadJournal(0,
                                [&](const JournalEntry& entry) {
                                  for (const JournalEffect& effect : entry.effects) {
                                    Entity& entity = now[effect.key];
                                    entity.version = effect.version;
                                    entity.balance = effect.balance;
                                    entity.deleted = effect.deleted;
                                    if (effect.action == Action::kPut) entity.value = effect.value;
                                    if (effect.action == Action::kDelete) entity.value.reset();
                                    if (effect.policy.has_value()) entity.policy = *effect.policy;
                                  }
                                  replay.push_back({entry.lsn, entry.commit_time_us, now});
                                  return true;
                                })
                  .ok());
  ASSERT_GT(replay.size(), 400u);

  auto expect_equal = [&](const absl::StatusOr<Entity>& got, const Entity& want) {
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->version, want.version);
    EXPECT_EQ(got->balance, want.balance);
    EXPECT_EQ(got->value, want.value);
    EXPECT_EQ(got->deleted, want.deleted);
    EXPECT_EQ(got->policy, want.policy);
  };
  for (size_t i = 0; i < replay.size(); ++i) {
    Past& past = replay[i];
    for (const std::string& key : keys) {
      Entity& want = past.entities[key];
      expect_equal(ledger_->Get(key, AsOf::Lsn(past.lsn)), want);
      expect_equal(ledger_->Get(key, AsOf::Version(want.version)), want);
      if (i + 1 == replay.size() || replay[i + 1].time_us > past.time_us) {
        expect_equal(ledger_->Get(key, AsOf::TimeUs(past.time_us)), want);
      }
    }
  }
  EXPECT_EQ(ledger_->Get("a", AsOf::TimeUs(replay[0].time_us - 1))->version, 0u);
  EXPECT_TRUE(absl::IsOutOfRange(ledger_->Get("a", AsOf::Version(10'000)).status()));
  EXPECT_TRUE(absl::IsOutOfRange(ledger_->Get("a", AsOf::Lsn(1 << 30)).status()));
}

}  // namespace
}  // namespace semel::testing
