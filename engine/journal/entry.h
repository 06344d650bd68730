// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// An entry of the journal: one decided change with its effects. Format (docs/format.md has the reasons):
//
//   check         4   low 32 bits of XXH3(bytes after it; seed mixed with the entry's LSN)
//   body bytes    varint
//   body:
//     frame back  varint   distance from this entry's LSN back to its frame's LSN
//     index       varint   place in the frame; sequence = the frame's first sequence + index
//     kind        1        outcome code (1..10), or one of those from 32 on
//     flags       1        see entry.cc
//     ...                  id, fingerprint, refusal details, effects
//
// Encoding is canonical: one entry, one byte string. Only the check depends on the ledger and the epoch.

#ifndef SEMEL_ENGINE_JOURNAL_ENTRY_H_
#define SEMEL_ENGINE_JOURNAL_ENTRY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/coding.h"
#include "engine/base/sha256.h"
#include "engine/rules/classify.h"
#include "engine/rules/effect.h"
#include "semel/outcome.h"

namespace semel::internal {

inline constexpr size_t kEntryCheckBytes = 4;

// What an entry records. Stable numbers above the outcome codes.
enum class EntryKind : uint8_t {
  kChange = 0,          // a decided change; in the journal its outcome code stands instead
  kOptions = 32,        // the deciding options changed
  kSetSource = 33,      // an operator set a source's cursor: one effect
  kRetire = 34,         // a prefix of keys is no more
  kErase = 35,          // records were taken away: entities below a retired prefix, positions below the floor
  kFloor = 36,          // nothing before an address is looked at any more
  kDiscardLetter = 37,  // an operator discarded a dead letter
};

// The message of a change that is kept with it.
struct KeptMessage {
  std::string_view change;      // see change_coding.h; empty if the message could not be decoded, or is over its limits
  std::string_view original;    // as it came, if it came in another form; cut at kMaxKeptBytes
  uint64_t original_bytes = 0;  // before that
};

// Of a kept message: a change within its limits, with its encoding.
inline constexpr size_t kMaxKeptBytes = kMaxChangeBytes + (size_t{1} << 20);

// A position of a source that an entry settles, beside the one that it consumes.
struct SettledPosition {
  std::string_view source;
  std::string_view incarnation;
  uint64_t position = 0;
};

// A base snapshot (engine/ledger/base_snapshot.h) that the journal vouches for.
struct VouchedBase {
  Lsn lsn = 0;
  Sha256Hash records = {};  // see HashRecords
};

// Views point into the bytes that were decoded, or into the change that is being encoded.
struct Entry {
  // Where and when: the address is given by the place, sequence and time by the frame.
  Lsn lsn = 0;
  Lsn next_lsn = 0;
  Lsn frame_lsn = 0;
  uint32_t index = 0;          // in its frame
  uint64_t sequence = 0;       // filled by readers that read the frame header
  int64_t commit_time_us = 0;  // likewise

  EntryKind kind = EntryKind::kChange;

  // Of the kinds that are not a change.
  DecidingOptions options;                // kOptions
  std::string_view prefix;                // kRetire
  Table erased_table = Table::kEntities;  // kErase: kEntities or kPositions ...
  std::vector<std::string_view> erased;   // ... and keys
  Lsn floor = 0;                          // kFloor ...
  std::optional<VouchedBase> base;        // ... with tamper evidence

  // kChange: the change was not decided for a caller alone.
  uint64_t parked = 0;                     // the parked change (by its sequence) that leaves the lot with this entry
  uint64_t letter = 0;                     // the dead letter that was retried; kDiscardLetter: that is discarded
  std::optional<SettledPosition> settles;  // the position of that parked change or letter

  // kChange.
  OutcomeCode outcome = OutcomeCode::kUnspecified;  // never kEarly
  std::string_view id;                              // empty: the source position is the identity
  Fingerprint fingerprint;
  bool balanced = false;
  Rule rule = Rule::kNone;                       // kRejected, and not kNone exactly then
  Conflict conflict = Conflict::kNone;           // kConflict, likewise
  std::string_view reason;                       // of what is not kApplied
  absl::InlinedVector<UpdateResult, 2> results;  // as answered, for what is neither kApplied nor kDuplicate
  std::optional<Lsn> original;                   // kDuplicate through a new position: the entry that was applied
  std::optional<KeptMessage> message;            // becomes a parked change or a dead letter
  Effects effects;                               // entities in the order of the change, the source last
};

// Appends the encoding of `entry` (lsn, frame_lsn and index filled by the caller) to `out`.
void EncodeEntry(const Entry& entry, uint64_t seed, std::string* out);

// How many bytes an entry takes that begins with `bytes`; 0 if `bytes` is too short or too malformed to tell.
// Looks at no more than the first 9 bytes.
size_t EncodedEntrySize(std::string_view bytes);

// Decodes the entry at the beginning of `bytes`, verifying its check for the address `lsn`. Fills lsn, next_lsn,
// frame_lsn, index, not sequence and commit_time_us. Errors: DataLoss.
absl::Status DecodeEntry(std::string_view bytes, Lsn lsn, uint64_t seed, Entry* entry);

// The deciding options, also as the state keeps them.
void EncodeDecidingOptions(const DecidingOptions& options, std::string* out);
bool DecodeDecidingOptions(Decoder* in, DecidingOptions* options);

// The reference to this entry as evidence. `seed` is the ledger's.
EntryRef RefOf(const Entry& entry, uint64_t seed);

// The effect on the source whose position a decided change consumed, or null.
const Effect* SourceEffect(const Entry& entry);

// The effect on one entity, or null.
const Effect* FindEffect(const Entry& entry, Table table, std::string_view key);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_ENTRY_H_
