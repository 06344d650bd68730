// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The simulator must lose what a disk may lose, and nothing else.

#include "tests/sim/sim_file_system.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/sim/sim_environment.h"

namespace semel::testing {
namespace {

using internal::File;
using internal::OpenMode;
using internal::ReadWholeFile;

std::unique_ptr<File> Create(SimFileSystem* fs, const std::string& path) {
  auto file = fs->Open(path, OpenMode::kCreateNew);
  EXPECT_TRUE(file.ok()) << file.status();
  return *std::move(file);
}

std::string Contents(SimFileSystem* fs, const std::string& path) {
  auto bytes = ReadWholeFile(fs, path, 1 << 20);
  return bytes.ok() ? *bytes : std::string(bytes.status().message());
}

// What `Contents` may be after a power loss, over many seeds.
std::set<std::string> Images(const SimFileSystem& fs, const std::string& path) {
  std::set<std::string> images;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const auto copy = fs.Clone();
    copy->Crash(seed);
    images.insert(Contents(copy.get(), path));
  }
  return images;
}

TEST(SimFileSystem, Crash_SyncedFileAndDirectory_KeepsAll) {
  SimFileSystem fs;
  const auto file = Create(&fs, "a");
  ASSERT_TRUE(file->WriteAt(0, "one").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(fs.SyncDirectory("").ok());
  EXPECT_EQ(Images(fs, "a"), std::set<std::string>{"one"});
}

TEST(SimFileSystem, Crash_DirectoryNotSynced_MayLoseTheName) {
  SimFileSystem fs;
  const auto file = Create(&fs, "a");
  ASSERT_TRUE(file->WriteAt(0, "one").ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(Images(fs, "a"), (std::set<std::string>{"one", "a: no such file"}));
}

TEST(SimFileSystem, Crash_UnsyncedWrite_IsKeptDroppedOrTornAtSectors) {
  SimFileSystem fs;
  const auto file = Create(&fs, "a");
  ASSERT_TRUE(file->WriteAt(0, std::string(1024, 'o')).ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(fs.SyncDirectory("").ok());
  ASSERT_TRUE(file->WriteAt(500, std::string(24, 'n')).ok());  // over the border at 512
  const std::string o(500, 'o'), n(12, 'n'), p(12, 'o'), rest(500, 'o');
  EXPECT_EQ(Images(fs, "a"),
            (std::set<std::string>{o + p + p + rest, o + n + p + rest, o + p + n + rest, o + n + n + rest}));
}

TEST(SimFileSystem, Crash_LaterWriteWithoutEarlier_IsPossible) {
  SimFileSystem fs;
  const auto file = Create(&fs, "a");
  ASSERT_TRUE(file->WriteAt(0, "....").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(fs.SyncDirectory("").ok());
  ASSERT_TRUE(file->WriteAt(0, "A").ok());
  ASSERT_TRUE(file->WriteAt(1, "B").ok());
  EXPECT_EQ(Images(fs, "a"), (std::set<std::string>{"....", "A...", ".B..", "AB.."}));
}

TEST(SimFileSystem, Crash_RenameNotSynced_LeavesOldOrNewName) {
  SimFileSystem fs;
  const auto file = Create(&fs, "old");
  ASSERT_TRUE(file->WriteAt(0, "x").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(fs.SyncDirectory("").ok());
  ASSERT_TRUE(fs.Rename("old", "new").ok());
  int renamed = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto copy = fs.Clone();
    copy->Crash(seed);
    const auto names = copy->List("");
    ASSERT_TRUE(names.ok());
    ASSERT_EQ(names->size(), 1u) << "a rename is atomic";
    renamed += names->front() == "new";
  }
  EXPECT_GT(renamed, 0);
  EXPECT_LT(renamed, 100);
}

TEST(SimFileSystem, Sync_AfterFailedSync_DoesNotMakeOldWritesDurable) {
  SimFileSystem fs;
  const auto file = Create(&fs, "a");
  ASSERT_TRUE(fs.SyncDirectory("").ok());
  ASSERT_TRUE(file->WriteAt(0, "x").ok());
  fs.InjectFault(fs.calls() + 1, Fault::kIoError);
  EXPECT_EQ(file->Sync().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(Contents(&fs, "a"), "x");
  EXPECT_EQ(Images(fs, "a"), (std::set<std::string>{"", "x"}));
  ASSERT_TRUE(file->WriteAt(0, "x").ok());  // the cure: written again
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(Images(fs, "a"), std::set<std::string>{"x"});
}

TEST(SimFileSystem, InjectFault_Once_FailsOneCall) {
  SimFileSystem fs;
  const auto file = Create(&fs, "a");
  fs.InjectFault(fs.calls() + 2, Fault::kNoSpace);
  EXPECT_TRUE(file->WriteAt(0, "1").ok());
  EXPECT_EQ(file->WriteAt(1, "23").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Contents(&fs, "a"), "12") << "a failed write may have written a part";
  EXPECT_TRUE(file->WriteAt(1, "23").ok());
}

TEST(SimFileSystem, InjectFault_ForEver_FailsAllLaterCalls) {
  SimFileSystem fs;
  const auto file = Create(&fs, "a");
  fs.InjectFault(fs.calls() + 1, Fault::kIoError, /*for_ever=*/true);
  EXPECT_FALSE(file->WriteAt(0, "1").ok());
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_FALSE(fs.CreateDirectory("d").ok());
  fs.ClearFaults();
  EXPECT_TRUE(file->Sync().ok());
}

TEST(SimFileSystem, Kill_KeepsWhatWasWrittenAndAPartOfTheInterruptedWrite) {
  std::set<std::string> images;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimFileSystem fs;
    const auto file = Create(&fs, "a");
    ASSERT_TRUE(file->WriteAt(0, "12").ok());
    fs.InjectFault(fs.calls() + 1, Fault::kCrash);
    EXPECT_TRUE(SimFileSystem::IsCrash(file->WriteAt(2, "34")));
    EXPECT_TRUE(SimFileSystem::IsCrash(fs.Exists("a").status()));
    fs.Kill(seed);
    EXPECT_TRUE(SimFileSystem::IsCrash(file->Sync())) << "opened in the life before";
    images.insert(Contents(&fs, "a"));
  }
  EXPECT_EQ(images, (std::set<std::string>{"12", "123", "1234"}));
}

TEST(SimFileSystem, Lock_IsReleasedByItsDestructorAndByACrash) {
  SimFileSystem fs;
  auto lock = fs.Lock("l");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(fs.Lock("l").status().code(), absl::StatusCode::kUnavailable);
  lock->reset();
  auto second = fs.Lock("l");
  ASSERT_TRUE(second.ok());
  fs.Crash(1);
  auto third = fs.Lock("l");
  ASSERT_TRUE(third.ok());
  second->reset();
  EXPECT_EQ(fs.Lock("l").status().code(), absl::StatusCode::kUnavailable) << "an old lock must not release a new one";
}

TEST(SimFileSystem, Clone_NeitherSeesWhatBecomesOfTheOther) {
  SimFileSystem fs;
  const auto file = Create(&fs, "a");
  const auto copy = fs.Clone();
  ASSERT_TRUE(file->WriteAt(0, "x").ok());
  ASSERT_TRUE(fs.CreateDirectory("d").ok());
  EXPECT_EQ(Contents(copy.get(), "a"), "");
  EXPECT_FALSE(*copy->Exists("d"));
  copy->Overwrite("a", 0, "yy");
  ASSERT_TRUE(copy->Remove("a").ok());
  copy->Crash(1);
  EXPECT_EQ(Contents(&fs, "a"), "x");
}

TEST(SimFileSystem, WatchCalls_ShowsEachCallCut) {
  SimFileSystem fs;
  std::vector<std::set<std::string>> images;
  fs.WatchCalls([&](const SimFileSystem& crashed) { images.push_back(Images(crashed, "a")); });
  const auto file = Create(&fs, "a");
  ASSERT_TRUE(fs.SyncDirectory("").ok());
  ASSERT_TRUE(file->WriteAt(0, "one").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->Truncate(1).ok());
  const std::string none = "a: no such file";
  const std::vector<std::set<std::string>> expected = {
      {none, ""}, {none, ""}, {"", "one"}, {"", "one"}, {"o", "one"},
  };
  EXPECT_EQ(images, expected);
  EXPECT_EQ(fs.calls(), expected.size());
  EXPECT_EQ(Contents(&fs, "a"), "o") << "the watched one goes on undisturbed";
  fs.Crash(1);
  ASSERT_TRUE(fs.CreateDirectory("d").ok());
  EXPECT_EQ(images.size(), expected.size()) << "the watcher went with the crash";
}

TEST(SimFileSystem, WatchCalls_SeesTheFaultsOfItsOwnRunNot) {
  SimFileSystem fs;
  int seen = 0;
  fs.WatchCalls([&](const SimFileSystem& crashed) {
    ++seen;
    EXPECT_TRUE(crashed.crashed());
  });
  fs.InjectFault(1, Fault::kIoError);
  EXPECT_TRUE(absl::IsInternal(fs.CreateDirectory("d")));
  EXPECT_EQ(seen, 1);
}

TEST(InlineBackground, WhenAsked_RunsInOrder) {
  InlineBackground background;
  std::string order;
  background.Schedule([&] {
    order += "a";
    background.Schedule([&] { order += "c"; });
    order += "b";
  });
  EXPECT_EQ(order, "");
  EXPECT_EQ(background.RunAll(), 2u);
  EXPECT_EQ(order, "abc");
}

TEST(InlineBackground, AtOnce_RunsInsideSchedule) {
  InlineBackground background(InlineBackground::Mode::kAtOnce);
  std::string order;
  background.Schedule([&] {
    order += "a";
    background.Schedule([&] { order += "c"; });
    order += "b";
  });
  EXPECT_EQ(order, "abc");
}

TEST(SimClock, MovesOnlyWhenMoved) {
  SimClock clock(100);
  EXPECT_EQ(clock.NowUs(), 100);
  clock.SleepUs(5);
  EXPECT_EQ(clock.NowUs(), 105);
  EXPECT_EQ(clock.MonotonicUs(), 5);
  clock.SetNow(7);
  EXPECT_EQ(clock.NowUs(), 7);
  EXPECT_EQ(clock.MonotonicUs(), 5);
}

}  // namespace
}  // namespace semel::testing
