// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/reseed.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

}  // namespace

// Writes the frames of one segment, in large pieces.
class ReseedingWriter::Segment {
 public:
  Segment(std::unique_ptr<File> file, const SegmentInfo& info)
      : file_(std::move(file)), info_(info), offset_(info.OffsetOf(info.first_lsn)) {}

  absl::Status Append(std::string_view frame) {
    piece_ += frame;
    return piece_.size() < kPieceBytes ? absl::OkStatus() : Flush();
  }
  absl::Status Finish() {
    SEMEL_RETURN_IF_ERROR(Flush());
    return file_->Sync();
  }
  const SegmentInfo& info() const { return info_; }

 private:
  absl::Status Flush() {
    SEMEL_RETURN_IF_ERROR(file_->WriteAt(offset_, piece_));
    offset_ += piece_.size();
    piece_.clear();
    return absl::OkStatus();
  }

  const std::unique_ptr<File> file_;
  const SegmentInfo info_;
  uint64_t offset_;
  std::string piece_;
};

ReseedingWriter::ReseedingWriter(FileSystem* files, const JournalIdentity& to, uint64_t from_seed,
                                 const JournalTip& begin)
    : from_seed_(from_seed),
      tip_(begin),
      builder_(to.seed, to.tamper_evident),
      maker_(files, to, /*segment_bytes=*/0, /*background=*/nullptr) {}

ReseedingWriter::~ReseedingWriter() = default;

absl::Status ReseedingWriter::BeginSegment(const SegmentInfo& segment) {
  SEMEL_RETURN_IF_ERROR(Finish());
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<File> file, maker_.Make(segment));
  segment_ = std::make_unique<Segment>(std::move(file), segment);
  return absl::OkStatus();
}

absl::StatusOr<FrameHeader> ReseedingWriter::Append(const FrameHeader& was, std::string_view entries) {
  FrameHeader is;
  SEMEL_ASSIGN_OR_RETURN(const std::string_view frame, Encode(was, entries, &is));
  SEMEL_RETURN_IF_ERROR(segment_->Append(frame));
  tip_ = TipAfter(is);
  return is;
}

absl::Status ReseedingWriter::Finish() {
  if (segment_ == nullptr) return absl::OkStatus();
  const std::unique_ptr<Segment> segment = std::move(segment_);
  SEMEL_RETURN_IF_ERROR(segment->Finish());
  return maker_.Publish(segment->info());
}

// The frame with the checks of the other epoch. Good until the next call.
absl::StatusOr<std::string_view> ReseedingWriter::Encode(const FrameHeader& was, std::string_view entries,
                                                         FrameHeader* is) {
  builder_.Begin(tip_, was.commit_time_us);
  SEMEL_RETURN_IF_ERROR(VisitEntries(was, entries, from_seed_, [this](const Entry& entry) -> absl::StatusOr<bool> {
    Entry copy = entry;
    builder_.Add(&copy);
    return true;
  }));
  const std::string_view frame = builder_.Finish(is);
  // Entries have one encoding each, so they take the bytes that they took.
  if (is->lsn != was.lsn || is->end_lsn() != was.end_lsn()) {
    return absl::InternalError(absl::StrCat("the frame at LSN ", was.lsn, " has another place in the new epoch"));
  }
  return frame;
}

absl::Status Reseed(JournalReader* from, const JournalTip& begin, Lsn end, FileSystem* files, const JournalIdentity& to,
                    const std::function<void(const FrameHeader& was, const FrameHeader& is)>& visit) {
  const SegmentList& segments = *from->segments();
  ReseedingWriter writer(files, to, segments.identity().seed, begin);
  JournalTip tip = begin;
  for (size_t i = 0; i < segments.size(); ++i) {
    const SegmentList::Place place = segments.At(i);
    SEMEL_RETURN_IF_ERROR(writer.BeginSegment(place.segment));
    SEMEL_RETURN_IF_ERROR(from->VisitFrames(
        tip, std::min(place.end, end), [&](const FrameHeader& was, std::string_view entries) -> absl::StatusOr<bool> {
          SEMEL_ASSIGN_OR_RETURN(const FrameHeader is, writer.Append(was, entries));
          visit(was, is);
          tip = TipAfter(was);
          return true;
        }));
  }
  return writer.Finish();
}

}  // namespace semel::internal
