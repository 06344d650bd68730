// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What an entry does to the tables of records (engine/rules/head.h), and what stands in these records. All of it
// follows from the entry: commit, redo and verify use the same function.
//
//   table      key                                       record
//   positions  source, incarnation, position             PositionRecord: why the position was refused, that it is
//                                                        parked, or by which entry it was settled later
//   parked     sequence of the entry that parked it      ParkedRecord
//   letters    sequence of the entry that refused it     LetterRecord
//   retired    prefix                                    sequence of the entry that retired it

#ifndef SEMEL_ENGINE_COMMIT_RECORDS_H_
#define SEMEL_ENGINE_COMMIT_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/journal/entry.h"
#include "engine/rules/head.h"
#include "semel/outcome.h"

namespace semel::internal {

// How a consumed position answers, if it is not in the way of an applied change.
struct PositionRecord {
  EntryRef entry;    // whose message it was, and the entry that says so
  Outcome outcome;   // a refusal as it was answered, or kParked; once settled: kDuplicate or kSuperseded
  Lsn original = 0;  // of the entry that holds the result: `entry`, or what that was a duplicate of
};
std::string PositionKey(std::string_view source, std::string_view incarnation, uint64_t position);
absl::StatusOr<SettledPosition> ParsePositionKey(std::string_view key);  // views point into `key`
std::string EncodePosition(const PositionRecord& record);
absl::StatusOr<PositionRecord> DecodePosition(std::string_view bytes);
// Whether the record only repeats what an entry before `floor` said: that one cannot be read any more.
bool IsSettledBefore(const PositionRecord& record, Lsn floor);

struct ParkedRecord {
  int64_t parked_us = 0;
  EntryRef entry;       // that parked it; its id and fingerprint are the change's
  KeptMessage message;  // as in the entry
};
std::string EncodeParked(const ParkedRecord& record);
absl::StatusOr<ParkedRecord> DecodeParked(std::string_view bytes);  // views point into `bytes`

struct LetterRecord {
  int64_t refused_us = 0;
  Lsn lsn = 0;
  uint64_t sequence = 0;
  Outcome outcome;
  std::string_view id;
  std::optional<SettledPosition> source;
  KeptMessage message;
};
std::string EncodeLetter(const LetterRecord& record);
absl::StatusOr<LetterRecord> DecodeLetter(std::string_view bytes);  // views point into `bytes`

// The keys of parked changes and letters; they sort by age.
std::string SequenceKey(uint64_t sequence);

// A change of one record, or of an entity that is erased.
struct RecordChange {
  Table table = Table::kPositions;
  std::string key;
  std::optional<std::string> record;  // absent: it goes
  std::optional<uint64_t> settles;    // kSources only: SettlePosition
};

// Appends what `entry` changes beside its effects. Nothing for nearly all entries. `id_seed`: Seeds::ids.
void AppendRecordChanges(const Entry& entry, uint64_t id_seed, std::vector<RecordChange>* changes);

// What a change makes of the head of its entity, source or record. A source whose position is settled must be there.
void ApplyRecordChange(const RecordChange& change, Head* head);

// Refused, as semel::Outcome::refused says it of a code.
bool IsRefusal(OutcomeCode code);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_RECORDS_H_
