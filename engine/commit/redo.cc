// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/commit/redo.h"

#include "engine/base/status_macros.h"
#include "engine/journal/reader.h"

namespace semel::internal {

absl::Status Redo::Frame(const FrameHeader& header, std::string_view payload) {
  // First all keys of the frame, so that what is not in memory is read from the state in key order.
  keys_.clear();
  SEMEL_RETURN_IF_ERROR(VisitEntries(header, payload, seed_, [&](const Entry& entry) -> absl::StatusOr<bool> {
    for (const Effect& effect : entry.effects) keys_.push_back({effect.table, effect.key});
    return true;
  }));
  SEMEL_RETURN_IF_ERROR(heads_->Load(keys_, &nodes_));

  size_t node = 0;
  SEMEL_RETURN_IF_ERROR(VisitEntries(header, payload, seed_, [&](const Entry& entry) -> absl::StatusOr<bool> {
    const EntryRef ref = RefOf(entry, seed_);
    for (const Effect& effect : entry.effects) SEMEL_RETURN_IF_ERROR(heads_->Apply(nodes_[node++], effect, ref));
    if (entry.options.has_value()) options_ = *entry.options;
    return true;
  }));
  heads_->Publish(TipAfter(header));
  return absl::OkStatus();
}

}  // namespace semel::internal
