// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/commit/history.h"

#include "engine/base/status_macros.h"

namespace semel::internal {

absl::Status UnfinishedJournal::ReadEntry(Lsn lsn, bool with_frame, EntryBuffer* buffer, Entry* entry) {
  if (frame_->empty() || lsn < frame_->frame_lsn()) return journal_->ReadEntry(lsn, with_frame, buffer, entry);
  buffer->bytes.assign(frame_->BytesAt(lsn));  // a copy: the frame's buffer moves as it grows
  SEMEL_RETURN_IF_ERROR(DecodeEntry(buffer->bytes, lsn, seed_, entry));
  entry->sequence = frame_->NextSequence() - frame_->entry_count() + entry->index;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<EntryRef>> ChainHistory::At(size_t i, uint64_t version) {
  const ChainStart start = StartOf(i);
  SEMEL_ASSIGN_OR_RETURN(const std::optional<Lsn> lsn,
                         FindVersion(entries_, start, version, floor_, paths_->Of(start.key)));
  if (!lsn.has_value()) return std::nullopt;
  EntryBuffer buffer;
  Entry entry;
  SEMEL_RETURN_IF_ERROR(entries_->ReadEntry(*lsn, /*with_frame=*/false, &buffer, &entry));
  return RefOf(entry, id_seed_);
}

absl::StatusOr<History::Search> ChainHistory::Find(size_t i, const IdTag& id, uint64_t after, uint64_t limit) {
  Search search;
  auto compare = [&](const Entry& entry, const Effect&) {
    EntryRef ref = RefOf(entry, id_seed_);
    if (ref.id != id) return true;
    search.found = ref;
    return false;
  };
  SEMEL_RETURN_IF_ERROR(WalkBack(entries_, StartOf(i), heads_[i]->version - 1, after, limit, floor_,
                                 /*with_frame=*/false, compare, &search.complete));
  return search;
}

absl::StatusOr<uint64_t> ChainHistory::VersionGivenBy(Lsn lsn, size_t i) {
  if (lsn < floor_) return 0;
  EntryBuffer buffer;
  Entry entry;
  SEMEL_RETURN_IF_ERROR(entries_->ReadEntry(lsn, /*with_frame=*/false, &buffer, &entry));
  const Effect* effect = FindEffect(entry, Table::kEntities, change_.updates[i].key);
  return effect == nullptr ? 0 : effect->version;
}

}  // namespace semel::internal
