// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The scan at open: what is a torn tail, what is damage.

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/journal/harness.h"
#include "tests/sim/sim_file_system.h"

namespace semel::testing {
namespace {

constexpr char kFirst[] = "journal/00000000000000000000.log";
constexpr uint64_t kHeader = kSegmentHeaderBytes;

class RecoveryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(journal_.Create().ok());
    ASSERT_TRUE(journal_.Open().ok());
  }

  // Appends a frame and returns where it begins.
  Lsn Append(uint64_t first, int entries = 1, size_t value_bytes = 10) {
    const Lsn lsn = journal_.writer->tip().lsn;
    EXPECT_TRUE(journal_.Append(first, entries, value_bytes).ok());
    tips_.push_back(journal_.writer->tip());
    return lsn;
  }

  std::string Bytes(const char* path) { return ReadWholeFile(&fs_, path, 1 << 20).value(); }

  void FlipBit(const char* path, uint64_t offset, int bit) {
    std::string byte = Bytes(path).substr(offset, 1);
    byte[0] = static_cast<char>(byte[0] ^ (1 << bit));
    fs_.Overwrite(path, offset, byte);
  }

  // Opening is refused as damage, and the files are as before.
  void ExpectDataLoss(const std::string& what, const JournalTip& checkpoint = JournalTip()) {
    journal_.Close();
    const std::string before = Bytes(kFirst);
    const uint64_t calls = fs_.calls();
    EXPECT_EQ(journal_.Open(checkpoint).code(), absl::StatusCode::kDataLoss) << what;
    EXPECT_EQ(fs_.calls(), calls) << what << ": the refusal changed something";
    EXPECT_EQ(Bytes(kFirst), before) << what;
  }

  SimFileSystem fs_;
  TestJournal journal_{&fs_};
  std::vector<JournalTip> tips_;  // behind each frame
};

// The last frame cut at each of its bytes, with zeros or with other bytes behind: reported, cleared, and appending goes
// on.
TEST_F(RecoveryTest, TornTail_AtEveryByte_IsClearedAndReported) {
  Append(0);
  const Lsn torn = Append(1, 2, 30);
  const Lsn end = tips_.back().lsn;
  journal_.Close();
  const std::string frame = Bytes(kFirst).substr(kHeader + torn, end - torn);
  for (size_t kept = 1; kept < frame.size(); ++kept) {
    if (frame[kept] == 0 && frame.substr(kept) == std::string(frame.size() - kept, '\0')) continue;
    for (const char junk : {'\0', '\x5a'}) {
      fs_.Overwrite(kFirst, kHeader + torn, frame.substr(0, kept) + std::string(frame.size() - kept, junk));
      if (Bytes(kFirst).substr(kHeader + torn, frame.size()) == frame) continue;
      ASSERT_TRUE(journal_.Open().ok()) << "cut at " << kept;
      EXPECT_EQ(journal_.redone, IdsBelow(1));
      EXPECT_TRUE(journal_.report.torn_tail);
      EXPECT_EQ(journal_.report.torn_lsn, torn);
      EXPECT_GT(journal_.report.torn_bytes, 0u);
      EXPECT_LE(journal_.report.torn_bytes, frame.size());
      EXPECT_NE(journal_.report.text.find("torn"), std::string::npos);
      EXPECT_EQ(journal_.writer->tip().lsn, torn);
      EXPECT_EQ(Bytes(kFirst).substr(kHeader + torn), std::string(4096 - kHeader - torn, '\0'));
      ASSERT_TRUE(journal_.Open().ok());
      EXPECT_FALSE(journal_.report.torn_tail) << "cleared for good";
      EXPECT_EQ(journal_.report.text.find("torn"), std::string::npos);
    }
  }
  Append(1);
  ASSERT_TRUE(journal_.Open().ok());
  EXPECT_EQ(journal_.redone, IdsBelow(2));
}

TEST_F(RecoveryTest, TornTail_HeaderLostPayloadWritten_IsCleared) {
  Append(0);
  const Lsn torn = Append(1, 3);
  fs_.Overwrite(kFirst, kHeader + torn, std::string(kFrameHeaderBytes, '\0'));
  ASSERT_TRUE(journal_.Open().ok());
  EXPECT_TRUE(journal_.report.torn_tail);
  EXPECT_EQ(journal_.redone, IdsBelow(1));
}

TEST_F(RecoveryTest, TornTail_InAnEmptyJournal_IsCleared) {
  fs_.Overwrite(kFirst, 4095, "x");
  ASSERT_TRUE(journal_.Open().ok());
  EXPECT_TRUE(journal_.report.torn_tail);
  EXPECT_EQ(journal_.report.torn_lsn, 0u);
  EXPECT_EQ(journal_.report.torn_bytes, 1u);
  EXPECT_EQ(Bytes(kFirst)[4095], '\0');
}

TEST_F(RecoveryTest, CleanEnd_SaysNothing) {
  ASSERT_TRUE(journal_.Open().ok());
  EXPECT_EQ(journal_.report.text, "");
  Append(0);
  ASSERT_TRUE(journal_.Open(tips_.back()).ok());
  EXPECT_EQ(journal_.report.text, "");
  EXPECT_TRUE(journal_.redone.empty());
}

TEST_F(RecoveryTest, FlippedBit_InEachByteOfAMiddleFrame_IsDataLoss) {
  Append(0);
  const Lsn middle = Append(1, 2, 20);
  const Lsn last = Append(3);
  journal_.Close();
  for (uint64_t at = middle; at < last; ++at) {
    const int bit = static_cast<int>(at % 8);
    FlipBit(kFirst, kHeader + at, bit);
    ExpectDataLoss("bit flipped at LSN " + std::to_string(at));
    FlipBit(kFirst, kHeader + at, bit);
  }
  ASSERT_TRUE(journal_.Open().ok());
  EXPECT_EQ(journal_.redone, IdsBelow(4));
}

TEST_F(RecoveryTest, ZeroedMiddleFrame_IsDataLoss) {
  Append(0);
  const Lsn middle = Append(1);
  const Lsn last = Append(2);
  fs_.Overwrite(kFirst, kHeader + middle, std::string(last - middle, '\0'));
  ExpectDataLoss("a frame of zeros before a valid one");
}

// The search for a later frame crosses the borders of the pieces that it reads.
TEST_F(RecoveryTest, DamagedFrame_ValidOneFarBehind_IsDataLoss) {
  SimFileSystem fs;
  TestJournal large(&fs, size_t{4} << 20);
  ASSERT_TRUE(large.Create().ok());
  for (const size_t value_bytes : {size_t{1} << 20, (size_t{1} << 20) - 64, (size_t{1} << 20) - 130, size_t{1000}}) {
    ASSERT_TRUE(large.Create().ok());
    ASSERT_TRUE(large.Open().ok());
    ASSERT_TRUE(large.Append(0, 1, value_bytes).ok());
    ASSERT_TRUE(large.Append(1, 1, value_bytes).ok());
    ASSERT_TRUE(large.Append(2).ok());
    large.Close();
    fs.Overwrite(kFirst, kHeader, "damaged");
    EXPECT_EQ(large.Open().code(), absl::StatusCode::kDataLoss);
    fs.Overwrite(kFirst, kHeader, std::string(kFrameHeaderBytes, '\0'));  // looks empty to Create
  }
}

TEST_F(RecoveryTest, DamageInASealedSegment_IsDataLoss) {
  Append(0, 1, 3000);
  Append(1, 1, 3000);
  FlipBit(kFirst, kHeader + 100, 3);
  ExpectDataLoss("sealed segment");
}

TEST_F(RecoveryTest, LastSegmentWithADamagedHeader_IsDataLoss) {
  Append(0, 1, 3000);
  const Lsn first = Append(1);
  ASSERT_TRUE(journal_.writer->Reserve(4000).ok());
  const std::string last = SegmentPath(journal_.identity, journal_.writer->tip().lsn);
  ASSERT_TRUE(fs_.Exists(last).value()) << first;
  for (uint64_t at = 0; at < kHeader; ++at) {
    FlipBit(last.c_str(), at, 0);
    ExpectDataLoss("segment header, byte " + std::to_string(at));
    FlipBit(last.c_str(), at, 0);
  }
  EXPECT_TRUE(journal_.Open().ok());
}

TEST_F(RecoveryTest, TruncatedOrExtendedSegment_IsDataLoss) {
  Append(0);
  for (const uint64_t size : {0, 10, 64, 100, 4095, 4097}) {
    SimFileSystem& fs = fs_;
    const std::string before = Bytes(kFirst);
    fs.SetSize(kFirst, size);
    ExpectDataLoss("size " + std::to_string(size));
    fs.SetSize(kFirst, 0);
    fs.Overwrite(kFirst, 0, before);
  }
  EXPECT_TRUE(journal_.Open().ok());
}

TEST_F(RecoveryTest, MissingSegment_IsDataLoss) {
  Append(0, 1, 3000);
  const Lsn second = Append(1, 1, 10);
  Append(2, 1, 3000);
  ASSERT_EQ(journal_.reader->segment_count(), 2u);
  Append(3, 1, 3000);
  const std::string middle = SegmentPath(journal_.identity, tips_[1].lsn);
  ASSERT_TRUE(fs_.Exists(middle).value()) << second;
  journal_.Close();
  ASSERT_TRUE(fs_.Remove(middle).ok());
  EXPECT_EQ(journal_.Open().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RecoveryTest, NoSegmentAtAll_IsDataLoss) {
  journal_.Close();
  ASSERT_TRUE(fs_.Remove(kFirst).ok());
  EXPECT_EQ(journal_.Open().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RecoveryTest, Checkpoint_RedoBeginsThere) {
  Append(0);
  Append(1, 1, 3000);
  Append(2, 1, 3000);
  Append(3);
  for (size_t i = 0; i < tips_.size(); ++i) {
    ASSERT_TRUE(journal_.Open(tips_[i]).ok()) << i;
    EXPECT_EQ(journal_.redone.size(), 3 - i);
    EXPECT_EQ(journal_.writer->tip().lsn, tips_.back().lsn);
    EXPECT_EQ(journal_.writer->tip().next_sequence, 5u);
  }
}

TEST_F(RecoveryTest, EndBelowTheCheckpoint_IsDataLoss) {
  Append(0);
  const Lsn last = Append(1, 2, 300);
  const JournalTip checkpoint = tips_.back();
  ASSERT_TRUE(journal_.Open(checkpoint).ok());
  journal_.Close();
  const std::string frame = Bytes(kFirst).substr(kHeader + last, checkpoint.lsn - last);
  fs_.Overwrite(kFirst, kHeader + last, std::string(frame.size(), '\0'));
  ExpectDataLoss("the last frame before the checkpoint is gone", checkpoint);
  fs_.Overwrite(kFirst, kHeader + last, frame);
  for (uint64_t at = last; at < checkpoint.lsn; ++at) {
    FlipBit(kFirst, kHeader + at, 5);
    ExpectDataLoss("the last frame before the checkpoint is damaged", checkpoint);
    FlipBit(kFirst, kHeader + at, 5);
  }
  JournalTip beyond = checkpoint;
  beyond.lsn = 100000;
  ExpectDataLoss("a checkpoint behind the last segment", beyond);
}

// The search for the last frame before the checkpoint crosses the borders of the pieces that it reads, also inside the
// header.
TEST_F(RecoveryTest, Checkpoint_BehindALargeFrame_IsFound) {
  SimFileSystem fs;
  TestJournal large(&fs, size_t{4} << 20);
  ASSERT_TRUE(large.Create().ok());
  for (size_t value_bytes = (size_t{1} << 20) - 200; value_bytes < size_t{1} << 20; value_bytes += 7) {
    ASSERT_TRUE(large.Create().ok());
    ASSERT_TRUE(large.Open().ok());
    ASSERT_TRUE(large.Append(0).ok());
    ASSERT_TRUE(large.Append(1, 1, value_bytes).ok());
    const JournalTip checkpoint = large.writer->tip();
    ASSERT_TRUE(large.Open(checkpoint).ok()) << value_bytes;
    large.Close();
    fs.Overwrite(kFirst, kHeader, std::string(kFrameHeaderBytes, '\0'));  // looks empty to Create
  }
}

TEST_F(RecoveryTest, FrameThatDoesNotContinueTheCheckpoint_IsDataLoss) {
  Append(0);
  const JournalTip good = tips_.back();
  Append(1);
  JournalTip wrong = good;
  wrong.next_sequence += 1;
  ExpectDataLoss("another sequence", wrong);
  wrong = good;
  wrong.frame_checksum ^= 1;
  ExpectDataLoss("another frame before", wrong);
  wrong = good;
  wrong.commit_time_us += 1;
  ExpectDataLoss("a time that falls", wrong);
  ASSERT_TRUE(journal_.Open(good).ok());
}

TEST_F(RecoveryTest, RedoFails_OpenFailsWithItsStatus) {
  Append(0);
  journal_.writer.reset();
  const auto opened = JournalWriter::Open(
      &fs_, journal_.identity, journal_.options, journal_.reader.get(), nullptr, JournalTip(),
      [](const FrameHeader&, std::string_view) { return absl::CancelledError("stop"); }, &journal_.report);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kCancelled);
}

// After a failed sync the system takes its pages for clean: a sync after the next open would cover nothing.
TEST_F(RecoveryTest, FrameOfAFailedSync_SeenAtOpen_IsWrittenAgain) {
  Append(0);
  fs_.InjectFault(fs_.calls() + 2, Fault::kIoError);
  ASSERT_FALSE(journal_.Append(1).ok());
  fs_.Kill(1);
  ASSERT_TRUE(journal_.Open().ok());
  ASSERT_EQ(journal_.redone, IdsBelow(2));
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto after = fs_.Clone();
    after->Crash(seed);
    TestJournal again(after.get());
    ASSERT_TRUE(again.Open().ok());
    EXPECT_EQ(again.redone, IdsBelow(2)) << "power loss " << seed << " took back what a reader was shown";
  }
}

}  // namespace
}  // namespace semel::testing
