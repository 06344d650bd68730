// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/salvage.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/journal/segments.h"
#include "engine/journal/tail.h"

namespace semel::internal {
namespace {

constexpr Lsn kNoEnd = std::numeric_limits<Lsn>::max();
constexpr char kTornOrDamaged[] =
    "no whole frame: a torn tail, which was never acknowledged, or damage of the last frames";

bool AllZero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

// Whatever can be read of a file, behind its header.
absl::StatusOr<std::string> ReadData(FileSystem* files, const std::string& path) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files->Open(path, OpenMode::kRead));
  SEMEL_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::string data(size - std::min<uint64_t>(size, kSegmentHeaderBytes), '\0');
  SEMEL_ASSIGN_OR_RETURN(const size_t read, file->ReadAt(kSegmentHeaderBytes, data.data(), data.size()));
  data.resize(read);
  return data;
}

class Salvager {
 public:
  Salvager(FileSystem* files, const JournalIdentity& identity,
           const std::function<absl::Status(const SalvagedFrame&)>& visit, std::vector<JournalGap>* gaps)
      : files_(files), identity_(identity), visit_(visit), gaps_(gaps) {}

  absl::Status Run() {
    SEMEL_ASSIGN_OR_RETURN(const std::vector<Lsn> names, ListSegmentNames(files_, identity_.directory));
    for (size_t i = 0; i < names.size(); ++i) {
      SEMEL_RETURN_IF_ERROR(Segment(names[i], i + 1 < names.size() ? names[i + 1] : kNoEnd));
    }
    return absl::OkStatus();
  }

 private:
  // One segment; the next begins at `limit`.
  absl::Status Segment(Lsn first_lsn, Lsn limit) {
    if (end_.has_value() && *end_ < first_lsn) Gap(*end_, first_lsn, "a segment is missing");
    const absl::StatusOr<SegmentInfo> info = ReadSegmentInfo(files_, identity_, first_lsn);
    if (!info.ok()) Gap(first_lsn, first_lsn, info.status().message());
    SEMEL_ASSIGN_OR_RETURN(std::string data, ReadData(files_, SegmentPath(identity_, first_lsn)));
    if (limit != kNoEnd) data.resize(std::min<Lsn>(data.size(), limit - first_lsn));
    end_ = first_lsn;
    SEMEL_RETURN_IF_ERROR(Frames(first_lsn, data, /*last=*/limit == kNoEnd));
    if (limit != kNoEnd && *end_ < limit) Gap(*end_, limit, "the file was cut off");
    return absl::OkStatus();
  }

  absl::Status Frames(Lsn first_lsn, std::string_view data, bool last) {
    SalvagedFrame frame;
    frame.segment_lsn = first_lsn;
    frame.segment_bytes = kSegmentHeaderBytes + data.size();
    while (*end_ < first_lsn + data.size()) {
      const Lsn lsn = *end_;
      const std::string_view rest = data.substr(lsn - first_lsn);
      if (FrameAt(rest, lsn, &frame)) {
        SEMEL_RETURN_IF_ERROR(Found(frame));
        continue;
      }
      if (last && AllZero(rest)) break;
      const size_t next = NextFrame(rest, lsn, &frame);
      Gap(lsn, lsn + next, last && next == rest.size() ? kTornOrDamaged : "damaged");
    }
    return absl::OkStatus();
  }

  // Whether a right frame stands at the beginning of `bytes`; fills `frame`.
  bool FrameAt(std::string_view bytes, Lsn lsn, SalvagedFrame* frame) const {
    const std::optional<FrameHeader> header = DecodeFrameHeader(bytes, lsn, identity_.seed);
    if (!header.has_value() || header->has_history != identity_.tamper_evident) return false;
    if (header->end_lsn() - lsn > bytes.size()) return false;
    const std::string_view payload = bytes.substr(kFrameHeaderBytes, header->payload_bytes);
    if (!PayloadMatches(*header, payload, identity_.seed)) return false;
    frame->header = *header;
    const absl::StatusOr<std::string_view> entries = SplitPayload(payload, &frame->header);
    if (entries.ok()) frame->entries = *entries;
    return entries.ok();
  }

  // The distance to the next right frame, or to the end of the bytes.
  size_t NextFrame(std::string_view bytes, Lsn lsn, SalvagedFrame* frame) const {
    for (size_t at = 1; at < bytes.size(); ++at) {
      const std::optional<Lsn> found = FindFrame(bytes.substr(at), lsn + at, identity_.seed);
      if (!found.has_value()) break;
      at = *found - lsn;
      if (FrameAt(bytes.substr(at), *found, frame)) return at;
    }
    return bytes.size();
  }

  absl::Status Found(const SalvagedFrame& frame) {
    if (before_.has_value() && !Continues(frame.header, *before_)) {
      Gap(frame.header.lsn, frame.header.lsn, "the frame does not continue the one before it");
    }
    before_ = TipAfter(frame.header);
    end_ = before_->lsn;
    return visit_(frame);
  }

  void Gap(Lsn begin, Lsn end, absl::string_view what) {
    gaps_->push_back({begin, end, std::string(what)});
    before_.reset();
    end_ = end;
  }

  FileSystem* const files_;
  const JournalIdentity identity_;
  const std::function<absl::Status(const SalvagedFrame&)>& visit_;
  std::vector<JournalGap>* const gaps_;
  std::optional<Lsn> end_;            // of what was looked at
  std::optional<JournalTip> before_;  // behind the last frame, if nothing lies between
};

}  // namespace

absl::Status VisitWholeFrames(FileSystem* files, const JournalIdentity& identity,
                              const std::function<absl::Status(const SalvagedFrame&)>& visit,
                              std::vector<JournalGap>* gaps) {
  return Salvager(files, identity, visit, gaps).Run();
}

}  // namespace semel::internal
