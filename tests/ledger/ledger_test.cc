// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the rules do not say of a ledger: opening, options, reads, memory, other processes.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

TEST(Open, MissingLedgerIsNotFoundUnlessAskedFor) {
  TempDirectory directory;
  EXPECT_TRUE(absl::IsNotFound(Ledger::Open(directory.path() + "/none").status()));
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/none"));
  EXPECT_TRUE(absl::IsNotFound(Ledger::OpenReadOnly(directory.path() + "/none").status()));
}

TEST(Open, DirectoryWithOtherFilesIsRefusedAndLeftAlone) {
  TempDirectory directory;
  std::ofstream(directory.path() + "/precious") << "data";
  Options options;
  options.create_if_missing = true;
  EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::Open(directory.path(), options).status()));
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/precious"));
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/MANIFEST"));
}

class OpenedLedger : public LedgerTest {};

TEST_F(OpenedLedger, ErrorIfExists) {
  ledger_.reset();
  Options options = options_;
  options.error_if_exists = true;
  EXPECT_TRUE(absl::IsAlreadyExists(Ledger::Open(path(), options).status()));
}

TEST_F(OpenedLedger, SecondOpenIsUnavailable) {
  EXPECT_TRUE(absl::IsUnavailable(Ledger::Open(path(), options_).status()));
}

TEST_F(OpenedLedger, OptionsOutOfRangeAreInvalid) {
  ledger_.reset();
  for (auto spoil : {+[](Options* o) { o->balance_lookback = 0; }, +[](Options* o) { o->segment_bytes = 1; },
                     +[](Options* o) { o->max_frame_bytes = size_t{1} << 40; }}) {
    Options options = options_;
    spoil(&options);
    EXPECT_TRUE(absl::IsInvalidArgument(Ledger::Open(path(), options).status()));
  }
}

TEST_F(OpenedLedger, NewerFormatIsRefusedAndNotTouched) {
  ledger_.reset();
  const std::string manifest = path() + "/MANIFEST";
  std::string text;
  std::getline(std::ifstream(manifest), text, '\0');
  text.replace(text.find("format: 1"), 9, "format: 2");
  std::ofstream(manifest) << text;
  EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::Open(path(), options_).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::OpenReadOnly(path()).status()));
}

TEST_F(OpenedLedger, DamagedOrMissingManifestIsDataLoss) {
  ledger_.reset();
  const std::string manifest = path() + "/MANIFEST";
  std::string text;
  std::getline(std::ifstream(manifest), text, '\0');
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] ^= 1;
    std::ofstream(manifest) << damaged;
    const absl::Status status = Ledger::Open(path(), options_).status();
    EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsFailedPrecondition(status)) << i << ": " << status;
  }
  std::filesystem::remove(manifest);
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
}

TEST_F(OpenedLedger, MissingStateIsDataLossNotAMissingLedger) {
  ledger_.reset();
  std::filesystem::rename(path() + "/state", path() + "/aside");
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
  EXPECT_TRUE(absl::IsDataLoss(Ledger::OpenReadOnly(path()).status()));
  std::filesystem::rename(path() + "/aside", path() + "/state");
  Open();
}

TEST_F(OpenedLedger, ClosedLedgerAnswersFailedPrecondition) {
  Do(AddAt("T-1", "a", 0, 1));
  ASSERT_TRUE(ledger_->Close().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_->Apply(AddAt("T-2", "a", 1, 1)).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_->Get("a").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_->Close()));
  auto other = Ledger::Open(path(), options_);  // the files are free
  EXPECT_TRUE(other.ok()) << other.status();
  ledger_.reset();
}

TEST_F(OpenedLedger, DecidingOptionsStayWithTheLedgerUntilChanged) {
  Options options = options_;
  options.explicit_entities = true;
  ledger_.reset();
  ledger_ = *Ledger::Open(path(), options);
  EXPECT_EQ(Do(AddAt("T-1", "a", 0, 1)).rule, Rule::kNoSuchEntity);
  Crash();  // opened without saying anything of it
  EXPECT_EQ(Do(AddAt("T-1", "a", 0, 1)).rule, Rule::kNoSuchEntity);
  Reopen();
  EXPECT_EQ(Do(AddAt("T-1", "a", 0, 1)).rule, Rule::kNoSuchEntity);
  ASSERT_TRUE(ledger_->Close().ok());
  options.explicit_entities = false;
  ledger_ = *Ledger::Open(path(), options);
  EXPECT_EQ(Say(AddAt("T-1", "a", 0, 1)), "APPLIED");
  std::vector<std::string> reasons;
  ASSERT_TRUE(ledger_
                  ->ReadJournal(0,
                                [&](const JournalEntry& e) {
                                  reasons.push_back(e.reason);
                                  return true;
                                })
                  .ok());
  EXPECT_EQ(reasons.size(), 3u);  // two changes of the options, one change
}

TEST_F(OpenedLedger, DecidingOptionsAreShownWhoeverAsks) {
  EXPECT_EQ(ledger_->GetOptions()->balance_lookback, 4096u);
  EXPECT_EQ(ledger_->GetOptions()->parking, false);
  ledger_.reset();
  Options options = options_;
  options.balance_lookback = 7;
  options.explicit_entities = true;
  options.parking = true;
  options.parking_changes = 11;
  options.parking_bytes = 12;
  options.parking_changes_per_entity = 13;
  options.parking_bytes_per_entity = 14;
  ledger_ = *Ledger::Open(path(), options);
  const auto expect_shown = [this](const char* to) {
    SCOPED_TRACE(to);
    const Options shown = *ledger_->GetOptions();
    EXPECT_EQ(shown.balance_lookback, 7u);
    EXPECT_EQ(shown.explicit_entities, true);
    EXPECT_EQ(shown.parking, true);
    EXPECT_EQ(shown.parking_changes, 11u);
    EXPECT_EQ(shown.parking_bytes, 12u);
    EXPECT_EQ(shown.parking_changes_per_entity, 13u);
    EXPECT_EQ(shown.parking_bytes_per_entity, 14u);
  };
  expect_shown("who set them");
  Crash();
  expect_shown("who opens after a crash");
  ledger_.reset();
  ledger_ = *Ledger::OpenReadOnly(path());
  expect_shown("who only reads");
}

TEST_F(OpenedLedger, ReadsOfStrangeKeys) {
  EXPECT_EQ(Get("never").version, 0u);
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->Get("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->Get(std::string(257, 'x')).status()));
  const std::string strange("\0\xff/\n", 4);
  EXPECT_EQ(Say(AddAt("T-1", strange, 0, 7)), "APPLIED");
  EXPECT_EQ(Say(AddAt("T-2", std::string(256, 'x'), 0, 8)), "APPLIED");
  Reopen();
  EXPECT_EQ(Balance(strange), 7);
  EXPECT_EQ(Balance(std::string(256, 'x')), 8);
}

TEST_F(OpenedLedger, HistoryBeginsWhereItCanBeRead) {
  for (int i = 0; i < 20; ++i) Do(AddAt("T-" + std::to_string(i), "a", i, 1));
  Do(AddAt("quiet", "b", 0, 1));
  TrimOptions everything;
  everything.keep_bytes = 0;
  everything.seal = true;
  ASSERT_TRUE(ledger_->Trim(everything).ok());
  for (int i = 20; i < 25; ++i) Do(AddAt("T-" + std::to_string(i), "a", i, 1));
  HistoryOptions options;
  options.limit = 2;
  EXPECT_EQ(ledger_->History("a", options)->front().version, 25u);
  options.oldest_first = true;
  EXPECT_EQ(ledger_->History("a", options)->front().version, 21u);
  EXPECT_EQ(ledger_->History("a", options)->back().version, 22u);
  options.after_version = 23;
  EXPECT_EQ(ledger_->History("a", options)->front().version, 24u);
  options.after_version = 0;
  options.up_to_version = 20;
  EXPECT_TRUE(ledger_->History("a", options)->empty());
  EXPECT_TRUE(ledger_->History("b", HistoryOptions())->empty());
}

TEST_F(OpenedLedger, HistoryBetweenTwoVersions) {
  for (int i = 0; i < 30; ++i) Do(AddAt("T-" + std::to_string(i), "a", i, 1));
  auto versions = [&](const HistoryOptions& options) {
    const auto lines = ledger_->History("a", options);
    std::vector<uint64_t> shown;
    for (const HistoryLine& line : *lines) shown.push_back(line.version);
    return shown;
  };
  using Versions = std::vector<uint64_t>;
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(versions({.after_version = 7, .up_to_version = 10}), (Versions{10, 9, 8}));
  EXPECT_EQ(versions({.oldest_first = true, .after_version = 7, .up_to_version = 10}), (Versions{8, 9, 10}));
  EXPECT_EQ(versions({.limit = 2, .after_version = 7, .up_to_version = 10}), (Versions{10, 9}));
  EXPECT_EQ(versions({.limit = 2, .oldest_first = true, .after_version = 7, .up_to_version = 10}), (Versions{8, 9}));
  EXPECT_EQ(versions({.limit = 0, .after_version = 28}), (Versions{30, 29}));
  EXPECT_EQ(versions({.limit = kMax, .oldest_first = true, .after_version = 28, .up_to_version = kMax}),
            (Versions{29, 30}));
  EXPECT_EQ(versions({.after_version = 10, .up_to_version = 10}), Versions());
  EXPECT_EQ(versions({.after_version = 11, .up_to_version = 10}), Versions());
  EXPECT_EQ(versions({.after_version = 30}), Versions());
  EXPECT_EQ(versions({.up_to_version = 0}), Versions());
  EXPECT_EQ(versions({.after_version = kMax}), Versions());
}

TEST_F(OpenedLedger, HistoryAndScan) {
  for (int i = 0; i < 30; ++i) Do(AddAt("T-" + std::to_string(i), "a", i, 1));
  for (const char* key : {"b/2", "b/1", "c", "b"}) Do(PutAt(std::string("p") + key, key, 0, key));
  Do(DeleteAt("d", "b/2", 1));

  auto newest = ledger_->History("a", {.limit = 3, .oldest_first = false});
  ASSERT_TRUE(newest.ok());
  ASSERT_EQ(newest->size(), 3u);
  EXPECT_EQ((*newest)[0].version, 30u);
  EXPECT_EQ((*newest)[0].id, "T-29");
  EXPECT_EQ((*newest)[2].version, 28u);
  auto oldest = ledger_->History("a", {.limit = 3, .oldest_first = true});
  ASSERT_EQ(oldest->size(), 3u);
  EXPECT_EQ((*oldest)[0].version, 1u);
  EXPECT_EQ((*oldest)[2].version, 3u);
  EXPECT_EQ(ledger_->History("a", {.limit = 0})->size(), 30u);
  EXPECT_TRUE(ledger_->History("never")->empty());

  auto scan = [&](ScanOptions options) {
    std::vector<std::string> keys;
    EXPECT_TRUE(ledger_
                    ->Scan(options,
                           [&](const Entity& e) {
                             keys.push_back(e.key);
                             return true;
                           })
                    .ok());
    return keys;
  };
  using Keys = std::vector<std::string>;
  EXPECT_EQ(scan({}), Keys());  // nothing folded yet
  EXPECT_EQ(scan({.fresh = true}), (Keys{"a", "b", "b/1", "c"}));
  EXPECT_EQ(scan({.prefix = "b"}), (Keys{"b", "b/1"}));
  EXPECT_EQ(scan({.prefix = "b", .include_deleted = true}), (Keys{"b", "b/1", "b/2"}));
  EXPECT_EQ(scan({.start_after = "b"}), (Keys{"b/1", "c"}));
  EXPECT_EQ(scan({.limit = 2}), (Keys{"a", "b"}));
  EXPECT_EQ(scan({.prefix = "zzz"}), Keys());
}

TEST_F(OpenedLedger, JournalIsReadFromAnyEntryUpToTheDurableEnd) {
  std::vector<Change> batch;
  for (int i = 0; i < 10; ++i) batch.push_back(AddAt("T-" + std::to_string(i), "a", i, 1));
  ASSERT_TRUE(ledger_->ApplyBatch(batch).ok());
  Do(AddFrom("x", "feed", 3, "a", -1));
  std::vector<JournalEntry> entries;
  auto end = ledger_->ReadJournal(0, [&](const JournalEntry& e) {
    entries.push_back(e);
    return true;
  });
  ASSERT_TRUE(end.ok()) << end.status();
  ASSERT_EQ(entries.size(), 11u);
  EXPECT_EQ(*end, ledger_->GetStats()->durable_lsn);
  EXPECT_EQ(entries[10].source->name, "feed");
  EXPECT_EQ(entries[10].source->position, 3u);
  for (size_t from = 0; from < entries.size(); ++from) {
    for (uint64_t lsn : {entries[from].lsn, from == 0 ? 0 : entries[from - 1].next_lsn}) {
      std::vector<uint64_t> sequences;
      auto next = ledger_->ReadJournal(lsn, [&](const JournalEntry& e) {
        sequences.push_back(e.sequence);
        return sequences.size() < 2;
      });
      ASSERT_TRUE(next.ok()) << next.status();
      ASSERT_FALSE(sequences.empty());
      EXPECT_EQ(sequences[0], from + 1);
      EXPECT_EQ(*next, entries[std::min(from + 1, entries.size() - 1)].next_lsn);
    }
  }
  EXPECT_TRUE(absl::IsOutOfRange(ledger_->ReadJournal(*end + 1, [](const JournalEntry&) { return true; }).status()));
  EXPECT_TRUE(
      absl::IsOutOfRange(ledger_->ReadJournal(entries[3].lsn + 1, [](const JournalEntry&) { return true; }).status()));
  EXPECT_EQ(*ledger_->ReadJournal(*end, [](const JournalEntry&) { return true; }), *end);
}

TEST_F(OpenedLedger, AsyncAnswersInOrderAndBeforeCloseReturns) {
  std::vector<std::string> answers;
  std::mutex mutex;
  for (int i = 0; i < 500; ++i) {
    ledger_->ApplyAsync(AddAt("T-" + std::to_string(i), "a", i, 1), [&, i](absl::StatusOr<Outcome> outcome) {
      std::lock_guard<std::mutex> lock(mutex);
      answers.push_back(std::to_string(i) + (outcome.ok() ? std::string(ToString(outcome->code)) : "error"));
    });
  }
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  ASSERT_EQ(answers.size(), 500u);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(answers[i], std::to_string(i) + "APPLIED");
}

TEST_F(OpenedLedger, AsyncWithoutCloseIsAnsweredOneWayOrTheOther) {
  std::atomic<int> answered{0};
  for (int i = 0; i < 500; ++i) {
    ledger_->ApplyAsync(AddAt("T-" + std::to_string(i), "a", i, 1), [&](absl::StatusOr<Outcome>) { ++answered; });
  }
  ledger_.reset();
  EXPECT_EQ(answered, 500);
}

// What is refused was not taken: given again, it is applied once.
TEST_F(OpenedLedger, AsyncHoldsNoMoreThanItMay) {
  options_.max_waiting_bytes = 64 << 10;
  Crash();
  std::mutex held;
  held.lock();
  ledger_->ApplyAsync(AddAt("first", "a", 0, 1),
                      [&](const absl::StatusOr<Outcome>&) { std::lock_guard<std::mutex> lock(held); });
  std::atomic<int> applied{0};
  const auto is_taken = [&](int i) {
    absl::Status refused;
    ledger_->ApplyAsync(AddAt("T-" + std::to_string(i), "b", i, 1), [&](const absl::StatusOr<Outcome>& outcome) {
      outcome.ok() ? static_cast<void>(applied += outcome->applied()) : refused.Update(outcome.status());
    });
    EXPECT_TRUE(refused.ok() || absl::IsResourceExhausted(refused)) << refused;
    return refused.ok();
  };
  int taken = 0;
  while (is_taken(taken)) ASSERT_LT(++taken, 1000);
  EXPECT_GT(taken, 64);
  held.unlock();
  while (applied < taken) std::this_thread::yield();
  while (!is_taken(taken)) std::this_thread::yield();
  Reopen();
  EXPECT_EQ(applied, taken + 1);
  EXPECT_EQ(Version("b"), taken + 1);
}

// Else the position that was refused would be one that was skipped.
TEST_F(OpenedLedger, AsyncLetsNothingPassAPositionThatItRefused) {
  options_.max_waiting_bytes = 8 << 10;
  Crash();
  std::mutex held;
  held.lock();
  ledger_->ApplyAsync(AddAt("first", "a", 0, 1),
                      [&](const absl::StatusOr<Outcome>&) { std::lock_guard<std::mutex> lock(held); });
  std::atomic<int> answered{0};
  bool refused = false;
  uint64_t position = 0;
  while (!refused) {
    ++position;
    ledger_->ApplyAsync(
        AddFrom("T-" + std::to_string(position), "feed", position, "b", 1),
        [&](const absl::StatusOr<Outcome>& outcome) { outcome.ok() ? void(++answered) : void(refused = true); });
    ASSERT_LT(position, 1000u);
  }
  held.unlock();
  while (answered + 1 < static_cast<int>(position)) std::this_thread::yield();
  const Change next = AddFrom("T-next", "feed", position + 1, "b", 1);
  std::string answer = "RESOURCE_EXHAUSTED";  // until there is room again
  while (answer == "RESOURCE_EXHAUSTED") {
    std::promise<std::string> said;
    ledger_->ApplyAsync(next, [&](const absl::StatusOr<Outcome>& outcome) {
      said.set_value(outcome.ok() ? std::string(ToString(outcome->code))
                                  : absl::StatusCodeToString(outcome.status().code()));
    });
    answer = said.get_future().get();
  }
  EXPECT_EQ(answer, "EARLY");
  EXPECT_EQ(Say(AddFrom("T-" + std::to_string(position), "feed", position, "b", 1)), "APPLIED");
  EXPECT_EQ(Say(next), "APPLIED");
}

TEST_F(OpenedLedger, AsyncTakesOneChangeOfAnySize) {
  options_.max_waiting_bytes = 4096;
  Crash();
  std::atomic<bool> applied{false};
  ledger_->ApplyAsync(PutAt("large", "k", 0, std::string(kMaxValueBytes, 'x')),
                      [&](const absl::StatusOr<Outcome>& outcome) { applied = outcome.ok() && outcome->applied(); });
  Reopen();
  EXPECT_TRUE(applied);
}

// Ten times more entities than fit in the cache, and many checkpoints: every one is right at any time.
TEST_F(OpenedLedger, TenTimesMoreEntitiesThanCache) {
  Random random(TestSeed());
  constexpr uint64_t kEntities = 4000;
  options_.cache_bytes = kEntities / 10 * 250;
  options_.max_dirty_bytes = 256 << 10;
  Crash();
  std::vector<Amount> expected(kEntities, 0);
  std::vector<uint64_t> versions(kEntities, 0);
  for (int round = 0; round < 200; ++round) {
    std::vector<Change> batch;
    for (int i = 0; i < 100; ++i) {
      const uint64_t k = random.Below(kEntities);
      batch.push_back(
          AddAt("i" + std::to_string(round) + "-" + std::to_string(i), "k" + std::to_string(k), versions[k]++, k));
      expected[k] += k;
    }
    auto outcomes = ledger_->ApplyBatch(batch);
    ASSERT_TRUE(outcomes.ok()) << outcomes.status();
    for (const Outcome& outcome : *outcomes) ASSERT_TRUE(outcome.applied()) << outcome.reason;
    for (int i = 0; i < 20; ++i) {
      const uint64_t k = random.Below(kEntities);
      ASSERT_EQ(Balance("k" + std::to_string(k)), expected[k]);
    }
  }
  const Stats stats = *ledger_->GetStats();
  EXPECT_GT(stats.checkpoints, 3u);
  EXPECT_LT(stats.cached_entities, kEntities / 2);
  Reopen();
  for (uint64_t k = 0; k < kEntities; ++k) ASSERT_EQ(Balance("k" + std::to_string(k)), expected[k]);
}

// Money moves between accounts while readers add them up: at no moment is the sum anything but zero.
TEST_F(OpenedLedger, GetManySeesOneMoment) {
  options_.max_dirty_bytes = 64 << 10;
  options_.cache_bytes = 4 << 10;
  Crash();
  std::vector<std::string> keys;
  for (int i = 0; i < 20; ++i) keys.push_back("account" + std::to_string(i));
  std::atomic<bool> done{false};
  std::thread reader([&] {
    uint64_t lsn = 0;
    while (!done) {
      auto many = ledger_->GetMany(keys);
      ASSERT_TRUE(many.ok()) << many.status();
      Amount sum = 0;
      for (const Entity& entity : many->entities) sum += entity.balance;
      ASSERT_EQ(sum, 0);
      ASSERT_GE(many->lsn, lsn);
      lsn = many->lsn;
    }
  });
  Random random(TestSeed());
  for (int i = 0; i < 1500; ++i) {
    const uint64_t from = random.Below(20);
    const uint64_t to = (from + 1 + random.Below(19)) % 20;
    EXPECT_EQ(Say(Transfer(std::to_string(i), keys[from], keys[to], 1 + i)), "APPLIED");
  }
  done = true;
  reader.join();
}

TEST_F(OpenedLedger, LargeBatchesAreSplitIntoFrames) {
  options_.max_frame_bytes = 4096;
  Crash();
  std::vector<Change> batch;
  for (int i = 0; i < 200; ++i) batch.push_back(PutAt("T-" + std::to_string(i), "a", i, std::string(3000, 'x')));
  batch.push_back(PutAt("big", "a", 200, std::string(kMaxValueBytes, 'y')));
  auto outcomes = ledger_->ApplyBatch(batch);
  ASSERT_TRUE(outcomes.ok()) << outcomes.status();
  for (const Outcome& outcome : *outcomes) EXPECT_TRUE(outcome.applied());
  EXPECT_GE(ledger_->GetStats()->frames, 200u);
  Crash();
  EXPECT_EQ(Get("a").value->size(), kMaxValueBytes);
}

TEST_F(OpenedLedger, ReadOnlyFromASecondProcessWhileTheWriterRuns) {
  int to_child[2];
  int to_parent[2];
  ASSERT_EQ(pipe(to_child), 0);
  ASSERT_EQ(pipe(to_parent), 0);
  ledger_.reset();
  const pid_t child = fork();
  if (child == 0) {
    // The reader. Says the version and the sum that it sees each time it is asked.
    char ask;
    std::unique_ptr<Ledger> reader;
    while (read(to_child[0], &ask, 1) == 1 && ask == '?') {
      if (reader == nullptr) reader = *Ledger::OpenReadOnly(path());
      uint64_t seen[2] = {reader->Get("a")->version, 0};
      if (!reader
               ->Scan({},
                      [&](const Entity&) {
                        ++seen[1];
                        return true;
                      })
               .ok())
        _exit(3);
      if (!absl::IsFailedPrecondition(reader->Apply(AddAt("x", "a", 0, 1)).status())) _exit(4);
      if (write(to_parent[1], seen, sizeof seen) != sizeof seen) _exit(2);
    }
    _exit(reader->Verify()->fault.empty() ? 0 : 1);
  }
  Open();
  auto ask = [&](uint64_t* version, uint64_t* entities) {
    uint64_t seen[2];
    ASSERT_EQ(write(to_child[1], "?", 1), 1);
    ASSERT_EQ(read(to_parent[0], seen, sizeof seen), static_cast<ssize_t>(sizeof seen));
    *version = seen[0];
    *entities = seen[1];
  };
  for (uint64_t i = 0; i < 60; ++i) {
    Do(AddAt("T-" + std::to_string(i), "a", i, 1));
    Do(PutAt("p" + std::to_string(i), "b" + std::to_string(i), 0, std::string(20'000, 'x')));  // rolls segments
    if (i % 7 == 3) {
      ASSERT_TRUE(ledger_->Checkpoint().ok());
    }
    uint64_t version = 0;
    uint64_t entities = 0;
    ask(&version, &entities);
    EXPECT_EQ(version, i + 1);
    EXPECT_EQ(entities, i + 2);
  }
  ASSERT_EQ(write(to_child[1], ".", 1), 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(OpenedLedger, ForkedChildCannotUseTheHandle) {
  const pid_t child = fork();
  if (child == 0) {
    const bool refused = absl::IsFailedPrecondition(ledger_->Apply(AddAt("x", "a", 0, 1)).status()) &&
                         absl::IsFailedPrecondition(ledger_->Get("a").status());
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Say(AddAt("x", "a", 0, 1)), "APPLIED");
}

TEST(InMemory, DecidesAsOneWithFilesDoes) {
  auto ledger = Ledger::OpenInMemory();
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  EXPECT_TRUE((*ledger)->Apply(AddAt("T-1", "a", 0, 5))->applied());
  EXPECT_EQ((*ledger)->Apply(AddAt("T-1", "a", 0, 5))->code, OutcomeCode::kDuplicate);
  ASSERT_TRUE((*ledger)->Checkpoint().ok());
  EXPECT_EQ((*ledger)->Get("a")->balance, 5);
  for (int i = 1; i < 20'000; ++i) {  // over several segments
    ASSERT_TRUE((*ledger)->Apply(AddAt("T-" + std::to_string(i + 1), "a", i, 1))->applied());
  }
  EXPECT_EQ((*ledger)->Apply(AddAt("T-1", "a", 0, 5))->code, OutcomeCode::kDuplicate);
  EXPECT_EQ((*ledger)->Verify()->fault, "");
  EXPECT_TRUE((*ledger)->Close().ok());
}

// A process that is killed at random moments, again and again, while it applies a stream with a cursor.
TEST_F(OpenedLedger, KilledAtRandomMomentsLosesAndDoublesNothing) {
  const uint64_t seed = TestSeed();
  Random random(seed);
  ledger_.reset();
  constexpr uint64_t kMessages = 4000;
  uint64_t kills = 0;
  for (;;) {
    const pid_t child = fork();
    if (child == 0) {
      Options options = options_;
      options.max_dirty_bytes = 64 << 10;
      auto ledger = Ledger::Open(path(), options);
      if (!ledger.ok()) _exit(1);
      const auto cursor = *(*ledger)->GetSource("feed");
      for (uint64_t p = cursor.has_value() ? cursor->position + 1 : 1; p <= kMessages;) {
        std::vector<Change> batch;
        for (; p <= kMessages && batch.size() < 20; ++p) {
          batch.push_back(AddFrom("m" + std::to_string(p), "feed", p, "k" + std::to_string(p % 50), p));
        }
        if (!(*ledger)->ApplyBatch(batch).ok()) _exit(1);
      }
      _exit((*ledger)->Close().ok() ? 7 : 1);
    }
    usleep(2'000 + random.Below(25'000 + 500 * kills));  // longer by and by, so that a slow machine gets there too
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 7);
      break;
    }
    ++kills;
  }
  std::printf("killed %llu times\n", static_cast<unsigned long long>(kills));
  Open();
  std::map<std::string, Amount> expected;
  for (uint64_t p = 1; p <= kMessages; ++p) expected["k" + std::to_string(p % 50)] += p;
  for (const auto& [key, balance] : expected) EXPECT_EQ(Balance(key), balance) << key;
  EXPECT_EQ((*ledger_->GetSource("feed"))->consumed, kMessages);
}

}  // namespace
}  // namespace semel::testing
