// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Entities as they are read: the latest durable state, a past state, a line of history, a source's cursor.

#ifndef SEMEL_ENTITY_H_
#define SEMEL_ENTITY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "semel/change.h"

namespace semel {

// An entity. A key that never existed is read as version 0.
struct Entity {
  std::string key;
  uint64_t version = 0;              // rises by exactly 1 with each applied change; 0: never existed
  Amount balance = 0;                // minor units of policy.asset
  std::optional<std::string> value;  // absent where no put set one, or a delete removed it
  Policy policy;
  std::optional<uint64_t> stamp;  // of the newest `newer` update; latest reads only
  bool deleted = false;           // a tombstone: version stays
  bool retired = false;           // below a retired prefix: what was there is gone, changes are kIndeterminate

  bool exists() const { return version != 0 && !deleted; }
};

// One entry of an entity's history.
struct HistoryLine {
  uint64_t version = 0;        // the version that this change made
  uint64_t sequence = 0;       // of the entry in the journal
  uint64_t lsn = 0;            // address of the entry
  int64_t commit_time_us = 0;  // microseconds since 1970-01-01 UTC; the frame's, never falls
  std::string id;              // of the change; empty if its source position is its identity
  Action action = Action::kNone;
  Amount amount = 0;                 // kAdd
  Amount balance = 0;                // after the change
  std::optional<std::string> value;  // kPut: what was put
  bool deleted = false;              // after the change
};

// The cursor of a source.
struct SourceCursor {
  std::string name;
  uint64_t position = 0;  // the last consumed
  std::string incarnation;
  bool chained = false;   // its first message named a previous one
  uint64_t consumed = 0;  // how many positions were consumed, or set by hand
  uint32_t window = 0;    // of a windowed source
  uint64_t ahead = 0;     // windowed: how many positions beyond `position` are consumed
};

// One JSON object, without a newline. Numbers of 64 bits and more are strings, values are base64.
std::string ToJson(const Entity& entity);
std::string ToJson(const HistoryLine& line);
std::string ToJson(const SourceCursor& cursor);

}  // namespace semel

#endif  // SEMEL_ENTITY_H_
