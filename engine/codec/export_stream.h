// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// An export as a stream of bytes, written and read piece by piece: records, and the trailer that tells a whole one.

#ifndef SEMEL_ENGINE_CODEC_EXPORT_STREAM_H_
#define SEMEL_ENGINE_CODEC_EXPORT_STREAM_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/codec/export_record.h"
#include "semel/upkeep.h"

namespace semel::internal {

class ExportWriter {
 public:
  ExportWriter(ExportFormat format, std::function<absl::Status(std::string_view)> write)
      : format_(format), write_(std::move(write)) {}

  // Errors: those of `write`.
  absl::Status Add(const ExportRecord& record);

  // Adds the trailer. Returns how many records there are, it included.
  absl::StatusOr<uint64_t> Finish();

 private:
  absl::Status Flush();

  const ExportFormat format_;
  const std::function<absl::Status(std::string_view)> write_;
  std::string piece_;
  uint64_t records_ = 0;
  uint64_t checksum_ = 0;
};

class ExportReader {
 public:
  // `read` returns the next bytes, none at the end.
  ExportReader(ExportFormat format, std::function<absl::StatusOr<std::string>()> read)
      : format_(format), read_(std::move(read)) {}

  // Reads the next record. False behind the trailer, which is not shown, once it has turned out right and the last.
  // Errors: InvalidArgument (a malformed record, something behind the trailer), DataLoss (cut short, or what was read
  // is not what was written), both with the record's number; those of `read`.
  absl::StatusOr<bool> Next(ExportRecord* record);

  // How many records were read, from 1 on: also the number of the one that is wrong. The trailer counts.
  uint64_t records() const { return records_; }

  // An error of the record that was read last.
  absl::Status Wrong(const absl::Status& status) const;

 private:
  absl::StatusOr<bool> Fill(size_t bytes);
  absl::StatusOr<std::string_view> NextLine(size_t* framed);
  absl::StatusOr<std::string_view> NextMessage(size_t* framed);
  absl::Status CheckEnd(const ExportTrailer& trailer);

  const ExportFormat format_;
  const std::function<absl::StatusOr<std::string>()> read_;
  std::string buffer_;
  size_t at_ = 0;  // what lies before is read
  bool input_ended_ = false;
  uint64_t records_ = 0;
  uint64_t checksum_ = 0;  // of those before the last
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_CODEC_EXPORT_STREAM_H_
