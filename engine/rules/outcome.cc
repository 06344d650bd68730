// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "semel/outcome.h"

namespace semel {

std::string_view ToString(OutcomeCode code) {
  switch (code) {
    case OutcomeCode::kUnspecified:
      return "UNSPECIFIED";
    case OutcomeCode::kApplied:
      return "APPLIED";
    case OutcomeCode::kDuplicate:
      return "DUPLICATE";
    case OutcomeCode::kSuperseded:
      return "SUPERSEDED";
    case OutcomeCode::kParked:
      return "PARKED";
    case OutcomeCode::kEarly:
      return "EARLY";
    case OutcomeCode::kConflict:
      return "CONFLICT";
    case OutcomeCode::kIdReused:
      return "ID_REUSED";
    case OutcomeCode::kRejected:
      return "REJECTED";
    case OutcomeCode::kIndeterminate:
      return "INDETERMINATE";
    case OutcomeCode::kInvalid:
      return "INVALID";
  }
  return "UNKNOWN";
}

std::string_view ToString(Rule rule) {
  switch (rule) {
    case Rule::kNone:
      return "none";
    case Rule::kDeleted:
      return "deleted";
    case Rule::kClosed:
      return "closed";
    case Rule::kOverflow:
      return "overflow";
    case Rule::kBalanceLimit:
      return "balance limit";
    case Rule::kNoSuchEntity:
      return "no such entity";
    case Rule::kNotZero:
      return "balance is not zero";
    case Rule::kNothingToDelete:
      return "nothing to delete";
    case Rule::kAssetImmutable:
      return "asset is immutable";
    case Rule::kAssetMismatch:
      return "asset mismatch";
    case Rule::kPolicyBalance:
      return "balance outside the new limits";
    case Rule::kUnbalanced:
      return "unbalanced";
  }
  return "unknown";
}

std::string_view ToString(Conflict conflict) {
  switch (conflict) {
    case Conflict::kNone:
      return "none";
    case Conflict::kTaken:
      return "taken";
    case Conflict::kBalanceDiffers:
      return "balance differs";
    case Conflict::kCheckFailed:
      return "check failed";
    case Conflict::kDiscarded:
      return "discarded";
    case Conflict::kPartlySuperseded:
      return "partly superseded";
  }
  return "unknown";
}

}  // namespace semel
