// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What readers see while a frame is being made durable.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"

namespace semel::testing {
namespace {

using internal::File;
using internal::FileLock;
using internal::FileSystem;
using internal::OpenMode;

// Calls `before_sync` before each sync of a file.
class WatchedFile final : public File {
 public:
  WatchedFile(std::unique_ptr<File> file, const std::function<void()>* before_sync)
      : file_(std::move(file)), before_sync_(before_sync) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    return file_->ReadAt(offset, buffer, size);
  }
  absl::Status WriteAt(uint64_t offset, std::string_view data) override { return file_->WriteAt(offset, data); }
  absl::Status Sync() override {
    if (*before_sync_) (*before_sync_)();
    return file_->Sync();
  }
  absl::Status Truncate(uint64_t size) override { return file_->Truncate(size); }
  absl::StatusOr<uint64_t> Size() override { return file_->Size(); }

 private:
  const std::unique_ptr<File> file_;
  const std::function<void()>* const before_sync_;
};

class WatchedFileSystem final : public FileSystem {
 public:
  explicit WatchedFileSystem(FileSystem* files) : files_(files) {}

  std::function<void()> before_sync;

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files_->Open(path, mode));
    return std::make_unique<WatchedFile>(std::move(file), &before_sync);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override { return files_->Rename(from, to); }
  absl::Status Remove(const std::string& path) override { return files_->Remove(path); }
  absl::Status Link(const std::string& from, const std::string& to) override { return files_->Link(from, to); }
  absl::Status CreateDirectory(const std::string& path) override { return files_->CreateDirectory(path); }
  absl::Status SyncDirectory(const std::string& path) override { return files_->SyncDirectory(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override {
    return files_->List(directory);
  }
  absl::StatusOr<bool> Exists(const std::string& path) override { return files_->Exists(path); }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override { return files_->Lock(path); }

 private:
  FileSystem* const files_;
};

TEST(ReadDuringSync, R30_ShowsWhatWasDurableBefore) {
  SimDisk disk;
  WatchedFileSystem files(&disk.files);
  internal::World world = MakeSimWorld(&disk);
  world.files = &files;
  Options options;
  options.create_if_missing = true;
  options.segment_bytes = 16 << 10;
  auto opened = internal::OpenForWriting("/ledger", options, std::move(world));
  ASSERT_TRUE(opened.ok()) << opened.status();
  Ledger& ledger = **opened;

  constexpr uint64_t kChanges = 20;
  const std::string keys[] = {"a", "transfer/T"};
  uint64_t applied = 0;
  uint64_t looked = 0;
  files.before_sync = [&] {
    ++looked;
    EXPECT_EQ(ledger.Get("a")->version, applied);
    EXPECT_EQ(ledger.GetMany(keys)->entities[0].version, applied);
    EXPECT_EQ(ledger.History("a")->size(), applied);
    uint64_t entries = 0;
    ASSERT_TRUE(ledger.ReadJournal(0, [&](const JournalEntry& entry) { return ++entries > 0 && entry.lsn > 0; }).ok());
    EXPECT_EQ(entries, applied);
    EXPECT_EQ(ledger.GetSource("s")->has_value(), applied > 0);
  };
  for (uint64_t i = 1; i <= kChanges; ++i) {
    ASSERT_TRUE(ledger.Apply(AddFrom("", "s", i, "a", 1)).ok());
    applied = i;
  }
  files.before_sync = nullptr;
  EXPECT_GE(looked, kChanges);
}

}  // namespace
}  // namespace semel::testing
