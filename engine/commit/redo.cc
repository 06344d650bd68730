// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/commit/redo.h"

#include <algorithm>

#include "engine/base/status_macros.h"
#include "engine/journal/reader.h"

namespace semel::internal {

absl::Status Redo::Frame(const FrameHeader& header, std::string_view entries) {
  // First all keys of the frame, so that what is not in memory is read from the state in key order.
  keys_.clear();
  SEMEL_RETURN_IF_ERROR(VisitEntries(header, entries, seeds_.checks, [&](const Entry& entry) -> absl::StatusOr<bool> {
    for (const Effect& effect : entry.effects) keys_.push_back({effect.table, effect.key});
    return true;
  }));
  SEMEL_RETURN_IF_ERROR(heads_->Load(keys_, &nodes_));

  size_t node = 0;
  SEMEL_RETURN_IF_ERROR(VisitEntries(header, entries, seeds_.checks, [&](const Entry& entry) -> absl::StatusOr<bool> {
    SEMEL_RETURN_IF_ERROR(One(entry, &node));
    return true;
  }));
  heads_->Publish(TipAfter(header));
  return absl::OkStatus();
}

// `node`: the next of nodes_.
absl::Status Redo::One(const Entry& entry, size_t* node) {
  const EntryRef ref = RefOf(entry, seeds_.ids);
  for (const Effect& effect : entry.effects) SEMEL_RETURN_IF_ERROR(heads_->Apply(nodes_[(*node)++], effect, ref));
  if (entry.kind == EntryKind::kOptions) options_ = entry.options;
  if (entry.kind == EntryKind::kFloor) floor_ = std::max(floor_, entry.floor);  // a repair may have raised it since

  changes_.clear();
  AppendRecordChanges(entry, seeds_.ids, &changes_);
  if (changes_.empty()) return absl::OkStatus();
  std::vector<HeadKey> keys;
  for (const RecordChange& change : changes_) keys.push_back({change.table, change.key});
  std::vector<HeadTable::Node*> nodes;
  SEMEL_RETURN_IF_ERROR(heads_->Load(keys, &nodes));
  for (size_t i = 0; i < changes_.size(); ++i) heads_->Apply(nodes[i], changes_[i]);
  return absl::OkStatus();
}

}  // namespace semel::internal
