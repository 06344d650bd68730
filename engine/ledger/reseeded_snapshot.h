// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The records of a state or a base snapshot as another epoch has them: the same, with other checks, behind a journal
// with other checksums.

#ifndef SEMEL_ENGINE_LEDGER_RESEEDED_SNAPSHOT_H_
#define SEMEL_ENGINE_LEDGER_RESEEDED_SNAPSHOT_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "engine/ledger/base_snapshot.h"
#include "engine/state/state_store.h"

namespace semel::internal {

// A base snapshot as a snapshot of a state: Scan once for each table, in their order, from the beginning. Errors: as
// BaseReader::Open.
absl::StatusOr<std::unique_ptr<StateSnapshot>> OpenBaseSnapshot(FileSystem* files, const StateIdentity& identity,
                                                                Lsn lsn);

// What `open` gives, with the digest that `seed` makes, `tip` and `floor`. Reads it to its end once, and opens it
// again.
absl::StatusOr<std::unique_ptr<StateSnapshot>> ReseedSnapshot(
    const std::function<absl::StatusOr<std::unique_ptr<StateSnapshot>>()>& open, const JournalTip& tip, Lsn floor,
    uint64_t seed);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_RESEEDED_SNAPSHOT_H_
