// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/export.h"

#include <optional>
#include <string>
#include <utility>

#include "engine/base/coding.h"
#include "engine/base/status_macros.h"
#include "engine/codec/export_stream.h"
#include "engine/commit/records.h"
#include "engine/journal/change_coding.h"

namespace semel::internal {
namespace {

ExportHeader HeaderOf(const ExportSource& source) {
  ExportHeader header;
  header.uuid = source.manifest.uuid;
  header.epoch = source.manifest.epoch;
  header.created_us = source.manifest.created_us;
  header.lsn = source.tip.lsn;
  header.next_sequence = source.tip.next_sequence;
  header.commit_time_us = source.tip.commit_time_us;
  header.options = source.options;
  return header;
}

// As a semel.v1.Change, unless that would be another change: it takes no keys that are not UTF-8, and no more than a
// message may hold.
absl::StatusOr<ExportedMessage> ToMessage(const KeptMessage& kept) {
  ExportedMessage message;
  message.original = kept.original;
  message.original_bytes = kept.original_bytes;
  if (kept.change.empty()) return message;
  SEMEL_ASSIGN_OR_RETURN(const Change change, DecodeChange(kept.change));
  std::string wire = ToProto(change);
  const absl::StatusOr<Change> again = ParseChangeProto(wire);
  if (!wire.empty() && again.ok() && EncodeChange(*again) == kept.change) {
    message.change = std::move(wire);
  } else {
    message.encoded_change = kept.change;
  }
  return message;
}

absl::StatusOr<ExportRecord> ToParked(std::string_view bytes) {
  SEMEL_ASSIGN_OR_RETURN(const ParkedRecord record, DecodeParked(bytes));
  ExportedParked parked;
  parked.parked_us = record.parked_us;
  parked.entry = record.entry;
  SEMEL_ASSIGN_OR_RETURN(parked.message, ToMessage(record.message));
  return parked;
}

absl::StatusOr<ExportRecord> ToLetter(std::string_view bytes) {
  SEMEL_ASSIGN_OR_RETURN(LetterRecord record, DecodeLetter(bytes));
  ExportedLetter letter;
  letter.refused_us = record.refused_us;
  letter.outcome = std::move(record.outcome);
  letter.id = record.id;
  if (record.source) {
    letter.source.emplace(record.source->source);
    letter.incarnation = record.source->incarnation;
    letter.position = record.source->position;
  }
  SEMEL_ASSIGN_OR_RETURN(letter.message, ToMessage(record.message));
  return letter;
}

absl::StatusOr<ExportRecord> ToPrefix(std::string_view prefix, std::string_view bytes) {
  ExportedPrefix retired;
  retired.prefix = prefix;
  Decoder in(bytes);
  if (!in.GetFixed64(&retired.sequence) || !in.done()) {
    return absl::DataLossError("a record of the state is malformed: a retired prefix");
  }
  return retired;
}

// nullopt: it says no more than what is known of every position that cannot be looked up.
absl::StatusOr<std::optional<ExportRecord>> ToPosition(std::string_view key, std::string_view bytes, Lsn lsn) {
  SEMEL_ASSIGN_OR_RETURN(PositionRecord record, DecodePosition(bytes));
  if (IsSettledBefore(record, lsn)) return std::nullopt;
  SEMEL_ASSIGN_OR_RETURN(const SettledPosition parts, ParsePositionKey(key));
  ExportedPosition position;
  position.source = parts.source;
  position.incarnation = parts.incarnation;
  position.position = parts.position;
  position.outcome = std::move(record.outcome);
  position.entry = record.entry;
  return position;
}

absl::StatusOr<std::optional<ExportRecord>> ToRecord(Table table, std::string_view key, const Head& head, Lsn lsn) {
  switch (table) {
    case Table::kEntities:
    case Table::kSources:
      return ExportedHead{table, std::string(key), head};
    case Table::kPositions:
      return ToPosition(key, *head.Extras().value, lsn);
    case Table::kParked:
      return ToParked(*head.Extras().value);
    case Table::kLetters:
      return ToLetter(*head.Extras().value);
    case Table::kRetired:
      return ToPrefix(key, *head.Extras().value);
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<uint64_t> ExportLedger(const ExportSource& source, ExportFormat format,
                                      const std::function<absl::Status(std::string_view)>& write) {
  ExportWriter writer(format, write);
  SEMEL_RETURN_IF_ERROR(writer.Add(HeaderOf(source)));
  for (int t = 0; t < kTableCount; ++t) {
    const Table table{static_cast<uint8_t>(t)};
    absl::Status status;
    SEMEL_RETURN_IF_ERROR(source.scan(table, [&](std::string_view key, const Head& head) {
      const absl::StatusOr<std::optional<ExportRecord>> record = ToRecord(table, key, head, source.tip.lsn);
      status = record.status();
      if (status.ok() && record->has_value()) status = writer.Add(**record);
      return status.ok();
    }));
    SEMEL_RETURN_IF_ERROR(status);
  }
  return writer.Finish();
}

}  // namespace semel::internal
