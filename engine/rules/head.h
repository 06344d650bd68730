// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The head of an entity: its present state and what is kept of its last change. A source is an entity of a table of its
// own: its version counts the positions consumed, and its cursor stands in SourceState.

#ifndef SEMEL_ENGINE_RULES_HEAD_H_
#define SEMEL_ENGINE_RULES_HEAD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/rules/chain.h"
#include "engine/rules/identity.h"
#include "semel/change.h"
#include "semel/outcome.h"

namespace semel::internal {

// The tables of the state. Entities and sources are heads: each change moves their version, and they have chains. The
// others hold records: bytes that entries put and take away (engine/commit/records.h says which).
enum class Table : uint8_t {
  kEntities = 0,
  kSources = 1,
  kPositions = 2,  // what became of consumed positions that were refused, parked or decided later
  kParked = 3,     // early changes that are held
  kLetters = 4,    // dead letters
  kRetired = 5,    // prefixes of keys that are no more
};
inline constexpr int kTableCount = 6;
constexpr bool HasHeads(Table table) { return table <= Table::kSources; }

// An entry of the journal, as evidence: whose it was and where it stands.
struct EntryRef {
  IdTag id;
  Fingerprint fingerprint;
  Lsn lsn = 0;
  uint64_t sequence = 0;
};

// The stamp of `newer` updates: never falls, survives deletes and unstamped updates.
struct Stamp {
  uint64_t value = 0;
  EntryRef setter;      // the entry that set it ...
  UpdateResult result;  // ... and what it made of this entity
};

struct SourceState {
  uint64_t cursor = 0;  // the last consumed position; of a windowed source: all up to here are consumed
  std::string incarnation;
  bool chained = false;  // the first message named a previous one
  uint32_t window = 0;   // 0: positions rise; else how far beyond the cursor they may come
  std::string ahead;  // windowed: bit i % 8 of byte i / 8 says whether cursor + 1 + i is consumed; no zeros at the end
  uint64_t first_version = 1;  // the version of the first position of this incarnation
  std::optional<uint64_t>
      settled;  // the highest position that was neither refused nor is parked; not of windowed sources
};

// What plain accounts do not have. Shared between copies of a head, so it is replaced, never changed, once shared.
struct HeadExtras {
  std::optional<std::string> value;
  Lsn value_lsn = 0;  // of the entry that put the value; meaningful with a value
  std::optional<Policy> policy;
  Lsn policy_lsn = 0;  // of the entry that set the policy; meaningful with a policy
  std::optional<Stamp> stamp;
  std::optional<SourceState> source;
};

// A record has version 1 while it is there, and its bytes as the value.
struct Head {
  uint64_t version = 0;  // 0: never existed, or was erased
  Amount balance = 0;
  bool deleted = false;
  EntryRef last;                             // the newest entry; readable for ever, whatever is trimmed
  ChainTop chain;                            // chain.levels()[0] == last.lsn when version > 0
  std::shared_ptr<const HeadExtras> extras;  // may be null

  const HeadExtras& Extras() const {
    static const HeadExtras* const kNone = new HeadExtras;
    return extras == nullptr ? *kNone : *extras;
  }
  const Policy& GetPolicy() const {
    static const Policy* const kNone = new Policy;
    return Extras().policy.has_value() ? *Extras().policy : *kNone;
  }
};

// The head of a record that holds `bytes`.
Head RecordHead(std::string_view bytes);

// "entities", "sources", "positions", "parked", "letters", "retired".
const char* TableName(Table table);

// Bytes of memory that a head holds beyond sizeof(Head); for budgets, not exact.
size_t HeapBytes(const Head& head);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_HEAD_H_
