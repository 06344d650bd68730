// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The rules for the storage layers, by their numbers, as far as tests/state does not show them already (8 and 9).

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "engine/ledger/rebuild.h"
#include "engine/ledger/restore.h"
#include "engine/rules/identity.h"
#include "gtest/gtest.h"
#include "tests/ledger/file_image.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/show_ledger.h"
#include "tests/ledger/sim_world.h"
#include "tests/ledger/still_world.h"
#include "tests/ledger/story.h"
#include "tests/sim/child.h"

namespace {
// What fstatfs says that a file system is, in place of the truth; 0: the truth.
uint32_t claimed_file_system = 0;
}  // namespace

// Takes the place of the C library's in this program.
extern "C" int fstatfs(int fd, struct statfs* found) {
  const int result = static_cast<int>(syscall(SYS_fstatfs, fd, found));
  if (result == 0 && claimed_file_system != 0) found->f_type = claimed_file_system;
  return result;
}

namespace semel::testing {
namespace {

class StorageRules : public LedgerTest {};

// ---- 1. The first error is the answer for good

// Every call after the error gets the same one, and none touches a file again.
TEST(StorageRulesInSimulation, StorageRule1_FirstErrorIsForGood_AndNoFileIsTouchedAgain) {
  uint64_t errors = 0;
  for (uint64_t after_open = 1;; ++after_open) {
    SimDisk disk;
    auto ledger = *OpenSim(&disk);
    disk.files.InjectFault(disk.files.calls() + after_open, Fault::kIoError);
    absl::Status first;
    for (uint64_t i = 0; i < 10 && first.ok(); ++i) {
      first = ledger->Apply(AddAt("id-" + std::to_string(i), "a", i, 1)).status();
      if (first.ok() && i == 5) first = ledger->Checkpoint();
    }
    if (first.ok()) break;
    ++errors;
    const uint64_t calls = disk.files.calls();
    EXPECT_EQ(ledger->Apply(AddAt("later", "b", 0, 1)).status(), first);
    EXPECT_EQ(ledger->Get("a").status(), first);
    EXPECT_EQ(ledger->Checkpoint(), first);
    EXPECT_EQ(ledger->Retire("x").status(), first);
    EXPECT_EQ(ledger->Trim({.before_lsn = 1}).status(), first);
    EXPECT_EQ(ledger->Verify().status(), first);
    EXPECT_EQ(disk.files.calls(), calls);
    EXPECT_EQ(ledger->Close(), first);
    EXPECT_EQ(disk.files.calls(), calls);
  }
  EXPECT_GE(errors, 20u);
}

// ---- 2. One handle in a process, none in a fork's child

TEST_F(StorageRules, StorageRule2_SecondOpenThroughAnyPath_IsUnavailable) {
  Do(AddAt("id", "a", 0, 1));
  const std::string link = directory_.path() + "/link";
  std::filesystem::create_directory_symlink(path(), link);
  const std::string roundabout = directory_.path() + "/./ledger/../ledger";
  for (const std::string& name : {path(), link, roundabout}) {
    EXPECT_TRUE(absl::IsUnavailable(Ledger::Open(name, options_).status())) << name;
    EXPECT_TRUE(absl::IsUnavailable(Ledger::OpenReadOnly(name).status())) << name;
  }
  EXPECT_EQ(Say(AddAt("id2", "a", 1, 1)), "APPLIED");  // unharmed
}

TEST_F(StorageRules, StorageRule2_ForksChild_FindsItsHandlePoisoned) {
  Do(AddAt("id", "a", 0, 1));
  const int status = RunInChild([&] {
    const bool refused = absl::IsFailedPrecondition(ledger_->Apply(AddAt("id2", "a", 1, 1)).status()) &&
                         absl::IsFailedPrecondition(ledger_->Get("a").status()) &&
                         absl::IsFailedPrecondition(ledger_->Checkpoint()) &&
                         absl::IsFailedPrecondition(ledger_->Verify().status());
    ledger_.reset();
    return refused ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Say(AddAt("id2", "a", 1, 1)), "APPLIED");
}

// ---- 3. Nobody opens or closes LMDB's lock file

// Closing any descriptor of it would drop the lock that this process holds on it.
TEST_F(StorageRules, StorageRule3_LockOfLmdbIsKept_WhateverIsCalled) {
  const auto is_locked = [&] {
    return RunInChild([&] {
             const int fd = open((path() + "/state/lock.mdb").c_str(), O_RDWR | O_CLOEXEC);
             struct flock lock = {};
             lock.l_type = F_WRLCK;
             lock.l_whence = SEEK_SET;
             lock.l_len = 1;
             return fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1;
           }) == 0;
  };
  ASSERT_TRUE(is_locked());
  TellStory(ledger_.get(), "x");
  ASSERT_TRUE(ledger_->Backup(directory_.path() + "/backup").ok());
  EXPECT_TRUE(is_locked());
  ASSERT_TRUE(ledger_->Verify()->ok());
  ASSERT_TRUE(ledger_->GetStats().ok());
  ASSERT_TRUE(ShowAll(ledger_.get()).ok());
  TrimOptions trim;
  trim.before_lsn = ledger_->GetStats()->durable_lsn;
  trim.seal = true;
  ASSERT_TRUE(ledger_->Trim(trim).ok());
  EXPECT_FALSE(Ledger::OpenReadOnly(path()).ok());
  EXPECT_FALSE(Ledger::Open(path(), options_).ok());
  EXPECT_TRUE(is_locked());
  ledger_.reset();
  EXPECT_FALSE(is_locked());
  Open();
}

// ---- 4. The map

TEST_F(StorageRules, StorageRule4_StateLargerThanItsMap_StopsAndLosesNothing) {
  ledger_.reset();
  options_.state_map_bytes = size_t{1} << 20;
  Open();
  uint64_t applied = 0;
  absl::Status status;
  for (int batch = 0; batch < 40 && status.ok(); ++batch) {
    std::vector<Change> changes;
    for (int i = 0; i < 10; ++i) {
      const std::string number = std::to_string(batch * 10 + i);
      changes.push_back(PutAt("put-" + number, "key/" + number, 0, std::string(10'000, 'x')));
    }
    status = ledger_->ApplyBatch(changes).status();
    if (!status.ok()) break;
    applied += changes.size();
    status = ledger_->Checkpoint();
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_GT(applied, 20u);
  EXPECT_EQ(ledger_->Apply(AddAt("later", "a", 0, 1)).status(), status);
  ledger_.reset();
  options_.state_map_bytes = size_t{64} << 20;
  Open();
  for (uint64_t i = 0; i < applied; ++i) EXPECT_EQ(Version("key/" + std::to_string(i)), 1u);
  EXPECT_EQ(Say(AddAt("later", "a", 0, 1)), "APPLIED");
}

// ---- 5. Readers have an age

TEST(StorageRulesInSimulation, StorageRule5_ScanThatTakesTooLong_Ends) {
  SimDisk disk;
  internal::World world = MakeSimWorld(&disk);
  auto* const clock = static_cast<SimClock*>(world.clock.get());
  Options options;
  options.create_if_missing = true;
  options.segment_bytes = 16 << 10;
  auto ledger = *internal::OpenForWriting("/ledger", options, std::move(world));
  constexpr int kEntities = 3000;
  std::vector<Change> changes;
  for (int i = 0; i < kEntities; ++i)
    changes.push_back(AddAt("id-" + std::to_string(i), "k" + std::to_string(i), 0, 1));
  ASSERT_TRUE(ledger->ApplyBatch(changes).ok());
  ScanOptions scan;
  scan.fresh = true;
  const uint64_t idle = ledger->GetStats()->active_readers;
  int visited = 0;
  const auto status = ledger
                          ->Scan(scan,
                                 [&](const Entity&) {
                                   clock->Advance(1'000'000);
                                   const auto stats = ledger->GetStats();
                                   EXPECT_GT(stats->active_readers, idle);
                                   return ++visited > 0;
                                 })
                          .status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_GT(visited, 60);
  EXPECT_LT(visited, kEntities);
  EXPECT_EQ(ledger->GetStats()->active_readers, idle);
}

// ---- 6. Names are durable before anything is answered

// Knows which names of which directories are not durable yet.
class WatchedFileSystem final : public internal::FileSystem {
 public:
  explicit WatchedFileSystem(internal::FileSystem* files) : files_(files) {}

  absl::StatusOr<std::unique_ptr<internal::File>> Open(const std::string& path, internal::OpenMode mode) override {
    if (mode == internal::OpenMode::kCreateNew) Changed(path);
    return files_->Open(path, mode);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    Changed(from);
    Changed(to);
    return files_->Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override {
    Changed(path);
    Settle(path);  // what was in a directory is gone with it
    return files_->Remove(path);
  }
  absl::Status Link(const std::string& from, const std::string& to) override {
    Changed(to);
    return files_->Link(from, to);
  }
  absl::Status CreateDirectory(const std::string& path) override {
    Changed(path);
    return files_->CreateDirectory(path);
  }
  absl::Status SyncDirectory(const std::string& path) override {
    Settle(path);
    return files_->SyncDirectory(path);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override {
    return files_->List(directory);
  }
  absl::StatusOr<bool> Exists(const std::string& path) override { return files_->Exists(path); }
  absl::StatusOr<std::unique_ptr<internal::FileLock>> Lock(const std::string& path) override {
    return files_->Lock(path);
  }

  // All but names that mean nothing after a crash.
  std::set<std::string> Unsynced() const {
    std::set<std::string> names;
    for (const std::string& path : unsynced_) {
      const std::string name = std::filesystem::path(path).filename();
      const bool means_nothing = name == "spare" || name == "DURABLE" || name == "COPYING" ||  // beside BACKUP
                                 path.find("/pins") != std::string::npos;
      if (!means_nothing) names.insert(path);
    }
    return names;
  }
  uint64_t changes() const { return changes_; }

 private:
  void Changed(const std::string& path) {
    ++changes_;
    unsynced_.insert(path);
  }
  void Settle(const std::string& directory) {
    std::erase_if(unsynced_,
                  [&](const std::string& path) { return std::filesystem::path(path).parent_path() == directory; });
  }

  internal::FileSystem* const files_;
  std::set<std::string> unsynced_;
  uint64_t changes_ = 0;
};

TEST(StorageRulesInSimulation, StorageRule6_DirectoriesAreSynced_BeforeAnythingIsAnswered) {
  const std::set<std::string> none;
  SimDisk disk;
  WatchedFileSystem files(&disk.files);
  internal::World world = MakeSimWorld(&disk);
  world.files = &files;
  Options options;
  options.create_if_missing = true;
  options.segment_bytes = 4 << 10;
  auto ledger = *internal::OpenForWriting("/ledger", options, std::move(world));
  EXPECT_EQ(files.Unsynced(), none);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(ledger->Apply(PutAt("id-" + std::to_string(i), "a", i, std::string(300, 'x'))).ok());
    ASSERT_EQ(files.Unsynced(), none) << i;
  }
  const uint64_t before_trim = files.changes();
  EXPECT_GT(before_trim, 20u);
  TrimOptions trim;
  trim.keep_bytes = 10'000;
  ASSERT_GT(ledger->Trim(trim)->removed_segments, 2u);
  EXPECT_EQ(files.Unsynced(), none);
  EXPECT_GT(files.changes(), before_trim + 3);
  ASSERT_TRUE(ledger->Backup("/backup").ok());
  EXPECT_EQ(files.Unsynced(), none);
  ASSERT_TRUE(ledger->Close().ok());
  ledger.reset();

  world = MakeSimWorld(&disk);
  world.files = &files;
  ASSERT_TRUE(internal::RebuildState(world, "/ledger", {}).ok());
  EXPECT_EQ(files.Unsynced(), none);
  ASSERT_TRUE(internal::RestoreBackup(world, "/backup", "/restored", 0, {}).ok());
  EXPECT_EQ(files.Unsynced(), none);
}

// ---- 7. What is looked at before anything is opened

TEST_F(StorageRules, StorageRule7_NetworkFileSystem_IsRefusedAndNothingIsTouched) {
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  const FileImage before = ReadImage(path());
  for (const uint32_t network : {uint32_t{NFS_SUPER_MAGIC}, uint32_t{SMB_SUPER_MAGIC}, uint32_t{0xFF534D42},
                                 uint32_t{V9FS_MAGIC}, uint32_t{0x65735546}}) {
    claimed_file_system = network;
    EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::Open(path(), options_).status())) << network;
    EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::OpenReadOnly(path()).status())) << network;
    EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::Open(directory_.path() + "/new", options_).status())) << network;
  }
  claimed_file_system = 0;
  EXPECT_EQ(ReadImage(path()), before);
  Open();
}

TEST_F(StorageRules, StorageRule7_FilesOfALedger_AreForItsOwnerAlone) {
  TellStory(ledger_.get(), "x");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
    const auto others =
        entry.status().permissions() & (std::filesystem::perms::group_all | std::filesystem::perms::others_all);
    EXPECT_EQ(others, std::filesystem::perms::none) << entry.path();
  }
}

// ---- 10. Newer formats

TEST_F(StorageRules, StorageRule10_NewerFormat_IsRefusedAndNothingIsTouched) {
  TellStory(ledger_.get(), "x");
  ledger_.reset();  // without a checkpoint: opening would have something to do
  FileImage files = ReadImage(path());
  std::string& manifest = files["MANIFEST"];
  manifest.replace(manifest.find("format: 1\n"), 10, "format: 2\n");
  WriteImage(files, path());
  EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::Open(path(), options_).status()));
  options_.error_if_exists = false;
  options_.compact_state = true;
  EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::Open(path(), options_).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::OpenReadOnly(path()).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(RebuildLedger(path()).status()));
  EXPECT_EQ(ReadImage(path()), files);
}

// ---- 11. Hashes over what others choose

// Keys, ids and records that collide in one ledger do not in another.
TEST(StorageRulesOfHashes, StorageRule11_HashesAreKeyedByTheLedger) {
  std::set<std::string> digests;
  for (const std::string uuid : {"one uuid of them", "and another uuid"}) {
    const TempDirectory directory;
    Options options;
    options.create_if_missing = true;
    options.segment_bytes = 4 << 10;
    const auto ledger = OpenStill(directory.path() + "/ledger", options, uuid);
    ASSERT_TRUE(ledger->Apply(AddAt("id", "key", 0, 1)).ok());
    ASSERT_TRUE(ledger->Checkpoint().ok());
    digests.insert(ledger->GetStats()->state_digest);
  }
  EXPECT_EQ(digests.size(), 2u);
  EXPECT_NE(internal::MakeIdTag("an id that is hashed", 1), internal::MakeIdTag("an id that is hashed", 2));
}

}  // namespace
}  // namespace semel::testing
