// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// T15: the disk is full at each size: a clear refusal, nothing acknowledged is lost, and once there is space the ledger
// opens, and everything sent again comes to the right end.

#include <gtest/gtest.h>
#include <sys/mount.h>

#include "absl/strings/str_cat.h"
#include "engine/base/checksum.h"
#include "tests/faults/worker.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

constexpr uint64_t kStepBytes = 4096;

// True if it got full.
bool FillOnce(const Script& script, const std::string& root, uint64_t space_bytes) {
  ForgetObserved();
  const Ended ended = InChild([&] { return Live(script, {.root = root, .space_bytes = space_bytes}); });
  EXPECT_EQ(ended.fault, "") << "with " << space_bytes << " bytes";
  return SharedWithChildren()->struck;
}

void ExpectRecoversIn(const Script& script, const std::string& root) {
  const Ended recovered = InChild([&] {
    ExpectRecovers(script, root);
    return true;
  });
  EXPECT_EQ(recovered.fault, "");
  EXPECT_TRUE(recovered.finished);
}

TEST(FullDisk, AtEachSizeRefusesAndRecovers) {
  uint64_t fills = 0;
  uint64_t seed = 0;
  for (Rounds rounds(14); rounds.Next(&seed);) {
    Random random(seed);
    const Script script = MakeScript(random.Next(), {.changes = random.Between(10, 60), .threads = random.OneIn(3)});
    for (uint64_t space_bytes = random.Below(kStepBytes); !HasFailure(); space_bytes += kStepBytes) {
      const TempDirectory directory;
      const bool full = FillOnce(script, directory.path(), space_bytes);
      ExpectRecoversIn(script, directory.path());
      if (!full) break;  // all of it fits
      ++fills;
    }
  }
  Figure("T15", "full disks", fills);
}

// A file system of a few pages.
class TinyDisk {
 public:
  explicit TinyDisk(const std::string& path, uint64_t bytes) : path_(path) {
    mounted_ = mount("none", path.c_str(), "tmpfs", 0, SizeOption(bytes).c_str()) == 0;
  }
  ~TinyDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;
  bool mounted() const { return mounted_; }
  bool Grow(uint64_t bytes) {
    return mount("none", path_.c_str(), "tmpfs", MS_REMOUNT, SizeOption(bytes).c_str()) == 0;
  }

 private:
  static std::string SizeOption(uint64_t bytes) { return absl::StrCat("size=", bytes); }

  const std::string path_;
  bool mounted_ = false;
};

// LMDB writes its lock file through a mapping, which a full disk answers with SIGBUS if the file has no space of its
// own.
TEST(FullDisk, OfARealFileSystemRefusesAndRecovers) {
  const Script script = MakeScript(TestSeed(), {.changes = 60});
  uint64_t fills = 0;
  for (uint64_t bytes = kStepBytes; !HasFailure(); bytes += 3 * kStepBytes) {
    const TempDirectory directory;
    TinyDisk disk(directory.path(), bytes);
    if (!disk.mounted()) GTEST_SKIP() << "may not mount";
    ForgetObserved();
    const Ended ended = InChild([&] { return Live(script, {.root = directory.path(), .disk_is_small = true}); });
    EXPECT_EQ(ended.fault, "") << "with " << bytes << " bytes";
    ASSERT_TRUE(disk.Grow(uint64_t{64} << 20));
    ExpectRecoversIn(script, directory.path());
    if (ended.finished) break;
    ++fills;
  }
  EXPECT_GT(fills, 5u);
  Figure("T15", "full file systems", fills);
}

}  // namespace
}  // namespace semel::testing
