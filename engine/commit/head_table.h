// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The heads in memory: those changed since the last checkpoint, which are pinned, and clean ones, which are a cache of
// the state and may be evicted. Shows durable heads to readers and batch-local ones to the one thread that commits.
//
// Threads. The committer is whoever holds the commit lock: it alone calls the functions of the first group. Readers
// (second group) come from any thread. The checkpoint reads frozen heads from its own thread. What the committer
// changes and readers see is guarded by one shared mutex, taken once per frame.
//
// Why a reader can trust a miss: the state snapshot is taken under the same lock in which the head was found missing. A
// head leaves memory only when a checkpoint that holds it has committed, so the snapshot has it.

#ifndef SEMEL_ENGINE_COMMIT_HEAD_TABLE_H_
#define SEMEL_ENGINE_COMMIT_HEAD_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/base/large_pages.h"
#include "engine/base/mutex.h"
#include "engine/commit/records.h"
#include "engine/journal/frame.h"
#include "engine/rules/effect.h"
#include "engine/rules/head.h"
#include "engine/state/state_store.h"

namespace semel::internal {

struct HeadKey {
  Table table;
  std::string_view key;
  friend bool operator<(const HeadKey& a, const HeadKey& b) {
    return a.table != b.table ? a.table < b.table : a.key < b.key;
  }
  friend bool operator==(const HeadKey& a, const HeadKey& b) { return a.table == b.table && a.key == b.key; }
};

class HeadTable {
 public:
  // One entity in memory. Opaque to others; good until the frame in which it was loaded is published or discarded.
  struct Node;

  // Begins where `checkpoint` stands, which must be that of `store`; `store` must outlive the table.
  HeadTable(StateStore* store, const CheckpointInfo& checkpoint, size_t cache_bytes);
  ~HeadTable();

  // ---- The committer.

  // Finds the nodes of `keys`, loading those that are not in memory from the state, in key order. nodes[i] belongs to
  // keys[i]. A key that never existed gets a node with version 0. Errors: of the state; then nothing is loaded.
  absl::Status Load(absl::Span<const HeadKey> keys, std::vector<Node*>* nodes);

  // Asks for the memory of a node that will be used shortly: kNodesAhead nodes later is about the time that it takes.
  static void Prefetch(const Node* node);
  static constexpr size_t kNodesAhead = 8;

  // The head as the next change must see it: batch-local if the frame changed it, else durable.
  const Head& Current(const Node* node) const;

  // Applies an effect to the batch-local head. The only way in which heads change, at commit and at redo.
  absl::Status Apply(Node* node, const Effect& effect, const EntryRef& entry);

  // Puts or takes away a record, erases an entity, or settles a position of a source.
  void Apply(Node* node, const RecordChange& change);

  // Makes the batch-local heads the durable ones, visible to readers, with `tip` as the end of the journal; or forgets
  // them.
  void Publish(const JournalTip& tip);
  void Discard();

  // Evicts clean heads beyond the cache's size.
  void Evict();

  // ---- The checkpoint. Freeze under the commit lock, the others not.

  // Freezes what is dirty: the heads as they are now make the next checkpoint; later changes copy them first. Returns
  // their number. There must be no frozen generation.
  size_t Freeze();
  // The frozen heads in key order, as a feed for StateStore::Commit.
  RecordFeed FrozenRecords();
  // The checkpoint has committed: its heads are clean unless changed since.
  void Release();

  // ---- Any thread.

  absl::StatusOr<Head> Read(const HeadKey& key) const;
  // All at one moment; `tip` is that moment.
  absl::StatusOr<std::vector<Head>> ReadMany(absl::Span<const HeadKey> keys, JournalTip* tip) const;
  // The dirty heads of a table with key >= start, sorted by key, and a snapshot of the state that they lie over.
  struct Overlay {
    Table table;
    std::string start;
    std::vector<std::pair<std::string, Head>> heads;
    std::unique_ptr<StateSnapshot> snapshot;
    JournalTip tip;

    // Visits the heads of both by key, the dirty ones in their places, until `visit` returns false.
    absl::Status Visit(const std::function<bool(std::string_view key, const Head& head)>& visit) const;
  };
  absl::StatusOr<Overlay> ReadOverlay(Table table, std::string_view start) const;

  // How many records a table has, and their bytes: durable ones. Kept for the tables of records only.
  struct Totals {
    uint64_t records = 0;
    uint64_t bytes = 0;
  };
  Totals TotalsOf(Table table) const;
  // The committer's: with what the frame has changed so far.
  Totals PendingTotalsOf(Table table) const { return pending_totals_[static_cast<size_t>(table)]; }

  // Visits the durable records of a table of records, by key.
  absl::Status VisitRecords(
      Table table, const std::function<absl::Status(std::string_view key, std::string_view record)>& visit) const;

  JournalTip tip() const;
  size_t dirty_bytes() const;   // changed since the last Freeze
  size_t pinned_bytes() const;  // the same and what is frozen
  size_t node_count() const;

 private:
  struct Hashed;
  struct Slot;
  struct SlotHash;
  struct SlotEqual;
  using Nodes = absl::flat_hash_set<Slot, SlotHash, SlotEqual, LargePages<Slot>>;

  const Node* FindForReader(const HeadKey& key) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void FindTogether(absl::Span<const HeadKey> keys, Node** found, std::vector<HeadKey>* missing);
  absl::Status LoadMissing(std::vector<HeadKey> missing);
  Head* PendingOf(Node* node);
  void MarkDirty(Node* node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t PinnedBytes() const { return dirty_bytes_ + frozen_bytes_; }
  static void SortByKey(std::vector<Node*>* nodes);
  void CopyFrozen(size_t first, size_t count, std::vector<Head>* heads) const;

  StateStore* const store_;
  const size_t cache_bytes_;

  mutable SharedMutex mutex_;
  // Changed only by the committer under mutex_, so the committer may read them without it.
  std::unique_ptr<Pool<Node>> pool_;  // where the nodes lie
  std::unique_ptr<Nodes> nodes_;
  std::vector<Node*> clock_;  // every node once, in the order of the clock hand
  size_t clock_hand_ = 0;
  JournalTip tip_;
  std::array<Totals, kTableCount> totals_ = {};
  std::array<Totals, kTableCount> pending_totals_ = {};  // the committer's
  size_t total_bytes_ = 0;
  size_t dirty_bytes_ = 0;
  size_t frozen_bytes_ = 0;
  uint32_t generation_ = 1;         // of what is changed now
  uint32_t frozen_generation_ = 0;  // being checkpointed; 0: none
  std::vector<Node*> dirty_;
  std::vector<Node*> frozen_;

  // The committer's alone.
  struct Pending {
    Node* node;
    Head head;
  };
  std::vector<Pending> pending_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_HEAD_TABLE_H_
