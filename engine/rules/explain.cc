// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/strings.h"
#include "engine/rules/classify.h"
#include "engine/rules/text.h"

namespace semel::internal {
namespace {

std::string At(const Head& head, uint64_t expected) {
  return absl::StrCat(" is at version ", head.version, ", ", expected, " was expected");
}

std::string BalanceOtherThan(const Head& head, Amount expected) {
  return absl::StrCat(" has balance ", AmountToString(head.balance), ", ", AmountToString(expected), " was expected");
}

std::string ExplainTaken(const Update& update, const Head& head) {
  if (update.expect_version) return At(head, *update.expect_version) + ": taken by another change";
  return absl::StrCat(" has stamp ", update.newer.value_or(0), " by another change");
}

std::string ExplainConflict(const Decision& decision, const Update& update, const Head& head) {
  switch (decision.conflict) {
    case Conflict::kTaken:
      return ExplainTaken(update, head);
    case Conflict::kBalanceDiffers:
      return BalanceOtherThan(head, update.expect_balance.value_or(0));
    case Conflict::kCheckFailed:
      return (update.expect_version ? At(head, *update.expect_version)
                                    : BalanceOtherThan(head, update.expect_balance.value_or(0))) +
             ": the check fails";
    case Conflict::kDiscarded:
      return "discarded";
    case Conflict::kPartlySuperseded:
      return " has a newer stamp, but other updates of the change are not superseded";
    case Conflict::kNone:
      break;
  }
  return "";
}

// " - 500" or " + 500".
std::string Signed(Amount amount) {
  const std::string text = AmountToString(amount);
  return amount < 0 ? absl::StrCat(" - ", text.substr(1)) : absl::StrCat(" + ", text);
}

// The limit is the lower one if the update subtracts: it cannot have passed the other.
std::string ExplainBalanceLimit(const Update& update, const Head& head) {
  const Policy& policy = head.GetPolicy();
  const std::string sum = absl::StrCat(": balance ", AmountToString(head.balance), Signed(update.amount));
  const bool below = policy.min_balance && head.balance + update.amount < *policy.min_balance;
  return below ? absl::StrCat(sum, " would fall below min_balance ", AmountToString(*policy.min_balance))
               : absl::StrCat(sum, " would rise above max_balance ", AmountToString(policy.max_balance.value_or(0)));
}

std::string ExplainRule(Rule rule, const Update& update, const Head& head) {
  switch (rule) {
    case Rule::kDeleted:
      return " is deleted; only expect_version or newer re-creates it";
    case Rule::kClosed:
      return " is closed";
    case Rule::kOverflow:
      return absl::StrCat(": balance ", AmountToString(head.balance), Signed(update.amount),
                          " does not fit in 128 bits");
    case Rule::kBalanceLimit:
      return ExplainBalanceLimit(update, head);
    case Rule::kNoSuchEntity:
      return " does not exist, and an add may not create it in this ledger";
    case Rule::kNotZero:
      return absl::StrCat(" has balance ", AmountToString(head.balance), "; only a zero balance may be deleted");
    case Rule::kNothingToDelete:
      return head.deleted ? " is deleted already" : " does not exist";
    case Rule::kAssetImmutable:
      return " has its asset for good";
    case Rule::kAssetMismatch:
      return head.GetPolicy().asset ? " is of another asset than the add" : " has no asset, the add names one";
    case Rule::kPolicyBalance:
      return absl::StrCat(": balance ", AmountToString(head.balance), " is outside the new limits");
    case Rule::kUnbalanced:
    case Rule::kNone:
      break;
  }
  return "";
}

// What to say after the key of the update that decided.
std::string ExplainUpdate(const Decision& decision, const Update& update, const Head& head) {
  switch (decision.code) {
    case OutcomeCode::kSuperseded:
      return absl::StrCat(": stamp ", update.newer.value_or(0), " is older than what is there");
    case OutcomeCode::kEarly:
      return At(head, decision.awaits) + ": it has not arrived yet";
    case OutcomeCode::kConflict:
      return ExplainConflict(decision, update, head);
    case OutcomeCode::kRejected:
      return ExplainRule(decision.rule, update, head);
    case OutcomeCode::kIndeterminate:
      return ": the history that could tell a duplicate is trimmed or beyond balance_lookback";
    default:
      return "";
  }
}

// By number, if the evidence has it: what was found through a chain has only its address.
std::string ShowEntry(const EntryRef& entry) {
  return entry.sequence != 0 ? absl::StrCat("entry ", entry.sequence) : absl::StrCat("the entry at LSN ", entry.lsn);
}

}  // namespace

std::string Explain(const Decision& decision, const Change& change, absl::Span<const Head* const> heads) {
  if (decision.code == OutcomeCode::kApplied) return "";
  if (decision.code == OutcomeCode::kDuplicate) return "applied before, as " + ShowEntry(*decision.evidence);
  if (decision.code == OutcomeCode::kIdReused) {
    return "the id was used with other content, in " + ShowEntry(*decision.evidence);
  }
  if (decision.rule == Rule::kUnbalanced) return "the adds of an asset do not sum to zero";
  const Update& update = change.updates[decision.update];
  return ShowKey(update.key) + ExplainUpdate(decision, update, *heads[decision.update]);
}

}  // namespace semel::internal
