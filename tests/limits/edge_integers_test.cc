// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Versions, positions, stamps and balances at the edges of their types, 64 x 64 of each, against wider arithmetic. What
// rules do with amounts is in tests/rules/rules_test.cc.

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "engine/base/coding.h"
#include "engine/rules/classify.h"
#include "engine/rules/source.h"
#include "engine/rules/validate.h"
#include "gtest/gtest.h"
#include "semel/ledger.h"
#include "tests/rules/edge_amounts.h"
#include "tests/sim/figures.h"

namespace semel::internal {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

// Around zero, powers of two, and the end.
std::vector<uint64_t> EdgeNumbers() {
  std::vector<uint64_t> edges = {0, kMost, kMost - 1, kMost - 2};
  for (const int bit : {3, 5, 7, 8, 12, 15, 16, 20, 24, 31, 32, 33, 40, 47, 48, 52, 56, 60, 62, 63}) {
    const uint64_t power = uint64_t{1} << bit;
    for (const uint64_t edge : {power - 1, power, power + 1}) edges.push_back(edge);
  }
  SEMEL_CHECK(edges.size() == 64);
  return edges;
}

absl::uint128 Wide(uint64_t number) { return number; }

// Calls visit(a, b) for each pair.
template <typename Visit>
void ForEachPair(Visit visit) {
  const std::vector<uint64_t> edges = EdgeNumbers();
  for (const uint64_t a : edges) {
    for (const uint64_t b : edges) visit(a, b);
  }
  testing::Figure("T14", "pairs of edge integers", edges.size() * edges.size());
}

// A past that is all there, of other changes.
class StrangersHistory final : public History {
 public:
  absl::StatusOr<std::optional<EntryRef>> At(size_t, uint64_t) override {
    return EntryRef{MakeIdTag("somebody", 0), {1, 1}, 100, 1};
  }
  absl::StatusOr<Search> Find(size_t, const IdTag&, uint64_t, uint64_t) override { return Search{std::nullopt, true}; }
  absl::StatusOr<uint64_t> VersionGivenBy(Lsn, size_t) override { return 0; }
};

Head HeadOfVersion(uint64_t version) {
  Head head;
  head.version = version;
  if (version > 0) head.last = {MakeIdTag("somebody", 0), {1, 1}, 100, 1};
  return head;
}

Judgement JudgeOne(const Update& update, const Head& head) {
  Change change("a");
  change.updates = {update};
  change.updates[0].key = "k";
  StrangersHistory history;
  return Judge(change, 0, IdentityOf(change, 0), head, DecidingOptions(), /*stamped_only=*/true, history).value();
}

TEST(EdgeIntegers, R37_ExpectedVersions) {
  ForEachPair([](uint64_t expected, uint64_t version) {
    const Judgement judgement = JudgeOne(Update().ExpectVersion(expected).Add(1), HeadOfVersion(version));
    const bool ahead = Wide(expected) > Wide(version);
    const Verdict wanted = ahead ? Verdict::kAhead : expected == version ? Verdict::kHolds : Verdict::kTaken;
    ASSERT_EQ(judgement.verdict, wanted) << expected << " at " << version;
    if (ahead) {
      ASSERT_EQ(judgement.awaits, expected);
    }
    const Verdict check = ahead ? Verdict::kAhead : expected == version ? Verdict::kCheckHolds : Verdict::kCheckFails;
    ASSERT_EQ(JudgeOne(Update().ExpectVersion(expected).Check(), HeadOfVersion(version)).verdict, check);
  });
}

TEST(EdgeIntegers, R37_Since) {
  ForEachPair([](uint64_t since, uint64_t version) {
    const Verdict wanted = Wide(since) > Wide(version) ? Verdict::kAhead : Verdict::kHolds;
    ASSERT_EQ(JudgeOne(Update().Since(since).Add(1), HeadOfVersion(version)).verdict, wanted)
        << since << " " << version;
  });
}

TEST(EdgeIntegers, R37_Stamps) {
  ForEachPair([](uint64_t newer, uint64_t stamp) {
    Head head = HeadOfVersion(1);
    auto extras = std::make_shared<HeadExtras>();
    extras->stamp = Stamp{stamp, head.last, {1, 0}};
    head.extras = extras;
    const Verdict wanted = Wide(newer) > Wide(stamp) ? Verdict::kHolds
                           : newer == stamp          ? Verdict::kTaken
                                                     : Verdict::kSuperseded;
    ASSERT_EQ(JudgeOne(Update().Newer(newer).Put("x"), head).verdict, wanted) << newer << " on " << stamp;
  });
}

Head SourceAt(uint64_t cursor, uint32_t window) {
  Head head = HeadOfVersion(1);
  auto extras = std::make_shared<HeadExtras>();
  extras->source.emplace();
  extras->source->cursor = cursor;
  extras->source->window = window;
  head.extras = extras;
  return head;
}

TEST(EdgeIntegers, R37_PositionsAndCursors) {
  ForEachPair([](uint64_t position, uint64_t cursor) {
    const Head head = SourceAt(cursor, 0);
    const SourceStep wanted = Wide(position) > Wide(cursor) ? SourceStep::kDecide : SourceStep::kConsumedBefore;
    ASSERT_EQ(JudgeSource({"s", position}, head, nullptr).step, wanted) << position << " after " << cursor;

    // The last position of all names each as the one before it.
    if (position == kMost || cursor == kMost) return;
    const SourceStep chained = position < cursor    ? SourceStep::kStreamFault
                               : position == cursor ? SourceStep::kDecide
                                                    : SourceStep::kEarly;
    ASSERT_EQ(JudgeSource({"s", kMost, position}, head, nullptr).step, chained) << position << " after " << cursor;
  });
}

TEST(EdgeIntegers, R37_PositionsInWindows) {
  for (const uint32_t window : {uint32_t{1}, uint32_t{2}, uint32_t{8}, kMaxSourceWindow}) {
    ForEachPair([window](uint64_t position, uint64_t cursor) {
      SourcePosition source{"s", position};
      source.window = window;
      if (!WhySourceMalformed(source).empty()) return;
      const Head head = SourceAt(cursor, window);
      const bool consumed = Wide(position) <= Wide(cursor);
      const bool beyond = Wide(position) > Wide(cursor) + window;
      const SourceStep wanted = consumed ? SourceStep::kConsumedBefore
                                : beyond ? SourceStep::kEarly
                                         : SourceStep::kDecide;
      ASSERT_EQ(JudgeSource(source, head, nullptr).step, wanted) << position << " after " << cursor;
      if (wanted != SourceStep::kDecide) return;

      SourceState state = *head.Extras().source;
      ConsumeInWindow(position, &state);
      ASSERT_TRUE(IsConsumed(state, position));
      ASSERT_LE(state.ahead.size(), size_t{kMaxSourceWindow} / 8);
      for (const uint64_t other : {position - 1, position + 1}) {
        if (other == cursor || other == 0) continue;  // consumed before, or the number after the last
        ASSERT_FALSE(IsConsumed(state, other)) << other;
      }
    });
  }
}

TEST(EdgeIntegers, R37_AmountsAreWrittenAndReadAsTheyAre) {
  for (const Amount amount : EdgeAmounts()) {
    EXPECT_EQ(ParseAmount(AmountToString(amount)).value(), amount);
    std::string bytes;
    PutSignedVarint128(&bytes, amount);
    Decoder in(bytes);
    Amount read = 0;
    EXPECT_TRUE(in.GetSignedVarint128(&read) && in.done());
    EXPECT_EQ(read, amount);
  }
  for (const uint64_t number : EdgeNumbers()) {
    std::string bytes;
    PutVarint(&bytes, number);
    Decoder in(bytes);
    uint64_t read = 0;
    EXPECT_TRUE(in.GetVarint(&read) && in.done());
    EXPECT_EQ(read, number);
  }
}

// Through the public API, so that what stores and replays balances is asked too.
TEST(EdgeIntegers, R37_BalancesAndAddsOfALedger) {
  Options options;
  options.segment_bytes = size_t{1} << 20;
  auto opened = Ledger::OpenInMemory(options);
  ASSERT_TRUE(opened.ok()) << opened.status();
  Ledger& ledger = **opened;
  const std::vector<Amount> edges = EdgeAmounts();
  std::vector<Change> changes;
  for (size_t a = 0; a < edges.size(); ++a) {
    for (size_t b = 0; b < edges.size(); ++b) {
      const std::string key = std::to_string(a) + "+" + std::to_string(b);
      changes.emplace_back("first");
      changes.back().AddUpdate(key).ExpectVersion(0).Add(edges[a]);
      changes.emplace_back("if-equal");
      changes.back().AddUpdate(key).ExpectBalance(edges[b]).Add(0);
      changes.emplace_back("second");
      changes.back().AddUpdate(key).Since(1).Add(edges[b]);
    }
  }
  const auto outcomes = ledger.ApplyBatch(changes);
  ASSERT_TRUE(outcomes.ok()) << outcomes.status();
  const Outcome* outcome = outcomes->data();
  for (const Amount a : edges) {
    for (const Amount b : edges) {
      const Outcome& first = *outcome++;
      const Outcome& if_equal = *outcome++;
      const Outcome& second = *outcome++;
      ASSERT_EQ(first.updates[0].balance, a);
      ASSERT_EQ(if_equal.code, LimbsOf(a) == LimbsOf(b) ? OutcomeCode::kApplied : OutcomeCode::kConflict);
      const Limbs sum = Sum(LimbsOf(a), LimbsOf(b));
      const Amount wrapped = absl::MakeInt128(static_cast<int64_t>(sum[1]), sum[0]);
      const bool fits = LimbsOf(wrapped) == sum;
      ASSERT_EQ(second.code, fits ? OutcomeCode::kApplied : OutcomeCode::kRejected);
      ASSERT_EQ(second.rule, fits ? Rule::kNone : Rule::kOverflow);
      ASSERT_EQ(second.updates[0].balance, fits ? wrapped : a);
    }
  }
  ASSERT_TRUE(ledger.Checkpoint().ok());
  EXPECT_EQ(ledger.Verify().value().fault, "");
  testing::Figure("T14", "pairs of edge integers", 2 * edges.size() * edges.size());
}

}  // namespace
}  // namespace semel::internal
