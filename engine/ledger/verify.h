// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Verify: every checksum and every chain, and whether the journal and the state tell the same story.

#ifndef SEMEL_ENGINE_LEDGER_VERIFY_H_
#define SEMEL_ENGINE_LEDGER_VERIFY_H_

#include <functional>

#include "absl/status/statusor.h"
#include "engine/journal/reader.h"
#include "engine/ledger/manifest.h"
#include "engine/state/state_store.h"
#include "semel/ledger.h"

namespace semel::internal {

// Replays the journal from its beginning into memory, checking on the way; at the state's checkpoint compares each
// record with what the replay says; goes on to the durable end. Memory: all heads. The first fault ends it.
absl::StatusOr<VerifyReport> VerifyFiles(const Manifest& manifest, JournalReader* journal, StateStore* store,
                                         const std::function<void(double)>& progress);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_VERIFY_H_
