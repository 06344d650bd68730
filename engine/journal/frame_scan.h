// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Reads frames one after another, each verified, in large pieces and past the block cache: for redo, for tailing and
// for the scan at open.

#ifndef SEMEL_ENGINE_JOURNAL_FRAME_SCAN_H_
#define SEMEL_ENGINE_JOURNAL_FRAME_SCAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/frame.h"
#include "engine/journal/segments.h"

namespace semel::internal {

class FrameScanner {
 public:
  // Begins at `from` and reads nothing at or behind `limit`.
  FrameScanner(SegmentList* segments, const JournalTip& from, Lsn limit);

  enum class Step {
    kFrame,  // header() and entries() are the next frame; tip() is behind it
    kEnd,    // tip() is at the limit, or at the end of the last segment
    kBad,    // no whole, right frame at tip()
  };
  // Errors: DataLoss (a right frame that does not continue tip(), or another history), OutOfRange (tip() is before the
  // oldest segment), I/O.
  absl::StatusOr<Step> Next();

  const FrameHeader& header() const { return header_; }
  std::string_view entries() const { return entries_; }  // good until the next Next
  const JournalTip& tip() const { return tip_; }

 private:
  // The `size` bytes at `lsn`; all of them lie in `place` and before the limit.
  absl::StatusOr<std::string_view> Bytes(const SegmentList::Place& place, Lsn lsn, size_t size);
  absl::Status CheckContinues() const;

  SegmentList* const segments_;
  const Lsn limit_;
  JournalTip tip_;
  FrameHeader header_;
  std::string_view entries_;
  std::string buffer_;  // the bytes from buffer_lsn_ on
  Lsn buffer_lsn_ = 0;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_FRAME_SCAN_H_
