// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Writing out all that a ledger knows but its history (api/proto/semel/v1/export.proto).

#ifndef SEMEL_ENGINE_LEDGER_EXPORT_H_
#define SEMEL_ENGINE_LEDGER_EXPORT_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/frame.h"
#include "engine/ledger/manifest.h"
#include "engine/rules/head.h"
#include "semel/upkeep.h"

namespace semel::internal {

// One moment of a ledger.
struct ExportSource {
  Manifest manifest;
  JournalTip tip;
  DecidingOptions options;  // in force then
  // Visits the records of a table by key, until `visit` returns false.
  std::function<absl::Status(Table, const std::function<bool(std::string_view key, const Head& head)>& visit)> scan;
};

// Implements Ledger::Export.
absl::StatusOr<uint64_t> ExportLedger(const ExportSource& source, ExportFormat format,
                                      const std::function<absl::Status(std::string_view)>& write);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_EXPORT_H_
