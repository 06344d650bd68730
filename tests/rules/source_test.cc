// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The order in which a message's place in its source is judged, as a table, against JudgeSource in every small world.

#include "engine/rules/source.h"

#include <memory>
#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace semel::internal {
namespace {

enum class Previous { kMissing, kBelowCursor, kAtCursor, kAheadOfCursor };  // without a cursor: missing or not

// What is so. In a row of the table, what is left open does not matter.
struct Situation {
  std::optional<bool> known = {};             // the source was seen before
  std::optional<bool> same_incarnation = {};  // as the first message's
  std::optional<bool> chained = {};           // the first message named a previous one
  std::optional<bool> beyond_cursor = {};     // true also where there is no cursor yet
  std::optional<bool> has_cursor = {};
  std::optional<Previous> previous = {};
  std::optional<bool> beyond_early = {};  // a lower position is early
};

struct Row {
  const char* says;
  Situation when;
  SourceStep step;
};

const std::vector<Row>& Table() {
  static const auto* const kTable = new std::vector<Row>{
      {"the first message of a source starts anywhere", {.known = false}, SourceStep::kDecide},
      {"another incarnation", {.known = true, .same_incarnation = false}, SourceStep::kStreamFault},
      {"at or below the cursor",
       {.known = true, .same_incarnation = true, .beyond_cursor = false},
       SourceStep::kConsumedBefore},
      {"beyond the cursor, but what came before it is below",
       {.known = true,
        .same_incarnation = true,
        .beyond_cursor = true,
        .has_cursor = true,
        .previous = Previous::kBelowCursor},
       SourceStep::kStreamFault},
      {"chained, and previous is missing",
       {.known = true,
        .same_incarnation = true,
        .chained = true,
        .beyond_cursor = true,
        .previous = Previous::kMissing},
       SourceStep::kStreamFault},
      {"what came before it has not been consumed",
       {.known = true,
        .same_incarnation = true,
        .beyond_cursor = true,
        .has_cursor = true,
        .previous = Previous::kAheadOfCursor},
       SourceStep::kEarly},
      {"the next of a chain, but a lower position is early",
       {.known = true,
        .same_incarnation = true,
        .beyond_cursor = true,
        .previous = Previous::kAtCursor,
        .beyond_early = true},
       SourceStep::kEarly},
      {"unchained, but a lower position is early",
       {.known = true,
        .same_incarnation = true,
        .chained = false,
        .beyond_cursor = true,
        .previous = Previous::kMissing,
        .beyond_early = true},
       SourceStep::kEarly},
      {"the next of a chain",
       {.known = true,
        .same_incarnation = true,
        .beyond_cursor = true,
        .previous = Previous::kAtCursor,
        .beyond_early = false},
       SourceStep::kDecide},
      {"any position beyond the cursor",
       {.known = true,
        .same_incarnation = true,
        .chained = false,
        .beyond_cursor = true,
        .previous = Previous::kMissing,
        .beyond_early = false},
       SourceStep::kDecide},
  };
  return *kTable;
}

template <typename T>
bool Fits(const std::optional<T>& wanted, const std::optional<T>& is) {
  return !wanted || *wanted == *is;
}

bool Fits(const Situation& row, const Situation& is) {
  return Fits(row.known, is.known) && Fits(row.same_incarnation, is.same_incarnation) &&
         Fits(row.chained, is.chained) && Fits(row.beyond_cursor, is.beyond_cursor) &&
         Fits(row.has_cursor, is.has_cursor) && Fits(row.previous, is.previous) &&
         Fits(row.beyond_early, is.beyond_early);
}

constexpr uint64_t kCursor = 10;

// A source as the ledger knows it: consumed up to kCursor, or only seen, or neither.
struct World {
  bool consumed = false;
  bool seen = false;
  bool chained = false;
  std::optional<uint64_t> early;
  SourcePosition message;
};

Head HeadOf(const World& world) {
  Head head;
  if (!world.consumed) return head;
  head.version = 1;
  auto extras = std::make_shared<HeadExtras>();
  extras->source = SourceState{kCursor, "i", world.chained};
  head.extras = extras;
  return head;
}

Previous PreviousOf(const World& world) {
  const std::optional<uint64_t>& previous = world.message.previous;
  if (!previous) return Previous::kMissing;
  if (!world.consumed || *previous == kCursor) return Previous::kAtCursor;
  return *previous < kCursor ? Previous::kBelowCursor : Previous::kAheadOfCursor;
}

Situation SituationOf(const World& world) {
  Situation is;
  is.known = world.consumed || world.seen;
  is.same_incarnation = world.message.incarnation == "i";
  is.chained = world.chained;
  is.beyond_cursor = !world.consumed || world.message.position > kCursor;
  is.has_cursor = world.consumed;
  is.previous = PreviousOf(world);
  const bool is_open = world.early && (!world.consumed || *world.early > kCursor);  // else the cursor has passed it
  is.beyond_early = is_open && world.message.position > *world.early;
  return is;
}

void Check(const World& world, std::vector<int>* hits) {
  const Row* only = nullptr;
  for (size_t i = 0; i < Table().size(); ++i) {
    if (!Fits(Table()[i].when, SituationOf(world))) continue;
    ASSERT_EQ(only, nullptr) << only->says << "; " << Table()[i].says;
    only = &Table()[i];
    ++(*hits)[i];
  }
  ASSERT_NE(only, nullptr) << "no row matches";
  const SourceMemory memory{"i", world.chained, /*window=*/0, world.early};
  const SourceJudgement judgement = JudgeSource(world.message, HeadOf(world), world.seen ? &memory : nullptr);
  EXPECT_EQ(judgement.step, only->step) << only->says << ", position " << world.message.position;
  const bool explained = only->step == SourceStep::kStreamFault || only->step == SourceStep::kEarly;
  EXPECT_EQ(judgement.reason.empty(), !explained) << only->says;
}

TEST(JudgeSource, EverySmallWorld_MatchesExactlyOneRowOfTheTable) {
  std::vector<int> hits(Table().size());
  World world;
  for (const bool consumed : {false, true}) {
    for (const bool chained : {false, true}) {
      for (const int memory : {0, 1, 2, 3, 4}) {  // never seen since the ledger was opened; seen; seen with one early
        for (const uint64_t position : {9, 10, 11, 12, 13}) {
          for (const uint64_t previous : {0, 5, 9, 10, 11, 12}) {
            for (const char* const incarnation : {"i", "j", ""}) {
              world = {consumed, memory > 0, chained, std::nullopt, {"s", position, std::nullopt, incarnation, 0}};
              if (memory >= 2) world.early = std::vector<uint64_t>{12, 9, 0}[memory - 2];
              if (previous > 0 && previous < position) world.message.previous = previous;
              Check(world, &hits);
              ASSERT_FALSE(HasFailure());
            }
          }
        }
      }
    }
  }
  for (size_t i = 0; i < hits.size(); ++i) EXPECT_GT(hits[i], 0) << Table()[i].says;
}

}  // namespace
}  // namespace semel::internal
