// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// T2: the power goes at any call to the system that a process with a real ledger makes, LMDB's included. Of what was
// not synced, writes are kept, lost or torn, at 512 bytes or at 4 KiB, and names are kept or lost. Whatever the disk
// then holds opens, is whole, has everything that was acknowledged, and comes to the right end when all is sent again.

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/checksum.h"
#include "tests/faults/power_loss.h"
#include "tests/faults/worker.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

// Lives of one ledger, each on what a power loss left of the one before.
class PowerLosses {
 public:
  explicit PowerLosses(uint64_t seed)
      : random_(seed),
        script_(MakeScript(random_.Next(), {.changes = random_.Between(5, 40), .threads = random_.OneIn(3)})) {
    ForgetObserved();
  }

  // A life, images of it, and the power loss that the next life begins with. Returns how many images there were.
  uint64_t LiveAndLosePower() {
    const TempDirectory directory;
    WriteOut(&disk_, directory.path());
    KeepAcknowledged();
    const FaultPlan plan = {.root = directory.path(), .record = true};
    const Ended lived = InChild([&] { return Live(script_, plan); });
    EXPECT_EQ(lived.fault, "");
    ReadAnswers();
    const Ended ended = InChild([&] {
      DrawImages();
      return true;
    });
    const uint64_t images = SharedWithChildren()->images;
    EXPECT_EQ(ended.fault, "") << "image " << images;
    LosePower();
    return images;
  }

 private:
  using Answers = std::array<uint8_t, kChangesMax>;

  void KeepAcknowledged() {
    for (size_t i = 0; i < kChangesMax; ++i) SharedWithChildren()->acknowledged[i] = acknowledged_[i];
  }
  void ReadAnswers() {
    for (size_t i = 0; i < kChangesMax; ++i) answers_[i] = SharedWithChildren()->acknowledged[i];
  }

  // In a child: at each call of the life.
  void DrawImages() {
    const TempDirectory directory;
    SharedWithChildren()->images = 0;
    KeepAcknowledged();
    Replay replay(&disk_);
    for (const RecordedCall& call : Recorded()) {
      replay.Play(call);
      if (call.call == Call::kAcknowledge) SharedWithChildren()->acknowledged[call.argument] = answers_[call.argument];
      if (call.call != Call::kOpen) DrawImage(directory.path());
    }
  }

  void DrawImage(const std::string& directory) {
    const std::unique_ptr<SimFileSystem> image = disk_.Clone();
    image->Crash(random_.Next(), random_.OneIn(2) ? 512 : 4096);
    const std::string root = absl::StrCat(directory, "/", ++SharedWithChildren()->images);
    std::filesystem::create_directory(root);
    WriteOut(image.get(), root);
    ExpectRecovers(script_, root);
    std::filesystem::remove_all(root);
  }

  // At some call of the life.
  void LosePower() {
    const std::vector<RecordedCall> calls = Recorded();
    Replay replay(&disk_);
    const uint64_t end = random_.Between(1, calls.size());
    for (uint64_t i = 0; i < end; ++i) {
      replay.Play(calls[i]);
      if (calls[i].call == Call::kAcknowledge) acknowledged_[calls[i].argument] = answers_[calls[i].argument];
    }
    disk_.Crash(random_.Next(), random_.OneIn(2) ? 512 : 4096);
  }

  Random random_;
  const Script script_;
  SimFileSystem disk_;         // as it was before the life
  Answers acknowledged_ = {};  // likewise, as in Shared
  Answers answers_ = {};       // after it
};

class PowerLoss : public ::testing::TestWithParam<int> {};

TEST_P(PowerLoss, AtAnyCallOfAnyLifeLosesAndDoublesNothing) {
  constexpr int kLives = 3;
  uint64_t images = 0;
  uint64_t seed = 0;
  for (Rounds rounds(20); rounds.Next(&seed);) {
    PowerLosses losses(internal::MixSeed(seed, GetParam()));
    for (int life = 0; life < kLives && !HasFailure(); ++life) images += losses.LiveAndLosePower();
  }
  Figure("T2", "power-loss images", images);
}

INSTANTIATE_TEST_SUITE_P(Parts, PowerLoss, ::testing::Range(0, 4));

}  // namespace
}  // namespace semel::testing
