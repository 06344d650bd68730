// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Replacing the state by one that was made beside it: `state` becomes `state.old`, `state.new` becomes `state`,
// `state.old` goes. A crash in between leaves the old one or the new one, once FinishReplacingState has looked at it.
// The caller holds the ledger's lock, and neither state is open in this process.

#ifndef SEMEL_ENGINE_LEDGER_REPLACE_STATE_H_
#define SEMEL_ENGINE_LEDGER_REPLACE_STATE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/io/file_system.h"
#include "engine/ledger/world.h"

namespace semel::internal {

inline constexpr char kNewState[] = "state.new";

// Puts `state.new`, which is whole and durable, in the place of the state, if there is one.
absl::Status ReplaceState(FileSystem* files, const std::string& directory);

// What a process that died in the middle of that left: puts the old state back if there is no other, and removes the
// rest.
absl::Status FinishReplacingState(FileSystem* files, const std::string& directory);

// Whether that is under way, or was cut short.
absl::StatusOr<bool> IsReplacingState(FileSystem* files, const std::string& directory);

// Makes the state anew without the pages that hold nothing. Errors: as World::compact_state; the state is then as it
// was.
absl::Status CompactState(const World& world, const StateIdentity& identity);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_REPLACE_STATE_H_
