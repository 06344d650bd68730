// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A change as the journal keeps it, for parked changes and dead letters. Unlike semel.v1.Change it takes keys, ids and
// names of any bytes. Numbers are varints, amounts zigzag varints, bytes are length and content; [..] only if a flag
// says so.
//
//   change  flags 1 (kHasSource, kBalanced, kHasEpoch), id, [epoch]  [source]  count of updates, updates
//   source  flags 1 (kHasPrevious), name, position, [previous], incarnation, window
//   update  flags 1 (bits 0..2 the action, then kHasExpectVersion ..), key, [expect_version]  [since]
//           [expect_balance]  [newer]; then add: amount, asset; put: value; set_policy: policy
//   policy  flags 1 (kHasAsset ..), [asset]  [min_balance]  [max_balance]

#ifndef SEMEL_ENGINE_JOURNAL_CHANGE_CODING_H_
#define SEMEL_ENGINE_JOURNAL_CHANGE_CODING_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/base/coding.h"
#include "semel/change.h"

namespace semel::internal {

// All but `original` and `undecodable`.
std::string EncodeChange(const Change& change);
// Errors: DataLoss.
absl::StatusOr<Change> DecodeChange(std::string_view bytes);

void PutPolicy(std::string* out, const Policy& policy);
// False if it is malformed.
bool GetPolicy(Decoder* in, Policy* policy);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_CHANGE_CODING_H_
