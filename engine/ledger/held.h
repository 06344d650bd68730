// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Reading what the ledger holds: parked changes, dead letters, retired prefixes.

#ifndef SEMEL_ENGINE_LEDGER_HELD_H_
#define SEMEL_ENGINE_LEDGER_HELD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/commit/head_table.h"
#include "semel/held.h"

namespace semel::internal {

absl::StatusOr<std::vector<ParkedChange>> ListParked(const HeadTable& heads, const HeldOptions& options);
absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(const HeadTable& heads, const HeldOptions& options);
absl::StatusOr<std::vector<std::string>> ListRetired(const HeadTable& heads);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_HELD_H_
