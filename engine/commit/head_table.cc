// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/commit/head_table.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "engine/base/status_macros.h"

namespace semel::internal {

namespace {

// The checkpoint works in blocks of this many heads, so that a commit never waits for more than one block.
constexpr size_t kLockedBlock = 256;

// Look-ups of so many keys run together, so that the memory of all is under way before the first one needs it.
constexpr size_t kKeysTogether = 32;

size_t CommonPrefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// The first eight bytes as a number: if those of two texts differ, the texts are in the same order.
uint64_t RankOf(std::string_view text) {
  uint64_t rank = 0;
  for (size_t i = 0; i < sizeof rank; ++i) rank = rank << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : 0);
  return rank;
}

}  // namespace

// A key with its hash, so that a frame hashes each key once: for the prefetch and for the look-up.
struct HeadTable::Hashed {
  HeadKey key;
  size_t hash;

  explicit Hashed(const HeadKey& of) : key(of), hash(Checksum64(of.key, Seed() + static_cast<uint64_t>(of.table))) {}

  // So that nobody outside can choose keys that collide.
  static uint64_t Seed() {
    static const uint64_t kSeed = MixSeed(reinterpret_cast<uintptr_t>(&kSeed), 0);
    return kSeed;
  }
};

struct HeadTable::Node {
  static constexpr uint32_t kNoPending = UINT32_MAX;
  static constexpr size_t kKeyBytesInside = 32;  // most keys: they lie in the same line of memory as what is before

  size_t hash;
  Table table;
  bool referenced = true;         // by the committer since the clock hand last passed
  uint32_t generation = 0;        // in which it was last changed; 0: as in the state
  uint32_t pending = kNoPending;  // index into pending_
  absl::InlinedVector<char, kKeyBytesInside> key;
  Head head;                     // durable
  std::unique_ptr<Head> frozen;  // as it was frozen, if it has changed since

  Node(const Hashed& hashed, Head stored);
  HeadKey Key() const { return {table, {key.data(), key.size()}}; }
  size_t Bytes() const {
    const size_t key_outside = key.size() > kKeyBytesInside ? key.capacity() : 0;
    return sizeof(Node) + key_outside + HeapBytes(head);
  }
};

HeadTable::Node::Node(const Hashed& hashed, Head stored)
    : hash(hashed.hash),
      table(hashed.key.table),
      key(hashed.key.key.begin(), hashed.key.key.end()),
      head(std::move(stored)) {}

// The hash lies beside the pointer: a look-up touches a node only if it is the one, but for a freak of 2^-64.
struct HeadTable::Slot {
  size_t hash;
  Node* node;
};

struct HeadTable::SlotHash {
  using is_transparent = void;
  size_t operator()(const Slot& slot) const { return slot.hash; }
  size_t operator()(const Hashed& key) const { return key.hash; }
  size_t operator()(size_t hash) const { return hash; }
};

struct HeadTable::SlotEqual {
  using is_transparent = void;
  bool operator()(const Slot& a, const Slot& b) const { return a.node == b.node; }
  bool operator()(const Slot& a, const Hashed& b) const { return a.hash == b.hash && a.node->Key() == b.key; }
  bool operator()(const Hashed& a, const Slot& b) const { return (*this)(b, a); }
  bool operator()(const Slot& a, size_t hash) const { return a.hash == hash; }
  bool operator()(size_t hash, const Slot& b) const { return b.hash == hash; }
};

HeadTable::HeadTable(StateStore* store, const CheckpointInfo& checkpoint, size_t cache_bytes)
    : store_(store),
      cache_bytes_(cache_bytes),
      pool_(std::make_unique<Pool<Node>>()),
      nodes_(std::make_unique<Nodes>()),
      tip_(checkpoint.tip) {
  for (int t = 0; t < kTableCount; ++t) totals_[t] = {checkpoint.records[t], checkpoint.bytes[t]};
  pending_totals_ = totals_;
}

HeadTable::~HeadTable() {
  for (Node* node : clock_) pool_->Delete(node);
}

absl::Status HeadTable::Load(absl::Span<const HeadKey> keys, std::vector<Node*>* nodes) {
  nodes->resize(keys.size());
  std::vector<HeadKey> missing;
  for (size_t begin = 0; begin < keys.size(); begin += kKeysTogether) {
    FindTogether(keys.subspan(begin, kKeysTogether), nodes->data() + begin, &missing);
  }
  if (missing.empty()) return absl::OkStatus();
  SEMEL_RETURN_IF_ERROR(LoadMissing(std::move(missing)));
  for (size_t i = 0; i < keys.size(); ++i) {
    if ((*nodes)[i] == nullptr) (*nodes)[i] = nodes_->find(Hashed(keys[i]))->node;
  }
  return absl::OkStatus();
}

// found[i]: the node of keys[i]; null if it is not in memory.
void HeadTable::FindTogether(absl::Span<const HeadKey> keys, Node** found, std::vector<HeadKey>* missing) {
  absl::InlinedVector<Hashed, kKeysTogether> hashed;
  for (const HeadKey& key : keys) {
    hashed.emplace_back(key);
    nodes_->prefetch(hashed.back());
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto slot = nodes_->find(hashed[i].hash);
    found[i] = slot == nodes_->end() ? nullptr : slot->node;
    __builtin_prefetch(found[i], /*rw=*/1);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    if (found[i] != nullptr && !(found[i]->Key() == keys[i])) {  // only the hash is the same
      const auto slot = nodes_->find(hashed[i]);
      found[i] = slot == nodes_->end() ? nullptr : slot->node;
    }
    if (found[i] == nullptr) {
      missing->push_back(keys[i]);
    } else {
      found[i]->referenced = true;
    }
  }
}

void HeadTable::Prefetch(const Node* node) {
  constexpr size_t kLineBytes = 64;
  const char* const begin = reinterpret_cast<const char*>(node);
  for (size_t line = 0; line < sizeof(Node); line += kLineBytes) __builtin_prefetch(begin + line, /*rw=*/1);
}

absl::Status HeadTable::LoadMissing(std::vector<HeadKey> missing) {
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());

  std::vector<Head> heads(missing.size());  // a key that never existed keeps one of version 0
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<StateSnapshot> snapshot, store_->Snapshot());
  for (size_t i = 0; i < missing.size(); ++i) {
    SEMEL_RETURN_IF_ERROR(snapshot->Get(missing[i].table, missing[i].key, &heads[i]).status());
  }

  WriterLock lock(&mutex_);
  for (size_t i = 0; i < missing.size(); ++i) {
    Node* const node = pool_->New(Hashed(missing[i]), std::move(heads[i]));
    total_bytes_ += node->Bytes();
    clock_.push_back(node);
    nodes_->insert({node->hash, node});
  }
  return absl::OkStatus();
}

const Head& HeadTable::Current(const Node* node) const {
  return node->pending == Node::kNoPending ? node->head : pending_[node->pending].head;
}

Head* HeadTable::PendingOf(Node* node) {
  if (node->pending == Node::kNoPending) {
    node->pending = static_cast<uint32_t>(pending_.size());
    pending_.push_back({node, node->head});
  }
  return &pending_[node->pending].head;
}

absl::Status HeadTable::Apply(Node* node, const Effect& effect, const EntryRef& entry) {
  return ApplyEffect(effect, entry, PendingOf(node));
}

void HeadTable::Apply(Node* node, const RecordChange& change) {
  Head* head = PendingOf(node);
  Totals& totals = pending_totals_[static_cast<size_t>(node->table)];
  if (!HasHeads(node->table) && head->version != 0) {
    --totals.records;
    totals.bytes -= head->Extras().value->size();
  }
  ApplyRecordChange(change, head);
  if (!HasHeads(node->table) && head->version != 0) {
    ++totals.records;
    totals.bytes += head->Extras().value->size();
  }
}

void HeadTable::Publish(const JournalTip& tip) {
  WriterLock lock(&mutex_);
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (i + kNodesAhead < pending_.size()) Prefetch(pending_[i + kNodesAhead].node);
    Pending& pending = pending_[i];
    Node* node = pending.node;
    MarkDirty(node);
    total_bytes_ -= HeapBytes(node->head);
    dirty_bytes_ -= HeapBytes(node->head);
    node->head = std::move(pending.head);
    total_bytes_ += HeapBytes(node->head);
    dirty_bytes_ += HeapBytes(node->head);
    node->pending = Node::kNoPending;
  }
  pending_.clear();
  totals_ = pending_totals_;
  tip_ = tip;
}

void HeadTable::Discard() {
  for (Pending& pending : pending_) pending.node->pending = Node::kNoPending;
  pending_.clear();
  pending_totals_ = totals_;
}

void HeadTable::MarkDirty(Node* node) {
  if (node->generation == generation_) return;
  if (node->generation != 0) {
    node->frozen = std::make_unique<Head>(node->head);  // the checkpoint still needs what it was
  }
  node->generation = generation_;
  dirty_.push_back(node);
  dirty_bytes_ += node->Bytes();
}

void HeadTable::Evict() {
  WriterLock lock(&mutex_);
  // Twice around at most: once to take the reference bits away, once to evict.
  for (size_t steps = 2 * clock_.size(); steps > 0 && total_bytes_ > cache_bytes_ + PinnedBytes(); --steps) {
    if (clock_hand_ >= clock_.size()) clock_hand_ = 0;
    Node* node = clock_[clock_hand_];
    if (node->generation != 0 || node->referenced) {
      node->referenced = false;
      ++clock_hand_;
      continue;
    }
    total_bytes_ -= node->Bytes();
    nodes_->erase(Slot{node->hash, node});
    clock_[clock_hand_] = clock_.back();
    clock_.pop_back();
    pool_->Delete(node);
  }
}

size_t HeadTable::Freeze() {
  WriterLock lock(&mutex_);
  SEMEL_CHECK(frozen_generation_ == 0);
  frozen_ = std::move(dirty_);
  dirty_.clear();
  frozen_bytes_ = std::exchange(dirty_bytes_, 0);
  frozen_generation_ = generation_++;
  return frozen_.size();
}

RecordFeed HeadTable::FrozenRecords() {
  SortByKey(&frozen_);
  struct Cursor {
    size_t next = 0;
    size_t block_begin = 0;
    std::vector<Head> block;
  };
  auto cursor = std::make_shared<Cursor>();
  return [this, cursor](Table* table, std::string_view* key, const Head** head) {
    if (cursor->next == frozen_.size()) return false;
    if (cursor->next == cursor->block_begin + cursor->block.size()) {
      cursor->block_begin = cursor->next;
      CopyFrozen(cursor->next, std::min(kLockedBlock, frozen_.size() - cursor->next), &cursor->block);
    }
    const Node* node = frozen_[cursor->next];
    *table = node->table;
    *key = node->Key().key;
    *head = &cursor->block[cursor->next - cursor->block_begin];
    ++cursor->next;
    return true;
  };
}

// Eight bytes of each key, from where the keys begin to differ, lie beside the pointer, so that few comparisons have to
// go to the nodes.
void HeadTable::SortByKey(std::vector<Node*>* nodes) {
  struct Ranked {
    Table table;
    uint64_t rank;
    Node* node;
  };
  const auto ahead = [nodes](size_t i) { __builtin_prefetch((*nodes)[std::min(i + kNodesAhead, nodes->size() - 1)]); };
  size_t common = nodes->empty() ? 0 : nodes->front()->key.size();
  for (size_t i = 0; i < nodes->size(); ++i) {
    ahead(i);
    common = CommonPrefix(nodes->front()->Key().key.substr(0, common), (*nodes)[i]->Key().key);
  }
  std::vector<Ranked> ranked;
  ranked.reserve(nodes->size());
  for (size_t i = 0; i < nodes->size(); ++i) {
    ahead(i);
    const HeadKey key = (*nodes)[i]->Key();
    ranked.push_back({key.table, RankOf(key.key.substr(common)), (*nodes)[i]});
  }
  std::sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    if (a.table != b.table) return a.table < b.table;
    return a.rank != b.rank ? a.rank < b.rank : a.node->Key() < b.node->Key();
  });
  for (size_t i = 0; i < nodes->size(); ++i) (*nodes)[i] = ranked[i].node;
}

void HeadTable::CopyFrozen(size_t first, size_t count, std::vector<Head>* heads) const {
  heads->clear();
  ReaderLock lock(&mutex_);
  for (size_t i = first; i < first + count; ++i) {
    const Node* node = frozen_[i];
    heads->push_back(node->frozen != nullptr ? *node->frozen : node->head);
  }
}

void HeadTable::Release() {
  for (size_t begin = 0; begin < frozen_.size(); begin += kLockedBlock) {
    WriterLock lock(&mutex_);
    for (size_t i = begin; i < std::min(begin + kLockedBlock, frozen_.size()); ++i) {
      Node* node = frozen_[i];
      node->frozen.reset();
      if (node->generation == frozen_generation_) node->generation = 0;
    }
  }
  WriterLock lock(&mutex_);
  frozen_.clear();
  frozen_bytes_ = 0;
  frozen_generation_ = 0;
}

const HeadTable::Node* HeadTable::FindForReader(const HeadKey& key) const {
  const auto found = nodes_->find(Hashed(key));
  return found == nodes_->end() ? nullptr : found->node;
}

absl::StatusOr<Head> HeadTable::Read(const HeadKey& key) const {
  SEMEL_ASSIGN_OR_RETURN(std::vector<Head> heads, ReadMany({&key, 1}, nullptr));
  return std::move(heads[0]);
}

absl::StatusOr<std::vector<Head>> HeadTable::ReadMany(absl::Span<const HeadKey> keys, JournalTip* tip) const {
  std::vector<Head> heads(keys.size());
  std::vector<size_t> missing;
  std::unique_ptr<StateSnapshot> snapshot;
  {
    ReaderLock lock(&mutex_);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (const Node* node = FindForReader(keys[i]); node != nullptr) {
        heads[i] = node->head;
      } else {
        missing.push_back(i);
      }
    }
    if (tip != nullptr) *tip = tip_;
    if (!missing.empty()) {
      SEMEL_ASSIGN_OR_RETURN(snapshot, store_->Snapshot());
    }
  }
  for (size_t i : missing) {
    SEMEL_RETURN_IF_ERROR(snapshot->Get(keys[i].table, keys[i].key, &heads[i]).status());
  }
  return heads;
}

absl::StatusOr<HeadTable::Overlay> HeadTable::ReadOverlay(Table table, std::string_view start) const {
  Overlay overlay;
  overlay.table = table;
  overlay.start = start;
  {
    ReaderLock lock(&mutex_);
    for (const Node* node : clock_) {
      if (node->generation != 0 && node->table == table && node->Key().key >= start) {
        overlay.heads.emplace_back(node->Key().key, node->head);
      }
    }
    overlay.tip = tip_;
    SEMEL_ASSIGN_OR_RETURN(overlay.snapshot, store_->Snapshot());
  }
  std::sort(overlay.heads.begin(), overlay.heads.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return overlay;
}

absl::Status HeadTable::Overlay::Visit(const std::function<bool(std::string_view key, const Head& head)>& visit) const {
  auto next = heads.begin();
  bool going = true;
  const auto show = [&](std::string_view key, const Head& head) {
    if (head.version != 0) going = visit(key, head);  // else it was erased
  };
  const auto show_dirty_below = [&](const std::string_view* key) {
    for (; going && next != heads.end() && (key == nullptr || next->first < *key); ++next)
      show(next->first, next->second);
  };
  SEMEL_RETURN_IF_ERROR(snapshot->Scan(table, start, [&](std::string_view key, const Head& head) {
    show_dirty_below(&key);
    if (!going) return false;
    const bool replaced = next != heads.end() && next->first == key;
    show(key, replaced ? next->second : head);
    if (replaced) ++next;
    return going;
  }));
  show_dirty_below(nullptr);
  return absl::OkStatus();
}

absl::Status HeadTable::VisitRecords(
    Table table, const std::function<absl::Status(std::string_view key, std::string_view record)>& visit) const {
  SEMEL_ASSIGN_OR_RETURN(const Overlay overlay, ReadOverlay(table, ""));
  absl::Status status;
  SEMEL_RETURN_IF_ERROR(overlay.Visit([&](std::string_view key, const Head& head) {
    status = visit(key, *head.Extras().value);
    return status.ok();
  }));
  return status;
}

HeadTable::Totals HeadTable::TotalsOf(Table table) const {
  ReaderLock lock(&mutex_);
  return totals_[static_cast<size_t>(table)];
}

JournalTip HeadTable::tip() const {
  ReaderLock lock(&mutex_);
  return tip_;
}

size_t HeadTable::dirty_bytes() const {
  ReaderLock lock(&mutex_);
  return dirty_bytes_;
}

size_t HeadTable::pinned_bytes() const {
  ReaderLock lock(&mutex_);
  return PinnedBytes();
}

size_t HeadTable::node_count() const {
  ReaderLock lock(&mutex_);
  return clock_.size();
}

}  // namespace semel::internal
