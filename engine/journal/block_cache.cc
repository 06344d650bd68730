// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/block_cache.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "engine/base/checksum.h"

namespace semel::internal {
namespace {

// Threads that read at the same time rarely meet in one of so many.
constexpr size_t kShards = 16;

}  // namespace

BlockCache::BlockCache(size_t cache_bytes)
    : slots_per_shard_(cache_bytes / kBlockBytes / kShards), shards_(std::make_unique<Shard[]>(kShards)) {}

BlockCache::Shard* BlockCache::ShardOf(Lsn block) { return &shards_[MixSeed(0, block) % kShards]; }

bool BlockCache::Copy(Lsn block, size_t offset, char* buffer, size_t size) {
  Shard* const shard = ShardOf(block);
  MutexLock lock(&shard->mutex);
  const auto found = shard->index.find(block);
  if (found == shard->index.end()) return false;
  Slot& slot = shard->slots[found->second];
  if (offset + size > slot.size) return false;
  slot.used = true;
  std::memcpy(buffer, slot.bytes.get() + offset, size);
  return true;
}

void BlockCache::Insert(Lsn block, std::string_view bytes) {
  SEMEL_CHECK(bytes.size() <= kBlockBytes);
  if (slots_per_shard_ == 0) return;
  Shard* const shard = ShardOf(block);
  MutexLock lock(&shard->mutex);
  const auto found = shard->index.find(block);
  Slot* const slot = found != shard->index.end() ? &shard->slots[found->second] : SlotFor(shard, block);
  if (slot->size >= bytes.size()) return;  // another thread was faster, and read more
  std::memcpy(slot->bytes.get(), bytes.data(), bytes.size());
  slot->size = bytes.size();
}

BlockCache::Slot* BlockCache::SlotFor(Shard* shard, Lsn block) const {
  std::vector<Slot>& slots = shard->slots;
  if (slots.size() < slots_per_shard_) {
    slots.emplace_back();
    slots.back().bytes = std::make_unique<char[]>(kBlockBytes);
    shard->hand = slots.size() - 1;
  } else {
    for (;; slots[shard->hand].used = false) {
      shard->hand = (shard->hand + 1) % slots.size();
      if (!slots[shard->hand].used) break;
    }
    shard->index.erase(slots[shard->hand].block);
  }
  Slot* const slot = &slots[shard->hand];
  slot->block = block;
  slot->size = 0;
  slot->used = false;  // a block that is read once only, as in a long walk, goes before those that are read again
  shard->index[block] = shard->hand;
  return slot;
}

void BlockCache::EraseBelow(Lsn lsn) {
  for (size_t i = 0; i < kShards; ++i) {
    Shard& shard = shards_[i];
    MutexLock lock(&shard.mutex);
    std::vector<Slot> kept;
    shard.index.clear();
    for (Slot& slot : shard.slots) {
      if (slot.block < lsn) continue;
      shard.index[slot.block] = kept.size();
      kept.push_back(std::move(slot));
    }
    shard.slots = std::move(kept);
    shard.hand = 0;
  }
}

size_t BlockCache::bytes() const {
  size_t slots = 0;
  for (size_t i = 0; i < kShards; ++i) {
    MutexLock lock(&shards_[i].mutex);
    slots += shards_[i].slots.size();
  }
  return slots * kBlockBytes;
}

}  // namespace semel::internal
