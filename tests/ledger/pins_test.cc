// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A pin counts as long as its holder lives, in this process or another.

#include "engine/ledger/pins.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/sim/sim_file_system.h"

namespace semel::internal {
namespace {

class PinsTest : public ::testing::TestWithParam<const char*> {
 protected:
  PinsTest() {
    const std::string kind = GetParam();
    if (kind == "memory") owned_ = NewMemoryFileSystem();
    if (kind == "sim") owned_ = std::make_unique<testing::SimFileSystem>();
    files_ = owned_ != nullptr ? owned_.get() : PosixFileSystem();
    if (owned_ == nullptr) {
      directory_ = temporary_.path();
    } else {
      EXPECT_TRUE(files_->CreateDirectory(directory_).ok());
    }
  }

  Pin Take(Lsn lsn) {
    auto pin = Pin::Take(files_, directory_, lsn);
    EXPECT_TRUE(pin.ok()) << pin.status();
    return *std::move(pin);
  }
  // -1: none.
  int64_t Lowest() {
    const auto lowest = FindLowestPin(files_, directory_);
    EXPECT_TRUE(lowest.ok()) << lowest.status();
    return lowest->has_value() ? static_cast<int64_t>((*lowest)->lsn) : -1;
  }
  std::vector<std::string> Files() { return *files_->List(directory_ + "/pins"); }

  testing::TempDirectory temporary_;
  std::unique_ptr<FileSystem> owned_;
  FileSystem* files_ = nullptr;
  std::string directory_ = "/ledger";
};

INSTANTIATE_TEST_SUITE_P(All, PinsTest, ::testing::Values("posix", "memory", "sim"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_P(PinsTest, TheLowestCounts) {
  EXPECT_EQ(Lowest(), -1);
  const Pin high = Take(5000);
  EXPECT_EQ(Lowest(), 5000);
  {
    const Pin low = Take(70);
    const Pin same = Take(70);
    EXPECT_EQ(Lowest(), 70);
  }
  EXPECT_EQ(Lowest(), 5000);
  EXPECT_EQ(Files().size(), 1u);
}

TEST_P(PinsTest, TheLowestIsNamed) {
  const Pin pin = Take(12);
  EXPECT_EQ((*FindLowestPin(files_, directory_))->path, directory_ + "/pins/00000000000000000012.0");
}

TEST_P(PinsTest, ReleasedPinsLeaveNothing) {
  { const Pin pin = Take(1); }
  EXPECT_TRUE(Files().empty());
  EXPECT_EQ(Lowest(), -1);
}

TEST_P(PinsTest, MovedPinsAreHeldOnce) {
  {
    Pin pin = Take(9);
    const Pin moved = std::move(pin);
    EXPECT_EQ(Lowest(), 9);
  }
  EXPECT_EQ(Lowest(), -1);
}

TEST_P(PinsTest, FilesThatNobodyHoldsCountForNothing) {
  { const Pin pin = Take(8); }
  ASSERT_TRUE(files_->Open(directory_ + "/pins/00000000000000000003.0", OpenMode::kCreateNew).ok());
  ASSERT_TRUE(files_->Open(directory_ + "/pins/notes", OpenMode::kCreateNew).ok());
  const Pin pin = Take(8);
  EXPECT_EQ(Lowest(), 8);
  EXPECT_EQ(Files(), (std::vector<std::string>{"00000000000000000008.0", "notes"}));
}

TEST(PinsOfProcesses, CountUntilTheProcessDies) {
  const testing::TempDirectory directory;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto pin = Pin::Take(PosixFileSystem(), directory.path(), 44);
    const char byte = pin.ok() ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  const auto held = FindLowestPin(PosixFileSystem(), directory.path());
  ASSERT_TRUE(held.ok() && held->has_value());
  EXPECT_EQ((*held)->lsn, 44u);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const auto after = FindLowestPin(PosixFileSystem(), directory.path());
  ASSERT_TRUE(after.ok());
  EXPECT_FALSE(after->has_value());
  EXPECT_TRUE(PosixFileSystem()->List(directory.path() + "/pins")->empty());
}

// Threads that take and release pins while others look for them: who holds one is never overlooked.
TEST(PinsOfProcesses, AreNeverOverlookedWhileTheyAreTakenAndReleased) {
  const testing::TempDirectory directory;
  std::atomic<bool> stop{false};
  std::thread looking([&] {
    while (!stop) EXPECT_TRUE(FindLowestPin(PosixFileSystem(), directory.path()).ok());
  });
  for (int i = 0; i < 3000; ++i) {
    const auto pin = Pin::Take(PosixFileSystem(), directory.path(), 5);
    ASSERT_TRUE(pin.ok()) << pin.status();
    const auto lowest = FindLowestPin(PosixFileSystem(), directory.path());
    ASSERT_TRUE(lowest.ok()) << lowest.status();
    ASSERT_TRUE(lowest->has_value());
  }
  stop = true;
  looking.join();
}

}  // namespace
}  // namespace semel::internal
