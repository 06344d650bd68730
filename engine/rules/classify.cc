// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The verdict of one update (c: the head's version; "found": the change's id in the entries that the update asks about,
// newest first, at most balance_lookback of them; "whole": all of those entries were read; H01..: the holes in simpler
// wordings that a row closes):
//
//   expect_version x   x < c   entry x+1 has the id -> D exactly | since: found -> D | entry x+1 not readable -> O
//                              since: not whole -> O (H04) | else T
//                      x > c   since: found -> D | not whole -> O | else G exactly
//                      x == c  since: found -> D | the newest entry has the id -> D (H02) | since: not whole -> O
//                              else M exactly
//   expect_balance b   found -> D | since > c -> G | not whole -> O, unless the source's position stands in for the
//                      past (and no since was given) | balance == b -> M | else T
//   since n            n > c -> G | found -> D | not whole -> O | else M
//   newer s            above the entity's stamp -> M | below -> S | equal: its setter has the id -> D
//                      its setter has the fingerprint and every advancing update is stamped (H10) -> D | else T
//   none               N
//   check              expects a version above c -> G (H05) | holds or fails
//
// "found" is asked about (since, c], or for expect_balance without a usable since about the whole past.

#include "engine/rules/classify.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/rules/rules.h"
#include "engine/rules/text.h"

namespace semel::internal {
namespace {

Judgement Simply(Verdict verdict) {
  Judgement judgement;
  judgement.verdict = verdict;
  return judgement;
}

Judgement Exactly(Verdict verdict) {
  Judgement judgement = Simply(verdict);
  judgement.exact = true;
  return judgement;
}

Judgement Applied(const EntryRef& evidence, bool exact = false) {
  Judgement judgement = Simply(Verdict::kApplied);
  judgement.exact = exact;
  judgement.evidence = evidence;
  return judgement;
}

Judgement Ahead(uint64_t awaits, bool exact = false) {
  Judgement judgement = Simply(Verdict::kAhead);
  judgement.exact = exact;
  judgement.awaits = awaits;
  return judgement;
}

Judgement Taken(Conflict conflict) {
  Judgement judgement = Simply(Verdict::kTaken);
  judgement.conflict = conflict;
  return judgement;
}

// Judges one update: one method for each block of the table.
class UpdateJudge {
 public:
  UpdateJudge(const Change& change, size_t i, const Identity& identity, const Head& head,
              const DecidingOptions& options, bool stamped_only, History& history)
      : update_(change.updates[i]),
        sourced_(change.source.has_value()),
        i_(i),
        identity_(identity),
        head_(head),
        lookback_(options.balance_lookback),
        stamped_only_(stamped_only),
        history_(history) {}

  absl::StatusOr<Judgement> Judge() {
    if (update_.action == Action::kCheck) return JudgeCheck();
    if (update_.expect_version) return JudgeVersion();
    if (update_.expect_balance) return JudgeBalance();
    if (update_.since) return JudgeSince();
    if (update_.newer) return JudgeStamp();
    return Simply(Verdict::kUnconditional);
  }

 private:
  Judgement JudgeCheck() const {
    if (!update_.expect_version) return CheckOf(*update_.expect_balance == head_.balance);
    if (*update_.expect_version > head_.version) return Ahead(*update_.expect_version);
    return CheckOf(*update_.expect_version == head_.version);
  }

  static Judgement CheckOf(bool holds) { return Simply(holds ? Verdict::kCheckHolds : Verdict::kCheckFails); }

  absl::StatusOr<Judgement> JudgeVersion() {
    if (*update_.expect_version < head_.version) return JudgeVersionBehind();
    if (!update_.since) return JudgeVersionAfter(/*past_complete=*/true);  // the common case: nothing is searched
    SEMEL_ASSIGN_OR_RETURN(const History::Search past, FindSince());
    if (past.found) return Applied(*past.found);
    return JudgeVersionAfter(past.complete);
  }

  // Of the current version or one ahead, the id not found in what since asks about.
  Judgement JudgeVersionAfter(bool past_complete) const {
    if (*update_.expect_version > head_.version) {
      return past_complete ? Ahead(*update_.expect_version, /*exact=*/true) : Simply(Verdict::kOutOfReach);
    }
    if (head_.version > 0 && head_.last.id == identity_.id) return Applied(head_.last);
    return past_complete ? Exactly(Verdict::kHolds) : Simply(Verdict::kOutOfReach);
  }

  absl::StatusOr<Judgement> JudgeVersionBehind() {
    SEMEL_ASSIGN_OR_RETURN(const std::optional<EntryRef> taker, EntryAt(*update_.expect_version + 1));
    if (taker && taker->id == identity_.id) return Applied(*taker, /*exact=*/true);
    SEMEL_ASSIGN_OR_RETURN(const History::Search past, FindSince());
    if (past.found) return Applied(*past.found);
    return taker && past.complete ? Taken(Conflict::kTaken) : Simply(Verdict::kOutOfReach);
  }

  absl::StatusOr<Judgement> JudgeBalance() {
    const bool since_ahead = update_.since && *update_.since > head_.version;
    SEMEL_ASSIGN_OR_RETURN(const History::Search past, Find(since_ahead ? 0 : update_.since.value_or(0)));
    if (past.found) return Applied(*past.found);
    if (since_ahead) return Ahead(*update_.since);
    const bool source_stands_in = sourced_ && !update_.since;
    if (!past.complete && !source_stands_in) return Simply(Verdict::kOutOfReach);
    return *update_.expect_balance == head_.balance ? Simply(Verdict::kHolds) : Taken(Conflict::kBalanceDiffers);
  }

  absl::StatusOr<Judgement> JudgeSince() {
    if (*update_.since > head_.version) return Ahead(*update_.since);
    SEMEL_ASSIGN_OR_RETURN(const History::Search past, FindSince());
    if (past.found) return Applied(*past.found);
    return Simply(past.complete ? Verdict::kHolds : Verdict::kOutOfReach);
  }

  Judgement JudgeStamp() const {
    const std::optional<Stamp>& stamp = head_.Extras().stamp;
    if (!stamp || *update_.newer > stamp->value) return Simply(Verdict::kHolds);
    if (*update_.newer < stamp->value) return Simply(Verdict::kSuperseded);
    const bool same_state = stamped_only_ && stamp->setter.fingerprint == identity_.fingerprint;
    if (stamp->setter.id == identity_.id || same_state) return Applied(stamp->setter);
    return Taken(Conflict::kTaken);
  }

  absl::StatusOr<std::optional<EntryRef>> EntryAt(uint64_t version) {
    if (version == head_.version) return std::optional<EntryRef>(head_.last);
    return history_.At(i_, version);
  }

  // What the update asks about by `since`: nothing, if it has none or one that is still ahead.
  absl::StatusOr<History::Search> FindSince() {
    if (!update_.since) return History::Search{std::nullopt, true};
    return Find(*update_.since);
  }

  // The newest entry with the change's id in (after, head version]. The head answers for the newest entry, which counts
  // as one of those that may be read.
  absl::StatusOr<History::Search> Find(uint64_t after) {
    if (after >= head_.version) return History::Search{std::nullopt, true};
    if (lookback_ == 0) return History::Search{std::nullopt, false};
    if (head_.last.id == identity_.id) return History::Search{head_.last, true};
    if (after + 1 == head_.version) return History::Search{std::nullopt, true};
    return history_.Find(i_, identity_.id, after, lookback_ - 1);
  }

  const Update& update_;
  const bool sourced_;
  const size_t i_;
  const Identity& identity_;
  const Head& head_;
  const uint64_t lookback_;
  const bool stamped_only_;
  History& history_;
};

// Where in a list of judgements each verdict stands first.
class Tally {
 public:
  static constexpr size_t kNone = ~size_t{0};

  Tally(absl::Span<const Judgement> judgements, const Fingerprint& fingerprint) {
    first_.fill(kNone);
    for (size_t i = 0; i < judgements.size(); ++i) Note(judgements[i], i, fingerprint);
  }

  size_t operator[](Verdict verdict) const { return first_[static_cast<size_t>(verdict)]; }
  bool Has(Verdict verdict) const { return (*this)[verdict] != kNone; }
  size_t applied_with_fingerprint() const { return applied_with_fingerprint_; }
  size_t taken_for_good() const { return taken_for_good_; }

 private:
  void Note(const Judgement& judgement, size_t i, const Fingerprint& fingerprint) {
    SetOnce(&first_[static_cast<size_t>(judgement.verdict)], i);
    if (judgement.verdict == Verdict::kApplied && judgement.evidence.fingerprint == fingerprint) {
      SetOnce(&applied_with_fingerprint_, i);
    }
    if (judgement.verdict == Verdict::kTaken && judgement.conflict == Conflict::kTaken) SetOnce(&taken_for_good_, i);
  }

  static void SetOnce(size_t* place, size_t i) {
    if (*place == kNone) *place = i;
  }

  std::array<size_t, kVerdictCount> first_;
  size_t applied_with_fingerprint_ = kNone;
  size_t taken_for_good_ = kNone;
};

Decision Decide(OutcomeCode code, size_t update) {
  Decision decision;
  decision.code = code;
  decision.update = update;
  return decision;
}

Decision DecideApplied(OutcomeCode code, absl::Span<const Judgement> judgements, size_t update) {
  Decision decision = Decide(code, update);
  decision.evidence = judgements[update].evidence;
  return decision;
}

Decision DecideConflict(Conflict conflict, size_t update) {
  Decision decision = Decide(OutcomeCode::kConflict, update);
  decision.conflict = conflict;
  return decision;
}

Decision DecideEarly(absl::Span<const Judgement> judgements, size_t update) {
  Decision decision = Decide(OutcomeCode::kEarly, update);
  decision.awaits = judgements[update].awaits;
  return decision;
}

bool EveryAdvancingIsStamped(const Change& change) {
  return std::all_of(change.updates.begin(), change.updates.end(),
                     [](const Update& update) { return update.newer.has_value() || update.action == Action::kCheck; });
}

// H03: an entry that is this very change, and the head of an entity that this entry moved, must agree. Only the
// ledger's own record can accuse the ledger: no message can bring this about.
absl::Status CheckRecord(const Change& change, absl::Span<const Judgement> judgements, const Identity& identity,
                         absl::Span<const Head* const> heads, History& history) {
  for (const Judgement& applied : judgements) {
    if (applied.verdict != Verdict::kApplied || !applied.exact) continue;
    if (applied.evidence.fingerprint != identity.fingerprint) continue;
    for (size_t i = 0; i < judgements.size(); ++i) {
      const bool denies = judgements[i].verdict == Verdict::kHolds || judgements[i].verdict == Verdict::kAhead;
      if (!denies || !judgements[i].exact) continue;
      SEMEL_ASSIGN_OR_RETURN(const uint64_t given, history.VersionGivenBy(applied.evidence.lsn, i));
      if (heads[i]->version >= given) continue;
      return absl::DataLossError(absl::StrCat("the entry at LSN ", applied.evidence.lsn, " made version ", given,
                                              " of ", ShowKey(change.updates[i].key), ", which is at version ",
                                              heads[i]->version, ": the files are damaged; run semel verify"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Judgement> Judge(const Change& change, size_t i, const Identity& identity, const Head& head,
                                const DecidingOptions& options, bool stamped_only, History& history) {
  return UpdateJudge(change, i, identity, head, options, stamped_only, history).Judge();
}

Decision Combine(absl::Span<const Judgement> judgements, const Fingerprint& fingerprint) {
  const Tally first(judgements, fingerprint);
  // Duplicates come first: what was applied stays so, whatever else has changed since.
  if (first.applied_with_fingerprint() != Tally::kNone) {
    return DecideApplied(OutcomeCode::kDuplicate, judgements, first.applied_with_fingerprint());
  }
  if (first.Has(Verdict::kApplied)) {
    return DecideApplied(OutcomeCode::kIdReused, judgements, first[Verdict::kApplied]);
  }
  // Lost evidence may hide a duplicate; no other verdict proves that there was none (H21).
  if (first.Has(Verdict::kOutOfReach)) return Decide(OutcomeCode::kIndeterminate, first[Verdict::kOutOfReach]);
  // An acknowledgement needs every advancing update to be superseded (H10).
  if (first.Has(Verdict::kSuperseded)) {
    const bool partly = first.Has(Verdict::kHolds) || first.Has(Verdict::kAhead) || first.Has(Verdict::kTaken) ||
                        first.Has(Verdict::kUnconditional);
    return partly ? DecideConflict(Conflict::kPartlySuperseded, first[Verdict::kSuperseded])
                  : Decide(OutcomeCode::kSuperseded, first[Verdict::kSuperseded]);
  }
  // A position that is taken for good says more than a balance that differs today.
  if (first.taken_for_good() != Tally::kNone) return DecideConflict(Conflict::kTaken, first.taken_for_good());
  if (first.Has(Verdict::kTaken)) return DecideConflict(Conflict::kBalanceDiffers, first[Verdict::kTaken]);
  if (first.Has(Verdict::kAhead)) return DecideEarly(judgements, first[Verdict::kAhead]);
  if (first.Has(Verdict::kCheckFails)) return DecideConflict(Conflict::kCheckFailed, first[Verdict::kCheckFails]);
  return Decide(OutcomeCode::kApplied, 0);
}

absl::StatusOr<Decision> Classify(const Change& change, const Identity& identity, absl::Span<const Head* const> heads,
                                  const DecidingOptions& options, History& history) {
  SEMEL_DCHECK(heads.size() == change.updates.size());
  const bool stamped_only = EveryAdvancingIsStamped(change);
  absl::InlinedVector<Judgement, 4> judgements;
  for (size_t i = 0; i < change.updates.size(); ++i) {
    SEMEL_ASSIGN_OR_RETURN(judgements.emplace_back(),
                           Judge(change, i, identity, *heads[i], options, stamped_only, history));
  }
  SEMEL_RETURN_IF_ERROR(CheckRecord(change, judgements, identity, heads, history));
  Decision decision = Combine(judgements, identity.fingerprint);
  if (decision.code != OutcomeCode::kApplied) return decision;
  const RuleVerdict broken = CheckRules(change, heads, options);
  if (broken.rule != Rule::kNone) {
    decision = Decide(OutcomeCode::kRejected, broken.update);
    decision.rule = broken.rule;
  }
  return decision;
}

}  // namespace semel::internal
