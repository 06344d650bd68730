// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A journal written anew for another epoch: the same entries at the same addresses, with the checks of that epoch.

#ifndef SEMEL_ENGINE_JOURNAL_RESEED_H_
#define SEMEL_ENGINE_JOURNAL_RESEED_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/io/file_system.h"
#include "engine/journal/frame.h"
#include "engine/journal/reader.h"
#include "engine/journal/segment_maker.h"
#include "engine/journal/segments.h"

namespace semel::internal {

// Writes the frames of one journal with the checks of another, segment by segment.
class ReseedingWriter {
 public:
  // `from_seed`: of the frames that come. `begin`: what the first of them continues. The directory of `to` must be
  // there.
  ReseedingWriter(FileSystem* files, const JournalIdentity& to, uint64_t from_seed, const JournalTip& begin);
  ~ReseedingWriter();

  // What comes goes into this segment, which must be large enough for it; the one before is then durable. Errors: of
  // files.
  absl::Status BeginSegment(const SegmentInfo& segment);
  // A frame of the other journal; the next by its address. Returns its header as it is now. Errors: DataLoss (an entry
  // is damaged), of files.
  absl::StatusOr<FrameHeader> Append(const FrameHeader& was, std::string_view entries);
  // Makes the last segment durable.
  absl::Status Finish();

 private:
  class Segment;

  absl::StatusOr<std::string_view> Encode(const FrameHeader& was, std::string_view entries, FrameHeader* is);

  const uint64_t from_seed_;
  JournalTip tip_;
  FrameBuilder builder_;
  SegmentMaker maker_;
  std::unique_ptr<Segment> segment_;  // null before the first
};

// Writes the segments of `from`, up to the end of a frame at `end`, into the directory of `to`, which must be there and
// hold none of them; durable when it returns. `begin`: where the oldest frame begins, and what it continues; it goes on
// continuing that. `visit` gets the header of each frame as it was and as it is now. Errors: DataLoss (a frame or an
// entry is damaged), ResourceExhausted and others of files.
absl::Status Reseed(JournalReader* from, const JournalTip& begin, Lsn end, FileSystem* files, const JournalIdentity& to,
                    const std::function<void(const FrameHeader& was, const FrameHeader& is)>& visit);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_RESEED_H_
