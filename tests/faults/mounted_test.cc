// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// T7: the power goes between any two requests that a real file system, ext4, makes of its disk. What was written since
// the last flush is kept or lost, each block of 4 KiB by itself (ext4 itself needs them whole: its superblock is one);
// the file system is mounted again and recovers, and so does the ledger. T8: the disk refuses one request, whichever;
// the file system is mounted again, and nothing that was acknowledged is lost, though the kernel may have thrown away
// what it could not write.

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "semel/upkeep.h"
#include "tests/faults/block_device.h"
#include "tests/faults/worker.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

using Answers = std::array<uint8_t, kChangesMax>;

class Mounted : public ::testing::Test {
 protected:
  void SetUp() override {
    auto device = BlockDevice::Make();
    if (!device.ok()) GTEST_SKIP() << device.status().message();
    device_ = *std::move(device);
    auto empty = EmptyFileSystem();
    if (!empty.ok()) GTEST_SKIP() << empty.status().message();
    empty_ = *std::move(empty);
  }

  // A life on the disk as it was filled, of whose requests one fails, from 1; 0: none. True: it came to its end.
  bool LiveOnce(const Script& script, uint64_t fail_at) {
    if (!Mount()) return false;
    device_->FailAt(fail_at);
    const Ended ended = InChild([&] { return Live(script, {.root = device_->path(), .own_disk = true}); });
    EXPECT_EQ(ended.fault, "");
    const absl::Status unmounted = device_->Unmount();
    EXPECT_TRUE(unmounted.ok()) << unmounted;
    return ended.finished;
  }

  void ExpectRecoversHere(const Script& script) {
    ASSERT_TRUE(Mount());
    const Ended ended = InChild([&] {
      ExpectRecovers(script, device_->path());
      return true;
    });
    EXPECT_EQ(ended.fault, "");
    ASSERT_TRUE(device_->Unmount().ok());
  }

  // True: the state had to be made anew, and the refusal to open said so.
  bool RebuildIfAsked(const Script& script) {
    bool asked = false;
    if (!Mount()) return asked;
    const Ended ended = InChild([&] {
      const std::string path = device_->path() + "/ledger";
      const absl::Status opened = Ledger::Open(path, script.options).status();
      if (!absl::StrContains(opened.message(), "run semel rebuild")) return false;
      const absl::Status rebuilt = RebuildLedger(path).status();
      if (!rebuilt.ok()) Report(absl::StrCat("rebuilding: ", rebuilt.ToString()));
      return true;
    });
    EXPECT_EQ(ended.fault, "");
    asked = ended.finished;
    EXPECT_TRUE(device_->Unmount().ok());
    return asked;
  }

  bool Mount() {
    const absl::Status mounted = device_->Mount();
    EXPECT_TRUE(mounted.ok()) << mounted;
    return mounted.ok();
  }

  std::unique_ptr<BlockDevice> device_;
  std::string empty_;  // a file system
};

// ---- T7

constexpr size_t kBlockBytes = 4096;

// What the disk holds after a power loss, request by request.
class PlatterImages {
 public:
  explicit PlatterImages(std::string content) : durable_(std::move(content)) {}

  void Play(const BlockRequest& request) {
    if (!request.flush) {
      cached_.push_back(request);
      return;
    }
    for (const BlockRequest& write : cached_) Write(write.offset, write.bytes, &durable_);
    cached_.clear();
  }

  // Of what is not flushed each block is there or not.
  std::string LosePower(Random* random) const {
    std::string image = durable_;
    for (const BlockRequest& write : cached_) {
      for (size_t at = 0; at < write.bytes.size(); at += kBlockBytes) {
        if (random->OneIn(2)) Write(write.offset + at, write.bytes.substr(at, kBlockBytes), &image);
      }
    }
    return image;
  }

 private:
  static void Write(uint64_t offset, std::string_view bytes, std::string* to) {
    to->replace(offset, bytes.size(), bytes);
  }

  std::string durable_;
  std::vector<BlockRequest> cached_;
};

// One image of a life that was lived, and what had been acknowledged by then.
struct Loss {
  std::string image;
  Answers acknowledged = {};
};

// At `count` moments of the life that the device has just seen, which began on `before`.
std::vector<Loss> DrawLosses(const BlockDevice& device, const std::string& before, const Answers& known, size_t count,
                             Random* random) {
  const Shared& observed = *SharedWithChildren();
  const std::vector<BlockRequest> requests = device.Requests();
  std::vector<Loss> losses;
  PlatterImages platter(before);
  for (size_t i = 0; i < requests.size(); ++i) {
    platter.Play(requests[i]);
    if (random->Below(requests.size() - i) >= count - losses.size()) continue;
    Loss& loss = losses.emplace_back(Loss{platter.LosePower(random), known});
    for (size_t change = 0; change < kChangesMax; ++change) {
      const bool by_then = observed.acknowledged_at[change] <= i + 1;
      if (observed.acknowledged[change] != 0 && by_then) loss.acknowledged[change] = observed.acknowledged[change];
    }
  }
  return losses;
}

TEST_F(Mounted, PowerLossBetweenRequestsLosesAndDoublesNothing) {
  constexpr int kLives = 2;
  constexpr size_t kImagesOfALife = 10;
  uint64_t images = 0;
  uint64_t seed = 0;
  for (Rounds rounds(5); rounds.Next(&seed);) {
    Random random(seed);
    const Script script = MakeScript(random.Next(), {.changes = random.Between(5, 40), .threads = random.OneIn(3)});
    Loss disk{empty_};
    for (int life = 0; life < kLives && !HasFailure(); ++life) {
      ForgetObserved();
      for (size_t i = 0; i < kChangesMax; ++i) SharedWithChildren()->acknowledged[i] = disk.acknowledged[i];
      device_->Fill(disk.image);
      ASSERT_TRUE(LiveOnce(script, 0));
      std::vector<Loss> losses = DrawLosses(*device_, disk.image, disk.acknowledged, kImagesOfALife, &random);
      for (const Loss& loss : losses) {
        for (size_t i = 0; i < kChangesMax; ++i) SharedWithChildren()->acknowledged[i] = loss.acknowledged[i];
        device_->Fill(loss.image);
        ExpectRecoversHere(script);
        if (HasFailure()) break;
        ++images;
      }
      disk = losses[random.Below(losses.size())];
    }
  }
  Figure("T7", "mounted images", images);
}

// ---- T8

// Linux loses what it could not write once: ext4 leaves the extent of new blocks "unwritten", and a later write to them
// and its fdatasync succeed, yet after a mount they read as zeros. LMDB's file grows by such blocks. The checksums of
// the state's records find it, and the journal has all that the state had.
TEST_F(Mounted, OneErrorOfTheDiskLosesAndDoublesNothing) {
  uint64_t errors = 0;
  uint64_t rebuilt = 0;
  uint64_t seed = 0;
  for (Rounds rounds(40); rounds.Next(&seed);) {
    Random random(seed);
    const Script script = MakeScript(random.Next(), {.changes = random.Between(5, 40), .threads = random.OneIn(3)});
    ForgetObserved();
    device_->Fill(empty_);
    LiveOnce(script, random.Between(1, 150));
    if (device_->failed()) ++errors;
    device_->FailAt(0);
    if (RebuildIfAsked(script)) ++rebuilt;
    ExpectRecoversHere(script);
  }
  Figure("T8", "errors of the disk", errors);
  Figure("T8", "states that were made anew", rebuilt);
}

}  // namespace
}  // namespace semel::testing
