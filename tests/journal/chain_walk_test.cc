// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Walking a chain, compared with a plain vector of its versions.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/rules/source.h"
#include "gtest/gtest.h"
#include "tests/journal/harness.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

// A chain in memory: entry v stands at lsns[v - 1]. Counts reads.
class ChainInMemory final : public EntrySource {
 public:
  ChainInMemory(uint64_t length, Random* random, Table table = Table::kEntities) : table_(table) {
    if (table == Table::kSources) extras_.source.emplace();
    Lsn lsn = 64;
    uint64_t position = 0;
    for (uint64_t version = 1; version <= length; ++version) {
      position += 1 + random->Below(3);
      pointers.push_back(head.chain.PointersFor(version));
      head.chain.Push(version, lsn);
      head.version = version;
      lsns.push_back(lsn);
      positions.push_back(position);
      lsn += 50 + random->Below(200);
    }
    if (table == Table::kSources) extras_.source->cursor = position;
    head.extras = std::make_shared<HeadExtras>(extras_);
  }

  // Gives the versions the positions of a windowed source that came in a random order.
  void ShuffleWithin(uint32_t window, Random* random) {
    SourceState& source = extras_.source.emplace();
    source.window = window;
    for (uint64_t& position : positions) {
      std::vector<uint64_t> free;
      for (uint64_t p = source.cursor + 1; p <= source.cursor + window; ++p) {
        if (!IsConsumed(source, p)) free.push_back(p);
      }
      position = free[random->Below(free.size())];
      ConsumeInWindow(position, &source);
    }
    head.extras = std::make_shared<HeadExtras>(extras_);
  }

  absl::Status ReadEntry(Lsn lsn, bool, EntryBuffer*, Entry* entry) override {
    ++reads;
    const auto found = std::lower_bound(lsns.begin(), lsns.end(), lsn);
    if (found == lsns.end() || *found != lsn) return absl::OutOfRangeError("no such entry");
    const size_t index = static_cast<size_t>(found - lsns.begin());
    *entry = Entry();
    entry->lsn = lsn;
    Effect& effect = entry->effects.emplace_back();
    effect.table = table_;
    effect.key = "key";
    effect.version = index + 1;
    effect.pointers = pointers[index];
    effect.position = positions[index];
    return absl::OkStatus();
  }

  ChainStart start() const { return {table_, "key", &head}; }

  Head head;
  std::vector<Lsn> lsns;
  std::vector<uint64_t> positions;
  std::vector<ChainPointers> pointers;
  uint64_t reads = 0;

 private:
  const Table table_;
  HeadExtras extras_;
};

// Some lengths at and around the powers of 8, and random ones.
std::vector<uint64_t> Lengths(Random* random) {
  std::vector<uint64_t> lengths = {1, 2, 7, 8, 9, 16, 63, 64, 65, 72, 511, 512, 513};
  for (int i = 0; i < 12; ++i) lengths.push_back(1 + random->Below(3000));
  return lengths;
}

Lsn RandomFloor(const ChainInMemory& chain, Random* random) {
  return random->OneIn(2) ? 0 : chain.lsns[random->Below(chain.lsns.size())];
}

TEST(ChainWalk, FindVersion_AgreesWithAPlainVector) {
  Random random(TestSeed());
  for (const uint64_t length : Lengths(&random)) {
    ChainInMemory chain(length, &random);
    const Lsn floor = RandomFloor(chain, &random);
    for (uint64_t version = 1; version <= length; ++version) {
      ChainPath path;
      const auto found = FindVersion(&chain, chain.start(), version, floor, &path);
      ASSERT_TRUE(found.ok()) << found.status();
      const Lsn expected = chain.lsns[version - 1];
      EXPECT_EQ(*found, expected >= floor ? std::optional<Lsn>(expected) : std::nullopt)
          << "version " << version << " of " << length << ", floor " << floor;
    }
  }
}

// In any order, while the chain grows.
TEST(ChainWalk, FindVersion_GoingOnFromItsPath_AgreesWithAPlainVector) {
  Random random(TestSeed());
  for (const uint64_t length : Lengths(&random)) {
    ChainInMemory whole(length, &random);
    const Lsn floor = RandomFloor(whole, &random);
    Head head;
    ChainPath path;
    for (int i = 0; i < 200; ++i) {
      while (head.version < length && (head.version == 0 || random.OneIn(3))) {
        head.chain.Push(head.version + 1, whole.lsns[head.version]);
        ++head.version;
      }
      const uint64_t version = random.Between(1, head.version);
      const auto found = FindVersion(&whole, {Table::kEntities, "key", &head}, version, floor, &path);
      ASSERT_TRUE(found.ok()) << found.status();
      const Lsn expected = whole.lsns[version - 1];
      EXPECT_EQ(*found, expected >= floor ? std::optional<Lsn>(expected) : std::nullopt)
          << "version " << version << " of " << head.version << ", floor " << floor;
    }
  }
}

TEST(ChainWalk, FindVersion_OfNeighbours_ReadsAboutOneEntryEach) {
  Random random(TestSeed());
  ChainInMemory chain(100'000, &random);
  ChainPath path;
  constexpr uint64_t kNeighbours = 1000;
  const uint64_t first = random.Between(1, 90'000);
  for (uint64_t i = 0; i < kNeighbours; ++i) {
    ASSERT_EQ(**FindVersion(&chain, chain.start(), first + i, 0, &path), chain.lsns[first + i - 1]);
  }
  EXPECT_LT(chain.reads, 2 * kNeighbours);
}

TEST(ChainWalk, FindAtLsn_AgreesWithAPlainVector) {
  Random random(TestSeed());
  for (const uint64_t length : Lengths(&random)) {
    ChainInMemory chain(length, &random);
    const Lsn floor = RandomFloor(chain, &random);
    for (int i = 0; i < 300; ++i) {
      Lsn lsn = random.Below(chain.lsns.back() + 100);
      if (random.OneIn(2)) lsn = chain.lsns[random.Below(length)] + random.Below(3) - 1;
      const auto found = FindAtLsn(&chain, chain.start(), lsn, floor);
      ASSERT_TRUE(found.ok()) << found.status();
      const auto after = std::upper_bound(chain.lsns.begin(), chain.lsns.end(), lsn);
      const uint64_t version = static_cast<uint64_t>(after - chain.lsns.begin());
      if (version > 0 && chain.lsns[version - 1] < floor) {
        EXPECT_FALSE(found->readable);
      } else if (version == 0 && floor > chain.lsns.front()) {
        EXPECT_FALSE(found->readable) << "the first entries cannot be read, so nothing shows where it began";
      } else {
        EXPECT_TRUE(found->readable);
        EXPECT_EQ(found->version, version) << "LSN " << lsn << ", floor " << floor;
        EXPECT_EQ(found->lsn, version == 0 ? 0 : chain.lsns[version - 1]);
      }
    }
  }
}

TEST(ChainWalk, FindPosition_AgreesWithAPlainVector) {
  Random random(TestSeed());
  for (const uint64_t length : Lengths(&random)) {
    ChainInMemory chain(length, &random, Table::kSources);
    const Lsn floor = RandomFloor(chain, &random);
    for (uint64_t position = 0; position <= chain.positions.back() + 1; ++position) {
      const auto found = FindPosition(&chain, chain.start(), position, floor);
      ASSERT_TRUE(found.ok()) << found.status();
      const auto at = std::lower_bound(chain.positions.begin(), chain.positions.end(), position);
      std::optional<Lsn> expected;
      if (at != chain.positions.end() && *at == position) expected = chain.lsns[at - chain.positions.begin()];
      const bool trimmed = expected.has_value() && *expected < floor;
      if (trimmed) expected.reset();
      ASSERT_EQ(found->lsn, expected) << "position " << position << " of " << length << ", floor " << floor;
      const size_t before = static_cast<size_t>(at - chain.positions.begin());
      const bool sees_before = before == 0 || chain.lsns[before - 1] >= floor;
      const bool sees_after = before == length || chain.lsns[before] >= floor;
      const bool skipped = !trimmed && !expected.has_value() && sees_before && sees_after;
      EXPECT_EQ(found->skipped, skipped) << "position " << position << " of " << length << ", floor " << floor;
    }
  }
}

TEST(ChainWalk, OldestReadable_AgreesWithAPlainVector) {
  Random random(TestSeed());
  for (const uint64_t length : Lengths(&random)) {
    ChainInMemory chain(length, &random);
    for (int i = 0; i < 20; ++i) {
      const Lsn floor = RandomFloor(chain, &random);
      const auto first = std::lower_bound(chain.lsns.begin(), chain.lsns.end(), floor);
      const auto oldest = OldestReadable(&chain, chain.start(), floor);
      ASSERT_TRUE(oldest.ok()) << oldest.status();
      EXPECT_EQ(*oldest, static_cast<uint64_t>(first - chain.lsns.begin()) + 1) << "floor " << floor;
    }
  }
}

// Positions in any order within a window, as ConsumeInWindow allows it.
TEST(ChainWalk, FindPosition_OfAWindowedSource_FindsEachConsumedPosition) {
  Random random(TestSeed());
  for (const uint32_t window : {1u, 3u, 16u, 200u}) {
    for (const uint64_t length : {1ul, 5ul, 64ul, 1000ul}) {
      ChainInMemory chain(length, &random, Table::kSources);
      chain.ShuffleWithin(window, &random);
      for (uint64_t version = 1; version <= length; ++version) {
        chain.reads = 0;
        const auto found = FindPosition(&chain, chain.start(), chain.positions[version - 1], 0);
        ASSERT_TRUE(found.ok()) << found.status();
        ASSERT_EQ(found->lsn, chain.lsns[version - 1]) << "window " << window << ", length " << length;
        EXPECT_LE(chain.reads, 2 * window + 60);
      }
      const Lsn floor = RandomFloor(chain, &random);
      for (uint64_t version = 1; version <= length; ++version) {
        const auto found = FindPosition(&chain, chain.start(), chain.positions[version - 1], floor);
        EXPECT_EQ(found->lsn.has_value(), chain.lsns[version - 1] >= floor);
        EXPECT_FALSE(found->skipped);
      }
    }
  }
}

TEST(ChainWalk, WalkBack_AgreesWithAPlainVector) {
  Random random(TestSeed());
  for (const uint64_t length : Lengths(&random)) {
    ChainInMemory chain(length, &random);
    for (int i = 0; i < 100; ++i) {
      const Lsn floor = RandomFloor(chain, &random);
      const uint64_t newest = random.Between(0, length);
      const uint64_t after = random.Between(0, length);
      const uint64_t limit = random.Between(0, length + 1);
      const uint64_t stop_at = random.OneIn(2) ? 0 : random.Between(1, length);  // 0: never
      std::vector<uint64_t> visited;
      bool complete = false;
      const absl::Status walked = WalkBack(
          &chain, chain.start(), newest, after, limit, floor, false,
          [&](const Entry& entry, const Effect& effect) {
            EXPECT_EQ(entry.lsn, chain.lsns[effect.version - 1]);
            visited.push_back(effect.version);
            return effect.version != stop_at;
          },
          &complete);
      ASSERT_TRUE(walked.ok()) << walked;
      std::vector<uint64_t> expected;
      bool expect_complete = newest <= after;
      for (uint64_t version = newest; version > after && expected.size() < limit; --version) {
        if (chain.lsns[version - 1] < floor) break;
        expected.push_back(version);
        expect_complete = version == stop_at || version == after + 1;
        if (version == stop_at) break;
      }
      EXPECT_EQ(visited, expected);
      EXPECT_EQ(complete, expect_complete) << newest << " " << after << " " << limit << " " << floor << " " << stop_at;
    }
  }
}

TEST(ChainWalk, EntityThatNeverExisted_HasNothing) {
  Random random(1);
  ChainInMemory chain(0, &random);
  EXPECT_EQ(FindAtLsn(&chain, chain.start(), 100, 0)->version, 0u);
  bool complete = false;
  const auto visit = [](const Entry&, const Effect&) { return true; };
  EXPECT_TRUE(WalkBack(&chain, chain.start(), 0, 0, 10, 0, false, visit, &complete).ok());
  EXPECT_TRUE(complete);
}

TEST(ChainWalk, PointerToAnotherVersion_IsDataLoss) {
  Random random(1);
  ChainInMemory chain(100, &random);
  for (ChainPointers& pointers : chain.pointers) {
    for (Lsn& pointer : pointers) pointer = chain.lsns[0];
  }
  ChainPath path;
  EXPECT_EQ(FindVersion(&chain, chain.start(), 50, 0, &path).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ChainWalk, EntryWithoutTheEntity_IsDataLoss) {
  Random random(1);
  ChainInMemory chain(100, &random);
  const ChainStart other{Table::kEntities, "other", &chain.head};
  ChainPath path;
  EXPECT_EQ(FindVersion(&chain, other, 50, 0, &path).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ChainWalk, ErrorOfTheSource_IsPassedOn) {
  Random random(1);
  ChainInMemory chain(100, &random);
  ChainInMemory empty(0, &random);
  ChainPath path;
  EXPECT_EQ(FindVersion(&empty, chain.start(), 50, 0, &path).status().code(), absl::StatusCode::kOutOfRange);
}

// The figures of docs/design.md: 26 reads on average and 49 at most at a million versions, from the newest entry on
// (which the walk here does not read: it starts from the head).
TEST(ChainWalk, Reads_AtAMillionVersions_AreLogarithmic) {
  Random random(TestSeed());
  const uint64_t kLength = 1'000'000;
  ChainInMemory chain(kLength, &random, Table::kSources);
  uint64_t worst = 0;
  uint64_t total = 0;
  uint64_t worst_position = 0;
  const int kSamples = 10'000;
  for (int i = 0; i < kSamples; ++i) {
    const uint64_t version = random.Between(1, kLength);
    chain.reads = 0;
    ChainPath path;
    ASSERT_EQ(**FindVersion(&chain, chain.start(), version, 0, &path), chain.lsns[version - 1]);
    worst = std::max(worst, chain.reads);
    total += chain.reads;
    chain.reads = 0;
    ASSERT_EQ(FindAtLsn(&chain, chain.start(), chain.lsns[version - 1], 0)->version, version);
    worst = std::max(worst, chain.reads);
    chain.reads = 0;
    ASSERT_EQ(FindPosition(&chain, chain.start(), chain.positions[version - 1], 0)->lsn, chain.lsns[version - 1]);
    worst_position = std::max(worst_position, chain.reads);
  }
  const double mean = static_cast<double>(total) / kSamples;
  std::printf("reads at %llu versions: %.1f mean, %llu max; by position %llu max\n",
              static_cast<unsigned long long>(kLength), mean, static_cast<unsigned long long>(worst),
              static_cast<unsigned long long>(worst_position));
  const double levels = std::log(static_cast<double>(kLength)) / std::log(8.0);  // 6.6
  EXPECT_LE(static_cast<double>(worst), 8 * levels);
  EXPECT_LE(mean, 4 * levels);
  EXPECT_LE(static_cast<double>(worst_position), 16 * levels);
}

}  // namespace
}  // namespace semel::testing
