// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rule R42 through the API: random streams, and whatever may happen to a ledger on the way, beside the reference model
// (which tests/model holds against the specification). Each stream has a seed of its own; the seed of one that fails is
// in its message, and SEMEL_TEST_SEED with it runs it first.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/model_run.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/figures.h"

namespace semel::testing {
namespace {

constexpr uint64_t kMemoryStreams = 12;
constexpr uint64_t kMemoryChanges = 2500;
constexpr uint64_t kDiskStreams = 14;
constexpr uint64_t kDiskChanges = 2500;
constexpr uint64_t kPowerLossStreams = 20;
constexpr uint64_t kPowerLossChanges = 2000;
constexpr uint64_t kBusyStreams = 8;
constexpr uint64_t kBusyChanges = 1500;
static_assert(kMemoryStreams * kMemoryChanges + kDiskStreams * kDiskChanges + kPowerLossStreams * kPowerLossChanges >=
              100'000);

// The size of the next call: mostly small, now and then one that makes the journal roll within the call.
uint64_t SomeBatchSize(Random* random) { return random->OneIn(10) ? 300 : random->OneIn(2) ? 30 : 4; }

// What the streams of a test must not do without.
struct Met {
  uint64_t trimmed = 0;
  uint64_t retried = 0;
  uint64_t unparked = 0;

  void Add(const ModelRun& run) {
    trimmed += run.trimmed();
    retried += run.retried();
    unparked += run.unparked();
  }
  void ExpectAll() const {
    EXPECT_GT(trimmed, 20u);
    EXPECT_GT(retried, 20u);
    EXPECT_GT(unparked, 20u);
  }
};

std::string Trace(uint64_t seed) { return "SEMEL_TEST_SEED=" + std::to_string(seed); }

TEST(Model, R42_LedgersInMemoryAnswerAndShowWhatTheModelDoes) {
  const uint64_t first = TestSeed();
  Met met;
  for (uint64_t seed = first; seed < first + kMemoryStreams && !HasFailure(); ++seed) {
    SCOPED_TRACE(Trace(seed));
    Random random(seed);
    ModelRun run(seed);
    Options options = run.DecidingOptions();
    options.max_frame_bytes = random.OneIn(2) ? 4 << 10 : 64 << 20;
    auto ledger = Ledger::OpenInMemory(options);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    run.Reopened(ledger->get());
    while (run.changes() < kMemoryChanges && !HasFailure()) {
      ASSERT_TRUE(run.Apply(ledger->get(), SomeBatchSize(&random)).ok());
      run.CompareAnswers(ledger->get());
      if (random.OneIn(4)) run.CompareSomething(ledger->get());
      if (random.OneIn(12)) {
        ASSERT_TRUE(run.Trim(ledger->get()).ok());
        run.CompareTrim(ledger->get());
      }
    }
    run.CompareEverything(ledger->get());
    met.Add(run);
  }
  met.ExpectAll();
}

// ---- Directories: next to no cache, many checkpoints, many segments; closed, or left as by a killed process.

// The sizes may be others each time: none of them decides anything.
Options TinyOptions(ModelRun* run, Random* random) {
  Options options = run->DecidingOptions();
  options.cache_bytes = random->Below(3) * 1000;
  options.journal_cache_bytes = random->Below(3) * 20'000;
  options.max_dirty_bytes = random->OneIn(2) ? 24 << 10 : 200 << 10;
  options.segment_bytes = random->OneIn(2) ? 16 << 10 : 128 << 10;
  options.max_frame_bytes = random->OneIn(2) ? 4 << 10 : 64 << 20;
  return options;
}

struct DiskTotals {
  Met met;
  uint64_t changes = 0;
  uint64_t closed = 0;
  uint64_t crashed = 0;
  uint64_t restored = 0;
  uint64_t checkpoints = 0;
  uint64_t segments = 0;
};

void Leave(std::unique_ptr<Ledger> ledger, Random* random, DiskTotals* totals) {
  const auto stats = ledger->GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  totals->checkpoints += stats->checkpoints;
  totals->segments = std::max(totals->segments, stats->journal_segments);
  if (random->OneIn(2)) {
    ++totals->crashed;
    return;
  }
  ++totals->closed;
  EXPECT_TRUE(ledger->Close().ok());
}

// Leaves the ledger behind, and makes one of its backup in `to`.
void GoOnRestored(std::unique_ptr<Ledger> ledger, const std::string& backup, const std::string& to,
                  DiskTotals* totals) {
  const auto taken = ledger->Backup(backup);
  ASSERT_TRUE(taken.ok()) << taken.status();
  ledger.reset();
  const auto restored = RestoreLedger(backup, to);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->sequence, taken->sequence);
  ++totals->restored;
}

void RunOnDisk(uint64_t seed, DiskTotals* totals) {
  const TempDirectory directory;
  Random random(seed);
  ModelRun run(seed);
  std::string path = directory.path() + "/ledger";
  while (run.changes() < Steps(kDiskChanges) && !::testing::Test::HasFailure()) {
    auto ledger = Ledger::Open(path, TinyOptions(&run, &random));
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    run.Reopened(ledger->get());
    for (uint64_t calls = random.Below(25); calls > 0 && !::testing::Test::HasFailure(); --calls) {
      if (random.OneIn(4)) run.CompareSomething(ledger->get());
      ASSERT_TRUE(run.Apply(ledger->get(), SomeBatchSize(&random)).ok());
      run.CompareAnswers(ledger->get());
      if (random.OneIn(12)) {
        ASSERT_TRUE(run.Trim(ledger->get()).ok());
        run.CompareTrim(ledger->get());
      }
    }
    if (random.OneIn(4) || run.changes() >= kDiskChanges) run.CompareEverything(ledger->get());
    if (random.OneIn(8)) {
      const std::string copy = path + "-" + std::to_string(totals->restored);
      GoOnRestored(*std::move(ledger), directory.path() + "/backup", copy, totals);
      std::filesystem::remove_all(path);
      std::filesystem::remove_all(directory.path() + "/backup");
      path = copy;
    } else {
      Leave(*std::move(ledger), &random, totals);
    }
  }
  totals->changes += run.changes();
  totals->met.Add(run);
}

TEST(Model, R42_LedgersInDirectoriesAnswerAndShowWhatTheModelDoes) {
  const uint64_t first = TestSeed();
  DiskTotals totals;
  for (uint64_t seed = first; seed < first + kDiskStreams && !HasFailure(); ++seed) {
    SCOPED_TRACE(Trace(seed));
    RunOnDisk(seed, &totals);
  }
  EXPECT_GT(totals.closed, 10u);
  EXPECT_GT(totals.crashed, 10u);
  EXPECT_GT(totals.checkpoints, 50u);
  EXPECT_GT(totals.segments, 2u);
  totals.met.ExpectAll();
}

TEST(Model, R42_Soak_WithTrimsBackupsRestoresAndReopenings) {
  DiskTotals totals;
  uint64_t seed = 0;
  for (Rounds rounds(1); rounds.Next(&seed);) RunOnDisk(seed, &totals);
  Figure("T11", "changes beside the model on disk", totals.changes);
  std::printf(
      "%llu changes: %llu trims, %llu retries, %llu unparked, %llu closed, %llu killed, %llu restored from a backup\n",
      static_cast<unsigned long long>(totals.changes), static_cast<unsigned long long>(totals.met.trimmed),
      static_cast<unsigned long long>(totals.met.retried), static_cast<unsigned long long>(totals.met.unparked),
      static_cast<unsigned long long>(totals.closed), static_cast<unsigned long long>(totals.crashed),
      static_cast<unsigned long long>(totals.restored));
}

// ---- The simulator: changes are decided while a checkpoint is written, in every one of them.

class BusyStore final : public internal::StateStore {
 public:
  BusyStore(SimDisk* disk, const std::function<void()>* meanwhile) : below_(disk), meanwhile_(meanwhile) {}
  absl::StatusOr<std::unique_ptr<internal::StateSnapshot>> Snapshot() override { return below_.Snapshot(); }
  absl::Status Commit(const internal::RecordFeed& records, const internal::CheckpointInfo& info) override {
    (*meanwhile_)();
    const absl::Status status = below_.Commit(records, info);
    (*meanwhile_)();
    return status;
  }
  absl::StatusOr<internal::StateStats> GetStats() override { return below_.GetStats(); }
  absl::StatusOr<internal::CheckpointInfo> Verify() override { return below_.Verify(); }

 private:
  SimStateStore below_;
  const std::function<void()>* const meanwhile_;
};

absl::StatusOr<std::unique_ptr<Ledger>> OpenBusy(SimDisk* disk, Options options,
                                                 const std::function<void()>* meanwhile) {
  options.cache_bytes = 0;
  options.segment_bytes = 16 << 10;
  internal::World world = MakeSimWorld(disk);
  world.open_state = [=](const internal::StateIdentity&) -> absl::StatusOr<std::unique_ptr<internal::StateStore>> {
    return std::make_unique<BusyStore>(disk, meanwhile);
  };
  return internal::OpenForWriting("/ledger", options, std::move(world));
}

// One life of the ledger, from opening to a crash.
void LiveBusily(ModelRun* run, SimDisk* disk, Random* random) {
  std::function<void()> meanwhile = [] {};
  const auto opened = OpenBusy(disk, run->DecidingOptions(), &meanwhile);
  ASSERT_TRUE(opened.ok()) << opened.status();
  Ledger* const ledger = opened->get();
  run->Reopened(ledger);
  run->CompareEverything(ledger);
  const auto apply = [&] {
    if (::testing::Test::HasFailure()) return;
    ASSERT_TRUE(run->Apply(ledger, SomeBatchSize(random)).ok());
    run->CompareAnswers(ledger);
    run->CompareEntities(ledger);
  };
  meanwhile = apply;
  for (uint64_t steps = random->Below(20); steps > 0 && !::testing::Test::HasFailure(); --steps) {
    apply();
    if (random->OneIn(3)) {
      EXPECT_TRUE(ledger->Checkpoint().ok());
    }
    if (random->OneIn(8)) {
      EXPECT_TRUE(run->Trim(ledger).ok());
      run->CompareTrim(ledger);
    }
    if (random->OneIn(4)) run->CompareSomething(ledger);
  }
}

TEST(Model, R42_ChangesDuringACheckpointAnswerAndShowWhatTheModelDoes) {
  const uint64_t first = TestSeed();
  for (uint64_t seed = first; seed < first + kBusyStreams && !HasFailure(); ++seed) {
    SCOPED_TRACE(Trace(seed));
    SimDisk disk;
    Random random(seed);
    ModelRun run(seed);
    while (run.changes() < kBusyChanges && !HasFailure()) LiveBusily(&run, &disk, &random);
  }
}

// ---- The simulator: the power goes, or the process dies, in any call to the files, also while recovering.

struct LifeTotals {
  Met met;
  uint64_t in_open = 0;  // lives that ended before the ledger was open
  uint64_t lost = 0;
  uint64_t kept = 0;
};

// A crash in some call to the files from now on.
void ArmCrash(SimDisk* disk, Random* random) {
  disk->files.ClearFaults();
  disk->files.InjectFault(disk->files.calls() + random->Between(1, random->OneIn(4) ? 8 : 150), Fault::kCrash);
}

// One life of the ledger, from opening to a crash.
void Live(ModelRun* run, SimDisk* disk, Random* random, LifeTotals* totals) {
  Options options = run->DecidingOptions();
  options.max_dirty_bytes = random->OneIn(2) ? 8 << 10 : 64 << 10;
  ArmCrash(disk, random);
  const auto ledger = OpenSim(disk, options);
  if (!ledger.ok()) {
    ASSERT_TRUE(disk->files.crashed()) << ledger.status();
    ++totals->in_open;
    return;
  }
  if (disk->files.crashed()) return;  // in the background, just after opening
  disk->files.ClearFaults();          // looking takes pins, which are files
  run->Reopened(ledger->get());
  if (!::testing::Test::HasFailure()) run->CompareEverything(ledger->get());
  while (run->changes() < kPowerLossChanges && !::testing::Test::HasFailure()) {
    const bool trims = random->OneIn(12);
    ArmCrash(disk, random);
    const absl::Status status = trims ? run->Trim(ledger->get()) : run->Apply(ledger->get(), SomeBatchSize(random));
    if (disk->files.crashed()) return;
    ASSERT_TRUE(status.ok()) << status;
    disk->files.ClearFaults();
    trims ? run->CompareTrim(ledger->get()) : run->CompareAnswers(ledger->get());
    if (random->OneIn(4)) run->CompareSomething(ledger->get());
  }
}

void RunWithPowerLosses(uint64_t seed, LifeTotals* totals) {
  SimDisk disk;
  Random random(seed);
  ModelRun run(seed);
  while (run.changes() < kPowerLossChanges && !::testing::Test::HasFailure()) {
    Live(&run, &disk, &random, totals);
    random.OneIn(3) ? disk.files.Kill(random.Next()) : disk.files.Crash(random.Next());
  }
  disk.files.ClearFaults();
  const auto ledger = OpenSim(&disk, run.DecidingOptions());
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  run.Reopened(ledger->get());
  run.CompareEverything(ledger->get());
  totals->met.Add(run);
  totals->lost += run.lost_in_flight();
  totals->kept += run.kept_in_flight();
}

TEST(Model, R42_AfterPowerLossAPrefixStandsThatHoldsEverythingAcknowledged) {
  const uint64_t first = TestSeed();
  LifeTotals totals;
  for (uint64_t seed = first; seed < first + kPowerLossStreams && !HasFailure(); ++seed) {
    SCOPED_TRACE(Trace(seed));
    RunWithPowerLosses(seed, &totals);
  }
  EXPECT_GT(totals.in_open, 10u);
  EXPECT_GT(totals.lost, 10u);
  EXPECT_GT(totals.kept, 10u);
  totals.met.ExpectAll();
}

}  // namespace
}  // namespace semel::testing
