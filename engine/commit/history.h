// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The past of the entities of one change, read from the journal through their chains: what `Classify` asks.

#ifndef SEMEL_ENGINE_COMMIT_HISTORY_H_
#define SEMEL_ENGINE_COMMIT_HISTORY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/journal/frame.h"
#include "engine/journal/reader.h"
#include "engine/rules/classify.h"

namespace semel::internal {

// The journal and, behind its durable end, the frame that is being built: a change may be the duplicate of one that was
// decided a moment ago and is not written yet.
class UnfinishedJournal final : public EntrySource {
 public:
  UnfinishedJournal(JournalReader* journal, const FrameBuilder* frame, uint64_t seed)
      : journal_(journal), frame_(frame), seed_(seed) {}
  absl::Status ReadEntry(Lsn lsn, bool with_frame, EntryBuffer* buffer, Entry* entry) override;

 private:
  JournalReader* const journal_;
  const FrameBuilder* const frame_;
  const uint64_t seed_;
};

// The walks along the chains of one frame's entities: of one entity in each slot, the last that fell into it.
class ChainPaths {
 public:
  ChainPath* Of(std::string_view key) {
    Slot& slot = slots_[absl::Hash<absl::string_view>()({key.data(), key.size()}) % slots_.size()];
    if (slot.frame != frame_ || slot.key != key) {
      slot.frame = frame_;
      slot.key = key;
      slot.path.steps.clear();
    }
    return &slot.path;
  }

  // Forgets them all: the next frame may erase entities.
  void Clear() { ++frame_; }

 private:
  struct Slot {
    uint64_t frame = 0;
    std::string key;
    ChainPath path;
  };
  std::array<Slot, 64> slots_;
  uint64_t frame_ = 1;
};

class ChainHistory final : public History {
 public:
  // What lies before `floor` is not readable. `id_seed`: Seeds::ids.
  ChainHistory(EntrySource* entries, ChainPaths* paths, uint64_t id_seed, Lsn floor, const Change& change,
               absl::Span<const Head* const> heads)
      : entries_(entries), paths_(paths), id_seed_(id_seed), floor_(floor), change_(change), heads_(heads) {}

  absl::StatusOr<std::optional<EntryRef>> At(size_t i, uint64_t version) override;
  absl::StatusOr<Search> Find(size_t i, const IdTag& id, uint64_t after, uint64_t limit) override;
  absl::StatusOr<uint64_t> VersionGivenBy(Lsn lsn, size_t i) override;

 private:
  ChainStart StartOf(size_t i) const { return {Table::kEntities, change_.updates[i].key, heads_[i]}; }

  EntrySource* const entries_;
  ChainPaths* const paths_;
  const uint64_t id_seed_;
  const Lsn floor_;
  const Change& change_;
  const absl::Span<const Head* const> heads_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_HISTORY_H_
