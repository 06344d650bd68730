// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/state/fill_state.h"

#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

constexpr size_t kTransactionBytes = size_t{32} << 20;

}  // namespace

absl::Status FillState(const RecordReader& next, const CheckpointInfo& info, StateStore* store) {
  CheckpointInfo unfinished;  // as of an empty state, until all is there
  for (bool more = true; more;) {
    absl::Status read;
    size_t bytes = 0;
    const RecordFeed feed = [&](Table* table, std::string_view* key, const Head** head) {
      if (bytes >= kTransactionBytes) return false;
      const absl::StatusOr<bool> found = next(table, key, head);
      read = found.status();
      more = found.ok() && *found;
      if (more) bytes += key->size() + sizeof(Head) + HeapBytes(**head);
      return more;
    };
    SEMEL_RETURN_IF_ERROR(store->Commit(feed, unfinished));
    SEMEL_RETURN_IF_ERROR(read);
  }
  return store->Commit([](Table*, std::string_view*, const Head**) { return false; }, info);
}

}  // namespace semel::internal
