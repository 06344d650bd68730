// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Repair: a new ledger of what is whole in a damaged one.

#ifndef SEMEL_ENGINE_LEDGER_REPAIR_H_
#define SEMEL_ENGINE_LEDGER_REPAIR_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/ledger/world.h"
#include "semel/upkeep.h"

namespace semel::internal {

// RepairLedger over a world.
absl::StatusOr<RepairReport> Repair(const World& world, const std::string& directory, const std::string& destination,
                                    const std::function<void(const JournalEntry&)>& lost);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_REPAIR_H_
