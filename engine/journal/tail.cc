// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/tail.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr size_t kHeaderChecksumOffset = kFrameHeaderBytes - sizeof(uint64_t);

bool AllZero(std::string_view bytes) {
  return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

uint64_t CountNonzero(std::string_view bytes) {
  return bytes.size() - static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), '\0'));
}

absl::Status BelowCheckpoint(const JournalTip& checkpoint, const char* what) {
  return absl::DataLossError(absl::StrCat("journal: ", what, ", below the checkpoint at LSN ", checkpoint.lsn,
                                          "; restore the ledger from a backup"));
}

// The newest frame header before the checkpoint that bears the checksum which the checkpoint knows.
absl::StatusOr<std::optional<FrameHeader>> FindHeaderBefore(SegmentList* segments, const SegmentList::Place& place,
                                                            const JournalTip& checkpoint) {
  std::string checksum;
  PutFixed64(&checksum, checkpoint.frame_checksum);
  const Lsn begin = place.segment.first_lsn;
  std::string piece;
  for (Lsn end = checkpoint.lsn; end - begin >= kFrameHeaderBytes;) {
    piece.resize(std::min<Lsn>(kPieceBytes, end - begin));
    const Lsn piece_lsn = end - piece.size();
    SEMEL_RETURN_IF_ERROR(segments->Read(place, piece_lsn, piece.data(), piece.size()));
    for (size_t at = piece.rfind(checksum); at != std::string::npos && at >= kHeaderChecksumOffset;
         at = piece.rfind(checksum, at - 1)) {
      const size_t header_at = at - kHeaderChecksumOffset;
      const auto header = DecodeFrameHeader(std::string_view(piece).substr(header_at), piece_lsn + header_at,
                                            segments->identity().seed);
      if (header.has_value() && header->end_lsn() == checkpoint.lsn) return header;
    }
    if (piece_lsn == begin) break;
    end = piece_lsn + kFrameHeaderBytes - 1;  // a header may lie across the border
  }
  return std::nullopt;
}

}  // namespace

std::optional<Lsn> FindFrame(std::string_view bytes, Lsn lsn, uint64_t seed) {
  for (size_t at = 0; at + kFrameHeaderBytes <= bytes.size(); ++at) {
    if (ClaimedFrameLsn(bytes.substr(at)) != lsn + at) continue;
    if (DecodeFrameHeader(bytes.substr(at), lsn + at, seed).has_value()) return lsn + at;
  }
  return std::nullopt;
}

absl::StatusOr<Tail> ExamineTail(SegmentList* segments, const SegmentList::Place& place, Lsn lsn) {
  Tail tail;
  std::string piece;
  for (Lsn at = lsn; at < place.end; at += std::min<Lsn>(kPieceBytes, place.end - at)) {
    // With the beginning of the next piece, so that a header across the border is seen.
    piece.resize(std::min<Lsn>(kPieceBytes + kFrameHeaderBytes - 1, place.end - at));
    SEMEL_RETURN_IF_ERROR(segments->Read(place, at, piece.data(), piece.size()));
    if (AllZero(piece)) continue;
    tail.nonzero_bytes += CountNonzero(std::string_view(piece).substr(0, kPieceBytes));
    const size_t skip = at == lsn ? 1 : 0;
    tail.frame_lsn = FindFrame(std::string_view(piece).substr(skip), at + skip, segments->identity().seed);
    if (tail.frame_lsn.has_value()) break;
  }
  return tail;
}

absl::Status CheckFrameBefore(SegmentList* segments, const JournalTip& checkpoint) {
  const SegmentInfo oldest = segments->At(0).segment;
  const SegmentInfo newest = segments->At(segments->size() - 1).segment;
  if (checkpoint.lsn < oldest.first_lsn) return BelowCheckpoint(checkpoint, "what follows the checkpoint was removed");
  if (checkpoint.lsn > newest.capacity_end()) return BelowCheckpoint(checkpoint, "the journal ends");
  if (checkpoint.lsn == oldest.first_lsn) return absl::OkStatus();  // there is nothing before it

  const SegmentList::Place place = *segments->Find(checkpoint.lsn - 1);
  SEMEL_ASSIGN_OR_RETURN(const std::optional<FrameHeader> header, FindHeaderBefore(segments, place, checkpoint));
  if (!header.has_value()) return BelowCheckpoint(checkpoint, "the last frame is missing or damaged");
  std::string payload(header->payload_bytes, '\0');
  SEMEL_RETURN_IF_ERROR(segments->Read(place, header->lsn + kFrameHeaderBytes, payload.data(), payload.size()));
  if (!PayloadMatches(*header, payload, segments->identity().seed)) {
    return BelowCheckpoint(checkpoint, "the last frame is damaged");
  }
  return absl::OkStatus();
}

}  // namespace semel::internal
