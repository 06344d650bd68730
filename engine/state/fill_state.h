// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#ifndef SEMEL_ENGINE_STATE_FILL_STATE_H_
#define SEMEL_ENGINE_STATE_FILL_STATE_H_

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/state/state_store.h"

namespace semel::internal {

// Reads the next record; false at the end. The views stay good until the next call.
using RecordReader = std::function<absl::StatusOr<bool>(Table* table, std::string_view* key, const Head** head)>;

// Puts records, which come in (table, key) order, into an empty store: in several transactions, so that memory stays
// bounded. The last makes it the state of the checkpoint `info`. Errors: those of `next` and of the store; the store
// then holds a part, as of an empty ledger.
absl::Status FillState(const RecordReader& next, const CheckpointInfo& info, StateStore* store);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_FILL_STATE_H_
