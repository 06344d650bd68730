// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Objects in a pool: each at a place of its own, made and ended once; memory of any size from the allocator.

#include "engine/base/large_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

namespace semel::internal {
namespace {

// Counts how many there are, and knows its place.
struct Counted {
  explicit Counted(int* count_in) : count(count_in) { ++*count; }
  ~Counted() { --*count; }

  const Counted* const self = this;
  int* const count;
  char rest[200] = {};
};

TEST(PoolTest, ObjectsHavePlacesOfTheirOwn) {
  constexpr int kObjects = 30'000;  // more than a large page holds
  int count = 0;
  Pool<Counted> pool;
  std::set<Counted*> objects;
  for (int i = 0; i < kObjects; ++i) objects.insert(pool.New(&count));
  EXPECT_EQ(objects.size(), size_t{kObjects});
  EXPECT_EQ(count, kObjects);
  const Counted* before = nullptr;
  for (Counted* object : objects) {
    EXPECT_EQ(object->self, object);
    ASSERT_TRUE(before == nullptr || before + 1 <= object);
    before = object;
  }
  for (Counted* object : objects) pool.Delete(object);
  EXPECT_EQ(count, 0);
}

TEST(PoolTest, PlacesOfDeletedObjectsAreUsedAgain) {
  int count = 0;
  Pool<Counted> pool;
  std::vector<Counted*> kept;
  for (int i = 0; i < 100; ++i) kept.push_back(pool.New(&count));
  for (int round = 0; round < 1000; ++round) {
    pool.Delete(kept[round % kept.size()]);
    kept[round % kept.size()] = pool.New(&count);
    EXPECT_EQ(count, 100);
  }
  EXPECT_EQ(std::set<Counted*>(kept.begin(), kept.end()).size(), kept.size());
  for (Counted* object : kept) pool.Delete(object);
  EXPECT_EQ(count, 0);
}

TEST(LargePagesTest, MemoryOfAnySizeMayBeWrittenAndIsAligned) {
  for (size_t count : {size_t{1}, kLargePageBytes / 8 - 1, kLargePageBytes / 8, kLargePageBytes / 8 + 1}) {
    std::vector<uint64_t, LargePages<uint64_t>> numbers(count, 7);
    EXPECT_EQ(numbers.back(), 7u);
    const bool is_aligned = reinterpret_cast<uintptr_t>(numbers.data()) % kLargePageBytes == 0;
    EXPECT_TRUE(is_aligned || count * sizeof numbers[0] < kLargePageBytes);
  }
}

}  // namespace
}  // namespace semel::internal
