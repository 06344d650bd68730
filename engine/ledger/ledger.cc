// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "semel/ledger.h"

#include <algorithm>
#include <string>

#include "engine/base/vital_memory.h"
#include "engine/ledger/world.h"

namespace semel {

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(std::string_view directory, const Options& options) {
  const internal::VitalMemory vital;
  return internal::OpenForWriting(std::string(directory), options,
                                  internal::RealWorld(options.state_map_bytes, /*read_only=*/false));
}

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::OpenReadOnly(std::string_view directory,
                                                             const ReadOnlyOptions& options) {
  const internal::VitalMemory vital;
  return internal::OpenForReading(std::string(directory), options,
                                  internal::RealWorld(options.state_map_bytes, /*read_only=*/true));
}

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::OpenInMemory(const Options& options) {
  const internal::VitalMemory vital;
  constexpr size_t kSegmentBytes = size_t{1} << 20;  // all of it is memory
  Options in_memory = options;
  in_memory.create_if_missing = true;
  in_memory.segment_bytes = std::min(options.segment_bytes, kSegmentBytes);
  return internal::OpenForWriting("/ledger", in_memory, internal::MemoryWorld());
}

}  // namespace semel
