// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Restoring a backup: a new ledger with the same entries at the same addresses, in a new epoch. All checks depend on
// the epoch, so that nothing of one timeline passes for the other's: journal and base snapshot are written anew, each
// frame and record verified on the way, and the state is made of them.

#ifndef SEMEL_ENGINE_LEDGER_RESTORE_H_
#define SEMEL_ENGINE_LEDGER_RESTORE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "engine/ledger/world.h"
#include "semel/upkeep.h"

namespace semel::internal {

// RestoreLedger over a world.
absl::StatusOr<RestoreReport> RestoreBackup(const World& world, const std::string& backup, const std::string& directory,
                                            uint64_t epoch, const Progress& progress);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_RESTORE_H_
