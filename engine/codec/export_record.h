// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The records of an export, as semel.v1.ExportRecord and as JSON.

#ifndef SEMEL_ENGINE_CODEC_EXPORT_RECORD_H_
#define SEMEL_ENGINE_CODEC_EXPORT_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "engine/rules/classify.h"
#include "engine/rules/head.h"
#include "semel/outcome.h"
#include "semel/upkeep.h"

namespace semel::internal {

struct ExportHeader {
  std::string uuid;  // 16 bytes
  uint64_t epoch = 0;
  int64_t created_us = 0;
  Lsn lsn = 0;
  uint64_t next_sequence = 1;
  int64_t commit_time_us = 0;
  DecidingOptions options;
};

// An entity or a source.
struct ExportedHead {
  Table table = Table::kEntities;
  std::string key;
  Head head;
};

struct ExportedPosition {
  std::string source;
  std::string incarnation;
  uint64_t position = 0;
  Outcome outcome;
  EntryRef entry;
};

// At most one of the first two is not empty.
struct ExportedMessage {
  std::string change;          // a semel.v1.Change
  std::string encoded_change;  // as the journal keeps it
  std::string original;
  uint64_t original_bytes = 0;
};

struct ExportedParked {
  int64_t parked_us = 0;
  EntryRef entry;
  ExportedMessage message;
};

struct ExportedLetter {
  int64_t refused_us = 0;
  Outcome outcome;
  std::string id;
  std::optional<std::string> source;
  std::string incarnation;
  uint64_t position = 0;
  ExportedMessage message;
};

struct ExportedPrefix {
  std::string prefix;
  uint64_t sequence = 0;
};

struct ExportTrailer {
  uint64_t records = 0;
  std::string checksum;
};

using ExportRecord = std::variant<ExportHeader, ExportedHead, ExportedPosition, ExportedParked, ExportedLetter,
                                  ExportedPrefix, ExportTrailer>;

// Of one record, in either form: the largest letter is a third of it.
inline constexpr size_t kMaxExportRecordBytes = size_t{64} << 20;

// One line without its newline, or the message without its length.
std::string EncodeExportRecord(const ExportRecord& record, ExportFormat format);

// Heads come back well-formed: their parts fit each other and their bounds. Errors: InvalidArgument, with the field.
absl::StatusOr<ExportRecord> DecodeExportRecord(std::string_view bytes, ExportFormat format);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_CODEC_EXPORT_RECORD_H_
