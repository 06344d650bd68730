// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What both stores promise, shown on both.

#include "engine/state/state_store.h"

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/state/state_testing.h"

namespace semel::testing {
namespace {

using internal::CheckpointInfo;
using internal::Hash128;
using internal::Head;
using internal::RecordHead;
using internal::StateSnapshot;
using internal::StateStore;
using internal::Table;

constexpr Table kEntities = Table::kEntities;
constexpr Table kSources = Table::kSources;
constexpr uint64_t kSeed = 42;

std::unique_ptr<StateStore> NewLmdbStore(const std::string& directory) {
  const internal::LmdbOptions options = StateOptions(directory + "/state");
  EXPECT_TRUE(CreateLmdbState(options).ok());
  auto store = OpenLmdbState(options);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

class StateStoreTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<StateStore> NewStore() {
    return GetParam() == "memory" ? internal::NewMemoryStateStore(kSeed) : NewLmdbStore(directory_.path());
  }

  TemporaryDirectory directory_;
  const std::unique_ptr<StateStore> store_ = NewStore();
};

INSTANTIATE_TEST_SUITE_P(Stores, StateStoreTest, ::testing::Values("memory", "lmdb"),
                         [](const auto& parameter) { return parameter.param; });

std::unique_ptr<StateSnapshot> SnapshotOf(StateStore* store) {
  auto snapshot = store->Snapshot();
  EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  return *std::move(snapshot);
}

Records AllOf(StateStore* store) {
  auto records = ReadAll(SnapshotOf(store).get());
  EXPECT_TRUE(records.ok()) << records.status();
  return *std::move(records);
}

TEST_P(StateStoreTest, New_IsEmpty) {
  const auto snapshot = SnapshotOf(store_.get());
  EXPECT_EQ(snapshot->info().tip.lsn, 0u);
  EXPECT_EQ(snapshot->info().tip.next_sequence, 1u);
  EXPECT_EQ(snapshot->info().RecordsOf(kEntities), 0u);
  EXPECT_EQ(snapshot->info().RecordsOf(kSources), 0u);
  EXPECT_TRUE(snapshot->info().digest == Hash128());
  EXPECT_TRUE(AllOf(store_.get()).empty());
  EXPECT_TRUE(store_->Verify().ok());
}

TEST_P(StateStoreTest, Commit_ShowsRecordsAndInfoInLaterSnapshots) {
  const Records records = {{{kEntities, "alice"}, PlainHead(3, 100)}, {{kSources, "kafka/0"}, PlainHead(9, 0)}};
  ASSERT_TRUE(CommitAt(store_.get(), records, 777).ok());
  const auto snapshot = SnapshotOf(store_.get());
  Head head;
  ASSERT_TRUE(snapshot->Get(kEntities, "alice", &head).value());
  EXPECT_TRUE(SameHead(head, records.at({kEntities, "alice"})));
  EXPECT_FALSE(snapshot->Get(kSources, "alice", &head).value());
  EXPECT_FALSE(snapshot->Get(kEntities, "alic", &head).value());
  const CheckpointInfo want = InfoAt(777);
  EXPECT_EQ(snapshot->info().tip.lsn, want.tip.lsn);
  EXPECT_EQ(snapshot->info().tip.next_sequence, want.tip.next_sequence);
  EXPECT_EQ(snapshot->info().tip.frame_checksum, want.tip.frame_checksum);
  EXPECT_EQ(snapshot->info().tip.commit_time_us, want.tip.commit_time_us);
  EXPECT_TRUE(snapshot->info().options == want.options);
  EXPECT_EQ(snapshot->info().RecordsOf(kEntities), 1u);
  EXPECT_EQ(snapshot->info().RecordsOf(kSources), 1u);
}

TEST_P(StateStoreTest, Commit_KeepsTheDigestThatTheChecksAddUpTo) {
  ASSERT_TRUE(CommitAt(store_.get(), {{{kEntities, "a"}, PlainHead(1, 1)}}, 1).ok());
  const Hash128 first = SnapshotOf(store_.get())->info().digest;
  ASSERT_TRUE(
      CommitAt(store_.get(), {{{kEntities, "a"}, PlainHead(2, 5)}, {{kEntities, "b"}, PlainHead(1, 1)}}, 2).ok());
  EXPECT_FALSE(SnapshotOf(store_.get())->info().digest == first);
  const auto verified = store_->Verify();
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_TRUE(verified->digest == SnapshotOf(store_.get())->info().digest);
  EXPECT_EQ(verified->RecordsOf(kEntities), 2u);
}

TEST_P(StateStoreTest, Commit_OfAHeadOfVersion0_TakesTheRecordAway) {
  const Records records = {{{kEntities, "a"}, PlainHead(3, 7)},
                           {{kEntities, "b"}, PlainHead(1, 1)},
                           {{Table::kLetters, "1"}, RecordHead("a letter")},
                           {{Table::kRetired, "x/"}, RecordHead("")}};
  ASSERT_TRUE(CommitAt(store_.get(), records, 1).ok());
  EXPECT_EQ(SnapshotOf(store_.get())->info().bytes[static_cast<size_t>(Table::kLetters)], 8u);
  ASSERT_TRUE(CommitAt(store_.get(),
                       {{{kEntities, "a"}, Head()},
                        {{kEntities, "never"}, Head()},
                        {{Table::kLetters, "1"}, Head()},
                        {{Table::kLetters, "2"}, RecordHead("another")}},
                       2)
                  .ok());
  const Records left = {{{kEntities, "b"}, PlainHead(1, 1)},
                        {{Table::kLetters, "2"}, RecordHead("another")},
                        {{Table::kRetired, "x/"}, RecordHead("")}};
  EXPECT_TRUE(SameRecords(AllOf(store_.get()), left));
  const auto verified = store_->Verify();
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->RecordsOf(kEntities), 1u);
  EXPECT_EQ(verified->RecordsOf(Table::kLetters), 1u);
}

TEST_P(StateStoreTest, Commit_WithoutRecordsMovesTheTip) {
  ASSERT_TRUE(CommitAt(store_.get(), {}, 4242).ok());
  EXPECT_EQ(SnapshotOf(store_.get())->info().tip.lsn, 4242u);
}

TEST_P(StateStoreTest, Snapshot_KeepsShowingItsState) {
  ASSERT_TRUE(CommitAt(store_.get(), {{{kEntities, "a"}, PlainHead(1, 1)}}, 1).ok());
  const auto old = SnapshotOf(store_.get());
  ASSERT_TRUE(
      CommitAt(store_.get(), {{{kEntities, "a"}, PlainHead(2, 2)}, {{kEntities, "b"}, PlainHead(1, 7)}}, 2).ok());
  Head head;
  ASSERT_TRUE(old->Get(kEntities, "a", &head).value());
  EXPECT_EQ(head.version, 1u);
  EXPECT_FALSE(old->Get(kEntities, "b", &head).value());
  EXPECT_EQ(old->info().tip.lsn, 1u);
  ASSERT_TRUE(SnapshotOf(store_.get())->Get(kEntities, "a", &head).value());
  EXPECT_EQ(head.version, 2u);
}

TEST_P(StateStoreTest, Get_OfAKeyThatCannotExistIsFalse) {
  ASSERT_TRUE(CommitAt(store_.get(), {{{kEntities, std::string(256, 'k')}, PlainHead(1, 1)}}, 1).ok());
  const auto snapshot = SnapshotOf(store_.get());
  Head head;
  EXPECT_TRUE(snapshot->Get(kEntities, std::string(256, 'k'), &head).value());
  EXPECT_FALSE(snapshot->Get(kEntities, "", &head).value());
  EXPECT_FALSE(snapshot->Get(kEntities, std::string(257, 'k'), &head).value());
  EXPECT_FALSE(snapshot->Get(kEntities, std::string(5000, 'k'), &head).value());
}

TEST_P(StateStoreTest, Scan_StartsAtTheKeyAndEndsWhenToldTo) {
  Records records;
  const std::vector<std::string> keys = {std::string(1, '\0'), std::string("a\0b", 3), "a", "ab", "b", "\xff\xff"};
  for (const std::string& key : keys) records[{kEntities, key}] = PlainHead(1, 1);
  records[{kSources, "s"}] = PlainHead(1, 1);
  ASSERT_TRUE(CommitAt(store_.get(), records, 1).ok());
  const auto keys_from = [&](std::string_view start, size_t limit) {
    std::vector<std::string> seen;
    EXPECT_TRUE(SnapshotOf(store_.get())
                    ->Scan(kEntities, start,
                           [&](std::string_view key, const Head&) {
                             seen.emplace_back(key);
                             return seen.size() < limit;
                           })
                    .ok());
    return seen;
  };
  const std::string nul(1, '\0');
  const std::string a_nul("a\0b", 3);
  EXPECT_EQ(keys_from("", 100), (std::vector<std::string>{nul, "a", a_nul, "ab", "b", "\xff\xff"}));
  EXPECT_EQ(keys_from("a", 100), (std::vector<std::string>{"a", a_nul, "ab", "b", "\xff\xff"}));
  EXPECT_EQ(keys_from("aa", 2), (std::vector<std::string>{"ab", "b"}));
  EXPECT_EQ(keys_from(std::string(3000, 'a'), 100), (std::vector<std::string>{"ab", "b", "\xff\xff"}));
  EXPECT_EQ(keys_from("\xff\xff\xff", 100), std::vector<std::string>());
}

TEST_P(StateStoreTest, Commit_RefusesRecordsOutOfOrderAndThenEverything) {
  ASSERT_TRUE(CommitAt(store_.get(), {{{kEntities, "a"}, PlainHead(1, 1)}}, 1).ok());
  const Head head = PlainHead(1, 1);
  int fed = 0;
  const auto twice = [&](Table* table, std::string_view* key, const Head** out) {
    *table = kEntities;
    *key = "same";
    *out = &head;
    return ++fed <= 2;
  };
  const absl::Status first = store_->Commit(twice, InfoAt(2));
  EXPECT_TRUE(absl::IsInternal(first)) << first;
  EXPECT_EQ(store_->Snapshot().status(), first);
  EXPECT_EQ(store_->GetStats().status(), first);
  EXPECT_EQ(store_->Verify().status(), first);
  EXPECT_EQ(CommitAt(store_.get(), {}, 3), first);
}

TEST_P(StateStoreTest, Commit_RefusesKeysOfAWrongSize) {
  const Records too_long = {{{kEntities, std::string(257, 'k')}, PlainHead(1, 1)}};
  EXPECT_TRUE(absl::IsInternal(CommitAt(store_.get(), too_long, 1)));
}

TEST_P(StateStoreTest, GetStats_CountsSnapshotsAndTellsTheAgeOfTheOldest) {
  EXPECT_EQ(store_->GetStats()->active_readers, 0u);
  EXPECT_EQ(store_->GetStats()->oldest_reader_age_us, 0);
  auto oldest = SnapshotOf(store_.get());
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const auto second = SnapshotOf(store_.get());
  EXPECT_EQ(store_->GetStats()->active_readers, 2u);
  const int64_t age = store_->GetStats()->oldest_reader_age_us;
  EXPECT_GE(age, 2000);
  oldest.reset();
  EXPECT_EQ(store_->GetStats()->active_readers, 1u);
}

Records RandomCommit(Random* random, bool small) {
  Records records;
  const uint64_t count = random->Below(30);
  for (uint64_t i = 0; i < count; ++i) {
    const Table table = random->OneIn(5) ? kSources : kEntities;
    records[{table, "key/" + std::to_string(random->Below(200))}] = RandomHead(random, small);
  }
  return records;
}

struct Seen {
  std::unique_ptr<StateSnapshot> snapshot;
  Records records;
  uint64_t lsn;
};

void ExpectShows(const Seen& seen) {
  const auto records = ReadAll(seen.snapshot.get());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_TRUE(SameRecords(*records, seen.records));
  EXPECT_EQ(seen.snapshot->info().tip.lsn, seen.lsn);
  for (const auto& [key, want] : seen.records) {
    Head head;
    ASSERT_TRUE(seen.snapshot->Get(key.first, key.second, &head).value());
    EXPECT_TRUE(SameHead(head, want));
  }
}

TEST_P(StateStoreTest, RandomCommits_AllSnapshotsShowWhatAMapWouldHold) {
  Random random(TestSeed());
  Records model;
  std::deque<Seen> open;
  for (uint64_t lsn = 1; lsn <= 150; ++lsn) {
    const Records records = RandomCommit(&random, !random.OneIn(10));
    ASSERT_TRUE(CommitAt(store_.get(), records, lsn).ok());
    for (const auto& [key, head] : records) model.insert_or_assign(key, head);
    if (random.OneIn(3)) open.push_back({SnapshotOf(store_.get()), model, lsn});
    if (random.OneIn(10)) {
      for (const Seen& seen : open) ExpectShows(seen);
    }
    while (open.size() > 6) open.erase(open.begin() + static_cast<ptrdiff_t>(random.Below(open.size())));
    if (random.OneIn(20)) {
      ASSERT_TRUE(store_->Verify().ok()) << store_->Verify().status();
    }
  }
  for (const Seen& seen : open) ExpectShows(seen);
  open.clear();
  EXPECT_TRUE(SameRecords(AllOf(store_.get()), model));
}

TEST_P(StateStoreTest, Readers_SeeWholeCommitsWhileOneWrites) {
  constexpr int kKeys = 50;
  const auto all_at = [](uint64_t version) {
    Records records;
    for (int i = 0; i < kKeys; ++i) records[{kEntities, std::to_string(i)}] = PlainHead(version, 1);
    return records;
  };
  ASSERT_TRUE(CommitAt(store_.get(), all_at(1), 1).ok());
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  const auto read = [&] {
    while (!stop) {
      const auto snapshot = SnapshotOf(store_.get());
      const uint64_t want = snapshot->info().tip.lsn;
      Head head;
      for (int i = 0; i < kKeys; i += 7) {
        if (!snapshot->Get(kEntities, std::to_string(i), &head).value() || head.version != want) ++torn;
      }
    }
  };
  std::thread one(read);
  std::thread two(read);
  for (uint64_t version = 2; version <= 100; ++version) {
    EXPECT_TRUE(CommitAt(store_.get(), all_at(version), version).ok());
  }
  stop = true;
  one.join();
  two.join();
  EXPECT_EQ(torn, 0);
}

TEST(StateDigest, StorageRule8_IsTheSameInBothStoresAndForEveryGroupingOfTheSameRecords) {
  Random random(TestSeed());
  std::vector<Records> commits;
  for (int i = 0; i < 40; ++i) commits.push_back(RandomCommit(&random, true));
  Records last;
  for (const Records& records : commits) {
    for (const auto& [key, head] : records) last.insert_or_assign(key, head);
  }
  TemporaryDirectory directory;
  const auto memory = internal::NewMemoryStateStore(kSeed);
  const auto at_once = internal::NewMemoryStateStore(kSeed);
  const auto lmdb = NewLmdbStore(directory.path());
  for (const Records& records : commits) {
    ASSERT_TRUE(CommitAt(memory.get(), records, 1).ok());
    ASSERT_TRUE(CommitAt(lmdb.get(), records, 1).ok());
  }
  ASSERT_TRUE(CommitAt(at_once.get(), last, 1).ok());
  const Hash128 digest = SnapshotOf(memory.get())->info().digest;
  EXPECT_TRUE(SnapshotOf(lmdb.get())->info().digest == digest);
  EXPECT_TRUE(SnapshotOf(at_once.get())->info().digest == digest);
}

TEST(StateDigest, DependsOnTableKeyBodyAndSeed) {
  const uint64_t check = internal::RecordCheck(kEntities, "key", "body", 1);
  EXPECT_NE(check, internal::RecordCheck(kSources, "key", "body", 1));
  EXPECT_NE(check, internal::RecordCheck(kEntities, "keyb", "ody", 1));
  EXPECT_NE(check, internal::RecordCheck(kEntities, "key", "bodi", 1));
  EXPECT_NE(check, internal::RecordCheck(kEntities, "key", "body", 2));
}

TEST(StateDigest, RemovingWhatWasAddedGivesWhatWasThere) {
  Hash128 digest{5, ~uint64_t{0}};
  internal::AddToDigest(~uint64_t{0}, &digest);
  EXPECT_EQ(digest.high, 6u);
  EXPECT_EQ(digest.low, ~uint64_t{0} - 1);
  internal::RemoveFromDigest(~uint64_t{0}, &digest);
  EXPECT_EQ(digest.high, 5u);
  EXPECT_EQ(digest.low, ~uint64_t{0});
}

}  // namespace
}  // namespace semel::testing
