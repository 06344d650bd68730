// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/frame_scan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

}  // namespace

FrameScanner::FrameScanner(SegmentList* segments, const JournalTip& from, Lsn limit)
    : segments_(segments), limit_(limit), tip_(from) {}

absl::StatusOr<FrameScanner::Step> FrameScanner::Next() {
  if (tip_.lsn >= limit_) return Step::kEnd;
  const std::optional<SegmentList::Place> place = segments_->Find(tip_.lsn);
  if (!place.has_value()) {
    if (tip_.lsn >= segments_->At(0).segment.first_lsn) return Step::kEnd;
    return absl::OutOfRangeError(absl::StrCat("LSN ", tip_.lsn, " is before the oldest segment of the journal"));
  }
  const Lsn end = std::min(place->end, limit_);
  if (end - tip_.lsn < kFrameHeaderBytes) return Step::kBad;

  SEMEL_ASSIGN_OR_RETURN(const std::string_view header_bytes, Bytes(*place, tip_.lsn, kFrameHeaderBytes));
  const std::optional<FrameHeader> header = DecodeFrameHeader(header_bytes, tip_.lsn, segments_->identity().seed);
  if (!header.has_value() || header->payload_bytes > end - tip_.lsn - kFrameHeaderBytes) return Step::kBad;

  SEMEL_ASSIGN_OR_RETURN(const std::string_view frame,
                         Bytes(*place, tip_.lsn, kFrameHeaderBytes + header->payload_bytes));
  const std::string_view payload = frame.substr(kFrameHeaderBytes);
  if (!PayloadMatches(*header, payload, segments_->identity().seed)) return Step::kBad;

  header_ = *header;
  SEMEL_ASSIGN_OR_RETURN(entries_, SplitPayload(payload, &header_));
  SEMEL_RETURN_IF_ERROR(CheckContinues());
  tip_ = TipAfter(header_);
  return Step::kFrame;
}

absl::StatusOr<std::string_view> FrameScanner::Bytes(const SegmentList::Place& place, Lsn lsn, size_t size) {
  const bool buffered = lsn >= buffer_lsn_ && lsn + size <= buffer_lsn_ + buffer_.size();
  if (!buffered) {
    const Lsn end = std::min(place.end, limit_);
    buffer_.resize(std::max<size_t>(size, std::min<Lsn>(kPieceBytes, end - lsn)));
    buffer_lsn_ = lsn;
    SEMEL_RETURN_IF_ERROR(segments_->Read(place, lsn, buffer_.data(), buffer_.size()));
  }
  return std::string_view(buffer_).substr(lsn - buffer_lsn_, size);
}

absl::Status FrameScanner::CheckContinues() const {
  if (Continues(header_, tip_) && header_.has_history == segments_->identity().tamper_evident) return absl::OkStatus();
  const bool same_frame = header_.previous_checksum == tip_.frame_checksum;
  return absl::DataLossError(absl::StrCat("journal: the frame at LSN ", tip_.lsn, " does not continue the ",
                                          same_frame ? "history" : "one", " before it; restore from a backup"));
}

}  // namespace semel::internal
