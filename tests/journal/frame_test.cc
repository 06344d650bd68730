// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Frames: golden bytes, round trips, and that no other bytes pass for one.

#include "engine/journal/frame.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "engine/base/strings.h"
#include "gtest/gtest.h"
#include "tests/journal/harness.h"

namespace semel::testing {
namespace {

constexpr uint64_t kSeed = 42;
const JournalTip kTip = {1000, 5, 0x1122334455667788, 1'700'000'000'000'000};

struct BuiltFrame {
  FrameHeader header;
  std::string bytes;

  std::string payload() const { return bytes.substr(kFrameHeaderBytes); }
};

BuiltFrame Build(int entries, const JournalTip& tip = kTip, int64_t now_us = 0) {
  FrameBuilder builder(kSeed);
  builder.Begin(tip, now_us);
  for (int i = 0; i < entries; ++i) {
    const TestEntry test_entry(i);
    Entry entry = test_entry.Make();
    builder.Add(&entry);
  }
  BuiltFrame frame;
  frame.bytes = builder.Finish(&frame.header);
  return frame;
}

std::vector<std::string> IdsOf(const BuiltFrame& frame) {
  std::vector<std::string> ids;
  uint64_t sequence = frame.header.first_sequence;
  EXPECT_TRUE(VisitEntries(frame.header, frame.bytes.substr(kFrameHeaderBytes), kSeed,
                           [&](const Entry& entry) -> absl::StatusOr<bool> {
                             EXPECT_EQ(entry.sequence, sequence++);
                             EXPECT_EQ(entry.commit_time_us, frame.header.commit_time_us);
                             ids.emplace_back(entry.id);
                             return true;
                           })
                  .ok());
  return ids;
}

TEST(Frame, GoldenBytes) {
  EXPECT_EQ(absl::BytesToHexString(ToAbsl(Build(1).bytes)),
            "534d4c3101000000e80300000000000005000000000000003100000000000000cfb2b740d23b5cee8877665544332211"
            "00401e18240a060053ad3ae17350a1f3866094cd2c400001010469642d30010000000000000002000000000000000204"
            "69642d3001000a61616161616161616161");
}

TEST(Frame, Build_ContinuesTheTip) {
  const BuiltFrame frame = Build(3);
  const auto header = DecodeFrameHeader(frame.bytes, kTip.lsn, kSeed);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->lsn, kTip.lsn);
  EXPECT_EQ(header->first_sequence, kTip.next_sequence);
  EXPECT_EQ(header->previous_checksum, kTip.frame_checksum);
  EXPECT_EQ(header->entry_count, 3u);
  EXPECT_EQ(header->end_lsn(), kTip.lsn + frame.bytes.size());
  EXPECT_TRUE(PayloadMatches(*header, frame.payload(), kSeed));
  EXPECT_EQ(IdsOf(frame), IdsBelow(3));
  const JournalTip after = TipAfter(*header);
  EXPECT_EQ(after.lsn, header->end_lsn());
  EXPECT_EQ(after.next_sequence, 8u);
  EXPECT_EQ(after.frame_checksum, header->header_checksum);
  EXPECT_EQ(after.commit_time_us, header->commit_time_us);
}

TEST(Frame, CommitTime_IsTheClockUnlessItFell) {
  EXPECT_EQ(Build(1, kTip, kTip.commit_time_us + 1).header.commit_time_us, kTip.commit_time_us + 1);
  EXPECT_EQ(Build(1, kTip, kTip.commit_time_us - 1).header.commit_time_us, kTip.commit_time_us);
}

TEST(Frame, FlippedBit_Anywhere_IsSeen) {
  BuiltFrame frame = Build(2);
  for (size_t at = 0; at < frame.bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      frame.bytes[at] = static_cast<char>(frame.bytes[at] ^ (1 << bit));
      const auto header = DecodeFrameHeader(frame.bytes, kTip.lsn, kSeed);
      EXPECT_TRUE(!header.has_value() || !PayloadMatches(*header, frame.payload(), kSeed)) << at;
      frame.bytes[at] = static_cast<char>(frame.bytes[at] ^ (1 << bit));
    }
  }
}

TEST(Frame, AtAnotherPlaceInAnotherLedgerOrCutShort_IsNoFrame) {
  const BuiltFrame frame = Build(1);
  EXPECT_FALSE(DecodeFrameHeader(frame.bytes, kTip.lsn + 1, kSeed).has_value());
  EXPECT_FALSE(DecodeFrameHeader(frame.bytes, kTip.lsn, kSeed + 1).has_value());
  EXPECT_FALSE(PayloadMatches(frame.header, frame.payload(), kSeed + 1));
  EXPECT_FALSE(PayloadMatches(frame.header, frame.payload() + "x", kSeed));
  EXPECT_FALSE(DecodeFrameHeader(frame.bytes.substr(0, kFrameHeaderBytes - 1), kTip.lsn, kSeed).has_value());
  EXPECT_FALSE(DecodeFrameHeader(std::string(kFrameHeaderBytes, '\0'), 0, kSeed).has_value());
}

TEST(Frame, ClaimedFrameLsn_NeedsTheMagicOnly) {
  std::string bytes = Build(1).bytes;
  bytes[60] = static_cast<char>(bytes[60] ^ 1);
  EXPECT_EQ(ClaimedFrameLsn(bytes), kTip.lsn);
  bytes[0] = static_cast<char>(bytes[0] ^ 1);
  EXPECT_EQ(ClaimedFrameLsn(bytes), std::nullopt);
  EXPECT_EQ(ClaimedFrameLsn(""), std::nullopt);
}

TEST(FrameBuilder, Add_FillsTheAddressOfTheEntry) {
  FrameBuilder builder(kSeed);
  builder.Begin(kTip, 0);
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.size(), kFrameHeaderBytes);
  const TestEntry test_entry(0);
  Entry first = test_entry.Make();
  Entry second = test_entry.Make();
  EXPECT_EQ(builder.NextEntryLsn(), kTip.lsn + kFrameHeaderBytes);
  builder.Add(&first);
  EXPECT_EQ(builder.NextSequence(), kTip.next_sequence + 1);
  builder.Add(&second);
  EXPECT_EQ(builder.entry_count(), 2u);
  EXPECT_EQ(first.lsn, kTip.lsn + kFrameHeaderBytes);
  EXPECT_EQ(first.next_lsn, second.lsn);
  EXPECT_EQ(second.next_lsn, builder.NextEntryLsn());
  EXPECT_EQ(second.frame_lsn, kTip.lsn);
  EXPECT_EQ(second.index, 1u);
  EXPECT_EQ(second.sequence, kTip.next_sequence + 1);
}

TEST(FrameBuilder, BytesAt_IsTheEntryThatWasAdded) {
  FrameBuilder builder(kSeed);
  builder.Begin(kTip, 0);
  for (int i = 0; i < 3; ++i) {
    const TestEntry test_entry(i, 10 + 100 * i);
    Entry entry = test_entry.Make();
    builder.Add(&entry);
    Entry decoded;
    ASSERT_TRUE(DecodeEntry(builder.BytesAt(entry.lsn), entry.lsn, kSeed, &decoded).ok());
    EXPECT_EQ(decoded.id, test_entry.id);
    EXPECT_EQ(builder.BytesAt(entry.lsn).size(), entry.next_lsn - entry.lsn);
  }
}

TEST(FrameBuilder, Begin_ForgetsTheFrameBefore) {
  FrameBuilder builder(kSeed);
  for (int round = 0; round < 2; ++round) {
    builder.Begin(kTip, 0);
    const TestEntry test_entry(0);
    Entry entry = test_entry.Make();
    builder.Add(&entry);
    FrameHeader header;
    EXPECT_EQ(builder.Finish(&header), Build(1).bytes);
  }
}

TEST(VisitEntries, CountOrPlaceDiffersFromTheHeader_IsDataLoss) {
  const auto go_on = [](const Entry&) -> absl::StatusOr<bool> { return true; };
  BuiltFrame frame = Build(2);
  frame.header.entry_count = 3;
  EXPECT_EQ(VisitEntries(frame.header, frame.payload(), kSeed, go_on).code(), absl::StatusCode::kDataLoss);
  frame.header.entry_count = 1;
  EXPECT_EQ(VisitEntries(frame.header, frame.payload(), kSeed, go_on).code(), absl::StatusCode::kDataLoss);
  frame = Build(2);
  frame.header.lsn += 1;
  EXPECT_EQ(VisitEntries(frame.header, frame.payload(), kSeed, go_on).code(), absl::StatusCode::kDataLoss);
}

TEST(VisitEntries, StopsWhenAsked) {
  const BuiltFrame frame = Build(3);
  int visited = 0;
  EXPECT_TRUE(VisitEntries(frame.header, frame.payload(), kSeed, [&](const Entry&) -> absl::StatusOr<bool> {
                return ++visited < 2;
              }).ok());
  EXPECT_EQ(visited, 2);
  EXPECT_EQ(VisitEntries(frame.header, frame.payload(), kSeed,
                         [](const Entry&) -> absl::StatusOr<bool> { return absl::CancelledError("stop"); })
                .code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace semel::testing
