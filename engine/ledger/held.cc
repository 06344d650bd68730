// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/held.h"

#include <functional>
#include <utility>

#include "engine/base/status_macros.h"
#include "engine/commit/records.h"
#include "engine/commit/retired_prefixes.h"
#include "engine/journal/change_coding.h"

namespace semel::internal {
namespace {

// Visits the records of a table behind `after_sequence`, until `visit` returns false or an error.
absl::Status VisitHeld(const HeadTable& heads, Table table, uint64_t after_sequence,
                       const std::function<absl::StatusOr<bool>(std::string_view record)>& visit) {
  const std::string after = SequenceKey(after_sequence);
  SEMEL_ASSIGN_OR_RETURN(const HeadTable::Overlay overlay, heads.ReadOverlay(table, after));
  absl::Status status;
  SEMEL_RETURN_IF_ERROR(overlay.Visit([&](std::string_view key, const Head& head) {
    if (key == after) return true;
    const absl::StatusOr<bool> going = visit(*head.Extras().value);
    status = going.status();
    return status.ok() && *going;
  }));
  return status;
}

bool IsOf(const std::optional<SourcePosition>& source, const std::string& name) {
  return name.empty() || (source.has_value() && source->name == name);
}

absl::StatusOr<std::vector<Wait>> WaitsOf(const HeadTable& heads, const Change& change) {
  std::vector<HeadKey> keys;
  for (const Update& update : change.updates) keys.push_back({Table::kEntities, update.key});
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Head> present, heads.ReadMany(keys, nullptr));
  std::vector<Wait> waits;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Update& update = change.updates[i];
    const uint64_t version = update.expect_version.value_or(update.since.value_or(0));
    if (version > present[i].version) waits.push_back({update.key, version, present[i].version});
  }
  return waits;
}

absl::StatusOr<DeadLetter> ToDeadLetter(std::string_view bytes) {
  SEMEL_ASSIGN_OR_RETURN(LetterRecord record, DecodeLetter(bytes));
  DeadLetter letter;
  letter.sequence = record.sequence;
  letter.refused_us = record.refused_us;
  letter.outcome = std::move(record.outcome);
  letter.id = record.id;
  if (record.source.has_value()) {
    SourcePosition& source = letter.source.emplace();
    source.name = record.source->source;
    source.incarnation = record.source->incarnation;
    source.position = record.source->position;
  }
  const KeptMessage& message = record.message;
  if (!message.change.empty()) {
    SEMEL_ASSIGN_OR_RETURN(letter.change, DecodeChange(message.change));
  }
  const bool as_change = letter.change.has_value() && message.original_bytes == 0;
  letter.original = as_change ? ToProto(*letter.change) : std::string(message.original);
  letter.original_bytes = as_change ? letter.original.size() : message.original_bytes;
  return letter;
}

}  // namespace

absl::StatusOr<std::vector<ParkedChange>> ListParked(const HeadTable& heads, const HeldOptions& options) {
  std::vector<ParkedChange> list;
  const auto take = [&](std::string_view bytes) -> absl::StatusOr<bool> {
    SEMEL_ASSIGN_OR_RETURN(const ParkedRecord record, DecodeParked(bytes));
    ParkedChange parked;
    parked.sequence = record.entry.sequence;
    parked.parked_us = record.parked_us;
    SEMEL_ASSIGN_OR_RETURN(parked.change, DecodeChange(record.message.change));
    if (IsOf(parked.change.source, options.source)) list.push_back(std::move(parked));
    return list.size() != options.limit || options.limit == 0;
  };
  SEMEL_RETURN_IF_ERROR(VisitHeld(heads, Table::kParked, options.after_sequence, take));
  for (ParkedChange& parked : list) {
    SEMEL_ASSIGN_OR_RETURN(parked.waits, WaitsOf(heads, parked.change));
  }
  return list;
}

absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(const HeadTable& heads, const HeldOptions& options) {
  std::vector<DeadLetter> list;
  const auto take = [&](std::string_view bytes) -> absl::StatusOr<bool> {
    SEMEL_ASSIGN_OR_RETURN(DeadLetter letter, ToDeadLetter(bytes));
    if (IsOf(letter.source, options.source)) list.push_back(std::move(letter));
    return list.size() != options.limit || options.limit == 0;
  };
  SEMEL_RETURN_IF_ERROR(VisitHeld(heads, Table::kLetters, options.after_sequence, take));
  return list;
}

absl::StatusOr<std::vector<std::string>> ListRetired(const HeadTable& heads) {
  RetiredPrefixes retired;
  SEMEL_RETURN_IF_ERROR(heads.VisitRecords(Table::kRetired, [&](std::string_view prefix, std::string_view) {
    retired.Add(prefix);
    return absl::OkStatus();
  }));
  return std::vector<std::string>(retired.prefixes().begin(), retired.prefixes().end());
}

}  // namespace semel::internal
