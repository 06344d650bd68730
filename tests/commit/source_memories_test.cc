// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What is remembered of sources: by the frame under way, once it is durable, and when it fails; and what is forgotten.

#include "engine/commit/source_memories.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace semel::internal {
namespace {

SourcePosition At(uint64_t position, uint32_t window = 0) {
  SourcePosition source;
  source.name = "feed";
  source.position = position;
  source.incarnation = "i";
  source.window = window;
  return source;
}

class SourceMemoriesTest : public ::testing::Test {
 protected:
  std::optional<uint64_t> Blocked() const {
    const SourceMemory* memory = memories_.Find("feed");
    return memory == nullptr ? std::nullopt : memory->blocked;
  }

  SourceMemories memories_;
};

TEST_F(SourceMemoriesTest, FirstSightIsKeptUntilSomethingIsConsumed) {
  memories_.NoteFirstSight(At(1));
  memories_.Publish();
  SourcePosition other = At(2, 64);
  other.incarnation = "another";
  memories_.NoteFirstSight(other);
  memories_.Publish();
  ASSERT_NE(memories_.Find("feed"), nullptr);
  EXPECT_EQ(memories_.Find("feed")->incarnation, "i");
  EXPECT_EQ(memories_.Find("feed")->window, 0u);
  memories_.NoteConsumed(At(1));
  memories_.Publish();
  EXPECT_EQ(memories_.Find("feed"), nullptr);
}

// Millions of sources may come by.
TEST_F(SourceMemoriesTest, DoNotGrowWithWhatIsConsumed) {
  for (int i = 0; i < 10'000; ++i) {
    SourcePosition source = At(1, i % 2 == 0 ? 0 : 64);
    source.name += std::to_string(i);
    memories_.NoteFirstSight(source);
    memories_.NoteConsumed(source);
    if (i % 100 == 0) memories_.Publish();
  }
  memories_.Publish();
  EXPECT_EQ(memories_.size(), 0u);
}

TEST_F(SourceMemoriesTest, LowestUndecidedPositionBlocksUntilItIsConsumed) {
  memories_.NoteUndecided(At(7));
  memories_.NoteUndecided(At(5));
  memories_.NoteUndecided(At(6));
  EXPECT_EQ(Blocked(), 5u);
  memories_.NoteConsumed(At(4));
  memories_.Publish();
  EXPECT_EQ(Blocked(), 5u);
  memories_.NoteConsumed(At(5));
  EXPECT_EQ(Blocked(), std::nullopt);
  memories_.Publish();
  EXPECT_EQ(memories_.size(), 0u);
}

TEST_F(SourceMemoriesTest, WindowIsNeverBlocked) {
  memories_.NoteUndecided(At(7, 64));
  memories_.NoteConsumed(At(3, 64));
  memories_.Discard();
  EXPECT_EQ(Blocked(), std::nullopt);
}

TEST_F(SourceMemoriesTest, FailedFrameLeavesItsFirstPositionUndecided) {
  memories_.NoteFirstSight(At(1));
  memories_.NoteConsumed(At(1));
  memories_.NoteConsumed(At(2));
  memories_.Discard();
  EXPECT_EQ(Blocked(), 1u);
  EXPECT_EQ(memories_.Find("feed")->incarnation, "i");
}

TEST_F(SourceMemoriesTest, FailedFrameLeavesUndecidedWhatWasSo) {
  memories_.NoteUndecided(At(5));
  memories_.Publish();
  memories_.NoteCursorSet("feed");
  EXPECT_EQ(Blocked(), std::nullopt);
  memories_.Discard();
  EXPECT_EQ(Blocked(), 5u);
  memories_.NoteCursorSet("feed");
  memories_.Publish();
  EXPECT_EQ(memories_.size(), 0u);
}

}  // namespace
}  // namespace semel::internal
