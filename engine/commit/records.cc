// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Numbers are varints unless a size is given; bytes are length and content.
//
//   position  outcome: code 1, rule 1, conflict 1, LSN, sequence, reason, count of results, each version and balance;
//             then the id (kind 1, 16 bytes), fingerprint 16
//   parked    time 8, LSN, sequence, id and fingerprint as above, message
//   letter    time 8, outcome, id, flags 1 (kHasSource), source, incarnation, position; message
//   message   change, original, original bytes
//   retired   sequence 8

#include "engine/commit/records.h"

#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "engine/base/coding.h"
#include "engine/rules/effect.h"

namespace semel::internal {
namespace {

constexpr size_t kMaxReasonBytes = 4096;
constexpr uint8_t kHasSource = 1;

void PutByte(std::string* out, uint8_t v) { out->push_back(static_cast<char>(v)); }

std::string BigEndian(uint64_t value) {
  std::string bytes(sizeof value, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(value >> (8 * (bytes.size() - 1 - i)));
  return bytes;
}

void PutOutcome(const Outcome& outcome, std::string* out) {
  PutByte(out, static_cast<uint8_t>(outcome.code));
  PutByte(out, static_cast<uint8_t>(outcome.rule));
  PutByte(out, static_cast<uint8_t>(outcome.conflict));
  PutVarint(out, outcome.lsn);
  PutVarint(out, outcome.sequence);
  PutBytes(out, std::string_view(outcome.reason).substr(0, kMaxReasonBytes));
  PutVarint(out, outcome.updates.size());
  for (const UpdateResult& result : outcome.updates) {
    PutVarint(out, result.version);
    PutSignedVarint128(out, result.balance);
  }
}

bool GetOutcome(Decoder* in, Outcome* outcome) {
  uint8_t code = 0;
  uint8_t rule = 0;
  uint8_t conflict = 0;
  std::string_view reason;
  uint64_t results = 0;
  if (!in->GetByte(&code) || code >= kOutcomeCodeCount || !in->GetByte(&rule) || !in->GetByte(&conflict)) return false;
  if (!in->GetVarint(&outcome->lsn) || !in->GetVarint(&outcome->sequence)) return false;
  if (!in->GetBytes(kMaxReasonBytes, &reason)) return false;
  if (!in->GetVarint(&results) || results > kMaxUpdatesPerChange) return false;
  outcome->code = OutcomeCode{code};
  outcome->rule = Rule{rule};
  outcome->conflict = Conflict{conflict};
  outcome->reason = reason;
  for (; results > 0; --results) {
    UpdateResult& result = outcome->updates.emplace_back();
    if (!in->GetVarint(&result.version) || !in->GetSignedVarint128(&result.balance)) return false;
  }
  return true;
}

void PutIdentity(const EntryRef& entry, std::string* out) {
  PutByte(out, entry.id.kind);
  out->append(entry.id.bytes, sizeof entry.id.bytes);
  PutFixed64(out, entry.fingerprint.high);
  PutFixed64(out, entry.fingerprint.low);
}

bool GetIdentity(Decoder* in, EntryRef* entry) {
  std::string_view bytes;
  if (!in->GetByte(&entry->id.kind) || !in->GetRaw(sizeof entry->id.bytes, &bytes)) return false;
  std::memcpy(entry->id.bytes, bytes.data(), bytes.size());
  return in->GetFixed64(&entry->fingerprint.high) && in->GetFixed64(&entry->fingerprint.low);
}

void PutMessage(const KeptMessage& message, std::string* out) {
  PutBytes(out, message.change);
  PutBytes(out, message.original);
  PutVarint(out, message.original_bytes);
}

bool GetMessage(Decoder* in, KeptMessage* message) {
  return in->GetBytes(kMaxKeptBytes, &message->change) && in->GetBytes(kMaxKeptBytes, &message->original) &&
         in->GetVarint(&message->original_bytes);
}

absl::Status Malformed(const char* what) {
  return absl::DataLossError(std::string("a record of the state is malformed: ") + what);
}

// What the source's position is told from now on: the entry's own refusal, that it is parked, or that it is settled.
PositionRecord PositionOf(const Entry& entry, uint64_t id_seed) {
  PositionRecord record;
  record.entry = RefOf(entry, id_seed);
  Outcome& outcome = record.outcome;
  outcome.code = entry.outcome == OutcomeCode::kApplied ? OutcomeCode::kDuplicate : entry.outcome;
  outcome.rule = entry.rule;
  outcome.conflict = entry.conflict;
  outcome.reason = entry.reason;
  outcome.updates = entry.results;
  outcome.lsn = entry.lsn;
  outcome.sequence = entry.sequence;
  record.original = entry.original.value_or(entry.lsn);
  return record;
}

LetterRecord LetterOf(const Entry& entry) {
  LetterRecord record;
  record.refused_us = entry.commit_time_us;
  record.lsn = entry.lsn;
  record.sequence = entry.sequence;
  record.outcome.code = entry.outcome;
  record.outcome.rule = entry.rule;
  record.outcome.conflict = entry.conflict;
  record.outcome.reason = entry.reason;
  record.outcome.updates = entry.results;
  record.outcome.lsn = entry.lsn;
  record.outcome.sequence = entry.sequence;
  record.id = entry.id;
  record.message = *entry.message;
  if (entry.settles) {
    record.source = entry.settles;
  } else if (const Effect* source = SourceEffect(entry); source != nullptr) {
    record.source = SettledPosition{source->key, source->incarnation, source->position};
  }
  return record;
}

}  // namespace

bool IsRefusal(OutcomeCode code) {
  Outcome outcome;
  outcome.code = code;
  return outcome.refused();
}

std::string PositionKey(std::string_view source, std::string_view incarnation, uint64_t position) {
  std::string key;
  PutBytes(&key, source);
  PutBytes(&key, incarnation);
  return key + BigEndian(position);
}

absl::StatusOr<SettledPosition> ParsePositionKey(std::string_view key) {
  SettledPosition parts;
  Decoder in(key);
  const bool whole = in.GetBytes(kMaxSourceNameBytes, &parts.source) &&
                     in.GetBytes(kMaxIncarnationBytes, &parts.incarnation) && in.rest().size() == sizeof parts.position;
  if (!whole) return Malformed("the key of a consumed position");
  for (const char byte : in.rest()) parts.position = parts.position << 8 | static_cast<uint8_t>(byte);
  return parts;
}

std::string SequenceKey(uint64_t sequence) { return BigEndian(sequence); }

std::string EncodePosition(const PositionRecord& record) {
  std::string bytes;
  PutOutcome(record.outcome, &bytes);
  PutIdentity(record.entry, &bytes);
  PutVarint(&bytes, record.original);
  return bytes;
}

absl::StatusOr<PositionRecord> DecodePosition(std::string_view bytes) {
  PositionRecord record;
  Decoder in(bytes);
  if (!GetOutcome(&in, &record.outcome) || !GetIdentity(&in, &record.entry) || !in.GetVarint(&record.original) ||
      !in.done()) {
    return Malformed("a consumed position");
  }
  record.entry.lsn = record.outcome.lsn;
  record.entry.sequence = record.outcome.sequence;
  return record;
}

bool IsSettledBefore(const PositionRecord& record, Lsn floor) {
  const OutcomeCode code = record.outcome.code;
  return (code == OutcomeCode::kDuplicate || code == OutcomeCode::kSuperseded) && record.entry.lsn < floor;
}

std::string EncodeParked(const ParkedRecord& record) {
  std::string bytes;
  PutFixed64(&bytes, static_cast<uint64_t>(record.parked_us));
  PutVarint(&bytes, record.entry.lsn);
  PutVarint(&bytes, record.entry.sequence);
  PutIdentity(record.entry, &bytes);
  PutMessage(record.message, &bytes);
  return bytes;
}

absl::StatusOr<ParkedRecord> DecodeParked(std::string_view bytes) {
  ParkedRecord record;
  uint64_t time = 0;
  Decoder in(bytes);
  if (!in.GetFixed64(&time) || !in.GetVarint(&record.entry.lsn) || !in.GetVarint(&record.entry.sequence) ||
      !GetIdentity(&in, &record.entry) || !GetMessage(&in, &record.message) || !in.done()) {
    return Malformed("a parked change");
  }
  record.parked_us = static_cast<int64_t>(time);
  return record;
}

std::string EncodeLetter(const LetterRecord& record) {
  std::string bytes;
  PutFixed64(&bytes, static_cast<uint64_t>(record.refused_us));
  PutOutcome(record.outcome, &bytes);
  PutBytes(&bytes, record.id);
  PutByte(&bytes, record.source ? kHasSource : 0);
  if (record.source) {
    PutBytes(&bytes, record.source->source);
    PutBytes(&bytes, record.source->incarnation);
    PutVarint(&bytes, record.source->position);
  }
  PutMessage(record.message, &bytes);
  return bytes;
}

absl::StatusOr<LetterRecord> DecodeLetter(std::string_view bytes) {
  LetterRecord record;
  uint64_t time = 0;
  uint8_t flags = 0;
  Decoder in(bytes);
  bool whole = in.GetFixed64(&time) && GetOutcome(&in, &record.outcome) && in.GetBytes(kMaxIdBytes, &record.id) &&
               in.GetByte(&flags) && flags <= kHasSource;
  if (whole && flags == kHasSource) {
    SettledPosition& source = record.source.emplace();
    whole = in.GetBytes(kMaxSourceNameBytes, &source.source) &&
            in.GetBytes(kMaxIncarnationBytes, &source.incarnation) && in.GetVarint(&source.position);
  }
  if (!whole || !GetMessage(&in, &record.message) || !in.done()) return Malformed("a dead letter");
  record.refused_us = static_cast<int64_t>(time);
  record.lsn = record.outcome.lsn;
  record.sequence = record.outcome.sequence;
  return record;
}

namespace {

void AppendChangesOfChange(const Entry& entry, uint64_t id_seed, std::vector<RecordChange>* changes) {
  const bool settled = !IsRefusal(entry.outcome) && entry.outcome != OutcomeCode::kParked;
  const auto add = [changes](Table table, std::string key, std::optional<std::string> record) {
    changes->push_back({table, std::move(key), std::move(record), std::nullopt});
  };
  if (entry.parked != 0) add(Table::kParked, SequenceKey(entry.parked), std::nullopt);
  if (entry.letter != 0) add(Table::kLetters, SequenceKey(entry.letter), std::nullopt);
  if (entry.settles) {
    const SettledPosition& at = *entry.settles;
    add(Table::kPositions, PositionKey(at.source, at.incarnation, at.position),
        EncodePosition(PositionOf(entry, id_seed)));
    if (settled) changes->push_back({Table::kSources, std::string(at.source), std::nullopt, at.position});
  }
  if (const Effect* source = SourceEffect(entry); source != nullptr && !settled) {
    add(Table::kPositions, PositionKey(source->key, source->incarnation, source->position),
        EncodePosition(PositionOf(entry, id_seed)));
  }
  if (!entry.message) return;
  if (entry.outcome == OutcomeCode::kParked) {
    add(Table::kParked, SequenceKey(entry.sequence),
        EncodeParked({entry.commit_time_us, RefOf(entry, id_seed), *entry.message}));
  } else {
    add(Table::kLetters, SequenceKey(entry.sequence), EncodeLetter(LetterOf(entry)));
  }
}

}  // namespace

void AppendRecordChanges(const Entry& entry, uint64_t id_seed, std::vector<RecordChange>* changes) {
  switch (entry.kind) {
    case EntryKind::kChange:
      AppendChangesOfChange(entry, id_seed, changes);
      break;
    case EntryKind::kRetire: {
      std::string sequence;
      PutFixed64(&sequence, entry.sequence);
      changes->push_back({Table::kRetired, std::string(entry.prefix), std::move(sequence), std::nullopt});
      break;
    }
    case EntryKind::kErase:
      for (const std::string_view key : entry.erased) {
        changes->push_back({entry.erased_table, std::string(key), std::nullopt, std::nullopt});
      }
      break;
    case EntryKind::kDiscardLetter:
      changes->push_back({Table::kLetters, SequenceKey(entry.letter), std::nullopt, std::nullopt});
      break;
    case EntryKind::kOptions:
    case EntryKind::kSetSource:
    case EntryKind::kFloor:
      break;
  }
}

void ApplyRecordChange(const RecordChange& change, Head* head) {
  if (change.settles.has_value()) {
    SettlePosition(*change.settles, head);
  } else {
    *head = change.record.has_value() ? RecordHead(*change.record) : Head();
  }
}

}  // namespace semel::internal
