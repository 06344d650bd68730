// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R30-R32: durability and replies, on the simulator; and that the whole engine is deterministic.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

Change Add(uint64_t i) { return AddAt("T-" + std::to_string(i), "a", i, 1); }

// At whichever call the power goes: every outcome that was returned, DUPLICATE included, rests on an entry that is
// still there, and the redelivery of everything ends in the state of an undisturbed run.
TEST(DurabilityRules, R30_NoOutcomeBeforeItsEntryIsDurable) {
  const uint64_t seed = TestSeed();
  constexpr uint64_t kChanges = 12;
  bool more = true;
  for (uint64_t call = 1; more; ++call) {
    SimDisk disk;
    disk.files.InjectFault(call, Fault::kCrash);
    std::vector<std::pair<uint64_t, Outcome>> answered;
    if (auto ledger = OpenSim(&disk); ledger.ok()) {
      for (uint64_t i = 0; i < kChanges; ++i) {
        const uint64_t redelivered = i / 2;
        for (uint64_t which : {i, redelivered}) {
          auto outcome = (*ledger)->Apply(Add(which));
          if (outcome.ok()) answered.emplace_back(which, *outcome);
        }
      }
    }
    more = disk.files.crashed();
    disk.files.Crash(seed + call);

    auto ledger = OpenSim(&disk);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    for (const auto& [i, before] : answered) {
      ASSERT_TRUE(before.settled());
      auto again = (*ledger)->Apply(Add(i));
      ASSERT_TRUE(again.ok());
      EXPECT_EQ(again->code, OutcomeCode::kDuplicate) << "change " << i << ", power loss in call " << call;
      EXPECT_EQ(again->sequence, before.sequence);
      EXPECT_EQ(again->lsn, before.lsn);
    }
    for (uint64_t i = 0; i < kChanges; ++i) ASSERT_TRUE((*ledger)->Apply(Add(i))->settled());
    EXPECT_EQ((*ledger)->Get("a")->balance, kChanges);
    EXPECT_EQ((*ledger)->Get("a")->version, kChanges);
    EXPECT_EQ((*ledger)->Verify()->fault, "");
  }
}

// Readers and callbacks see nothing that a crash could take back: whatever was read before is read after.
TEST(DurabilityRules, R30_ReadersSeeOnlyWhatIsDurable) {
  const uint64_t seed = TestSeed();
  bool more = true;
  for (uint64_t call = 1; more; ++call) {
    SimDisk disk;
    disk.files.InjectFault(call, Fault::kCrash);
    uint64_t seen = 0;
    if (auto ledger = OpenSim(&disk); ledger.ok()) {
      for (uint64_t i = 0; i < 8; ++i) {
        (*ledger)->ApplyAsync(Add(i), [&](absl::StatusOr<Outcome> outcome) {
          if (outcome.ok()) seen = std::max(seen, outcome->updates[0].version);
        });
        if (auto entity = (*ledger)->Get("a"); entity.ok()) seen = std::max(seen, entity->version);
      }
    }
    more = disk.files.crashed();
    disk.files.Crash(seed + call);
    auto ledger = OpenSim(&disk);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    EXPECT_GE((*ledger)->Get("a")->version, seen) << "power loss in call " << call;
  }
}

// Any write or sync that fails: a Status, nothing acknowledged, every later call the same error; after reopening the
// redelivery is APPLIED or DUPLICATE, never CONFLICT.
void FailAtEveryCall(Fault fault) {
  constexpr uint64_t kChanges = 165;  // more than a segment holds
  SimDisk calm;
  uint64_t opened = 0;
  {
    auto ledger = OpenSim(&calm);
    ASSERT_TRUE(ledger.ok());
    opened = calm.files.calls();
  }
  bool more = true;
  uint64_t poisoned = 0;
  uint64_t retried = 0;
  for (uint64_t call = opened + 1; more; ++call) {
    SimDisk disk;
    disk.files.InjectFault(call, fault);
    uint64_t acknowledged = 0;
    {
      auto ledger = OpenSim(&disk);
      ASSERT_TRUE(ledger.ok()) << ledger.status();
      absl::Status first;
      for (uint64_t i = 0; i < kChanges; ++i) {
        auto outcome = (*ledger)->Apply(Add(i));
        if (outcome.ok()) {
          ASSERT_TRUE(first.ok()) << "acknowledged after " << first;
          ASSERT_TRUE(outcome->applied());
          acknowledged = i + 1;
          continue;
        }
        if ((*ledger)->Apply(Add(i)).ok()) {  // no segment could be made, which may be tried again
          EXPECT_TRUE(first.ok());
          ++retried;
          acknowledged = i + 1;
          continue;
        }
        if (first.ok()) first = outcome.status();
        EXPECT_EQ(outcome.status(), first);
        EXPECT_EQ((*ledger)->Get("a").status(), first);
        EXPECT_EQ((*ledger)->Checkpoint(), first);
      }
      poisoned += !first.ok();
      more = disk.files.calls() >= call;
    }
    disk.files.ClearFaults();
    auto ledger = OpenSim(&disk);
    ASSERT_TRUE(ledger.ok()) << "fault in call " << call << ": " << ledger.status();
    EXPECT_GE((*ledger)->Get("a")->version, acknowledged);
    for (uint64_t i = 0; i < kChanges; ++i) {
      auto outcome = (*ledger)->Apply(Add(i));
      ASSERT_TRUE(outcome.ok());
      ASSERT_TRUE(outcome->settled()) << ToString(outcome->code) << ": " << outcome->reason;
      if (i < acknowledged) {
        ASSERT_EQ(outcome->code, OutcomeCode::kDuplicate);
      }
    }
    EXPECT_EQ((*ledger)->Get("a")->balance, kChanges);
  }
  EXPECT_GT(poisoned, 100u);
  EXPECT_GT(retried, 0u);
}

TEST(DurabilityRules, R31_FailedWriteOrSyncIsAStatusAndPoisons) { FailAtEveryCall(Fault::kIoError); }
TEST(DurabilityRules, R31_FullDiskIsAStatusAndRedeliveryIsSafe) { FailAtEveryCall(Fault::kNoSpace); }

TEST(DurabilityRules, R31_FailedCheckpointPoisonsAndLosesNothing) {
  class FailingStore final : public internal::StateStore {
   public:
    explicit FailingStore(SimDisk* disk) : below_(disk) {}
    absl::StatusOr<std::unique_ptr<internal::StateSnapshot>> Snapshot() override { return below_.Snapshot(); }
    absl::Status Commit(const internal::RecordFeed&, const internal::CheckpointInfo&) override {
      return absl::ResourceExhaustedError("MDB_MAP_FULL");
    }
    absl::StatusOr<internal::StateStats> GetStats() override { return below_.GetStats(); }
    absl::StatusOr<internal::CheckpointInfo> Verify() override { return below_.Verify(); }

   private:
    SimStateStore below_;
  };
  SimDisk disk;
  Options options;
  options.create_if_missing = true;
  options.segment_bytes = 16 << 10;
  {
    internal::World world = MakeSimWorld(&disk);
    world.open_state =
        [&disk](const internal::StateIdentity&) -> absl::StatusOr<std::unique_ptr<internal::StateStore>> {
      return std::make_unique<FailingStore>(&disk);
    };
    auto ledger = internal::OpenForWriting("/ledger", options, std::move(world));
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    ASSERT_TRUE((*ledger)->Apply(Add(0))->applied());
    EXPECT_TRUE(absl::IsResourceExhausted((*ledger)->Checkpoint()));
    EXPECT_TRUE(absl::IsResourceExhausted((*ledger)->Apply(Add(1)).status()));
    EXPECT_TRUE(absl::IsResourceExhausted((*ledger)->Get("a").status()));
  }
  auto ledger = OpenSim(&disk);
  ASSERT_TRUE(ledger.ok());
  EXPECT_EQ((*ledger)->Apply(Add(0))->code, OutcomeCode::kDuplicate);
  EXPECT_TRUE((*ledger)->Apply(Add(1))->applied());
}

class Interleaving : public LedgerTest {};

// Read-modify-write by many threads: if anything could slip between deciding and writing, an increment would be lost.
TEST_F(Interleaving, R32_DecidingAndWritingAreOneStep) {
  constexpr int kThreads = 6;
  constexpr int kIncrements = 60;
  std::atomic<int> conflicts{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kIncrements; ++i) {
        for (int attempt = 0;; ++attempt) {
          const Entity entity = Get("a");
          Change change("t" + std::to_string(t) + "-" + std::to_string(i) + "-" + std::to_string(attempt));
          change.AddUpdate("a")
              .ExpectVersion(entity.version)
              .Put(std::to_string(std::atoi(entity.value.value_or("0").c_str()) + 1));
          const Outcome outcome = Do(change);
          if (outcome.applied()) break;
          ASSERT_EQ(outcome.code, OutcomeCode::kConflict) << outcome.reason;
          ++conflicts;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Get("a").value, std::to_string(kThreads * kIncrements));
  EXPECT_EQ(Version("a"), static_cast<uint64_t>(kThreads * kIncrements));
}

// The same frames (changes, boundaries, times) give the same journal bytes and the same digest.
TEST(Determinism, SameInputGivesSameBytesAndDigest) {
  const uint64_t seed = TestSeed();
  struct Result {
    std::vector<std::string> files;
    std::string digest;
    std::string outcomes;
  };
  auto run = [&] {
    SimDisk disk;
    Random random(seed);
    Result result;
    Options options;
    options.max_dirty_bytes = 8 << 10;  // several checkpoints on the way
    auto ledger = OpenSim(&disk, options);
    EXPECT_TRUE(ledger.ok());
    for (int i = 0; i < 300; ++i) {
      std::vector<Change> batch;
      for (uint64_t n = 1 + random.Below(10); n > 0; --n) {
        const std::string key = "k" + std::to_string(random.Below(40));
        Change change("i" + std::to_string(random.Below(2000)));
        Update& update = change.AddUpdate(key).ExpectVersion((*ledger)->Get(key)->version + random.Below(2));
        random.OneIn(4) ? update.Put(random.Bytes(random.Below(100)))
                        : update.Add(static_cast<int64_t>(random.Below(9)));
        if (random.OneIn(3)) change = At(std::move(change), "s" + std::to_string(random.Below(3)), i);
        batch.push_back(std::move(change));
      }
      auto outcomes = (*ledger)->ApplyBatch(batch);
      EXPECT_TRUE(outcomes.ok()) << outcomes.status();
      for (size_t o = 0; o < batch.size(); ++o) result.outcomes += ToJson(batch[o], (*outcomes)[o]);
    }
    EXPECT_GT((*ledger)->GetStats()->checkpoints, 2u);
    EXPECT_TRUE((*ledger)->Checkpoint().ok());
    result.digest = (*ledger)->GetStats()->state_digest;
    EXPECT_TRUE((*ledger)->Close().ok());
    const auto names = disk.files.List("/ledger/journal");
    EXPECT_TRUE(names.ok());
    for (const std::string& name : *names) {
      result.files.push_back(name + *internal::ReadWholeFile(&disk.files, "/ledger/journal/" + name, 64 << 20));
    }
    return result;
  };
  const Result first = run();
  const Result second = run();
  EXPECT_GT(first.files.size(), 2u);
  EXPECT_EQ(first.files, second.files);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_EQ(first.outcomes, second.outcomes);
}

}  // namespace
}  // namespace semel::testing
