// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Changes that the ledger holds for somebody: parked ones, which wait for their predecessors, and dead letters, which
// wait for a person.

#ifndef SEMEL_HELD_H_
#define SEMEL_HELD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "semel/change.h"
#include "semel/outcome.h"

namespace semel {

// What a parked change waits for.
struct Wait {
  std::string key;
  uint64_t version = 0;  // the version that it expects
  uint64_t present = 0;  // the version that is there
};

// An early change, durably held. It is decided when its entities have moved far enough, without being sent again.
struct ParkedChange {
  uint64_t sequence = 0;  // of the journal's entry that parked it: its name here. The lower, the older
  int64_t parked_us = 0;  // microseconds since 1970-01-01 UTC
  Change change;
  std::vector<Wait> waits;  // as of now
};

// A change that was refused: it came through a source, whose position it consumed, or it had been parked.
struct DeadLetter {
  uint64_t sequence = 0;  // of the journal's entry that refused it: its name here
  int64_t refused_us = 0;
  Outcome outcome;                       // as it was answered
  std::string id;                        // of the change, if it has one
  std::optional<SourcePosition> source;  // name, position and incarnation
  std::string original;                  // the message as it came; its semel.v1.Change if it came as a Change
  uint64_t original_bytes = 0;           // more than there are, if only the beginning was kept
  std::optional<Change> change;          // absent: it could not be decoded, and cannot be retried
};

struct HeldOptions {
  uint64_t after_sequence = 0;  // to go on where a page ended
  uint64_t limit = 100;         // 0: all
  std::string source;           // only those of this source
};

// One JSON object, without a newline. `original` is base64.
std::string ToJson(const ParkedChange& parked);
std::string ToJson(const DeadLetter& letter);

}  // namespace semel

#endif  // SEMEL_HELD_H_
