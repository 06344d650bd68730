// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Writing the journal: segments, one write and one sync a frame, and what happens at open.
//
// A segment file (segments.h) is a header, then frames. It is zero-filled to its full size before it is used (an
// overwrite is then one flush of the disk). Segments are named by their first LSN; LSNs count the bytes of frames only.
// The next segment is prepared under the name `spare` in the background, and gets its header and its name only when
// the last frame of its predecessor is durable. A segment is never used again.

#ifndef SEMEL_ENGINE_JOURNAL_WRITER_H_
#define SEMEL_ENGINE_JOURNAL_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/environment.h"
#include "engine/io/file_system.h"
#include "engine/journal/frame.h"
#include "engine/journal/reader.h"
#include "engine/journal/segments.h"

namespace semel::internal {

struct JournalWriterOptions {
  size_t segment_bytes = size_t{64} << 20;  // of the whole file
  Lsn durable_lsn = 0;  // the journal is known to have been durable up to here: what is missing before is damage
};

// What the scan at open found.
struct RecoveryReport {
  uint64_t frames = 0;
  uint64_t entries = 0;
  bool torn_tail = false;
  Lsn torn_lsn = 0;
  uint64_t torn_bytes = 0;  // that were not zero
  std::string text;         // one line for the log; empty if there is nothing to say
};

// Creates the directory contents of an empty journal: its first segment, synced. `first_lsn`: where it begins; not at 0
// if what was before is known from elsewhere. Errors: I/O.
absl::Status CreateJournal(FileSystem* file_system, const JournalIdentity& identity,
                           const JournalWriterOptions& options, Lsn first_lsn = 0);

// One thread at a time, except where noted.
class JournalWriter {
 public:
  // Scans from `checkpoint` to the end of the journal and hands each valid frame to `redo`, in order. Then decides
  // about the end:
  // - nothing but zeros behind the last valid frame: clean;
  // - a bad frame with no valid frame anywhere behind it, in the last segment: a torn tail, never acknowledged. It is
  //   reported, zeroed to the end of the segment and synced;
  // - a bad frame with a valid one behind it, or inside a sealed segment, or an end below `checkpoint` or before
  //   what is known to have been durable: DataLoss; nothing is changed.
  // `background` prepares spare segments; may be null (then a roll creates its segment itself).
  static absl::StatusOr<std::unique_ptr<JournalWriter>> Open(
      FileSystem* file_system, const JournalIdentity& identity, const JournalWriterOptions& options,
      JournalReader* reader, Background* background, const JournalTip& checkpoint,
      const std::function<absl::Status(const FrameHeader&, std::string_view entries)>& redo, RecoveryReport* report);
  ~JournalWriter();

  // Where the next frame goes.
  const JournalTip& tip() const;

  // Makes sure that a frame of `frame_bytes` can be written next, rolling to a new segment if it does not fit.
  // Errors: ResourceExhausted and others from *creating* a segment: nothing has changed, may be tried again.
  absl::Status Reserve(size_t frame_bytes);

  // The next frame begins a new segment, unless the present one is empty. Errors: as Reserve.
  absl::Status Seal();

  // One write and one sync of a finished frame that continues tip(); then tip() moves and the reader's durable LSN with
  // it. Reserve(frame.size()) must have succeeded. Any error is for good: the caller poisons the ledger.
  absl::Status Append(const FrameHeader& header, std::string_view frame);

 private:
  struct State;
  explicit JournalWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_WRITER_H_
