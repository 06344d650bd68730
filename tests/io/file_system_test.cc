// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What every file system must do, tried on all three: the operating system's, memory, and the simulator.

#include "engine/io/file_system.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/sim/sim_file_system.h"

namespace semel::internal {
namespace {

using Names = std::vector<std::string>;

// A directory in memory-backed storage, removed afterwards.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    const bool has_shm = std::filesystem::is_directory("/dev/shm");
    std::string pattern = (has_shm ? "/dev/shm" : ::testing::TempDir()) + std::string("/semel-io-XXXXXX");
    path_ = ::mkdtemp(pattern.data());
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class FileSystemTest : public ::testing::TestWithParam<const char*> {
 protected:
  FileSystemTest() {
    const std::string kind = GetParam();
    if (kind == "posix") {
      fs_ = PosixFileSystem();
      root_ = scratch_.path();
      return;
    }
    if (kind == "memory") owned_ = NewMemoryFileSystem();
    if (kind == "sim") owned_ = std::make_unique<testing::SimFileSystem>();
    fs_ = owned_.get();
    root_ = "root";
    EXPECT_TRUE(fs_->CreateDirectory(root_).ok());
  }

  std::string Path(const std::string& name) const { return root_ + "/" + name; }

  std::unique_ptr<File> Create(const std::string& name, const std::string& content = "") {
    auto file = fs_->Open(Path(name), OpenMode::kCreateNew);
    EXPECT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE((*file)->WriteAt(0, content).ok());
    return *std::move(file);
  }

  std::string Contents(const std::string& name) { return ReadWholeFile(fs_, Path(name), 1 << 20).value(); }

  ScratchDirectory scratch_;
  std::unique_ptr<FileSystem> owned_;
  FileSystem* fs_ = nullptr;
  std::string root_;
};

INSTANTIATE_TEST_SUITE_P(All, FileSystemTest, ::testing::Values("posix", "memory", "sim"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_P(FileSystemTest, ReadAt_AcrossTheEnd_ReturnsWhatIsThere) {
  const auto file = Create("f", "0123456789");
  char buffer[8] = {};
  EXPECT_EQ(file->ReadAt(7, buffer, 8).value(), 3u);
  EXPECT_EQ(std::string(buffer, 3), "789");
  EXPECT_EQ(file->ReadAt(10, buffer, 8).value(), 0u);
  EXPECT_EQ(file->ReadAt(1000, buffer, 8).value(), 0u);
}

TEST_P(FileSystemTest, WriteAt_BehindTheEnd_FillsWithZeros) {
  const auto file = Create("f", "ab");
  EXPECT_TRUE(file->WriteAt(4, "cd").ok());
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(file->Size().value(), 6u);
  EXPECT_EQ(Contents("f"), std::string("ab\0\0cd", 6));
}

TEST_P(FileSystemTest, Truncate_CutsAndExtends) {
  const auto file = Create("f", "abcdef");
  EXPECT_TRUE(file->Truncate(2).ok());
  EXPECT_EQ(Contents("f"), "ab");
  EXPECT_TRUE(file->Truncate(4).ok());
  EXPECT_EQ(Contents("f"), std::string("ab\0\0", 4));
}

TEST_P(FileSystemTest, Open_MissingOrExisting_SaysSo) {
  EXPECT_EQ(fs_->Open(Path("f"), OpenMode::kRead).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_->Open(Path("f"), OpenMode::kReadWrite).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_->Open(Path("none/f"), OpenMode::kCreateNew).status().code(), absl::StatusCode::kNotFound);
  Create("f");
  EXPECT_EQ(fs_->Open(Path("f"), OpenMode::kCreateNew).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(fs_->Open(Path("f"), OpenMode::kReadWrite).ok());
}

TEST_P(FileSystemTest, WriteAt_FileOpenedForReading_Fails) {
  Create("f", "x");
  const auto file = fs_->Open(Path("f"), OpenMode::kRead);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->WriteAt(0, "y").code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Contents("f"), "x");
}

TEST_P(FileSystemTest, Rename_Replaces) {
  Create("a", "new");
  Create("b", "old");
  EXPECT_TRUE(fs_->Rename(Path("a"), Path("b")).ok());
  EXPECT_EQ(Contents("b"), "new");
  EXPECT_FALSE(fs_->Exists(Path("a")).value());
  EXPECT_EQ(fs_->Rename(Path("a"), Path("b")).code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, Rename_Directory_MovesItsFiles) {
  ASSERT_TRUE(fs_->CreateDirectory(Path("d")).ok());
  Create("d/f", "x");
  Create("d-other", "y");
  EXPECT_TRUE(fs_->Rename(Path("d"), Path("e")).ok());
  EXPECT_EQ(Contents("e/f"), "x");
  EXPECT_EQ(Contents("d-other"), "y");
  EXPECT_FALSE(fs_->Exists(Path("d/f")).value());
}

TEST_P(FileSystemTest, List_IsSortedAndNotRecursive) {
  EXPECT_EQ(fs_->List(root_).value(), Names{});
  Create("b");
  Create("a");
  ASSERT_TRUE(fs_->CreateDirectory(Path("d")).ok());
  Create("d/x");
  EXPECT_EQ(fs_->List(root_).value(), (Names{"a", "b", "d"}));
  EXPECT_EQ(fs_->List(Path("d")).value(), (Names{"x"}));
  EXPECT_EQ(fs_->List(Path("none")).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, Remove_FileOrEmptyDirectory) {
  ASSERT_TRUE(fs_->CreateDirectory(Path("d")).ok());
  EXPECT_EQ(fs_->CreateDirectory(Path("d")).code(), absl::StatusCode::kAlreadyExists);
  Create("d/x");
  EXPECT_FALSE(fs_->Remove(Path("d")).ok());
  EXPECT_TRUE(fs_->Remove(Path("d/x")).ok());
  EXPECT_TRUE(fs_->Remove(Path("d")).ok());
  EXPECT_EQ(fs_->Remove(Path("d")).code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, Link_IsAnotherNameOfTheFile) {
  Create("f", "x");
  ASSERT_TRUE(fs_->CreateDirectory(Path("d")).ok());
  ASSERT_TRUE(fs_->Link(Path("f"), Path("d/g")).ok());
  EXPECT_TRUE(fs_->Open(Path("f"), OpenMode::kReadWrite).value()->WriteAt(0, "y").ok());
  EXPECT_EQ(Contents("d/g"), "y");
  EXPECT_TRUE(fs_->Remove(Path("f")).ok());
  EXPECT_EQ(Contents("d/g"), "y");
}

TEST_P(FileSystemTest, Link_WhereItCannotBe_SaysSo) {
  Create("f");
  Create("g");
  ASSERT_TRUE(fs_->CreateDirectory(Path("d")).ok());
  EXPECT_EQ(fs_->Link(Path("f"), Path("g")).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(fs_->Link(Path("none"), Path("h")).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_->Link(Path("f"), Path("none/h")).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_->Link(Path("d"), Path("e")).code(), absl::StatusCode::kUnimplemented);
}

TEST_P(FileSystemTest, RemoveTree_RemovesAllThatIsInIt) {
  ASSERT_TRUE(fs_->CreateDirectory(Path("d")).ok());
  ASSERT_TRUE(fs_->CreateDirectory(Path("d/e")).ok());
  Create("d/e/f");
  Create("d/g");
  Create("h");
  EXPECT_TRUE(RemoveTree(fs_, Path("d")).ok());
  EXPECT_TRUE(RemoveTree(fs_, Path("none")).ok());
  EXPECT_EQ(fs_->List(root_).value(), Names{"h"});
}

TEST_P(FileSystemTest, SyncDirectory_Missing_IsNotFound) {
  EXPECT_TRUE(fs_->SyncDirectory(root_).ok());
  EXPECT_EQ(fs_->SyncDirectory(Path("none")).code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, Remove_OpenFile_StaysReadable) {
  const auto file = Create("f", "x");
  EXPECT_TRUE(fs_->Remove(Path("f")).ok());
  char c = 0;
  EXPECT_EQ(file->ReadAt(0, &c, 1).value(), 1u);
  EXPECT_EQ(c, 'x');
}

TEST_P(FileSystemTest, Lock_HeldByThisProcess_IsUnavailable) {
  auto lock = fs_->Lock(Path("LOCK"));
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_EQ(fs_->Lock(Path("LOCK")).status().code(), absl::StatusCode::kUnavailable);
  lock->reset();
  EXPECT_TRUE(fs_->Lock(Path("LOCK")).ok());
}

TEST_P(FileSystemTest, ReadWholeFile_OverTheLimit_IsResourceExhausted) {
  Create("f", "12345");
  EXPECT_EQ(ReadWholeFile(fs_, Path("f"), 5).value(), "12345");
  EXPECT_EQ(ReadWholeFile(fs_, Path("f"), 4).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadWholeFile(fs_, Path("none"), 4).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, WriteFileAtomically_ReplacesAlsoOverALeftover) {
  Create("f.tmp", "a leftover that is longer");
  EXPECT_TRUE(WriteFileAtomically(fs_, root_, "f", "one").ok());
  EXPECT_TRUE(WriteFileAtomically(fs_, root_, "f", "two").ok());
  EXPECT_EQ(Contents("f"), "two");
  EXPECT_EQ(fs_->List(root_).value(), Names{"f"});
}

TEST_P(FileSystemTest, ReadAt_WhileAnotherThreadWritesElsewhere_IsUndisturbed) {
  const auto file = Create("f", std::string(4096, 'r'));
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(file->WriteAt(4096 + i, "w").ok());
  });
  for (int i = 0; i < 200; ++i) {
    std::string buffer(4096, '\0');
    EXPECT_EQ(file->ReadAt(0, buffer.data(), buffer.size()).value(), 4096u);
    EXPECT_EQ(buffer, std::string(4096, 'r'));
  }
  writer.join();
}

TEST(PosixFileSystem, Open_CreateNew_FollowsNoSymbolicLinkAndIsPrivate) {
  const ScratchDirectory scratch;
  const std::string link = scratch.path() + "/link";
  std::filesystem::create_symlink(scratch.path() + "/target", link);
  EXPECT_EQ(PosixFileSystem()->Open(link, OpenMode::kCreateNew).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_FALSE(PosixFileSystem()->Lock(link).ok());
  EXPECT_FALSE(std::filesystem::exists(scratch.path() + "/target"));
  ASSERT_TRUE(PosixFileSystem()->Open(scratch.path() + "/f", OpenMode::kCreateNew).ok());
  EXPECT_EQ(std::filesystem::status(scratch.path() + "/f").permissions() & std::filesystem::perms(077),
            std::filesystem::perms::none);
}

TEST(PosixFileSystem, Lock_UnderAnotherName_IsTheSameLock) {
  const ScratchDirectory scratch;
  const auto lock = PosixFileSystem()->Lock(scratch.path() + "/LOCK");
  ASSERT_TRUE(lock.ok());
  std::filesystem::create_hard_link(scratch.path() + "/LOCK", scratch.path() + "/same");
  EXPECT_EQ(PosixFileSystem()->Lock(scratch.path() + "/same").status().code(), absl::StatusCode::kUnavailable);
}

TEST(PosixFileSystem, Lock_HeldByAnotherProcess_IsUnavailable) {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/LOCK";
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = PosixFileSystem()->Lock(path);
    char byte = lock.ok() ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_EQ(PosixFileSystem()->Lock(path).status().code(), absl::StatusCode::kUnavailable);
  ASSERT_EQ(::write(done[1], &byte, 1), 1);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(PosixFileSystem()->Lock(path).ok()) << "the kernel released it";
}

// Each removes the file before it lets go; who waits for it must not end up with the lock of a file without a name.
TEST(PosixFileSystem, Lock_RemovedByWhoHeldIt_IsOfTheFileThatIsThereNow) {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/pin";
  auto take_and_remove = [&path] {
    for (int i = 0; i < 20000; ++i) {
      const auto lock = PosixFileSystem()->Lock(path);
      if (!lock.ok()) continue;
      ASSERT_TRUE(PosixFileSystem()->Exists(path).value());
      ASSERT_TRUE(PosixFileSystem()->Remove(path).ok());
    }
  };
  std::thread other(take_and_remove);
  take_and_remove();
  other.join();
}

}  // namespace
}  // namespace semel::internal
