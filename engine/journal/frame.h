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
//       28      4   flags: 1, the payload begins with a history hash
//       32      8   payload checksum
//       40      8   checksum of the previous frame's header (the chain of frames); of the first frame: 0
//       48      8   commit time, microseconds since 1970: max(previous frame's, clock)
//       56      8   header checksum: XXH3 over the 56 bytes before, seeded by ledger and frame LSN
//
// Checksums are seeded with ledger uuid, epoch and LSN, so that opaque values cannot forge a frame and stale bytes
// cannot pass for one.
//
// Tamper evidence: in a ledger that was created with it, each payload begins with the history hash of all frames
// before, 32 bytes, then come the entries. The history hash of an empty journal is zero; that after a frame is
//
//   SHA-256(hash before, LSN 8, first sequence 8, entry count 4, commit time 8, then of each entry all but its check)
//
// Checks are left out, so that the hash does not depend on the epoch: a restored ledger has the history that it had.

#ifndef SEMEL_ENGINE_JOURNAL_FRAME_H_
#define SEMEL_ENGINE_JOURNAL_FRAME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/base/sha256.h"
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
  bool has_history = false;  // whether the payload begins with a history hash

  // Not in the 64 bytes: filled by who has the payload, zero without tamper evidence.
  Sha256Hash history_before = {};
  Sha256Hash history_after = {};

  // Where the entries begin and end.
  size_t history_bytes() const { return has_history ? kSha256Bytes : 0; }
  Lsn entries_lsn() const { return lsn + kFrameHeaderBytes + history_bytes(); }
  Lsn end_lsn() const { return lsn + kFrameHeaderBytes + payload_bytes; }
};

// The place after a frame: what the next frame must continue. Stored with each checkpoint.
struct JournalTip {
  Lsn lsn = 0;  // where the next frame begins
  uint64_t next_sequence = 1;
  uint64_t frame_checksum = 0;  // header checksum of the last frame
  int64_t commit_time_us = 0;   // of the last frame
  Sha256Hash history = {};      // the history hash; zero without tamper evidence
};
JournalTip TipAfter(const FrameHeader& header);

// The place before a frame, as far as the frame says it.
JournalTip TipBefore(const FrameHeader& header);

// Whether a frame, whose history is filled, is one that may follow `tip`.
bool Continues(const FrameHeader& header, const JournalTip& tip);

// nullopt unless the 64 bytes are a header with a right checksum for this address.
std::optional<FrameHeader> DecodeFrameHeader(std::string_view bytes, Lsn lsn, uint64_t seed);

// The address that a header at the beginning of `bytes` claims, if it begins with the magic number: for finding valid
// frames behind a bad one.
std::optional<Lsn> ClaimedFrameLsn(std::string_view bytes);

bool PayloadMatches(const FrameHeader& header, std::string_view payload, uint64_t seed);

// Takes the history hash off a payload that matches, if there is one, and fills the header's: what is left are the
// entries. Errors: DataLoss (it is too short).
absl::StatusOr<std::string_view> SplitPayload(std::string_view payload, FrameHeader* header);

// Builds one frame after another in a buffer that is used again.
class FrameBuilder {
 public:
  explicit FrameBuilder(uint64_t seed, bool tamper_evident = false) : seed_(seed), tamper_evident_(tamper_evident) {}

  // Starts the frame that continues `tip`, at a time of the clock; its commit time is not before that of the last
  // frame.
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
  const bool tamper_evident_;
  JournalTip tip_;
  int64_t commit_time_us_ = 0;
  uint32_t entry_count_ = 0;
  std::string buffer_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_FRAME_H_
