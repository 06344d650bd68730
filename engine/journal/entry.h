// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// An entry of the journal: one decided change with its effects. Format (docs/format.md has the reasons):
//
//   check         4   low 32 bits of XXH3(bytes after it; seed mixed with the entry's LSN)
//   body bytes    varint
//   body:
//     frame back  varint   distance from this entry's LSN back to its frame's LSN
//     index       varint   place in the frame; sequence = the frame's first sequence + index
//     kind        1        outcome code (1..10), or kOptionsEntry
//     flags       1        see entry.cc
//     ...                  id, fingerprint, refusal details, effects
//
// Encoding is canonical: one entry, one byte string.

#ifndef SEMEL_ENGINE_JOURNAL_ENTRY_H_
#define SEMEL_ENGINE_JOURNAL_ENTRY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/rules/classify.h"
#include "engine/rules/effect.h"
#include "semel/outcome.h"

namespace semel::internal {

// Views point into the bytes that were decoded, or into the change that is being encoded.
struct Entry {
  // Where and when: the address is given by the place, sequence and time by the frame.
  Lsn lsn = 0;
  Lsn next_lsn = 0;
  Lsn frame_lsn = 0;
  uint32_t index = 0;          // in its frame
  uint64_t sequence = 0;       // filled by readers that read the frame header
  int64_t commit_time_us = 0;  // likewise

  // Either the deciding options, which changed here (then nothing below is used) ...
  std::optional<DecidingOptions> options;

  // ... or a decided change.
  OutcomeCode outcome = OutcomeCode::kUnspecified;  // never kEarly
  std::string_view id;                              // empty: the source position is the identity
  Fingerprint fingerprint;
  bool balanced = false;
  Rule rule = Rule::kNone;                       // kRejected
  Conflict conflict = Conflict::kNone;           // kConflict
  std::string_view reason;                       // of what is not kApplied
  absl::InlinedVector<UpdateResult, 2> results;  // as answered, for what is neither kApplied nor kDuplicate
  std::optional<Lsn> original;                   // kDuplicate through a new position: the entry that was applied
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

// The reference to this entry as evidence. `seed` is the ledger's.
EntryRef RefOf(const Entry& entry, uint64_t seed);

// The effect on one entity, or null.
const Effect* FindEffect(const Entry& entry, Table table, std::string_view key);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_ENTRY_H_
