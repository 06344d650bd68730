// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Writing: rolls, spares, large frames, errors.

#include "engine/journal/writer.h"

#include "gtest/gtest.h"
#include "tests/journal/harness.h"
#include "tests/sim/sim_environment.h"
#include "tests/sim/sim_file_system.h"

namespace semel::testing {
namespace {

using Names = std::vector<std::string>;

class JournalWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(journal_.Create().ok());
    ASSERT_TRUE(journal_.Open().ok());
  }

  // The call that the next Append makes first, if it needs no new segment.
  uint64_t NextCall() const { return fs_.calls() + 1; }

  Names Files() { return fs_.List("journal").value(); }

  void ExpectReopensWith(uint64_t entries) {
    ASSERT_TRUE(journal_.Open().ok());
    EXPECT_EQ(journal_.redone, IdsBelow(entries));
  }

  SimFileSystem fs_;
  InlineBackground background_;
  TestJournal journal_{&fs_, 4096, &background_};
};

TEST_F(JournalWriterTest, Create_MakesOneSegmentOfZeros) {
  EXPECT_EQ(Files(), Names{"00000000000000000000.log"});
  EXPECT_EQ(ReadWholeFile(&fs_, "journal/00000000000000000000.log", 1 << 20)->substr(kSegmentHeaderBytes),
            std::string(4096 - kSegmentHeaderBytes, '\0'));
  EXPECT_EQ(journal_.writer->tip().lsn, 0u);
  EXPECT_EQ(journal_.writer->tip().next_sequence, 1u);
}

TEST_F(JournalWriterTest, Create_OverAnEmptyJournal_Replaces) {
  journal_.Close();
  EXPECT_TRUE(journal_.Create().ok());
  EXPECT_TRUE(journal_.Open().ok());
}

TEST_F(JournalWriterTest, Create_OverAJournalWithFrames_IsRefused) {
  ASSERT_TRUE(journal_.Append(0).ok());
  journal_.Close();
  EXPECT_EQ(journal_.Create().code(), absl::StatusCode::kAlreadyExists);
  ExpectReopensWith(1);
}

TEST_F(JournalWriterTest, Append_IsReadableAndReopens) {
  for (uint64_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(journal_.Append(i).ok());
    EXPECT_EQ(journal_.reader->durable_lsn(), journal_.writer->tip().lsn);
    EntryBuffer buffer;
    Entry entry;
    ASSERT_TRUE(journal_.reader->ReadEntry(journal_.last_lsn, true, &buffer, &entry).ok());
    EXPECT_EQ(entry.id, TestEntry(i).id);
    EXPECT_EQ(entry.sequence, i + 1);
  }
  const JournalTip tip = journal_.writer->tip();
  ExpectReopensWith(10);
  EXPECT_EQ(journal_.writer->tip().lsn, tip.lsn);
  EXPECT_EQ(journal_.writer->tip().next_sequence, 11u);
  EXPECT_EQ(journal_.writer->tip().frame_checksum, tip.frame_checksum);
  EXPECT_EQ(journal_.reader->durable_lsn(), tip.lsn);
  EXPECT_FALSE(journal_.report.torn_tail);
  EXPECT_EQ(journal_.report.frames, 10u);
  EXPECT_EQ(journal_.report.entries, 10u);
}

TEST_F(JournalWriterTest, Append_CommitTimeNeverFalls) {
  ASSERT_TRUE(journal_.Append(0, 1, 10, 500).ok());
  ASSERT_TRUE(journal_.Append(1, 1, 10, 400).ok());
  EXPECT_EQ(journal_.writer->tip().commit_time_us, 500);
}

TEST_F(JournalWriterTest, Reserve_FrameDoesNotFit_RollsToASegmentNamedByItsFirstLsn) {
  ASSERT_TRUE(journal_.Append(0, 1, 3000).ok());
  const Lsn end = journal_.writer->tip().lsn;
  ASSERT_TRUE(journal_.Append(1, 1, 3000).ok());
  char name[64];
  std::snprintf(name, sizeof name, "%020llu.log", static_cast<unsigned long long>(end));
  EXPECT_EQ(Files(), (Names{"00000000000000000000.log", name}));
  EXPECT_EQ(journal_.reader->segment_count(), 2u);
  EXPECT_EQ(journal_.reader->FileBytes().value(), 2u * 4096);
  ExpectReopensWith(2);
}

TEST_F(JournalWriterTest, Reserve_ExactlyTheRest_DoesNotRoll) {
  ASSERT_TRUE(journal_.Append(0).ok());
  const size_t rest = 4096 - kSegmentHeaderBytes - journal_.writer->tip().lsn;
  EXPECT_TRUE(journal_.writer->Reserve(rest).ok());
  EXPECT_EQ(journal_.reader->segment_count(), 1u);
  EXPECT_TRUE(journal_.writer->Reserve(rest + 1).ok());
  EXPECT_EQ(journal_.reader->segment_count(), 2u);
}

TEST_F(JournalWriterTest, Append_FullSegment_ReopensAtItsEndAndRolls) {
  // A first frame shows how many bytes there are beside the value.
  ASSERT_TRUE(journal_.Append(0, 1, 1000).ok());
  const size_t overhead = journal_.writer->tip().lsn - 1000;
  ASSERT_TRUE(journal_.Append(1, 1, 4096 - kSegmentHeaderBytes - 2 * overhead - 1000).ok());
  ASSERT_EQ(journal_.writer->tip().lsn, 4096 - kSegmentHeaderBytes);
  ExpectReopensWith(2);
  ASSERT_TRUE(journal_.Append(2).ok());
  EXPECT_EQ(journal_.reader->segment_count(), 2u);
  ExpectReopensWith(3);
}

TEST_F(JournalWriterTest, Append_FrameLargerThanASegment_GetsItsOwn) {
  ASSERT_TRUE(journal_.Append(0).ok());
  ASSERT_TRUE(journal_.Append(1, 1, 100000).ok());
  ASSERT_TRUE(journal_.Append(2, 1, 3000).ok());
  EXPECT_EQ(journal_.reader->segment_count(), 3u);
  EXPECT_EQ(journal_.reader->FileBytes().value(), 4096u + 102400 + 4096);
  ExpectReopensWith(3);
  ASSERT_TRUE(journal_.Append(3).ok());
  ExpectReopensWith(4);
}

TEST_F(JournalWriterTest, Append_LargeFrameIntoAnEmptySegment_ReplacesIt) {
  ASSERT_TRUE(journal_.Append(0, 1, 100000).ok());
  EXPECT_EQ(Files(), Names{"00000000000000000000.log"});
  EXPECT_EQ(journal_.reader->FileBytes().value(), 102400u);
  ExpectReopensWith(1);
  // The same behind another segment, after an open that has looked into the empty one.
  ASSERT_TRUE(journal_.Append(1, 1, 3000).ok());
  ASSERT_TRUE(journal_.writer->Reserve(2000).ok());
  ExpectReopensWith(2);
  ASSERT_TRUE(journal_.Append(2, 1, 100000).ok());
  EXPECT_EQ(journal_.reader->segment_count(), 3u);
  EntryBuffer buffer;
  Entry entry;
  EXPECT_TRUE(journal_.reader->ReadEntry(journal_.last_lsn, true, &buffer, &entry).ok());
  ExpectReopensWith(3);
}

TEST_F(JournalWriterTest, Spare_IsPreparedWhenHalfFullAndUsedByTheRoll) {
  ASSERT_TRUE(journal_.Append(0, 1, 1000).ok());
  EXPECT_EQ(background_.queued(), 0u);
  ASSERT_TRUE(journal_.Append(1, 1, 1500).ok());
  EXPECT_EQ(background_.RunAll(), 1u);
  EXPECT_EQ(Files().back(), "spare");
  const uint64_t calls = fs_.calls();
  ASSERT_TRUE(journal_.Append(2, 1, 1500).ok());
  EXPECT_EQ(fs_.calls() - calls, 6u) << "header, sync, rename, directory; frame, sync";
  EXPECT_EQ(Files().size(), 2u);
  ExpectReopensWith(3);
}

TEST_F(JournalWriterTest, Spare_IsSyncedPieceByPiece) {
  SimFileSystem fs;
  TestJournal journal(&fs, 3 << 20, &background_);
  ASSERT_TRUE(journal.Create().ok());
  ASSERT_TRUE(journal.Open().ok());
  ASSERT_TRUE(journal.Append(0, 1, 2 << 20).ok());
  const uint64_t calls = fs.calls();
  EXPECT_EQ(background_.RunAll(), 1u);
  EXPECT_EQ(fs.calls() - calls, 7u) << "the file; a write and a sync of each MiB";
}

TEST_F(JournalWriterTest, Spare_NotReadyInTime_IsMadeByTheRoll) {
  ASSERT_TRUE(journal_.Append(0, 1, 3000).ok());
  EXPECT_EQ(background_.queued(), 1u);
  ASSERT_TRUE(journal_.Append(1, 1, 3000).ok());
  EXPECT_EQ(journal_.reader->segment_count(), 2u);
  background_.RunAll();  // the step of the first spare must not disturb that of the second
  ASSERT_TRUE(journal_.Append(2, 1, 3000).ok());
  background_.RunAll();
  ExpectReopensWith(3);
}

TEST_F(JournalWriterTest, Spare_StepRunsAfterTheWriterIsGone_DoesNothing) {
  ASSERT_TRUE(journal_.Append(0, 1, 3000).ok());
  journal_.Close();
  const uint64_t calls = fs_.calls();
  EXPECT_EQ(background_.RunAll(), 1u);
  EXPECT_EQ(fs_.calls(), calls);
}

TEST_F(JournalWriterTest, Spare_LeftoverOfAnotherLife_IsNotUsed) {
  ASSERT_TRUE(journal_.Append(0, 1, 3000).ok());
  {
    auto leftover = fs_.Open("journal/spare", OpenMode::kCreateNew);
    ASSERT_TRUE((*leftover)->WriteAt(0, std::string(4096, 'x')).ok());
  }
  ExpectReopensWith(1);
  ASSERT_TRUE(journal_.Append(1, 1, 3000).ok());
  ExpectReopensWith(2);
  EXPECT_FALSE(journal_.report.torn_tail);
}

TEST_F(JournalWriterTest, Spare_FailsInTheBackground_IsMadeByTheRoll) {
  ASSERT_TRUE(journal_.Append(0, 1, 3000).ok());
  fs_.InjectFault(NextCall() + 1, Fault::kNoSpace);
  EXPECT_EQ(background_.RunAll(), 1u);
  EXPECT_EQ(Files().size(), 1u) << "a failed spare gives its space back";
  EXPECT_TRUE(journal_.Append(1, 1, 3000).ok());
  ExpectReopensWith(2);
}

TEST(JournalWriter, SparesFromAThread_RollManyTimes) {
  const auto fs = NewMemoryFileSystem();
  const auto background = NewBackgroundThread();
  TestJournal journal(fs.get(), 4096, background.get());
  ASSERT_TRUE(journal.Create().ok());
  ASSERT_TRUE(journal.Open().ok());
  for (uint64_t i = 0; i < 300; ++i) {
    ASSERT_TRUE(journal.Append(i, 1, i % 50 == 0 ? 9000 : 1200).ok());
    // A writer goes while its spare may be under way.
    if (i % 70 == 0) {
      ASSERT_TRUE(journal.Open().ok());
    }
  }
  ASSERT_TRUE(journal.Open().ok());
  EXPECT_EQ(journal.redone, IdsBelow(300));
}

// ENOSPC at each call of creating a segment: refused, nothing changed, and it works when there is space again.
TEST_F(JournalWriterTest, Reserve_CreationFails_CanBeTriedAgain) {
  ASSERT_TRUE(journal_.Append(0, 1, 3000).ok());
  const uint64_t kCallsOfACreation = 7;  // create, zeros, sync; header, sync; rename, sync
  for (uint64_t call = 0; call < kCallsOfACreation; ++call) {
    const JournalTip tip = journal_.writer->tip();
    fs_.InjectFault(NextCall() + call, Fault::kNoSpace);
    EXPECT_EQ(journal_.writer->Reserve(3000).code(), absl::StatusCode::kResourceExhausted) << "call " << call;
    EXPECT_EQ(journal_.writer->tip().lsn, tip.lsn);
    fs_.ClearFaults();
    ASSERT_TRUE(journal_.Append(1 + call, 1, 3000).ok()) << "call " << call;
  }
  ExpectReopensWith(1 + kCallsOfACreation);
}

// Once the next segment may have its name, a frame that would still fit into the old one must not go there: at the next
// open it would lie behind the end of a sealed segment.
TEST_F(JournalWriterTest, Append_SmallFrameAfterAFailedDirectorySync_GoesToTheNextSegment) {
  ASSERT_TRUE(journal_.Append(0, 1, 3000).ok());
  fs_.InjectFault(NextCall() + 6, Fault::kIoError);
  EXPECT_FALSE(journal_.writer->Reserve(3000).ok());
  ASSERT_EQ(Files().size(), 2u) << "the fault must strike the sync of the directory";
  fs_.ClearFaults();
  ASSERT_TRUE(journal_.Append(1, 1, 10).ok());
  EXPECT_EQ(journal_.reader->segment_count(), 2u);
  ExpectReopensWith(2);
}

TEST_F(JournalWriterTest, Append_WriteOrSyncFails_PoisonsForGood) {
  for (const uint64_t call : {0, 1}) {
    for (const Fault fault : {Fault::kIoError, Fault::kNoSpace}) {
      ASSERT_TRUE(journal_.Open().ok());
      const JournalTip tip = journal_.writer->tip();
      fs_.InjectFault(NextCall() + call, fault);
      const absl::Status first = journal_.Append(7);
      EXPECT_FALSE(first.ok());
      EXPECT_EQ(journal_.reader->durable_lsn(), tip.lsn);
      fs_.ClearFaults();
      const uint64_t calls = fs_.calls();
      EXPECT_EQ(journal_.writer->Reserve(10), first);
      EXPECT_EQ(journal_.writer->Append(FrameHeader(), ""), first);
      EXPECT_EQ(fs_.calls(), calls) << "a poisoned writer does no I/O";
    }
  }
}

TEST_F(JournalWriterTest, Append_FrameForAnotherPlace_IsRefusedAndWritesNothing) {
  FrameBuilder builder(journal_.identity.seed);
  JournalTip elsewhere;
  elsewhere.lsn = 64;
  builder.Begin(elsewhere, 0);
  const TestEntry test_entry(0);
  Entry entry = test_entry.Make();
  builder.Add(&entry);
  FrameHeader header;
  const std::string_view frame = builder.Finish(&header);
  EXPECT_EQ(journal_.writer->Append(header, frame).code(), absl::StatusCode::kInternal);
  ExpectReopensWith(0);
}

}  // namespace
}  // namespace semel::testing
