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

#include "engine/rules/chain.h"
#include "engine/rules/identity.h"
#include "semel/change.h"
#include "semel/outcome.h"

namespace semel::internal {

enum class Table : uint8_t { kEntities = 0, kSources = 1 };

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
  uint64_t cursor = 0;  // the last consumed position
  std::string incarnation;
  bool chained = false;  // the first message named a previous one
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

struct Head {
  uint64_t version = 0;  // 0: never existed
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

// Bytes of memory that a head holds beyond sizeof(Head); for budgets, not exact.
size_t HeapBytes(const Head& head);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_HEAD_H_
