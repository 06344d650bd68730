// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Hostile messages must not cost much more memory than their own size. Every allocation of the program is counted.

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "gtest/gtest.h"
#include "semel/change.h"

namespace {
std::atomic<size_t> g_allocated{0};  // bytes asked for, ever
}  // namespace

void* operator new(size_t size) {
  g_allocated += size;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace semel {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

std::string Repeat(size_t count, const std::string& bytes) {
  std::string result;
  result.reserve(count * bytes.size());
  for (size_t i = 0; i < count; ++i) result += bytes;
  return result;
}

template <typename Parse>
size_t BytesAllocatedBy(const Parse& parse, const std::string& message) {
  const size_t before = g_allocated;
  EXPECT_FALSE(parse(message).ok());
  return g_allocated - before;
}

TEST(Allocation, EmptySubMessagesAreRefusedBeforeAnythingIsBuilt) {
  EXPECT_LT(BytesAllocatedBy(ParseChangeProto, Repeat(kMiB / 2, std::string("\x1A\0", 2))), kMiB / 64);      // updates
  EXPECT_LT(BytesAllocatedBy(ParseChangeProto, Repeat(kMiB / 2, std::string("\x2A\0", 2))), kMiB / 64);      // metadata
  EXPECT_LT(BytesAllocatedBy(ParseChangeProto, Repeat(kMiB / 3, std::string("\xA2\x06\0", 3))), kMiB / 64);  // unknown
}

TEST(Allocation, ManySmallJsonValuesAreRefusedEarly) {
  EXPECT_LT(BytesAllocatedBy(ParseChangeJson, "{\"updates\":[" + Repeat(4 * kMiB / 3, "{},") + "{}]}"), 16 * kMiB);
  EXPECT_LT(BytesAllocatedBy(ParseChangeJson, "{\"x\":[" + Repeat(4 * kMiB / 2, "0,") + "0]}"), 16 * kMiB);
  EXPECT_LT(BytesAllocatedBy(ParseChangeJson, Repeat(4 * kMiB / 5, "{\"x\":")), kMiB / 16);
}

}  // namespace
}  // namespace semel
