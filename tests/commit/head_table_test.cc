// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The heads in memory: batch-local states, generations, eviction, and what readers see meanwhile.

#include "engine/commit/head_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/random.h"

namespace semel::internal {
namespace {

class HeadTableTest : public ::testing::Test {
 protected:
  HeadTable::Node* Load(const std::string& key) {
    std::vector<HeadTable::Node*> nodes;
    const HeadKey head_key{Table::kEntities, key};
    EXPECT_TRUE(table_.Load({&head_key, 1}, &nodes).ok());
    return nodes.at(0);
  }

  // Adds 1 to an entity, batch-locally.
  void Add(const std::string& key) {
    HeadTable::Node* node = Load(key);
    Effect effect = NextEffect(Table::kEntities, key, table_.Current(node));
    effect.action = Action::kAdd;
    effect.amount = 1;
    effect.balance = table_.Current(node).balance + 1;
    EntryRef entry;
    entry.lsn = ++lsn_;
    entry.sequence = lsn_;
    ASSERT_TRUE(table_.Apply(node, effect, entry).ok());
  }
  void Publish() {
    JournalTip tip;
    tip.lsn = ++lsn_;
    table_.Publish(tip);
  }
  void Commit(const std::string& key) {
    Add(key);
    Publish();
  }
  // Evicts as much as it may: clean heads beside the others are too much for the cache.
  void Evict() {
    for (const char* key : {"clean-1", "clean-2", "clean-3"}) Load(key);
    table_.Evict();
  }
  Amount Read(const std::string& key) const { return table_.Read({Table::kEntities, key})->balance; }

  // The checkpoint's steps.
  void Write() {
    CheckpointInfo info;
    info.tip = table_.tip();
    ASSERT_TRUE(store_->Commit(table_.FrozenRecords(), info).ok());
  }
  Amount Stored(const std::string& key) {
    Head head;
    auto snapshot = store_->Snapshot();
    EXPECT_TRUE((*snapshot)->Get(Table::kEntities, key, &head).ok());
    return head.balance;
  }

  std::unique_ptr<StateStore> store_ = NewMemoryStateStore(1);
  HeadTable table_{store_.get(), CheckpointInfo(), /*cache_bytes=*/0};
  Lsn lsn_ = 0;
};

TEST_F(HeadTableTest, BatchLocalHeadsAreInvisibleUntilPublished) {
  Add("a");
  Add("a");
  EXPECT_EQ(table_.Current(Load("a")).balance, 2);
  EXPECT_EQ(Read("a"), 0);
  Publish();
  EXPECT_EQ(Read("a"), 2);
}

TEST_F(HeadTableTest, DiscardForgetsTheBatch) {
  Commit("a");
  Add("a");
  table_.Discard();
  EXPECT_EQ(table_.Current(Load("a")).balance, 1);
  Commit("a");
  EXPECT_EQ(Read("a"), 2);
}

TEST_F(HeadTableTest, FrozenRecordsOfKeysThatBeginAlikeComeInKeyOrder) {
  using std::string_literals::operator""s;
  const std::vector<std::vector<std::string>> orders = {
      {"only"},
      {"account/", "account/1", "account/10", "account/2", "account/20000000000", "account/20000000001"},
      {"a", "a\0"s, "a\0\0\0\0\0\0\0\0"s, "a\0\0\0\0\0\0\0\0\1"s, "a\1"s, "a\x7f", "a\x80", "a\xff", "b"},
      {"account/1", "order/1", "order/12345678a", "order/12345678b"},
  };
  for (const std::vector<std::string>& keys : orders) {
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) Commit(*key);
    EXPECT_EQ(table_.Freeze(), keys.size());
    std::vector<std::string> seen;
    const RecordFeed feed = table_.FrozenRecords();
    Table table;
    std::string_view seen_key;
    const Head* head = nullptr;
    while (feed(&table, &seen_key, &head)) seen.emplace_back(seen_key);
    EXPECT_EQ(seen, keys);
    table_.Release();
  }
}

TEST_F(HeadTableTest, FrozenGenerationIsWrittenAsItWasFrozen) {
  Commit("a");
  Commit("b");
  EXPECT_EQ(table_.Freeze(), 2u);
  Commit("a");  // copies what was frozen
  Commit("c");
  Write();
  EXPECT_EQ(Stored("a"), 1);
  EXPECT_EQ(Stored("b"), 1);
  EXPECT_EQ(Stored("c"), 0);
  table_.Release();
  EXPECT_EQ(Read("a"), 2);
  EXPECT_EQ(table_.Freeze(), 2u);  // a again, and c
  Write();
  table_.Release();
  EXPECT_EQ(Stored("a"), 2);
  EXPECT_EQ(Stored("c"), 1);
}

TEST_F(HeadTableTest, DirtyAndFrozenHeadsAreNeverEvicted) {
  Commit("a");
  Evict();
  EXPECT_EQ(table_.node_count(), 1u);
  EXPECT_EQ(Read("a"), 1);
  table_.Freeze();
  Evict();
  EXPECT_EQ(table_.node_count(), 1u);
  EXPECT_EQ(Read("a"), 1);
  EXPECT_GT(table_.pinned_bytes(), 0u);
  Write();
  table_.Release();
  EXPECT_EQ(table_.pinned_bytes(), 0u);
  table_.Evict();
  EXPECT_EQ(table_.node_count(), 0u);
  EXPECT_EQ(Read("a"), 1);  // from the state
}

TEST_F(HeadTableTest, WhatChangedWhileFrozenIsDirtyAfterTheRelease) {
  Commit("a");
  table_.Freeze();
  Commit("a");
  Write();
  table_.Release();
  Evict();
  EXPECT_EQ(Read("a"), 2);
  EXPECT_EQ(table_.Freeze(), 1u);
}

TEST_F(HeadTableTest, FrozenRecordsComeInKeyOrder) {
  for (const char* key : {"m", "z", "a", "k", "b"}) Commit(key);
  table_.Freeze();
  RecordFeed feed = table_.FrozenRecords();
  std::string order;
  Table table;
  std::string_view key;
  const Head* head = nullptr;
  while (feed(&table, &key, &head)) order += key;
  EXPECT_EQ(order, "abkmz");
}

TEST_F(HeadTableTest, EffectThatDoesNotFollowIsRefused) {
  HeadTable::Node* node = Load("a");
  Effect effect;
  effect.key = "a";
  effect.version = 2;
  EXPECT_TRUE(absl::IsDataLoss(table_.Apply(node, effect, EntryRef())));
}

// Commits, checkpoints, evictions and readers at once: a reader never sees a balance fall.
TEST_F(HeadTableTest, ReadersNeverSeeAnOlderHead) {
  constexpr int kKeys = 50;
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&, t] {
      testing::Random random(t);
      std::map<std::string, Amount> seen;
      while (!done) {
        const std::string key = "k" + std::to_string(random.Below(kKeys));
        const Amount now = Read(key);
        ASSERT_GE(now, seen[key]);
        seen[key] = now;
      }
    });
  }
  std::atomic<int> phase{0};  // 0 idle, 1 frozen, 2 written
  std::thread checkpoint([&] {
    while (!done) {
      if (phase != 1) continue;
      Write();
      table_.Release();
      phase = 0;
    }
  });
  testing::Random random(semel::testing::TestSeed());
  std::map<std::string, Amount> expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "k" + std::to_string(random.Below(kKeys));
    Commit(key);
    expected[key] += 1;
    table_.Evict();
    if (i % 20 == 0 && phase == 0) {
      table_.Freeze();
      phase = 1;
    }
  }
  while (phase != 0) std::this_thread::yield();
  done = true;
  checkpoint.join();
  for (std::thread& reader : readers) reader.join();
  for (const auto& [key, balance] : expected) EXPECT_EQ(Read(key), balance);
}

}  // namespace
}  // namespace semel::internal
