// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// MANIFEST: what a ledger is. Text, one `name: value` a line in fixed order, the last line a checksum of the others;
// replaced atomically.
//
//   semel ledger
//   format: 1
//   uuid: 0f8f...            32 hexadecimal digits
//   epoch: 1                 rises when a backup is restored
//   created_us: 1767225600000000
//   balance_lookback: 4096   as the ledger was created; later changes are in the journal
//   explicit_entities: 0
//   checksum: 9a3c...        XXH3 of the lines above, 16 hexadecimal digits

#ifndef SEMEL_ENGINE_LEDGER_MANIFEST_H_
#define SEMEL_ENGINE_LEDGER_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/rules/classify.h"
#include "semel/version.h"

namespace semel::internal {

struct Manifest {
  int format = kFormatVersion;
  std::string uuid;  // 16 bytes
  uint64_t epoch = 1;
  int64_t created_us = 0;
  DecidingOptions options;
};

std::string FormatManifest(const Manifest& manifest);

// Errors: DataLoss (damaged), FailedPrecondition (of another format; nothing else in it is trusted then).
absl::StatusOr<Manifest> ParseManifest(std::string_view text);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_MANIFEST_H_
