// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A bounded cache of the journal's bytes. The journal is only ever appended to, so a cached byte never becomes wrong: a
// block that was read before it was full holds a shorter prefix, and is read again when more is wanted.

#ifndef SEMEL_ENGINE_JOURNAL_BLOCK_CACHE_H_
#define SEMEL_ENGINE_JOURNAL_BLOCK_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/base/mutex.h"
#include "engine/rules/chain.h"

namespace semel::internal {

// Thread-safe. Blocks are known by the LSN of their first byte and evicted by the clock algorithm.
class BlockCache {
 public:
  static constexpr size_t kBlockBytes = 4096;

  // Holds at most `cache_bytes` of blocks; nothing if that is less than 64 KiB.
  explicit BlockCache(size_t cache_bytes);

  // Copies `size` bytes at `offset` of a block to `buffer`; false if they are not cached.
  bool Copy(Lsn block, size_t offset, char* buffer, size_t size);

  // Remembers the first bytes.size() <= kBlockBytes bytes of a block.
  void Insert(Lsn block, std::string_view bytes);

  // Forgets the blocks before an address: they are not asked for any more.
  void EraseBelow(Lsn lsn);

  size_t bytes() const;

 private:
  struct Slot {
    Lsn block = 0;
    size_t size = 0;
    bool used = false;  // since the hand went by
    std::unique_ptr<char[]> bytes;
  };
  struct Shard {
    mutable Mutex mutex;
    absl::flat_hash_map<Lsn, size_t> index ABSL_GUARDED_BY(mutex);  // of the slot
    std::vector<Slot> slots ABSL_GUARDED_BY(mutex);
    size_t hand ABSL_GUARDED_BY(mutex) = 0;
  };

  Shard* ShardOf(Lsn block);
  // The slot for a block that is not in the shard: a new one, or that of a block that was not used lately.
  Slot* SlotFor(Shard* shard, Lsn block) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard->mutex);

  const size_t slots_per_shard_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_BLOCK_CACHE_H_
