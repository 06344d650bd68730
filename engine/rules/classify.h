// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The decision: a pure function over (change, heads, history). docs/outcomes.md has its two tables; classify.cc has
// them as code, tests/rules enumerates every combination.

#ifndef SEMEL_ENGINE_RULES_CLASSIFY_H_
#define SEMEL_ENGINE_RULES_CLASSIFY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/rules/head.h"
#include "semel/change.h"
#include "semel/outcome.h"

namespace semel::internal {

// The options that decide. They are part of the ledger, not of a process.
struct DecidingOptions {
  uint32_t balance_lookback = 4096;
  bool explicit_entities = false;
  bool parking = false;  // what an Apply that does not say gets
  // Bounds of what is parked, in all and with one entity.
  uint64_t parking_changes = 100'000;
  uint64_t parking_bytes = uint64_t{64} << 20;
  uint64_t parking_changes_per_entity = 1'000;
  uint64_t parking_bytes_per_entity = uint64_t{8} << 20;
  friend bool operator==(const DecidingOptions&, const DecidingOptions&) = default;
};

// What `classify` may ask about the past of the entity of update `i`. Implemented over the journal by the engine, over
// a plain vector by tests. The newest entry is never asked for: the head has it.
class History {
 public:
  virtual ~History() = default;

  // The entry that made `version`; 1 <= version < head version. nullopt: not readable any more (trimmed).
  virtual absl::StatusOr<std::optional<EntryRef>> At(size_t i, uint64_t version) = 0;

  // The newest entry with this id that made a version in (after, head version), reading at most `limit` entries from
  // the newest of them backwards. `complete`: the whole range was read (always true when `found`).
  struct Search {
    std::optional<EntryRef> found;
    bool complete = false;
  };
  virtual absl::StatusOr<Search> Find(size_t i, const IdTag& id, uint64_t after, uint64_t limit) = 0;

  // The version that the entry at `lsn` gave the entity of update `i`; 0 if it did not touch it or is not readable.
  virtual absl::StatusOr<uint64_t> VersionGivenBy(Lsn lsn, size_t i) = 0;
};

// The verdict of one update.
enum class Verdict : uint8_t {
  kHolds,          // M
  kApplied,        // D: evidence that this change was applied
  kTaken,          // T: another change took the position
  kOutOfReach,     // O: the evidence is below the floor or beyond the lookback
  kAhead,          // G: expects what is not there yet
  kSuperseded,     // S
  kUnconditional,  // N
  kCheckHolds,
  kCheckFails,
};
inline constexpr int kVerdictCount = 9;

struct Judgement {
  Verdict verdict = Verdict::kUnconditional;
  bool exact = false;                   // by expect_version: the verdict names a version
  uint64_t awaits = 0;                  // kAhead: the version that must come first
  Conflict conflict = Conflict::kNone;  // kTaken: kTaken or kBalanceDiffers
  EntryRef evidence;                    // kApplied
};

// The verdict table, for update `i` of a valid change. `stamped_only`: every advancing update of the change is stamped.
absl::StatusOr<Judgement> Judge(const Change& change, size_t i, const Identity& identity, const Head& head,
                                const DecidingOptions& options, bool stamped_only, History& history);

struct Decision {
  OutcomeCode code = OutcomeCode::kUnspecified;
  Conflict conflict = Conflict::kNone;
  Rule rule = Rule::kNone;
  size_t update = 0;                 // the update that decided, where one did
  uint64_t awaits = 0;               // kEarly
  std::optional<EntryRef> evidence;  // kDuplicate, kIdReused
};

// The change table: the first row that matches. Says kApplied for "all hold": the rules come after (see rules.h).
Decision Combine(absl::Span<const Judgement> judgements, const Fingerprint& fingerprint);

// Judge + Combine, then the rules of the entities (CheckRules) if everything holds. heads[i] belongs to
// change.updates[i]; the change must be valid (WhyInvalid). Errors: those of `history`; DataLoss when the ledger's own
// record contradicts its heads (H03: the entry found as evidence moved an entity further than its head knows).
absl::StatusOr<Decision> Classify(const Change& change, const Identity& identity, absl::Span<const Head* const> heads,
                                  const DecidingOptions& options, History& history);

// The decision in words, for Outcome::reason.
std::string Explain(const Decision& decision, const Change& change, absl::Span<const Head* const> heads);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_RULES_CLASSIFY_H_
