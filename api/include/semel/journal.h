// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The journal as a reader sees it: every decided change with its effects, in commit order.

#ifndef SEMEL_JOURNAL_H_
#define SEMEL_JOURNAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "semel/change.h"
#include "semel/outcome.h"

namespace semel {

// What one entry did to one entity.
struct JournalEffect {
  std::string key;
  Action action = Action::kNone;
  uint64_t version = 0;              // after the change
  Amount balance = 0;                // after the change
  Amount amount = 0;                 // kAdd
  std::optional<std::string> value;  // kPut
  std::optional<Policy> policy;      // kSetPolicy: the whole policy after the change
  std::optional<uint64_t> stamp;     // of a `newer` update
  bool deleted = false;              // after the change
};

// One decided change. Entries exist for applied changes, for parked ones and what became of them, and for every other
// outcome that consumed a source position. What operators did (options, cursors, trims, retired prefixes, discarded
// letters) is there with outcome kUnspecified and the text in `reason`.
struct JournalEntry {
  uint64_t lsn = 0;
  uint64_t next_lsn = 0;       // where to go on reading
  uint64_t sequence = 0;       // 1, 2, 3, ... without gaps
  int64_t commit_time_us = 0;  // microseconds since 1970-01-01 UTC; never falls
  OutcomeCode outcome = OutcomeCode::kUnspecified;
  std::string reason;  // of a refusal
  std::string id;      // empty if the source position is the identity
  Fingerprint fingerprint;
  std::optional<SourcePosition> source;  // `previous` is not kept
  bool balanced = false;
  uint64_t parked = 0;  // the parked change, by its sequence, that left the lot with this entry; 0: none
  uint64_t letter = 0;  // the dead letter, by its sequence, that was retried or discarded; 0: none
  std::vector<JournalEffect> effects;
};

// One JSON object, without a newline.
std::string ToJson(const JournalEntry& entry);

}  // namespace semel

#endif  // SEMEL_JOURNAL_H_
