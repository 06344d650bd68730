// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Making a ledger of an export: as if it had been trimmed of all its history. The journal begins, empty, at the
// export's LSN, which is the floor and the address of the base snapshot.

#ifndef SEMEL_ENGINE_LEDGER_IMPORT_H_
#define SEMEL_ENGINE_LEDGER_IMPORT_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/ledger/world.h"
#include "semel/upkeep.h"

namespace semel::internal {

// semel::ImportLedger over a world.
absl::StatusOr<ImportReport> ImportRecords(const World& world, const std::string& directory, ExportFormat format,
                                           const std::function<absl::StatusOr<std::string>()>& read);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_IMPORT_H_
