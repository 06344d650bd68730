// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the scan at open must know of the bytes around the valid frames.

#ifndef SEMEL_ENGINE_JOURNAL_TAIL_H_
#define SEMEL_ENGINE_JOURNAL_TAIL_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/frame.h"
#include "engine/journal/segments.h"

namespace semel::internal {

// The address of the first valid frame header that begins in `bytes`, which begin at `lsn`.
std::optional<Lsn> FindFrame(std::string_view bytes, Lsn lsn, uint64_t seed);

struct Tail {
  uint64_t nonzero_bytes = 0;
  std::optional<Lsn> frame_lsn;  // of a valid frame header behind the beginning; the search ends there
};

// Looks at the bytes from `lsn` to the end of its segment. A frame at `lsn` itself does not count.
absl::StatusOr<Tail> ExamineTail(SegmentList* segments, const SegmentList::Place& place, Lsn lsn);

// Checks that the frame which a checkpoint was taken behind is in the journal and undamaged. Errors: DataLoss.
absl::Status CheckFrameBefore(SegmentList* segments, const JournalTip& checkpoint);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_TAIL_H_
