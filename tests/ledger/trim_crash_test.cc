// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R33 and R34 through crashes and errors at every call to the files that a trim makes.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/status_macros.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

using internal::CheckpointInfo;
using internal::StateStore;

constexpr int kChanges = 60;  // before each trim
constexpr int kTrims = 2;

Change NumberedChange(int i) {
  const std::string id = "T-" + std::to_string(i);
  const std::string key = "k" + std::to_string(i % 3);
  if (i % 5 == 4) return AddFrom(id, "source", static_cast<uint64_t>(i + 1), key, 1);
  return Transfer(id, key, "k" + std::to_string((i + 1) % 3), 1 + i);
}

TrimOptions Everything() {
  TrimOptions options;
  options.before_lsn = UINT64_MAX;
  options.seal = true;
  return options;
}

// Keeps the state as it was before its last commit: what LMDB shows if the write of its newest meta page is lost.
// Refuses one snapshot when `*snapshots` have been taken, as LMDB does when there are too many.
class RememberingStore final : public StateStore {
 public:
  RememberingStore(SimDisk* disk, uint64_t seed, std::shared_ptr<StateStore>* previous, int* snapshots)
      : below_(disk), seed_(seed), previous_(previous), snapshots_(snapshots) {}
  absl::StatusOr<std::unique_ptr<internal::StateSnapshot>> Snapshot() override {
    if ((*snapshots_)-- == 0) return absl::ResourceExhaustedError("too many snapshots");
    return below_.Snapshot();
  }
  absl::Status Commit(const internal::RecordFeed& records, const CheckpointInfo& info) override {
    SEMEL_ASSIGN_OR_RETURN(SimState before, CopyOf(&below_, seed_));
    SEMEL_RETURN_IF_ERROR(below_.Commit(records, info));
    *previous_ = std::move(before.store);
    return absl::OkStatus();
  }
  absl::StatusOr<internal::StateStats> GetStats() override { return below_.GetStats(); }
  absl::StatusOr<CheckpointInfo> Verify() override { return below_.Verify(); }

 private:
  SimStateStore below_;
  const uint64_t seed_;
  std::shared_ptr<StateStore>* const previous_;
  int* const snapshots_;
};

// A disk, and the state before its last commit.
struct Disk : SimDisk {
  std::shared_ptr<StateStore> previous;
  uint64_t keep_journal_bytes = 0;
  int snapshots = -1;  // until one is refused; negative: none is

  absl::StatusOr<std::unique_ptr<Ledger>> Open() {
    Options options;
    options.create_if_missing = true;
    options.segment_bytes = 4096;
    options.keep_journal_bytes = keep_journal_bytes;
    internal::World world = MakeSimWorld(this);
    world.open_state = [this](const internal::StateIdentity& identity) -> absl::StatusOr<std::unique_ptr<StateStore>> {
      SEMEL_RETURN_IF_ERROR(FindSimState(this, "/ledger/state").status());
      return std::make_unique<RememberingStore>(this, identity.seed, &previous, &snapshots);
    };
    return internal::OpenForWriting("/ledger", options, std::move(world));
  }

  // True if there was one.
  bool LoseLastCommit() {
    if (previous == nullptr) return false;
    states.at(*internal::ReadWholeFile(&files, "/ledger/state/data.mdb", 100)).store = previous;
    return true;
  }
};

// What a life got to.
struct Life {
  int applied = 0;     // changes that were acknowledged
  uint64_t floor = 0;  // of the last trim that returned
};

// Changes, a trim, changes, a trim. Ends at the first error.
Life Live(Ledger* ledger) {
  Life life;
  for (int trim = 0; trim < kTrims; ++trim) {
    for (int i = 0; i < kChanges; ++i) {
      const auto outcome = ledger->Apply(NumberedChange(life.applied));
      if (!outcome.ok()) return life;
      EXPECT_TRUE(outcome->applied()) << outcome->reason;
      ++life.applied;
    }
    const auto report = ledger->Trim(Everything());
    if (!report.ok()) return life;
    life.floor = report->floor_lsn;
  }
  return life;
}

// The calls that open and fill the ledger, and all of them.
std::pair<uint64_t, uint64_t> CountCalls() {
  Disk disk;
  auto ledger = disk.Open();
  EXPECT_TRUE(ledger.ok()) << ledger.status();
  for (int i = 0; i < kChanges; ++i) EXPECT_TRUE((*ledger)->Apply(NumberedChange(i)).ok());
  const uint64_t filled = disk.files.calls();
  Disk whole;
  ledger = whole.Open();
  EXPECT_EQ(Live(ledger->get()).applied, kTrims * kChanges);
  return {filled, whole.files.calls()};
}

// The ledger opens, is whole, has a floor that is not below `life`'s, and recognises everything.
void ExpectSound(Disk* disk, const Life& life) {
  uint64_t floor = 0;
  {
    auto ledger = disk->Open();
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    floor = (*ledger)->GetStats()->floor_lsn;
    EXPECT_GE(floor, life.floor);
    const auto verified = (*ledger)->Verify();
    ASSERT_TRUE(verified.ok()) << verified.status();
    ASSERT_EQ(verified->fault, "");
    // What was not answered may be there or not; all before is, whatever is still known of it.
    for (int i = 0; i < life.applied; ++i) {
      const auto again = (*ledger)->Apply(NumberedChange(i));
      ASSERT_TRUE(again.ok()) << again.status();
      ASSERT_TRUE(again->code == OutcomeCode::kDuplicate || again->code == OutcomeCode::kIndeterminate)
          << i << ": " << ToString(again->code) << " " << again->reason;
    }
    const auto report = (*ledger)->Trim(Everything());
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_GE(report->floor_lsn, floor);
    floor = report->floor_lsn;
  }
  auto ledger = disk->Open();
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  EXPECT_EQ((*ledger)->GetStats()->floor_lsn, floor);
  EXPECT_EQ((*ledger)->GetStats()->journal_segments, 1u);
  EXPECT_EQ((*ledger)->Verify()->fault, "");
}

TEST(TrimCrash, R33_R34_CrashedAtEveryCall_NothingIsLostOrAppliedTwice) {
  const uint64_t seed = TestSeed();
  const auto [first, last] = CountCalls();
  int crashes = 0;
  for (uint64_t call = first + 1; call <= last; ++call) {
    for (uint64_t draw = 0; draw < 6; ++draw) {
      SCOPED_TRACE("crashed in call " + std::to_string(call) + ", draw " + std::to_string(draw));
      Disk disk;
      disk.files.InjectFault(call, Fault::kCrash);
      Life life;
      if (auto ledger = disk.Open(); ledger.ok()) life = Live(ledger->get());
      ASSERT_TRUE(disk.files.crashed());
      draw % 3 == 2 ? disk.files.Kill(seed + draw) : disk.files.Crash(seed + draw);
      ExpectSound(&disk, life);
      if (::testing::Test::HasFatalFailure()) return;
      ++crashes;
    }
  }
  std::printf("%d crashes in %llu calls\n", crashes, static_cast<unsigned long long>(last - first));
}

// The same, and the last commit of the state is lost.
TEST(TrimCrash, TheCheckpointBeforeTheLastIsEnoughAtEveryCall) {
  const uint64_t seed = TestSeed();
  const auto [first, last] = CountCalls();
  int older = 0;
  for (uint64_t call = first + 1; call <= last; ++call) {
    SCOPED_TRACE("crashed in call " + std::to_string(call));
    Disk disk;
    disk.files.InjectFault(call, Fault::kCrash);
    Life life;
    if (auto ledger = disk.Open(); ledger.ok()) life = Live(ledger->get());
    disk.files.Crash(seed + call);
    older += disk.LoseLastCommit();
    ExpectSound(&disk, life);
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(older, 50);
}

// The opening that finishes the trim is cut short as well, and perhaps the next one.
TEST(TrimCrash, R33_CrashedAgainWhileOpening_NothingIsLostOrAppliedTwice) {
  Random random(TestSeed());
  const auto [first, last] = CountCalls();
  int again = 0;
  for (uint64_t call = first + 1; call <= last; ++call) {
    for (int draw = 0; draw < 6; ++draw) {
      SCOPED_TRACE("crashed in call " + std::to_string(call) + ", draw " + std::to_string(draw));
      Disk disk;
      disk.files.InjectFault(call, Fault::kCrash);
      Life life;
      if (auto ledger = disk.Open(); ledger.ok()) life = Live(ledger->get());
      disk.files.Crash(random.Next());
      for (int opening = 0; opening < 3; ++opening) {
        disk.files.InjectFault(disk.files.calls() + 1 + random.Below(12), Fault::kCrash);
        static_cast<void>(disk.Open());
        again += disk.files.crashed();
        random.OneIn(2) ? disk.files.Crash(random.Next()) : disk.files.Kill(random.Next());
      }
      ExpectSound(&disk, life);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(again, 1000);
}

// Trims in the background, in the middle of the changes.
TEST(TrimCrash, R33_R34_RetentionCrashedAtEveryCall_NothingIsLostOrAppliedTwice) {
  const uint64_t seed = TestSeed();
  uint64_t trimmed = 0;
  bool more = true;
  for (uint64_t call = 1; more; ++call) {
    SCOPED_TRACE("crashed in call " + std::to_string(call));
    Disk disk;
    disk.keep_journal_bytes = 8000;
    disk.files.InjectFault(call, Fault::kCrash);
    Life life;
    if (auto ledger = disk.Open(); ledger.ok()) {
      while (life.applied < 150) {
        const auto outcome = (*ledger)->Apply(NumberedChange(life.applied));
        if (!outcome.ok()) break;
        ASSERT_TRUE(outcome->applied()) << outcome->reason;
        ++life.applied;
        if (const auto stats = (*ledger)->GetStats(); stats.ok()) life.floor = stats->floor_lsn;
      }
    }
    trimmed += life.floor > 0;
    more = disk.files.crashed();
    call % 3 == 0 ? disk.files.Kill(seed + call) : disk.files.Crash(seed + call);
    ExpectSound(&disk, life);
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(trimmed, 100u);
}

// A call fails, and the process goes on as far as the ledger lets it.
TEST(TrimCrash, FailedAtEveryCall_IsAStatus_AndTheNextOpenFinishes) {
  const auto [first, last] = CountCalls();
  for (const Fault fault : {Fault::kIoError, Fault::kNoSpace}) {
    for (uint64_t call = first + 1; call <= last; ++call) {
      SCOPED_TRACE("failed in call " + std::to_string(call));
      Disk disk;
      Life life;
      {
        auto ledger = disk.Open();
        ASSERT_TRUE(ledger.ok()) << ledger.status();
        disk.files.InjectFault(call, fault);
        life = Live(ledger->get());
        if (life.floor == 0) {  // the first trim failed: another may do, unless the ledger is poisoned
          const auto again = (*ledger)->Trim(Everything());
          if (again.ok()) life.floor = again->floor_lsn;
        }
      }
      disk.files.ClearFaults();
      ExpectSound(&disk, life);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

// A trim ends wherever a snapshot is refused, the ledger healthy; the next one asks for the same.
TEST(TrimCrash, R33_RefusedASnapshotAndAskedAgain_TheLedgerOpensAgain) {
  bool refused = true;
  for (int snapshot = 0; refused; ++snapshot) {
    SCOPED_TRACE("snapshot " + std::to_string(snapshot));
    Disk disk;
    Life life;
    {
      auto ledger = disk.Open();
      ASSERT_TRUE(ledger.ok()) << ledger.status();
      for (; life.applied < kChanges; ++life.applied) {
        ASSERT_TRUE((*ledger)->Apply(NumberedChange(life.applied)).ok());
      }
      TrimOptions options;
      options.before_lsn = (*ledger)->GetStats()->durable_lsn - 1;  // not of a segment that begins there later
      disk.snapshots = snapshot;
      refused = !(*ledger)->Trim(options).ok();
      disk.snapshots = -1;
      const auto report = (*ledger)->Trim(options);
      ASSERT_TRUE(report.ok()) << report.status();
      life.floor = report->floor_lsn;
      ASSERT_GT(life.floor, 0u);
      ASSERT_TRUE((*ledger)->Close().ok());
    }
    ExpectSound(&disk, life);
    if (::testing::Test::HasFatalFailure()) return;
    ASSERT_LT(snapshot, 20);
  }
}

}  // namespace
}  // namespace semel::testing
