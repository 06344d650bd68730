// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Lives and deaths of a journal: it is created, opened, appended to, rolled; some call fails or the power goes; it is
// opened again. Every acknowledged frame must be there, whole and in order, and nothing that was never appended.

#include <cstdio>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/journal/harness.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_environment.h"
#include "tests/sim/sim_file_system.h"

namespace semel::testing {
namespace {

constexpr size_t kSegmentBytes = 4096;

// One journal over its lives, and what it owes.
class Survivor {
 public:
  explicit Survivor(uint64_t seed) : random_(seed) {}

  SimFileSystem& fs() { return fs_; }
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t deaths_with_frame_kept() const { return kept_; }

  // Runs until a fault strikes or `frames` frames are appended. False if a promise was broken.
  ::testing::AssertionResult Live(int frames) {
    InlineBackground background(random_.OneIn(2) ? InlineBackground::Mode::kAtOnce
                                                 : InlineBackground::Mode::kWhenAsked);
    TestJournal journal(&fs_, kSegmentBytes, &background);
    if (!created_) {
      if (!journal.Create().ok()) return ::testing::AssertionSuccess();
      created_ = true;
    }
    Checkpoint checkpoint;
    if (!checkpoints_.empty() && !random_.OneIn(4)) checkpoint = checkpoints_[random_.Below(checkpoints_.size())];
    const absl::Status opened = journal.Open(checkpoint.tip);
    if (!opened.ok()) {
      if (faulty_) return ::testing::AssertionSuccess();
      return ::testing::AssertionFailure() << "does not open: " << opened;
    }
    if (auto result = CheckRedone(checkpoint.entries, journal.redone); !result) return result;
    for (int i = 0; i < frames; ++i) {
      if (random_.OneIn(3)) background.RunAll();
      pending_ = 1 + random_.Below(3);
      if (!journal.Append(acknowledged_, static_cast<int>(pending_), FrameValueBytes()).ok()) {
        return ::testing::AssertionSuccess();
      }
      acknowledged_ += pending_;
      pending_ = 0;
      if (random_.OneIn(3)) checkpoints_.push_back({journal.writer->tip(), acknowledged_});
    }
    return ::testing::AssertionSuccess();
  }

  void ExpectFault(bool faulty) { faulty_ = faulty; }

 private:
  struct Checkpoint {
    JournalTip tip;
    uint64_t entries = 0;
  };

  size_t FrameValueBytes() {
    if (random_.OneIn(20)) return 5000;  // larger than a segment
    return random_.OneIn(3) ? 700 : 20;
  }

  ::testing::AssertionResult CheckRedone(uint64_t from, const std::vector<std::string>& redone) {
    const uint64_t found = from + redone.size();
    if (found != acknowledged_ && found != acknowledged_ + pending_) {
      return ::testing::AssertionFailure()
             << found << " entries after " << acknowledged_ << " acknowledged and " << pending_ << " in doubt";
    }
    for (uint64_t i = from; i < found; ++i) {
      if (redone[i - from] != TestEntry(i).id) return ::testing::AssertionFailure() << "entry " << i << " is another";
    }
    if (pending_ > 0 && found == acknowledged_ + pending_) ++kept_;
    // What a reader has seen is promised, too.
    acknowledged_ = found;
    pending_ = 0;
    return ::testing::AssertionSuccess();
  }

  Random random_;
  SimFileSystem fs_;
  bool created_ = false;
  bool faulty_ = false;
  uint64_t acknowledged_ = 0;  // entries
  uint64_t pending_ = 0;       // of the frame in doubt
  uint64_t kept_ = 0;
  std::vector<Checkpoint> checkpoints_;
};

enum class Death { kPowerLoss, kProcess };

void Die(SimFileSystem* fs, Death death, uint64_t seed) {
  if (death == Death::kPowerLoss) {
    fs->Crash(seed);
  } else {
    fs->Kill(seed);
  }
}

// The calls of a life that goes well: creation, opening, frames over several segments.
uint64_t CallsOfALife(uint64_t seed, int frames) {
  Survivor survivor(seed);
  EXPECT_TRUE(survivor.Live(frames));
  return survivor.fs().calls();
}

TEST(JournalCrash, AtEveryCall_KeepsWhatWasAcknowledged) {
  const uint64_t seed = TestSeed();
  const int kFrames = 25;
  const uint64_t calls = CallsOfALife(seed, kFrames);
  uint64_t images = 0;
  uint64_t kept = 0;
  for (uint64_t call = 1; call <= calls; ++call) {
    for (uint64_t draw = 0; draw < 20; ++draw) {
      Survivor survivor(seed);
      survivor.fs().InjectFault(call, Fault::kCrash);
      survivor.ExpectFault(true);
      ASSERT_TRUE(survivor.Live(kFrames));
      ASSERT_TRUE(survivor.fs().crashed()) << "call " << call << " of " << calls << " was not made";
      Die(&survivor.fs(), draw % 4 == 0 ? Death::kProcess : Death::kPowerLoss, seed + draw);
      survivor.ExpectFault(false);
      ASSERT_TRUE(survivor.Live(3)) << "crash at call " << call << ", draw " << draw;
      Die(&survivor.fs(), Death::kPowerLoss, seed + draw + 1);
      ASSERT_TRUE(survivor.Live(0)) << "second life after a crash at call " << call << ", draw " << draw;
      ++images;
      kept += survivor.deaths_with_frame_kept();
    }
  }
  std::printf("%llu power losses and kills at %llu calls; a frame in doubt was kept %llu times\n",
              static_cast<unsigned long long>(2 * images), static_cast<unsigned long long>(calls),
              static_cast<unsigned long long>(kept));
  EXPECT_GT(kept, 0u) << "the simulator never kept a frame whose sync was cut: it is too kind";
}

// Each life may meet a crash, or errors once or for ever, at any call, also while it recovers from the life before.
TEST(JournalCrash, ManyLivesWithFaultsAnywhere_KeepWhatWasAcknowledged) {
  const uint64_t seed = TestSeed();
  uint64_t lives = 0;
  for (uint64_t round = 0; round < 1500; ++round) {
    Random random(seed + round);
    Survivor survivor(random.Next());
    for (int life = 0; life < 6; ++life, ++lives) {
      const bool faulty = !random.OneIn(4);
      const Fault kFaults[] = {Fault::kCrash, Fault::kIoError, Fault::kNoSpace};
      if (faulty) {
        survivor.fs().InjectFault(survivor.fs().calls() + random.Between(1, 40), kFaults[random.Below(3)],
                                  random.OneIn(2));
      }
      survivor.ExpectFault(faulty);
      ASSERT_TRUE(survivor.Live(static_cast<int>(random.Below(12)))) << "round " << round << ", life " << life;
      Die(&survivor.fs(), random.OneIn(3) ? Death::kProcess : Death::kPowerLoss, random.Next());
    }
    survivor.ExpectFault(false);
    ASSERT_TRUE(survivor.Live(5)) << "round " << round << ", last life";
  }
  std::printf("%llu lives\n", static_cast<unsigned long long>(lives));
}

}  // namespace
}  // namespace semel::testing
