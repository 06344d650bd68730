// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Backups and restores that end at any call to the files: what is there afterwards is whole or said not to be, and
// doing it again succeeds. On the simulator; the copy of the state is one step.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/ledger/restore.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/ledger/story.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

using Lines = std::vector<std::string>;

absl::StatusOr<RestoreReport> Restore(SimDisk* disk, const std::string& to) {
  return internal::RestoreBackup(MakeSimWorld(disk), "/backup", to, 0, {});
}

absl::StatusOr<std::unique_ptr<Ledger>> OpenAt(SimDisk* disk, const std::string& directory) {
  Options options;
  options.segment_bytes = 4 << 10;
  return internal::OpenForWriting(directory, options, MakeSimWorld(disk));
}

// What a restore of the backup gives; empty if there is none to restore. Anything else than a ledger that verifies, or
// the answer that there is no whole backup, fails.
Lines Restored(SimDisk* disk, const std::string& to) {
  const auto report = Restore(disk, to);
  if (absl::IsNotFound(report.status())) return {};
  EXPECT_TRUE(report.ok()) << report.status();
  const auto ledger = OpenAt(disk, to);
  EXPECT_TRUE(ledger.ok()) << ledger.status();
  if (!ledger.ok()) return {};
  EXPECT_EQ((*ledger)->Verify()->fault, "");
  return ShowHeads(ledger->get());
}

// The ledger goes through two stories, with a backup after each.
struct Course {
  bool trims = false;       // before the second backup
  uint64_t fault_call = 0;  // of the second backup, or of the first if there is no second; 0: none
  Fault fault = Fault::kCrash;
  bool second = true;
};

struct Played {
  SimDisk disk;
  std::unique_ptr<Ledger> ledger;
  Lines first;   // what the ledger showed at the first backup ...
  Lines second;  // ... and at the last
  uint64_t calls = 0;
  absl::Status status;  // of the last backup
};

void Play(const Course& course, Played* run) {
  {
    Options options;
    options.create_if_missing = true;
    options.segment_bytes = 4 << 10;
    auto opened = internal::OpenForWriting("/ledger", options, MakeSimWorld(&run->disk));
    ASSERT_TRUE(opened.ok()) << opened.status();
    run->ledger = *std::move(opened);
  }
  TellStory(run->ledger.get(), "1");
  if (course.second) {
    run->first = ShowHeads(run->ledger.get());
    const auto report = run->ledger->Backup("/backup");
    ASSERT_TRUE(report.ok()) << report.status();
    TellStory(run->ledger.get(), "2");
    if (course.trims) {
      ASSERT_TRUE(run->ledger->Trim({.before_lsn = UINT64_MAX, .seal = true}).ok());
    }
  }
  run->second = ShowHeads(run->ledger.get());
  const uint64_t before = run->disk.files.calls();
  if (course.fault_call > 0) run->disk.files.InjectFault(before + course.fault_call, course.fault);
  run->status = run->ledger->Backup("/backup").status();
  run->calls = run->disk.files.calls() - before;
}

void CutAtEveryCall(Course course, bool power_loss) {
  const uint64_t seed = TestSeed();
  Played calm;
  Play(course, &calm);
  ASSERT_TRUE(calm.status.ok()) << calm.status;
  ASSERT_GT(calm.calls, 20u);
  int old_ones = 0;
  int new_ones = 0;
  const uint64_t draws = power_loss ? 8 : 2;  // what is lost, and of which write a part is there
  for (uint64_t cut = 0; cut < calm.calls * draws; ++cut) {
    const uint64_t call = cut / draws + 1;
    SCOPED_TRACE("cut in call " + std::to_string(call));
    course.fault_call = call;
    Played run;
    Play(course, &run);
    if (::testing::Test::HasFatalFailure()) return;
    EXPECT_TRUE(!run.status.ok() || call == calm.calls) << "only the pin may stay";
    run.ledger.reset();
    power_loss ? run.disk.files.Crash(seed + cut) : run.disk.files.Kill(seed + cut);

    const Lines restored = Restored(&run.disk, "/after-the-cut");
    EXPECT_TRUE(restored == run.first || restored == run.second);
    old_ones += restored == run.first;
    new_ones += restored == run.second;
    auto ledger = OpenAt(&run.disk, "/ledger");
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    EXPECT_EQ(ShowHeads(ledger->get()), run.second) << "the ledger itself";
    const auto again = (*ledger)->Backup("/backup");
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(Restored(&run.disk, "/after-another"), run.second);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(old_ones, 10);
  EXPECT_GT(new_ones, 0);
  std::printf("%d cuts left the older backup, or none; %d the new one\n", old_ones, new_ones);
}

TEST(BackupCrash, FirstBackup_KilledAtAnyCall) { CutAtEveryCall({.second = false}, /*power_loss=*/false); }
TEST(BackupCrash, FirstBackup_PowerLossAtAnyCall) { CutAtEveryCall({.second = false}, /*power_loss=*/true); }
TEST(BackupCrash, SecondBackup_KilledAtAnyCall_TheFirstStands) { CutAtEveryCall({}, /*power_loss=*/false); }
TEST(BackupCrash, SecondBackup_PowerLossAtAnyCall_TheFirstStands) { CutAtEveryCall({}, /*power_loss=*/true); }
TEST(BackupCrash, SecondBackupAfterATrim_KilledAtAnyCall_TheFirstStands) {
  CutAtEveryCall({.trims = true}, /*power_loss=*/false);
}
TEST(BackupCrash, SecondBackupAfterATrim_PowerLossAtAnyCall_TheFirstStands) {
  CutAtEveryCall({.trims = true}, /*power_loss=*/true);
}

// Any call fails, and the process lives on: an error, the older backup stands, the ledger is not poisoned, and once the
// cause is gone the backup is made.
void FailAtEveryCall(Fault fault, absl::StatusCode code) {
  Played calm;
  Play({.trims = true}, &calm);
  for (uint64_t call = 1; call <= calm.calls; ++call) {
    SCOPED_TRACE("failed in call " + std::to_string(call));
    Played run;
    Play({.trims = true, .fault_call = call, .fault = fault}, &run);
    if (::testing::Test::HasFatalFailure()) return;
    EXPECT_TRUE(run.status.ok() || run.status.code() == code) << run.status;
    const Lines restored = Restored(&run.disk, "/restored");
    EXPECT_TRUE(restored == (run.status.ok() ? run.second : run.first) || restored == run.second);
    ASSERT_TRUE(run.ledger->Apply(AddAt("after", "after", 0, 1))->applied());
    const auto again = run.ledger->Backup("/backup");
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(Restored(&run.disk, "/after-another"), ShowHeads(run.ledger.get()));
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(BackupCrash, DiskFullAtAnyCall) { FailAtEveryCall(Fault::kNoSpace, absl::StatusCode::kResourceExhausted); }
TEST(BackupCrash, IoErrorAtAnyCall) { FailAtEveryCall(Fault::kIoError, absl::StatusCode::kInternal); }

// A restore that is cut leaves no ledger, or a whole one; and can be done again in the same place.
void CutRestoreAtEveryCall(bool power_loss) {
  const uint64_t seed = TestSeed();
  uint64_t calls = 0;
  {
    Played calm;
    Play({.trims = true}, &calm);
    const uint64_t before = calm.disk.files.calls();
    ASSERT_TRUE(Restore(&calm.disk, "/restored").ok());
    calls = calm.disk.files.calls() - before;
  }
  int whole = 0;
  for (uint64_t call = 1; call <= calls; ++call) {
    SCOPED_TRACE("cut in call " + std::to_string(call));
    Played run;
    Play({.trims = true}, &run);
    run.ledger.reset();
    run.disk.files.InjectFault(run.disk.files.calls() + call, Fault::kCrash);
    EXPECT_FALSE(Restore(&run.disk, "/restored").ok());
    power_loss ? run.disk.files.Crash(seed + call) : run.disk.files.Kill(seed + call);
    const auto opened = OpenAt(&run.disk, "/restored");
    if (opened.ok()) {
      ++whole;
      EXPECT_EQ(ShowHeads(opened->get()), run.second);
      EXPECT_EQ((*opened)->Verify()->fault, "");
      continue;
    }
    EXPECT_TRUE(absl::IsNotFound(opened.status())) << opened.status();
    EXPECT_EQ(Restored(&run.disk, "/restored"), run.second);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(whole, 0);
  EXPECT_LT(whole, 10);
}

TEST(RestoreCrash, KilledAtAnyCall) { CutRestoreAtEveryCall(/*power_loss=*/false); }
TEST(RestoreCrash, PowerLossAtAnyCall) { CutRestoreAtEveryCall(/*power_loss=*/true); }

// After an error nothing is left behind, but at most the directory.
TEST(RestoreCrash, DiskFullAtAnyCall_LeavesNothing) {
  Played run;
  Play({.trims = true}, &run);
  run.ledger.reset();
  bool more = true;
  for (uint64_t call = 1; more; ++call) {
    SCOPED_TRACE("full in call " + std::to_string(call));
    const std::string to = "/restored-" + std::to_string(call);
    run.disk.files.InjectFault(run.disk.files.calls() + call, Fault::kNoSpace);
    const absl::Status status = Restore(&run.disk, to).status();
    run.disk.files.ClearFaults();
    more = !status.ok();
    if (!more) break;
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    const auto left = run.disk.files.List(to);
    EXPECT_TRUE(absl::IsNotFound(left.status()) || left->empty()) << (*left)[0];
    EXPECT_EQ(Restored(&run.disk, to), run.second);
    if (::testing::Test::HasFailure()) return;
  }
}

// ---- A trim in the middle of a backup

// Does something else whenever the state is copied.
class InterruptedStore final : public internal::StateStore {
 public:
  InterruptedStore(SimDisk* disk, const std::string& directory, const std::function<void()>* meanwhile)
      : below_(disk, directory), meanwhile_(meanwhile) {}
  absl::StatusOr<std::unique_ptr<internal::StateSnapshot>> Snapshot() override { return below_.Snapshot(); }
  absl::Status Commit(const internal::RecordFeed& records, const internal::CheckpointInfo& info) override {
    return below_.Commit(records, info);
  }
  absl::Status CopyTo(const std::string& directory) override {
    const absl::Status copied = below_.CopyTo(directory);
    (*meanwhile_)();
    return copied;
  }
  absl::StatusOr<internal::StateStats> GetStats() override { return below_.GetStats(); }
  absl::StatusOr<internal::CheckpointInfo> Verify() override { return below_.Verify(); }

 private:
  SimStateStore below_;
  const std::function<void()>* const meanwhile_;
};

TEST(BackupBesideATrim, TheTrimWaitsForTheBackup) {
  SimDisk disk;
  std::function<void()> meanwhile = [] {};
  internal::World world = MakeSimWorld(&disk);
  world.open_state = [&](const internal::StateIdentity& identity) {
    return absl::StatusOr<std::unique_ptr<internal::StateStore>>(
        std::make_unique<InterruptedStore>(&disk, identity.directory + "/" + identity.name, &meanwhile));
  };
  Options options;
  options.create_if_missing = true;
  options.segment_bytes = 4 << 10;
  auto opened = internal::OpenForWriting("/ledger", options, std::move(world));
  ASSERT_TRUE(opened.ok()) << opened.status();
  Ledger* const ledger = opened->get();
  TellStory(ledger, "1");

  TrimReport trimmed;
  int copies = 0;
  meanwhile = [&] {
    if (++copies > 1) return;
    TellStory(ledger, "2");
    auto report = ledger->Trim({.before_lsn = UINT64_MAX, .seal = true});
    ASSERT_TRUE(report.ok()) << report.status();
    trimmed = *report;
  };
  const auto report = ledger->Backup("/backup");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_NE(trimmed.held_by, "");
  EXPECT_EQ(trimmed.removed_segments, 0u);
  EXPECT_EQ(report->lsn, ledger->GetStats()->durable_lsn);
  EXPECT_EQ(Restored(&disk, "/restored"), ShowHeads(ledger));
  const auto after = ledger->Trim({.before_lsn = UINT64_MAX, .seal = true});
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_GT(after->removed_segments, 0u) << "the backup has ended";
}

}  // namespace
}  // namespace semel::testing
