// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Finding what is whole and right in a journal of which something is not. Believes the names of segments and the
// checksums of frames, and nothing else: headers of segments, sizes of files and missing files do not matter.

#ifndef SEMEL_ENGINE_JOURNAL_SALVAGE_H_
#define SEMEL_ENGINE_JOURNAL_SALVAGE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/io/file_system.h"
#include "engine/journal/frame.h"
#include "engine/journal/reader.h"

namespace semel::internal {

// A stretch of addresses at which nothing right was found.
struct JournalGap {
  Lsn begin = 0;
  Lsn end = 0;
  std::string what;
};

// Where a frame was found.
struct SalvagedFrame {
  FrameHeader header;
  std::string_view entries;
  Lsn segment_lsn = 0;         // the name of its segment
  uint64_t segment_bytes = 0;  // the size of its file
};

// Visits all whole frames in the order of their addresses, whether they continue each other or not. `gaps` gets what
// lies between them (a frame that does not continue the one before it makes an empty gap), and what is broken of the
// files around them; zeros at the end of the last segment are none. Keeps one segment in memory. Errors: I/O; those of
// `visit`.
absl::Status VisitWholeFrames(FileSystem* files, const JournalIdentity& identity,
                              const std::function<absl::Status(const SalvagedFrame&)>& visit,
                              std::vector<JournalGap>* gaps);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_SALVAGE_H_
