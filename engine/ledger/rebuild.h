// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Making a state from what it is derived from: the newest base snapshot, if there is one, and the journal.

#ifndef SEMEL_ENGINE_LEDGER_REBUILD_H_
#define SEMEL_ENGINE_LEDGER_REBUILD_H_

#include <string>

#include "absl/status/statusor.h"
#include "engine/ledger/manifest.h"
#include "engine/ledger/world.h"
#include "semel/upkeep.h"

namespace semel::internal {

// Makes the state `identity`, which must not be there, of the base snapshot and the journal in the same ledger's
// directory, up to the end of the journal; clears a torn last frame, as opening does. The caller holds the ledger's
// lock. Errors: DataLoss (base snapshot or journal); those of the state. What it made is then left to the caller.
absl::StatusOr<RebuildReport> BuildState(const World& world, const StateIdentity& identity, const Manifest& manifest,
                                         const Progress& progress);

// RebuildLedger over a world.
absl::StatusOr<RebuildReport> RebuildState(const World& world, const std::string& directory, const Progress& progress);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_REBUILD_H_
