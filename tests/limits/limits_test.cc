// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Every limit of a ledger at -1, 0 and +1, through the public API. Those of a message as bytes are in tests/codec.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/commit/decider.h"
#include "engine/journal/change_coding.h"
#include "engine/journal/entry.h"
#include "engine/journal/frame.h"
#include "gtest/gtest.h"
#include "semel/ledger.h"
#include "tests/sim/figures.h"

namespace semel::testing {
namespace {

Options SmallFiles() {
  Options options;
  options.segment_bytes = size_t{1} << 20;
  return options;
}

std::unique_ptr<Ledger> OpenNew(const Options& options = SmallFiles()) {
  auto ledger = Ledger::OpenInMemory(options);
  EXPECT_TRUE(ledger.ok()) << ledger.status();
  return *std::move(ledger);
}

OutcomeCode CodeOf(Ledger* ledger, const Change& change) {
  const auto outcome = ledger->Apply(change);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? outcome->code : OutcomeCode::kUnspecified;
}

// Calls check(size, whether it is within the limit) for the limit and its neighbours.
void AroundLimit(uint64_t limit, const std::function<void(uint64_t size, bool within)>& check) {
  for (const uint64_t size : {limit - 1, limit, limit + 1}) {
    SCOPED_TRACE(size);
    check(size, size <= limit);
  }
  Figure("T14", "limits at -1, 0 and +1", 1);
}

Change Put(std::string_view id, std::string_view key, std::string_view value) {
  Change change(id);
  change.AddUpdate(key).ExpectVersion(0).Put(value);
  return change;
}

Change From(const std::string& source, uint64_t position) {
  Change change("from-" + source.substr(0, 8) + "-" + std::to_string(position));
  change.AddUpdate("k").Add(1);
  change.source.emplace();
  change.source->name = source;
  change.source->position = position;
  return change;
}

// ---- A change

// `sized` makes a change in which one thing has the given size.
void ExpectLimitOfAChange(uint64_t limit, const std::function<Change(uint64_t)>& sized) {
  AroundLimit(limit, [&](uint64_t size, bool within) {
    EXPECT_EQ(CodeOf(OpenNew().get(), sized(size)), within ? OutcomeCode::kApplied : OutcomeCode::kInvalid);
  });
}

TEST(Limits, BytesOfAnId) {
  ExpectLimitOfAChange(kMaxIdBytes, [](uint64_t size) { return Put(std::string(size, 'i'), "k", ""); });
}

TEST(Limits, BytesOfAKey) {
  ExpectLimitOfAChange(kMaxKeyBytes, [](uint64_t size) { return Put("i", std::string(size, 'k'), ""); });
  AroundLimit(kMaxKeyBytes, [](uint64_t size, bool within) {
    const auto ledger = OpenNew();
    const std::string key(size, 'k');
    EXPECT_EQ(ledger->Get(key).ok(), within);
    EXPECT_EQ(ledger->GetMany({&key, 1}).ok(), within);
    EXPECT_EQ(ledger->History(key).ok(), within);
    EXPECT_EQ(ledger->AnswerableSince(key).ok(), within);
    EXPECT_EQ(ledger->Retire(key).ok(), within);
  });
}

TEST(Limits, BytesOfAValue) {
  ExpectLimitOfAChange(kMaxValueBytes, [](uint64_t size) { return Put("i", "k", std::string(size, 'v')); });
}

TEST(Limits, BytesOfAnAsset) {
  ExpectLimitOfAChange(kMaxAssetBytes, [](uint64_t size) {
    Change change("i");
    change.AddUpdate("k").ExpectVersion(0).SetPolicy({std::string(size, 'a'), {}, {}, {}});
    return change;
  });
  AroundLimit(kMaxAssetBytes, [](uint64_t size, bool within) {
    Change change("i");
    change.AddUpdate("k").ExpectVersion(0).Add(1, std::string(size, 'a'));
    EXPECT_EQ(CodeOf(OpenNew().get(), change), within ? OutcomeCode::kRejected : OutcomeCode::kInvalid);
  });
}

TEST(Limits, UpdatesOfAChange) {
  ExpectLimitOfAChange(kMaxUpdatesPerChange, [](uint64_t size) {
    Change change("i");
    for (uint64_t i = 0; i < size; ++i) change.AddUpdate("k" + std::to_string(i)).ExpectVersion(0).Add(1);
    return change;
  });
}

TEST(Limits, BytesOfAChange) {
  ExpectLimitOfAChange(kMaxChangeBytes, [](uint64_t size) {
    Change change("i");
    for (const char* key : {"a", "b", "c", "d", "e"}) change.AddUpdate(key).ExpectVersion(0);
    size -= 1 + change.updates.size();  // the id and the keys
    for (Update& update : change.updates) {
      update.Put(std::string(std::min<uint64_t>(size, kMaxValueBytes), 'v'));
      size -= update.value.size();
    }
    return change;
  });
}

// ---- A source

TEST(Limits, BytesOfASourcesName) {
  ExpectLimitOfAChange(kMaxSourceNameBytes, [](uint64_t size) { return From(std::string(size, 's'), 1); });
  AroundLimit(kMaxSourceNameBytes, [](uint64_t size, bool within) {
    SourceCursor cursor;
    cursor.name = std::string(size, 's');
    cursor.position = 7;
    EXPECT_EQ(OpenNew()->SetSource(cursor).ok(), within);
  });
}

TEST(Limits, BytesOfAnIncarnation) {
  ExpectLimitOfAChange(kMaxIncarnationBytes, [](uint64_t size) {
    Change change = From("s", 1);
    change.source->incarnation = std::string(size, 'n');
    return change;
  });
}

TEST(Limits, SizeOfAWindow) {
  ExpectLimitOfAChange(kMaxSourceWindow, [](uint64_t size) {
    Change change = From("s", 1);
    change.source->window = static_cast<uint32_t>(size);
    return change;
  });
}

TEST(Limits, PositionsBeyondAWindow) {
  for (const uint32_t window : {uint32_t{1}, uint32_t{8}, kMaxSourceWindow}) {
    AroundLimit(1 + window, [window](uint64_t position, bool within) {
      const auto ledger = OpenNew();
      const auto apply = [&](uint64_t at) {
        Change change = From("s", at);
        change.source->window = window;
        return CodeOf(ledger.get(), change);
      };
      ASSERT_EQ(apply(1), OutcomeCode::kApplied);
      if (position > 1) {
        EXPECT_EQ(apply(position), within ? OutcomeCode::kApplied : OutcomeCode::kEarly);
      }
    });
  }
}

// ---- What is looked back

Change FillAt(uint64_t version) {
  Change change("fill-" + std::to_string(version));
  change.AddUpdate("k").ExpectVersion(version).Add(0);
  return change;
}

Change IfBalanceIsZero(std::string_view id) {
  Change change(id);
  change.AddUpdate("k").ExpectBalance(0).Add(0);
  return change;
}

TEST(Limits, EntriesThatAreLookedBackFor) {
  for (const uint32_t lookback : {2u, 8u, 4096u}) {
    Options options = SmallFiles();
    options.balance_lookback = lookback;
    AroundLimit(lookback, [&](uint64_t entries, bool within) {
      const auto ledger = OpenNew(options);  // whose entity has so many
      ASSERT_EQ(CodeOf(ledger.get(), IfBalanceIsZero("oldest")), OutcomeCode::kApplied);
      std::vector<Change> fill;
      for (uint64_t version = 1; version < entries; ++version) fill.push_back(FillAt(version));
      ASSERT_TRUE(ledger->ApplyBatch(fill).ok());
      const OutcomeCode found = within ? OutcomeCode::kDuplicate : OutcomeCode::kIndeterminate;
      EXPECT_EQ(CodeOf(ledger.get(), IfBalanceIsZero("oldest")), found);
      const OutcomeCode not_found = within ? OutcomeCode::kApplied : OutcomeCode::kIndeterminate;
      EXPECT_EQ(CodeOf(ledger.get(), IfBalanceIsZero("new")), not_found);
    });
  }
}

// ---- What is held

Change Early(uint64_t number, const std::string& key) {
  Change change("early-" + std::to_string(number));
  change.AddUpdate(key).ExpectVersion(number + 1).Add(1);
  return change;
}

// How many of `count` early changes are parked.
uint64_t CountParked(Ledger* ledger, uint64_t count, bool one_entity) {
  uint64_t parked = 0;
  for (uint64_t i = 0; i < count; ++i) {
    parked += CodeOf(ledger, Early(i, one_entity ? "k" : "k" + std::to_string(i))) == OutcomeCode::kParked;
  }
  EXPECT_EQ(ledger->ListParked()->size(), parked);
  return parked;
}

TEST(Limits, ParkedChanges) {
  Options options = SmallFiles();
  options.parking = true;
  options.parking_changes = 10;
  AroundLimit(10, [&](uint64_t count, bool) {
    EXPECT_EQ(CountParked(OpenNew(options).get(), count, false), std::min<uint64_t>(count, 10));
  });
  options.parking_changes_per_entity = 5;
  AroundLimit(5, [&](uint64_t count, bool) {
    EXPECT_EQ(CountParked(OpenNew(options).get(), count, true), std::min<uint64_t>(count, 5));
  });
}

TEST(Limits, ParkedBytes) {
  const Change first = Early(1, "k");
  const uint64_t bytes = internal::EncodeChange(first).size();
  for (const bool per_entity : {false, true}) {
    for (const bool second : {false, true}) {
      // The bound lies around what one takes, or two.
      AroundLimit(second ? 2 * bytes : bytes, [&](uint64_t bound, bool) {
        Options options = SmallFiles();
        options.parking = true;
        (per_entity ? options.parking_bytes_per_entity : options.parking_bytes) = bound;
        const auto ledger = OpenNew(options);
        EXPECT_EQ(CodeOf(ledger.get(), first) == OutcomeCode::kParked, bytes <= bound);
        EXPECT_EQ(CodeOf(ledger.get(), Early(2, "k")) == OutcomeCode::kParked, 2 * bytes <= bound);
      });
    }
  }
}

TEST(Limits, DeadLetters) {
  Options options = SmallFiles();
  options.max_dead_letters = 5;
  AroundLimit(5, [&](uint64_t count, bool within) {
    const auto ledger = OpenNew(options);
    for (uint64_t position = 1; position < count; ++position) {
      Change bad = From("s", position);
      bad.updates.clear();
      ASSERT_EQ(CodeOf(ledger.get(), bad), OutcomeCode::kInvalid);
    }
    Change last = From("s", count);
    last.updates.clear();
    EXPECT_EQ(ledger->Apply(last).ok(), within);
    EXPECT_EQ(ledger->ListDeadLetters()->size(), std::min<uint64_t>(count, 5));
  });
}

TEST(Limits, BytesOfDeadLetters) {
  Change bad = From("s", 1);
  bad.updates.clear();
  bad.original = std::string(1000, 'o');
  const uint64_t bytes = internal::EncodeChange(bad).size() + bad.original.size();
  AroundLimit(bytes, [&](uint64_t bound, bool) {
    Options options = SmallFiles();
    options.max_dead_letter_bytes = bound;
    EXPECT_EQ(OpenNew(options)->Apply(bad).ok(), bytes <= bound);
  });
}

TEST(Limits, BytesThatAreKeptOfAMessage) {
  AroundLimit(internal::kMaxKeptBytes, [](uint64_t size, bool) {
    const auto ledger = OpenNew();
    const Change bad = Change::Undecodable({"s", 1}, std::string(size, 'o'), "not a message");
    ASSERT_EQ(CodeOf(ledger.get(), bad), OutcomeCode::kInvalid);
    const auto letters = ledger->ListDeadLetters();
    ASSERT_EQ(letters->size(), 1u);
    EXPECT_EQ((*letters)[0].original.size(), std::min<uint64_t>(size, internal::kMaxKeptBytes));
    EXPECT_EQ((*letters)[0].original_bytes, size);
  });
}

// ---- What is written at once

TEST(Limits, BytesOfAFrame) {
  std::vector<Change> changes;
  uint64_t bytes = internal::kFrameHeaderBytes;
  for (int i = 0; i < 4; ++i) {
    changes.push_back(Put("i" + std::to_string(i), "k" + std::to_string(i), std::string(1000, 'v')));
    bytes += internal::Prepare(changes.back(), {}).entry_bytes_max;
  }
  AroundLimit(bytes, [&](uint64_t bound, bool) {
    Options options = SmallFiles();
    options.max_frame_bytes = bound;
    const auto ledger = OpenNew(options);
    const uint64_t before = ledger->GetStats()->frames;
    ASSERT_TRUE(ledger->ApplyBatch(changes).ok());
    EXPECT_EQ(ledger->GetStats()->frames - before, bytes <= bound ? 1u : 2u);
  });
}

// ---- Options

struct Range {
  const char* name;
  uint64_t least;
  uint64_t most;
  std::function<void(uint64_t, Options*)> set;
  bool has_most = true;  // false: a ledger in memory takes less at once
};

TEST(Limits, Options) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  constexpr uint64_t kMost = uint64_t{1} << 32;
  const std::vector<Range> ranges = {
      {"parking_changes", 1, kMost, [](uint64_t value, Options* options) { options->parking_changes = value; }},
      {"parking_bytes", 1, 1024 * kMiB, [](uint64_t value, Options* options) { options->parking_bytes = value; }},
      {"parking_changes_per_entity", 1, kMost,
       [](uint64_t value, Options* options) { options->parking_changes_per_entity = value; }},
      {"parking_bytes_per_entity", 1, 1024 * kMiB,
       [](uint64_t value, Options* options) { options->parking_bytes_per_entity = value; }},
      {"segment_bytes", 4096, 1024 * kMiB, [](uint64_t value, Options* options) { options->segment_bytes = value; },
       /*has_most=*/false},
      {"max_frame_bytes", 4096, 64 * kMiB, [](uint64_t value, Options* options) { options->max_frame_bytes = value; }},
      {"max_waiting_bytes", 4096, UINT64_MAX,
       [](uint64_t value, Options* options) { options->max_waiting_bytes = value; }, /*has_most=*/false},
      {"state_map_bytes", kMiB, uint64_t{1} << 46,
       [](uint64_t value, Options* options) { options->state_map_bytes = value; }},
  };
  const auto expect = [](const Range& range, uint64_t value, bool within) {
    Options options = SmallFiles();
    range.set(value, &options);
    const absl::Status opened = Ledger::OpenInMemory(options).status();
    EXPECT_EQ(opened.ok(), within) << range.name << " " << value << ": " << opened;
    EXPECT_EQ(absl::IsInvalidArgument(opened), !within);
  };
  for (const Range& range : ranges) {
    for (const uint64_t value : {range.least - 1, range.least, range.least + 1}) {
      expect(range, value, value >= range.least);
    }
    for (const uint64_t value : {range.most - 1, range.most, range.most + 1}) {
      if (range.has_most) expect(range, value, value <= range.most);
    }
    Figure("T14", "limits at -1, 0 and +1", range.has_most ? 2 : 1);
  }
  Options options = SmallFiles();
  for (const uint32_t lookback : {0u, 1u, 2u, UINT32_MAX}) {
    options.balance_lookback = lookback;
    EXPECT_EQ(Ledger::OpenInMemory(options).ok(), lookback != 0);
  }
}

}  // namespace
}  // namespace semel::testing
