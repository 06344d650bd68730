// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#ifndef SEMEL_ENGINE_LEDGER_RETIRE_H_
#define SEMEL_ENGINE_LEDGER_RETIRE_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "engine/commit/committer.h"
#include "engine/commit/head_table.h"
#include "engine/state/state_store.h"
#include "semel/upkeep.h"

namespace semel::internal {

// Implements Ledger::Retire. First the prefix is journaled as retired, so that no change can touch what lies below it;
// then its entities are erased, a few thousand in a frame. What was cut short is completed by calling it again.
absl::StatusOr<RetireReport> RetirePrefix(std::string_view prefix, HeadTable* heads, StateStore* store,
                                          Committer* committer);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_RETIRE_H_
