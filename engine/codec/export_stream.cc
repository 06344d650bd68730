// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/codec/export_stream.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;
constexpr size_t kMaxVarintBytes = 10;

std::string Framed(const ExportRecord& record, ExportFormat format) {
  const std::string bytes = EncodeExportRecord(record, format);
  if (format == ExportFormat::kJsonLines) return bytes + "\n";
  std::string framed;
  PutBytes(&framed, bytes);
  return framed;
}

std::string Shown(uint64_t checksum) { return absl::StrFormat("%016x", checksum); }

absl::Status TooLarge() {
  return absl::InvalidArgumentError(absl::StrCat("larger than ", kMaxExportRecordBytes, " bytes"));
}

}  // namespace

absl::Status ExportWriter::Add(const ExportRecord& record) {
  const std::string framed = Framed(record, format_);
  checksum_ = Checksum64(framed, checksum_);
  ++records_;
  piece_ += framed;
  return piece_.size() < kPieceBytes ? absl::OkStatus() : Flush();
}

absl::StatusOr<uint64_t> ExportWriter::Finish() {
  SEMEL_RETURN_IF_ERROR(Add(ExportTrailer{records_, Shown(checksum_)}));
  SEMEL_RETURN_IF_ERROR(Flush());
  return records_;
}

absl::Status ExportWriter::Flush() {
  const std::string piece = std::exchange(piece_, {});
  return piece.empty() ? absl::OkStatus() : write_(piece);
}

absl::Status ExportReader::Wrong(const absl::Status& status) const {
  return absl::Status(status.code(), absl::StrCat("record ", records_, ": ", status.message()));
}

absl::StatusOr<bool> ExportReader::Next(ExportRecord* record) {
  ++records_;
  size_t framed = 0;
  const absl::StatusOr<std::string_view> bytes =
      format_ == ExportFormat::kJsonLines ? NextLine(&framed) : NextMessage(&framed);
  if (!bytes.ok()) return Wrong(bytes.status());
  absl::StatusOr<ExportRecord> decoded = DecodeExportRecord(*bytes, format_);
  if (!decoded.ok()) return Wrong(decoded.status());
  const std::string_view taken = std::string_view(buffer_).substr(at_, framed);
  at_ += framed;
  if (const auto* trailer = std::get_if<ExportTrailer>(&*decoded)) {
    const absl::Status end = CheckEnd(*trailer);
    if (!end.ok()) return Wrong(end);
    return false;
  }
  checksum_ = Checksum64(taken, checksum_);
  *record = *std::move(decoded);
  return true;
}

// Makes sure that `bytes` bytes are there; false if the input ends before.
absl::StatusOr<bool> ExportReader::Fill(size_t bytes) {
  while (buffer_.size() - at_ < bytes && !input_ended_) {
    if (at_ > kPieceBytes) buffer_.erase(0, std::exchange(at_, 0));
    SEMEL_ASSIGN_OR_RETURN(const std::string piece, read_());
    input_ended_ = piece.empty();
    buffer_ += piece;
  }
  return buffer_.size() - at_ >= bytes;
}

absl::StatusOr<std::string_view> ExportReader::NextLine(size_t* framed) {
  for (size_t looked = 0;;) {
    const size_t end = buffer_.find('\n', at_ + looked);
    if (end != std::string::npos) {
      *framed = end + 1 - at_;
      return std::string_view(buffer_).substr(at_, end - at_);
    }
    looked = buffer_.size() - at_;
    if (looked > kMaxExportRecordBytes) return TooLarge();
    SEMEL_ASSIGN_OR_RETURN(const bool more, Fill(looked + 1));
    if (!more) return absl::DataLossError("the export is cut short");
  }
}

absl::StatusOr<std::string_view> ExportReader::NextMessage(size_t* framed) {
  SEMEL_RETURN_IF_ERROR(Fill(kMaxVarintBytes).status());
  const std::string_view prefix = std::string_view(buffer_).substr(at_, kMaxVarintBytes);
  Decoder in(prefix);
  uint64_t bytes = 0;
  if (!in.GetVarint(&bytes)) {
    if (prefix.size() == kMaxVarintBytes) return absl::InvalidArgumentError("no length");
    return absl::DataLossError("the export is cut short");
  }
  if (bytes > kMaxExportRecordBytes) return TooLarge();
  const size_t length_bytes = prefix.size() - in.rest().size();
  *framed = length_bytes + bytes;
  SEMEL_ASSIGN_OR_RETURN(const bool whole, Fill(*framed));
  if (!whole) return absl::DataLossError("the export is cut short");
  return std::string_view(buffer_).substr(at_ + length_bytes, bytes);
}

absl::Status ExportReader::CheckEnd(const ExportTrailer& trailer) {
  if (trailer.records != records_ - 1) {
    return absl::DataLossError(
        absl::StrCat("there are ", records_ - 1, " records before the trailer, it says ", trailer.records));
  }
  if (trailer.checksum != Shown(checksum_)) {
    return absl::DataLossError(
        "the records do not add up to the trailer's checksum: they are not as they were written");
  }
  SEMEL_ASSIGN_OR_RETURN(const bool more, Fill(1));
  return more ? absl::InvalidArgumentError("something follows the trailer") : absl::OkStatus();
}

}  // namespace semel::internal
