// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/reseed.h"

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/journal/segment_maker.h"
#include "engine/journal/segments.h"

namespace semel::internal {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

// Writes the frames of one segment, in large pieces.
class SegmentWriter {
 public:
  SegmentWriter(std::unique_ptr<File> file, const SegmentInfo& segment)
      : file_(std::move(file)), offset_(segment.OffsetOf(segment.first_lsn)) {}

  absl::Status Append(std::string_view frame) {
    piece_ += frame;
    return piece_.size() < kPieceBytes ? absl::OkStatus() : Flush();
  }
  absl::Status Finish() {
    SEMEL_RETURN_IF_ERROR(Flush());
    return file_->Sync();
  }

 private:
  absl::Status Flush() {
    SEMEL_RETURN_IF_ERROR(file_->WriteAt(offset_, piece_));
    offset_ += piece_.size();
    piece_.clear();
    return absl::OkStatus();
  }

  const std::unique_ptr<File> file_;
  uint64_t offset_;
  std::string piece_;
};

class Reseeder {
 public:
  Reseeder(uint64_t from_seed, const JournalIdentity& to, const JournalTip& begin)
      : from_seed_(from_seed), tip_(begin), builder_(to.seed, to.tamper_evident) {}

  // The frame with the checks of the other epoch. Good until the next call.
  absl::StatusOr<std::string_view> Frame(const FrameHeader& was, std::string_view entries, FrameHeader* is) {
    builder_.Begin(tip_, was.commit_time_us);
    SEMEL_RETURN_IF_ERROR(VisitEntries(was, entries, from_seed_, [this](const Entry& entry) -> absl::StatusOr<bool> {
      Entry copy = entry;
      builder_.Add(&copy);
      return true;
    }));
    const std::string_view frame = builder_.Finish(is);
    // Entries have one encoding each, so they take the bytes that they took.
    if (is->end_lsn() != was.end_lsn()) {
      return absl::InternalError(absl::StrCat("the frame at LSN ", was.lsn, " is of another size in the new epoch"));
    }
    tip_ = TipAfter(*is);
    return frame;
  }

 private:
  const uint64_t from_seed_;
  JournalTip tip_;
  FrameBuilder builder_;
};

}  // namespace

absl::Status Reseed(JournalReader* from, const JournalTip& begin, Lsn end, FileSystem* files, const JournalIdentity& to,
                    const std::function<void(const FrameHeader& was, const FrameHeader& is)>& visit) {
  const SegmentList& segments = *from->segments();
  SegmentMaker maker(files, to, /*segment_bytes=*/0, /*background=*/nullptr);
  Reseeder reseeder(segments.identity().seed, to, begin);
  JournalTip tip = begin;
  for (size_t i = 0; i < segments.size(); ++i) {
    const SegmentList::Place place = segments.At(i);
    SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<File> file, maker.Make(place.segment));
    SegmentWriter writer(std::move(file), place.segment);
    SEMEL_RETURN_IF_ERROR(from->VisitFrames(
        tip, std::min(place.end, end), [&](const FrameHeader& was, std::string_view entries) -> absl::StatusOr<bool> {
          FrameHeader is;
          SEMEL_ASSIGN_OR_RETURN(const std::string_view frame, reseeder.Frame(was, entries, &is));
          SEMEL_RETURN_IF_ERROR(writer.Append(frame));
          visit(was, is);
          tip = TipAfter(was);
          return true;
        }));
    SEMEL_RETURN_IF_ERROR(writer.Finish());
    SEMEL_RETURN_IF_ERROR(maker.Publish(place.segment));
  }
  return absl::OkStatus();
}

}  // namespace semel::internal
