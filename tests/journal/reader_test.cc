// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Reading by address, by frame and by time; the block cache; a reader in another process.

#include "engine/journal/reader.h"

#include <atomic>
#include <thread>
#include <vector>

#include "engine/journal/block_cache.h"
#include "gtest/gtest.h"
#include "tests/journal/harness.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_file_system.h"

namespace semel::testing {
namespace {

class ReaderTest : public ::testing::Test {
 protected:
  void SetUp() override { OpenWithCache(1 << 20); }

  void OpenWithCache(size_t cache_bytes) {
    journal_.Close();
    if (!fs_->Exists("journal").value()) {
      ASSERT_TRUE(journal_.Create().ok());
    }
    ASSERT_TRUE(journal_.Open(JournalTip(), cache_bytes).ok());
  }

  // Appends frames of one entry each; entries_ remembers where they are.
  void Append(int frames, size_t value_bytes = 100, int64_t now_us = 0) {
    for (int i = 0; i < frames; ++i) {
      ASSERT_TRUE(journal_.Append(entries_.size(), 1, value_bytes, now_us).ok());
      entries_.push_back(journal_.last_lsn);
    }
  }

  void ExpectEntry(JournalReader* reader, size_t number) {
    EntryBuffer buffer;
    Entry entry;
    ASSERT_TRUE(reader->ReadEntry(entries_[number], true, &buffer, &entry).ok()) << number;
    EXPECT_EQ(entry.id, TestEntry(number).id);
    EXPECT_EQ(entry.sequence, number + 1);
  }

  std::unique_ptr<FileSystem> fs_ = std::make_unique<SimFileSystem>();
  TestJournal journal_{fs_.get(), 16384};
  std::vector<Lsn> entries_;
};

// Every entry is read right after each append: a block that grew since it was cached must not be served short.
TEST_F(ReaderTest, ReadEntry_WhileTheJournalGrows_IsNeverStale) {
  for (const size_t cache_bytes : {0, 1 << 16, 1 << 20}) {
    OpenWithCache(cache_bytes);
    const size_t before = entries_.size();
    for (int i = 0; i < 150; ++i) {
      Append(1, 10 + 37 * static_cast<size_t>(i));
      ExpectEntry(journal_.reader.get(), entries_.size() - 1);
      ExpectEntry(journal_.reader.get(), before + static_cast<size_t>(i) / 2);
    }
  }
  EXPECT_GT(journal_.reader->segment_count(), 10u);
}

TEST_F(ReaderTest, ReadEntry_OutsideTheJournal_IsOutOfRange) {
  Append(2);
  EntryBuffer buffer;
  Entry entry;
  const Lsn end = journal_.reader->durable_lsn();
  EXPECT_EQ(journal_.reader->ReadEntry(end, false, &buffer, &entry).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(journal_.reader->ReadEntry(end + 100'000'000, false, &buffer, &entry).code(),
            absl::StatusCode::kOutOfRange);
}

TEST_F(ReaderTest, ReadEntry_WhereNoEntryBegins_IsDataLoss) {
  Append(3);
  EntryBuffer buffer;
  Entry entry;
  for (Lsn lsn = 0; lsn < journal_.reader->durable_lsn(); ++lsn) {
    if (std::find(entries_.begin(), entries_.end(), lsn) != entries_.end()) continue;
    EXPECT_EQ(journal_.reader->ReadEntry(lsn, false, &buffer, &entry).code(), absl::StatusCode::kDataLoss) << lsn;
  }
}

TEST_F(ReaderTest, ReadEntry_DamagedFrameHeader_ShowsOnlyWithTheFrame) {
  Append(1);
  static_cast<SimFileSystem*>(fs_.get())->Overwrite(SegmentPath(journal_.identity, 0), kSegmentHeaderBytes + 8, "x");
  EntryBuffer buffer;
  Entry entry;
  EXPECT_TRUE(journal_.reader->ReadEntry(entries_[0], false, &buffer, &entry).ok());
  const auto damaged = JournalReader::Open(fs_.get(), journal_.identity, 0);
  ASSERT_TRUE(damaged.ok());
  (*damaged)->SetDurableLsn(journal_.reader->durable_lsn());
  EXPECT_TRUE((*damaged)->ReadEntry(entries_[0], false, &buffer, &entry).ok());
  EXPECT_EQ((*damaged)->ReadEntry(entries_[0], true, &buffer, &entry).code(), absl::StatusCode::kDataLoss);
}

TEST_F(ReaderTest, VisitFrames_FromAnyTip_VisitsTheRest) {
  std::vector<JournalTip> tips = {JournalTip()};
  for (int i = 0; i < 60; ++i) {
    Append(1, 300);
    tips.push_back(journal_.writer->tip());
  }
  for (size_t from = 0; from < tips.size(); from += 7) {
    for (size_t to = from; to < tips.size(); to += 5) {
      size_t next = from;
      const auto visit = [&](const FrameHeader& header, std::string_view payload) -> absl::StatusOr<bool> {
        EXPECT_EQ(header.lsn, tips[next].lsn);
        EXPECT_EQ(payload.size(), header.payload_bytes);
        ++next;
        return true;
      };
      ASSERT_TRUE(journal_.reader->VisitFrames(tips[from], tips[to].lsn, visit).ok());
      EXPECT_EQ(next, to);
    }
  }
}

TEST_F(ReaderTest, VisitFrames_StopsWhenAskedAndPassesErrorsOn) {
  Append(3);
  int visited = 0;
  const Lsn end = journal_.reader->durable_lsn();
  EXPECT_TRUE(
      journal_.reader
          ->VisitFrames(JournalTip(), end,
                        [&](const FrameHeader&, std::string_view) -> absl::StatusOr<bool> { return ++visited < 2; })
          .ok());
  EXPECT_EQ(visited, 2);
  const auto fail = [](const FrameHeader&, std::string_view) -> absl::StatusOr<bool> {
    return absl::CancelledError("stop");
  };
  EXPECT_EQ(journal_.reader->VisitFrames(JournalTip(), end, fail).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(journal_.reader->VisitFrames(JournalTip(), end + 1, fail).code(), absl::StatusCode::kOutOfRange);
  JournalTip wrong;
  wrong.frame_checksum = 1;
  EXPECT_EQ(journal_.reader->VisitFrames(wrong, end, fail).code(), absl::StatusCode::kDataLoss);
}

TEST_F(ReaderTest, VisitFrames_DamagedFrame_IsDataLoss) {
  Append(3);
  static_cast<SimFileSystem*>(fs_.get())->Overwrite(SegmentPath(journal_.identity, 0), kSegmentHeaderBytes + 100, "x");
  const auto go_on = [](const FrameHeader&, std::string_view) -> absl::StatusOr<bool> { return true; };
  EXPECT_EQ(journal_.reader->VisitFrames(JournalTip(), journal_.reader->durable_lsn(), go_on).code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(ReaderTest, LsnAtTime_IsTheEndOfTheLastFrameThen) {
  EXPECT_EQ(journal_.reader->LsnAtTime(1000).value(), 0u);
  std::vector<std::pair<int64_t, Lsn>> ends;  // time, end of the frame
  for (int64_t time = 1000; time < 1200; time += 2) {
    Append(1, 700, time - time % 4);  // two frames a time
    ends.emplace_back(time - time % 4, journal_.writer->tip().lsn);
  }
  ASSERT_GT(journal_.reader->segment_count(), 3u);
  for (int64_t time = 990; time < 1210; ++time) {
    Lsn expected = 0;
    for (const auto& [frame_time, end] : ends) {
      if (frame_time <= time) expected = end;
    }
    EXPECT_EQ(journal_.reader->LsnAtTime(time).value(), expected) << time;
  }
  // An empty segment at the end has no time.
  ASSERT_TRUE(journal_.writer->Reserve(16000).ok());
  EXPECT_EQ(journal_.reader->LsnAtTime(5000).value(), ends.back().second);
}

TEST_F(ReaderTest, ReadFrameHeader_OfEachFrame) {
  Append(50, 700);
  Lsn lsn = 0;
  for (uint64_t i = 0; i < 50; ++i) {
    const auto header = journal_.reader->ReadFrameHeader(lsn);
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->first_sequence, i + 1);
    lsn = header->end_lsn();
  }
  EXPECT_EQ(journal_.reader->ReadFrameHeader(lsn).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(journal_.reader->ReadFrameHeader(1).status().code(), absl::StatusCode::kDataLoss);
}

// A second process knows the journal as of its last refresh, and what the writer says is durable.
TEST_F(ReaderTest, AnotherReader_SeesNewSegmentsAfterRefresh) {
  Append(1);
  const auto other = JournalReader::Open(fs_.get(), journal_.identity, 1 << 20);
  ASSERT_TRUE(other.ok());
  Append(100, 700);
  (*other)->SetDurableLsn(journal_.reader->durable_lsn());
  EntryBuffer buffer;
  Entry entry;
  EXPECT_EQ((*other)->ReadEntry(entries_.back(), true, &buffer, &entry).code(), absl::StatusCode::kOutOfRange);
  ASSERT_TRUE((*other)->RefreshSegments().ok());
  for (size_t i = 0; i < entries_.size(); ++i) ExpectEntry(other->get(), i);
  EXPECT_EQ((*other)->segment_count(), journal_.reader->segment_count());
}

TEST_F(ReaderTest, AnotherReader_SeesASegmentThatReplacedAnEmptyOne) {
  Append(1, 15000);
  ASSERT_TRUE(journal_.writer->Reserve(16000).ok());
  const auto other = JournalReader::Open(fs_.get(), journal_.identity, 1 << 20);
  ASSERT_TRUE(other.ok());
  Append(1, 100'000);
  (*other)->SetDurableLsn(journal_.reader->durable_lsn());
  ASSERT_TRUE((*other)->RefreshSegments().ok());
  ExpectEntry(other->get(), 1);
}

TEST_F(ReaderTest, SegmentsRemovedByATrim_AreOutOfRange) {
  Append(100, 700);
  const auto other = JournalReader::Open(fs_.get(), journal_.identity, 0);
  ASSERT_TRUE(other.ok());
  (*other)->SetDurableLsn(journal_.reader->durable_lsn());
  ASSERT_TRUE(fs_->Remove(SegmentPath(journal_.identity, 0)).ok());
  EntryBuffer buffer;
  Entry entry;
  EXPECT_EQ((*other)->ReadEntry(entries_[0], true, &buffer, &entry).code(), absl::StatusCode::kOutOfRange);
  ASSERT_TRUE((*other)->RefreshSegments().ok());
  EXPECT_GT((*other)->oldest_lsn(), 0u);
  EXPECT_EQ((*other)->ReadEntry(entries_[0], true, &buffer, &entry).code(), absl::StatusCode::kOutOfRange);
  ExpectEntry(other->get(), 99);
}

TEST_F(ReaderTest, RemoveOldestSegment_TakesThatOneAway_AndWhatWasReadOfIt) {
  Append(100, 700);
  for (size_t i = 0; i < entries_.size(); ++i) ExpectEntry(journal_.reader.get(), i);  // all of it is cached
  SegmentList* const segments = journal_.reader->segments();
  const size_t count = segments->size();
  const SegmentList::Place oldest = segments->At(0);
  const auto file = segments->OpenFile(oldest.segment);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(journal_.reader->RemoveOldestSegment().ok());
  EXPECT_EQ(segments->size(), count - 1);
  EXPECT_EQ(journal_.reader->oldest_lsn(), oldest.end);
  EXPECT_FALSE(*fs_->Exists(SegmentPath(journal_.identity, 0)));
  EXPECT_EQ(journal_.reader->FileBytes().value(), (count - 1) * 16384);
  char byte = 0;
  EXPECT_TRUE((*file)->ReadAt(0, &byte, 1).ok()) << "who has it open may go on";

  EntryBuffer buffer;
  Entry entry;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i] >= oldest.end) {
      ExpectEntry(journal_.reader.get(), i);
    } else {
      EXPECT_TRUE(absl::IsOutOfRange(journal_.reader->ReadEntry(entries_[i], true, &buffer, &entry)));
    }
  }
  EXPECT_EQ(journal_.reader->LsnAtTime(-1).value(), oldest.end);
  Append(10, 700);
  static_cast<SimFileSystem*>(fs_.get())->Crash(1);
  ASSERT_TRUE(JournalReader::Open(fs_.get(), journal_.identity, 0).ok());
}

TEST_F(ReaderTest, RemoveOldestSegment_ThatFails_CanBeTriedAgain) {
  Append(100, 700);
  auto* const files = static_cast<SimFileSystem*>(fs_.get());
  const size_t count = journal_.reader->segment_count();
  for (uint64_t call = 1; call <= 2; ++call) {  // the removal, the directory
    files->InjectFault(files->calls() + call, Fault::kIoError);
    EXPECT_FALSE(journal_.reader->RemoveOldestSegment().ok());
    EXPECT_EQ(journal_.reader->segment_count(), count);
  }
  files->ClearFaults();
  EXPECT_TRUE(journal_.reader->RemoveOldestSegment().ok());
  EXPECT_EQ(journal_.reader->segment_count(), count - 1);
}

TEST_F(ReaderTest, SetDurableLsn_NeverFalls) {
  Append(2);
  const Lsn end = journal_.reader->durable_lsn();
  journal_.reader->SetDurableLsn(1);
  EXPECT_EQ(journal_.reader->durable_lsn(), end);
}

TEST_F(ReaderTest, Open_AnotherLedgerOrEpoch_IsDataLoss) {
  JournalIdentity other = journal_.identity;
  other.uuid[0] = 'x';
  EXPECT_EQ(JournalReader::Open(fs_.get(), other, 0).status().code(), absl::StatusCode::kDataLoss);
  other = journal_.identity;
  other.epoch += 1;
  EXPECT_EQ(JournalReader::Open(fs_.get(), other, 0).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ReaderTest, Open_NewerFormat_IsFailedPrecondition) {
  std::string header = EncodeSegmentHeader(journal_.identity, {0, 0, 16384});
  header[8] = static_cast<char>(header[8] + 1);
  const uint64_t checksum = Checksum64(std::string_view(header).substr(0, 56), 0);
  std::memcpy(header.data() + 56, &checksum, sizeof checksum);
  static_cast<SimFileSystem*>(fs_.get())->Overwrite(SegmentPath(journal_.identity, 0), 0, header);
  EXPECT_EQ(JournalReader::Open(fs_.get(), journal_.identity, 0).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(ReaderTest, Open_OtherFilesInTheDirectory_AreIgnored) {
  for (const char* name : {"spare", "README", "00000000000000000000.log.bak", "0000000000000000000x.log", "7.log"}) {
    ASSERT_TRUE(fs_->Open(std::string("journal/") + name, OpenMode::kCreateNew).ok());
  }
  EXPECT_TRUE(journal_.Open().ok());
  EXPECT_EQ(journal_.reader->segment_count(), 1u);
}

TEST_F(ReaderTest, ManyReadersAndOneWriter_SeeTheSame) {
  Append(50, 300);
  const std::vector<Lsn> known = entries_;
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (uint64_t i = 0; i < 3; ++i) {
    readers.emplace_back([&, i] {
      Random random(i);
      EntryBuffer buffer;
      Entry entry;
      while (!stop.load()) {
        const size_t number = random.Below(known.size());
        const absl::Status read = journal_.reader->ReadEntry(known[number], true, &buffer, &entry);
        ASSERT_TRUE(read.ok()) << read;
        ASSERT_EQ(entry.id, TestEntry(number).id);
        const Lsn before = journal_.reader->durable_lsn();
        const Lsn at_time = journal_.reader->LsnAtTime(1 << 30).value();
        const Lsn after = journal_.reader->durable_lsn();
        ASSERT_GE(at_time, before);
        ASSERT_LE(at_time, after);
      }
    });
  }
  Append(200, 300);
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

TEST(BlockCache, Copy_OnlyWhatWasInserted) {
  BlockCache cache(1 << 20);
  char buffer[8];
  EXPECT_FALSE(cache.Copy(4096, 0, buffer, 1));
  cache.Insert(4096, "0123");
  EXPECT_TRUE(cache.Copy(4096, 1, buffer, 3));
  EXPECT_EQ(std::string(buffer, 3), "123");
  EXPECT_FALSE(cache.Copy(4096, 1, buffer, 4)) << "the block was shorter when it was read";
  cache.Insert(4096, "01234567");
  EXPECT_TRUE(cache.Copy(4096, 1, buffer, 4));
  cache.Insert(4096, "01");
  EXPECT_TRUE(cache.Copy(4096, 1, buffer, 4)) << "a shorter read must not take bytes away";
  EXPECT_FALSE(cache.Copy(8192, 0, buffer, 1));
}

TEST(BlockCache, Insert_MoreThanFits_StaysWithinItsBytes) {
  const size_t kCacheBytes = 1 << 18;
  BlockCache cache(kCacheBytes);
  const std::string block(BlockCache::kBlockBytes, 'b');
  for (Lsn lsn = 0; lsn < 1000; ++lsn) cache.Insert(lsn * 4096, block);
  EXPECT_LE(cache.bytes(), kCacheBytes);
  EXPECT_GT(cache.bytes(), kCacheBytes / 2);
  char byte = 0;
  int hits = 0;
  for (Lsn lsn = 0; lsn < 1000; ++lsn) hits += cache.Copy(lsn * 4096, 0, &byte, 1);
  EXPECT_EQ(static_cast<size_t>(hits) * BlockCache::kBlockBytes, cache.bytes());
}

TEST(BlockCache, BlockInUse_OutlivesManyOthers) {
  BlockCache cache(1 << 18);
  const std::string block(BlockCache::kBlockBytes, 'b');
  cache.Insert(0, block);
  char byte = 0;
  for (Lsn lsn = 1; lsn < 1000; ++lsn) {
    ASSERT_TRUE(cache.Copy(0, 0, &byte, 1)) << lsn;
    cache.Insert(lsn * 4096, block);
  }
}

TEST(BlockCache, EraseBelow_ForgetsThoseBlocksAlone) {
  BlockCache cache(1 << 20);
  for (Lsn lsn = 0; lsn < 100; ++lsn) cache.Insert(lsn * 4096, "0123");
  cache.EraseBelow(40 * 4096);
  char byte = 0;
  for (Lsn lsn = 0; lsn < 100; ++lsn) EXPECT_EQ(cache.Copy(lsn * 4096, 0, &byte, 1), lsn >= 40) << lsn;
  EXPECT_EQ(cache.bytes(), 60 * BlockCache::kBlockBytes);
  for (Lsn lsn = 100; lsn < 2000; ++lsn) cache.Insert(lsn * 4096, "0123");
  EXPECT_LE(cache.bytes(), size_t{1} << 20);
  EXPECT_TRUE(cache.Copy(1999 * 4096, 0, &byte, 1));
}

TEST(BlockCache, WithoutBytes_HoldsNothing) {
  BlockCache cache(0);
  cache.Insert(0, "x");
  char byte = 0;
  EXPECT_FALSE(cache.Copy(0, 0, &byte, 1));
  EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace semel::testing
