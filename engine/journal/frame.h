// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A frame: the entries of one group commit, the unit of durability. 64 bytes of header, then the entries.
//
//   offset  bytes
//        0      4   magic
//        4      4   entry count
//        8      8   frame LSN
//       16      8   first sequence
//       24      4   payload bytes
//       28      4   reserved, 0
//       32      8   payload checksum
//       40      8   checksum of the previous frame's header (the chain of frames); of the first frame: 0
//       48      8   commit time, microseconds since 1970: max(previous frame's, clock)
//       56      8   header checksum: XXH3 over the 56 bytes before, seeded by ledger and frame LSN
//
// Checksums are seeded with ledger uuid, epoch and LSN, so that opaque values cannot forge a frame and stale bytes
// cannot pass for one.

#ifndef SEMEL_ENGINE_JOURNAL_FRAME_H_
#define SEMEL_ENGINE_JOURNAL_FRAME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/journal/entry.h"

namespace semel::internal {

inline constexpr size_t kFrameHeaderBytes = 64;

struct FrameHeader {
  uint32_t entry_count = 0;
  Lsn lsn = 0;
  uint64_t first_sequence = 0;
  uint32_t payload_bytes = 0;
  uint64_t payload_checksum = 0;
  uint64_t previous_checksum = 0;  // header_checksum of the frame before
  int64_t commit_time_us = 0;
  uint64_t header_checksum = 0;

  Lsn end_lsn() const { return lsn + kFrameHeaderBytes + payload_bytes; }
};

// The place after a frame: what the next frame must continue. Stored with each checkpoint.
struct JournalTip {
  Lsn lsn = 0;  // where the next frame begins
  uint64_t next_sequence = 1;
  uint64_t frame_checksum = 0;  // header checksum of the last frame
  int64_t commit_time_us = 0;   // of the last frame
};
JournalTip TipAfter(const FrameHeader& header);

// The place before a frame, as far as the frame says it.
JournalTip TipBefore(const FrameHeader& header);

// nullopt unless the 64 bytes are a header with a right checksum for this address.
std::optional<FrameHeader> DecodeFrameHeader(std::string_view bytes, Lsn lsn, uint64_t seed);

// The address that a header at the beginning of `bytes` claims, if it begins with the magic number: for finding valid
// frames behind a bad one.
std::optional<Lsn> ClaimedFrameLsn(std::string_view bytes);

bool PayloadMatches(const FrameHeader& header, std::string_view payload, uint64_t seed);

// Builds one frame after another in a buffer that is used again.
class FrameBuilder {
 public:
  explicit FrameBuilder(uint64_t seed) : seed_(seed) {}

  // Starts the frame that continues `tip`, at a time of the clock; its commit time is not before that of the last frame.
  void Begin(const JournalTip& tip, int64_t now_us);
  // The address that the next entry will have.
  Lsn NextEntryLsn() const { return tip_.lsn + buffer_.size(); }
  uint64_t NextSequence() const { return tip_.next_sequence + entry_count_; }
  // Fills entry->lsn, frame_lsn, index, sequence and commit_time_us with those of the entry that is added next.
  void Place(Entry* entry) const;
  // Places the entry and appends it.
  void Add(Entry* entry);
  // Completes the header. The bytes stay good until the next Begin.
  std::string_view Finish(FrameHeader* header);

  bool empty() const { return entry_count_ == 0; }
  uint32_t entry_count() const { return entry_count_; }
  size_t size() const { return buffer_.size(); }  // header included
  Lsn frame_lsn() const { return tip_.lsn; }
  // The encoded entry at an address in this unfinished frame, for evidence that is not durable yet.
  std::string_view BytesAt(Lsn lsn) const;

 private:
  const uint64_t seed_;
  JournalTip tip_;
  int64_t commit_time_us_ = 0;
  uint32_t entry_count_ = 0;
  std::string buffer_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_FRAME_H_
