// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the ledger decided about a change. An outcome is an answer, not an error: absl::Status is only for what the
// ledger could not do. docs/outcomes.md explains each with its decision table.

#ifndef SEMEL_OUTCOME_H_
#define SEMEL_OUTCOME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "semel/change.h"

namespace semel {

// Stable numbers: they are on the wire and in the journal.
//
//                                                                    state changed | what a consumer does
enum class OutcomeCode : uint8_t {
  kUnspecified = 0,    // never answered
  kApplied = 1,        // all preconditions held, effects are durable              yes | ack
  kDuplicate = 2,      // this very change was applied before (or its position consumed) | ack
  kSuperseded = 3,     // every stamped update is older than what is there          no | ack
  kParked = 4,         // early, durably held, decided when its turn comes          held | ack
  kEarly = 5,          // a version or position before it has not arrived           no | redeliver later
  kConflict = 6,       // another change took the position, or a check failed       no | its owner decides again
  kIdReused = 7,       // the same id with other content                            no | dead-letter, alarm
  kRejected = 8,       // preconditions held, a rule said no                        no | dead-letter or report
  kIndeterminate = 9,  // the history needed to decide is out of reach; not applied no | dead-letter, alarm
  kInvalid = 10,       // malformed, over a limit, not anchored, wrong stream       no | dead-letter, alarm
};
inline constexpr int kOutcomeCodeCount = 11;

// "APPLIED", "DUPLICATE", ...
std::string_view ToString(OutcomeCode code);

// Which rule a kRejected change broke. Stable numbers.
enum class Rule : uint8_t {
  kNone = 0,
  kDeleted = 1,       // only expect_version or newer re-creates a deleted entity
  kClosed = 2,        // the entity is closed
  kOverflow = 3,      // the balance would leave 128 bits
  kBalanceLimit = 4,  // below min_balance or above max_balance
  kNoSuchEntity = 5,  // explicit_entities: an add may not create
  kNotZero = 6,       // a delete of an entity with a balance
  kNothingToDelete = 7,
  kAssetImmutable = 8,
  kAssetMismatch = 9,   // the add names another asset than the entity's
  kPolicyBalance = 10,  // the present balance is outside the new limits
  kUnbalanced = 11,     // the adds of an asset do not sum to zero
};
std::string_view ToString(Rule rule);

// Which kind of kConflict. Stable numbers.
enum class Conflict : uint8_t {
  kNone = 0,
  kTaken = 1,             // another change has the version: final
  kBalanceDiffers = 2,    // may hold again later, unless the change has a source
  kCheckFailed = 3,       // may hold again later, unless the change has a source
  kPartlySuperseded = 4,  // some stamped updates are older than what is there, others are not
  kDiscarded = 5,         // it was parked, and an operator discarded it
};
std::string_view ToString(Conflict conflict);

// An entity as the outcome saw it.
struct UpdateResult {
  uint64_t version = 0;
  Amount balance = 0;
};

// The answer to one change.
struct Outcome {
  OutcomeCode code = OutcomeCode::kUnspecified;
  Rule rule = Rule::kNone;              // kRejected
  Conflict conflict = Conflict::kNone;  // kConflict
  uint64_t sequence = 0;  // kApplied, kDuplicate, and what a source recorded: number of the journal's entry, from 1
  uint64_t lsn = 0;       // address of that entry; 0 where there is none (no entry has address 0)

  // updates[i] belongs to change.updates[i]. kApplied: after the change; kDuplicate: the original result (a check
  // shows the entity as it was when the answer was given); kConflict, kRejected, kEarly: as it is now. Empty for the
  // others, and for a kDuplicate whose original was not kept.
  absl::InlinedVector<UpdateResult, 2> updates;

  std::string reason;  // for people; empty for kApplied. Programs use code, rule and conflict.

  bool applied() const { return code == OutcomeCode::kApplied; }
  // The effect is in the ledger or has been overtaken: acknowledge the message.
  bool settled() const {
    return code == OutcomeCode::kApplied || code == OutcomeCode::kDuplicate || code == OutcomeCode::kSuperseded ||
           code == OutcomeCode::kParked;
  }
  // Not yet: ask for redelivery.
  bool early() const { return code == OutcomeCode::kEarly; }
  // It will not become part of the ledger as it stands: someone has to look.
  bool refused() const { return !settled() && !early(); }
};

// One line: {"id":"T-1","outcome":"APPLIED","sequence":"17","lsn":"40960","updates":[...],"reason":""}. Updates that
// only check are left out of applied and duplicate outcomes. `change` is the one that `outcome` answers.
std::string ToJson(const Change& change, const Outcome& outcome);

}  // namespace semel

#endif  // SEMEL_OUTCOME_H_
