// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// An effect: what one decided change does to one entity (or to the source that it came through). Effects are what the
// journal stores, and applying one to a head is the only way in which a head changes: at commit, at recovery and in a
// read-only process alike.

#ifndef SEMEL_ENGINE_RULES_EFFECT_H_
#define SEMEL_ENGINE_RULES_EFFECT_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "engine/rules/head.h"
#include "semel/change.h"

namespace semel::internal {

// Views point into the change that was decided, or into the bytes of the entry that was read.
struct Effect {
  Table table = Table::kEntities;
  std::string_view key;    // of the entity; the name of the source
  uint64_t version = 0;    // after the change
  ChainPointers pointers;  // back into the entity's own past (see chain.h)

  // Table::kEntities
  Action action = Action::kNone;
  Amount balance = 0;             // after the change
  Amount amount = 0;              // kAdd
  std::string_view value;         // kPut
  std::optional<Policy> policy;   // kSetPolicy: the whole policy after the change
  std::optional<uint64_t> stamp;  // of a `newer` update
  bool deleted = false;           // after the change
  // Where the entity's value and policy were set, if it has them and this effect is not what set them: so that a past
  // state is read without searching.
  std::optional<Lsn> value_lsn;
  std::optional<Lsn> policy_lsn;

  // Table::kSources
  uint64_t position = 0;  // that was consumed
  std::string_view incarnation;
  bool chained = false;
  uint32_t window = 0;
  bool settles = false;                    // the position was neither refused nor parked
  bool sets_cursor = false;                // an operator moved the cursor to `position`; nothing was consumed
  std::optional<uint64_t> settled_before;  // SourceState::settled before the change
};
using Effects = absl::InlinedVector<Effect, 3>;

// Fills the version, pointers, value_lsn and policy_lsn of the next effect on `head`; the caller fills the rest.
Effect NextEffect(Table table, std::string_view key, const Head& head);

// A position of the source that was parked or refused is settled after all: moves SourceState::settled.
void SettlePosition(uint64_t position, Head* head);

// Moves `head` to what it is after `effect`, which the entry `entry` carries. DataLoss, with nothing changed, unless
// effect.version is head->version + 1.
absl::Status ApplyEffect(const Effect& effect, const EntryRef& entry, Head* head);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_EFFECT_H_
