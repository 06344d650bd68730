// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R33 to R35 and what else trimming promises, through the public API.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

TrimOptions Before(uint64_t lsn, bool seal = false) {
  TrimOptions options;
  options.before_lsn = lsn;
  options.seal = seal;
  return options;
}

class TrimRules : public LedgerTest {
 protected:
  void SetUp() override {
    options_.create_if_missing = true;
    options_.segment_bytes = 4096;
    Open();
  }

  TrimReport Trim(const TrimOptions& options) {
    auto report = ledger_->Trim(options);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : TrimReport();
  }
  TrimReport TrimAll() { return Trim(Before(UINT64_MAX, /*seal=*/true)); }
  Stats GetStats() { return *ledger_->GetStats(); }

  std::vector<std::string> FilesIn(const std::string& name, const std::string& extension) const {
    std::vector<std::string> files;
    if (!std::filesystem::exists(path() + "/" + name)) return files;
    for (const auto& entry : std::filesystem::directory_iterator(path() + "/" + name)) {
      if (entry.path().extension() == extension) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  std::vector<std::string> Segments() const { return FilesIn("journal", ".log"); }
  std::vector<std::string> Bases() const { return FilesIn("base", ".base"); }

  // The sequences of the entries that the journal shows from `from` on.
  std::vector<uint64_t> ReadFrom(uint64_t from) {
    std::vector<uint64_t> sequences;
    auto end = ledger_->ReadJournal(from, [&](const JournalEntry& entry) {
      sequences.push_back(entry.sequence);
      return true;
    });
    EXPECT_TRUE(end.ok()) << end.status();
    return sequences;
  }
};

TEST_F(TrimRules, AskedForNothing_IsInvalid) {
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->Trim({}).status()));
  TrimOptions only_seal;
  only_seal.seal = true;
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->Trim(only_seal).status()));
}

TEST_F(TrimRules, RemovesWholeSegmentsBelowWhatIsAskedFor_AndNothingElse) {
  Fill("a", 300);
  const uint64_t asked = ledger_->History("a", {.limit = 100})->back().lsn;  // of version 201
  const std::vector<std::string> before = Segments();
  const uint64_t bytes_before = GetStats().journal_bytes;
  const TrimReport report = Trim(Before(asked));
  EXPECT_LE(report.floor_lsn, asked);
  EXPECT_GT(report.floor_lsn, asked - 4096);
  EXPECT_EQ(report.held_by, "");
  const std::vector<std::string> after = Segments();
  EXPECT_GT(report.removed_segments, 3u);
  EXPECT_EQ(before.size() - after.size(), report.removed_segments);
  EXPECT_EQ(bytes_before - GetStats().journal_bytes, report.removed_bytes);
  EXPECT_EQ(after.front(), before[before.size() - after.size()]);
  EXPECT_EQ(report.base_bytes, std::filesystem::file_size(Bases().at(0)));

  const Stats stats = GetStats();
  EXPECT_EQ(stats.floor_lsn, report.floor_lsn);
  EXPECT_EQ(stats.base_bytes, report.base_bytes);
  EXPECT_GE(stats.base_lsn, report.floor_lsn);
  EXPECT_EQ(stats.journal_segments, after.size());

  // All of it is readable from the floor on, without a gap, and nothing before.
  const std::vector<uint64_t> sequences = ReadFrom(0);
  EXPECT_EQ(sequences, ReadFrom(report.floor_lsn));
  EXPECT_GT(sequences.front(), 1u);
  EXPECT_LE(sequences.front(), 201u);
  for (size_t i = 1; i < sequences.size(); ++i) EXPECT_EQ(sequences[i], sequences[i - 1] + 1);
  EXPECT_EQ(sequences.back(), stats.sequence);
  EXPECT_TRUE(absl::IsOutOfRange(
      ledger_->ReadJournal(report.floor_lsn - 1, [](const JournalEntry&) { return true; }).status()));
}

TEST_F(TrimRules, ASecondTrimOfTheSame_DoesNothing) {
  Fill("a", 100);
  TrimAll();
  const std::vector<std::string> bases = Bases();
  const uint64_t sequence = Sequence();
  const TrimReport again = Trim(Before(GetStats().floor_lsn));
  EXPECT_EQ(again.base_bytes, 0u);
  EXPECT_EQ(again.removed_segments, 0u);
  EXPECT_EQ(again.floor_lsn, GetStats().floor_lsn);
  EXPECT_EQ(Bases(), bases);
  EXPECT_EQ(Sequence(), sequence);
}

TEST_F(TrimRules, Seal_LetsTheSegmentInUseGoAsWell) {
  Fill("a", 3);
  EXPECT_EQ(Trim(Before(UINT64_MAX)).floor_lsn, 0u);
  const uint64_t end = GetStats().durable_lsn;
  const TrimReport report = TrimAll();
  EXPECT_EQ(report.floor_lsn, end);
  EXPECT_EQ(report.removed_segments, 1u);
  EXPECT_EQ(Segments().size(), 1u);
  EXPECT_EQ(ReadFrom(0), std::vector<uint64_t>{4});  // that the floor rose
  Fill("a", 3);
  EXPECT_EQ(Version("a"), 6u);
}

TEST_F(TrimRules, ByTimeAndByBytes_TheOneThatKeepsMostCounts) {
  Fill("a", 200);
  const auto lines = *ledger_->History("a", {.limit = 0});
  const uint64_t end = GetStats().durable_lsn;
  TrimOptions options;
  options.before_time_us = lines[100].commit_time_us;
  options.keep_bytes = end - lines[150].lsn;
  options.before_lsn = lines[50].lsn;
  uint64_t floor = Trim(options).floor_lsn;  // by bytes: of the oldest of the three
  EXPECT_LE(floor, lines[150].lsn);
  EXPECT_GT(floor + 4096, lines[150].lsn);

  options.keep_bytes = 1;
  floor = Trim(options).floor_lsn;  // by time
  EXPECT_LE(floor, lines[100].lsn);
  EXPECT_GT(floor + 4096, lines[100].lsn);

  options.before_time_us = INT64_MAX;
  floor = Trim(options).floor_lsn;  // by address
  EXPECT_LE(floor, lines[50].lsn);
  EXPECT_GT(floor + 4096, lines[50].lsn);

  TrimOptions none;
  none.before_time_us = INT64_MIN;
  EXPECT_EQ(Trim(none).floor_lsn, floor);
  none = TrimOptions();
  none.keep_bytes = UINT64_MAX;
  EXPECT_EQ(Trim(none).floor_lsn, floor);
}

// What was set before the floor and not since is the entity's still: it is read whatever is trimmed.
TEST_F(TrimRules, PastStatesAboveTheFloor_AreReadAsBefore_TheOthersAreOutOfRange) {
  Policy policy;
  policy.asset = "EUR";
  policy.min_balance = -1000;
  Do(PolicyAt("policy", "a", 0, policy));
  Do(PutAt("value", "a", 1, "kept"));
  Fill("a", 200);
  Do(PutAt("other", "b", 0, "first"));
  Fill("b", 100);
  Do(PutAt("again", "b", Version("b"), "second"));
  std::map<std::pair<std::string, uint64_t>, Entity> past;
  std::map<std::pair<std::string, uint64_t>, uint64_t> lsns;
  for (const std::string key : {"a", "b"}) {
    const std::vector<HistoryLine> lines = *ledger_->History(key, {.limit = 0});
    for (const HistoryLine& line : lines) {
      past[{key, line.version}] = *ledger_->Get(key, AsOf::Version(line.version));
      lsns[{key, line.version}] = line.lsn;
    }
  }
  const uint64_t floor = Trim(Before(lsns[{"b", 50}])).floor_lsn;
  int readable = 0;
  for (const auto& [at, entity] : past) {
    for (const AsOf& as_of : {AsOf::Version(at.second), AsOf::Lsn(lsns[at])}) {
      const auto now = ledger_->Get(at.first, as_of);
      const bool value_is_gone = at.first == "b" && at.second < 102;  // it was put before the floor, and again since
      if (lsns[at] < floor || value_is_gone) {
        EXPECT_TRUE(absl::IsOutOfRange(now.status())) << at.first << " " << at.second << " " << now.status();
      } else {
        ASSERT_TRUE(now.ok()) << at.first << " " << at.second << " " << now.status();
        EXPECT_EQ(now->value, entity.value);
        EXPECT_EQ(now->policy, entity.policy);
        EXPECT_EQ(now->balance, entity.balance);
        EXPECT_EQ(now->version, at.second);
        ++readable;
      }
    }
  }
  EXPECT_GT(readable, 0);
  EXPECT_EQ(Get("a").value, "kept");
  EXPECT_EQ(Get("b").value, "second");
}

TEST_F(TrimRules, R33_TheFloorNeverFalls) {
  Random random(TestSeed());
  uint64_t floor = 0;
  int rises = 0;
  for (int round = 0; round < 60; ++round) {
    Fill("k" + std::to_string(random.Below(5)), static_cast<int>(random.Below(30)));
    TrimOptions options;
    options.seal = random.OneIn(3);
    options.before_lsn = random.OneIn(2) ? random.Below(GetStats().durable_lsn + 1) : UINT64_MAX;
    if (random.OneIn(3)) options.keep_bytes = random.Below(20000);
    const TrimReport report = Trim(options);
    EXPECT_GE(report.floor_lsn, floor);
    rises += report.floor_lsn > floor;
    floor = report.floor_lsn;
    if (random.OneIn(4)) random.OneIn(2) ? Reopen() : Crash();
    EXPECT_EQ(GetStats().floor_lsn, floor);
    EXPECT_EQ(Bases().size(), floor > 0 ? 1u : 0u);
    const auto verified = ledger_->Verify();
    ASSERT_TRUE(verified.ok()) << verified.status();
    EXPECT_EQ(verified->fault, "");
    EXPECT_EQ(verified->base_lsn, GetStats().base_lsn);
  }
  EXPECT_GT(rises, 10);
}

// A change of any kind that the ledger could be sent.
class RandomStream {
 public:
  explicit RandomStream(Random* random) : random_(random) {}

  Change Next(Ledger* ledger) {
    const std::string key = "k" + std::to_string(random_->Below(6));
    const Entity entity = *ledger->Get(key);
    Change change("c" + std::to_string(++count_));
    const Amount amount = static_cast<int64_t>(random_->Below(100)) - 30;
    switch (random_->Below(7)) {
      case 0:
        change.AddUpdate(key).ExpectVersion(entity.version).Add(amount);
        break;
      case 1:
        change.AddUpdate(key).Since(entity.version).Add(amount);
        break;
      case 2:
        change.AddUpdate(key).ExpectBalance(entity.balance).Add(amount);
        break;
      case 3:
        change.AddUpdate("doc/" + key).Newer(random_->Below(1000)).Put("value " + change.id);
        break;
      case 4:
        change = Transfer(change.id, key, "other", amount);
        break;
      case 5:
        change.AddUpdate(key).Add(amount);
        change = At(std::move(change), "source", ++position_);
        break;
      default:
        change.AddUpdate("doc/" + key).ExpectVersion(ledger->Get("doc/" + key)->version).Put("new " + change.id);
        change.AddUpdate(key).Add(amount);
    }
    return change;
  }

 private:
  Random* const random_;
  uint64_t count_ = 0;
  uint64_t position_ = 0;
};

TEST_F(TrimRules, R34_NoRedeliveryOfWhatWasApplied_IsEverAppliedAgain) {
  Random random(TestSeed());
  RandomStream stream(&random);
  std::vector<Change> applied;
  std::map<std::string, int> answers;
  Amount sum = 0;
  for (int round = 0; round < 4000; ++round) {
    if (applied.empty() || random.OneIn(2)) {
      const Change change = stream.Next(ledger_.get());
      if (Say(change) == "APPLIED") applied.push_back(change);
    } else {
      const Change& change = applied[random.Below(applied.size())];
      const std::string answer = Say(change);
      ASSERT_NE(answer, "APPLIED") << change.id;
      ASSERT_NE(answer, "ID_REUSED") << change.id;
      ++answers[answer];
    }
    if (random.OneIn(40)) Trim(Before(random.Below(GetStats().durable_lsn + 1), random.OneIn(2)));
    if (random.OneIn(150)) random.OneIn(2) ? Reopen() : Crash();
  }
  for (const char* key : {"k0", "k1", "k2", "k3", "k4", "k5", "other"}) sum += Balance(key);
  std::printf("%zu applied, redelivered: %d DUPLICATE, %d INDETERMINATE, %d SUPERSEDED, %d CONFLICT\n", applied.size(),
              answers["DUPLICATE"], answers["INDETERMINATE"], answers["SUPERSEDED"], answers["CONFLICT"]);
  EXPECT_GT(answers["DUPLICATE"], 100);
  EXPECT_GT(answers["INDETERMINATE"], 100);
  // Each in its turn once more, against one floor.
  TrimAll();
  for (const Change& change : applied) ASSERT_NE(Say(change), "APPLIED") << change.id;
  Amount after = 0;
  for (const char* key : {"k0", "k1", "k2", "k3", "k4", "k5", "other"}) after += Balance(key);
  EXPECT_EQ(after, sum);
}

TEST_F(TrimRules, R35_AnswerableSince_SaysWhichQuestionsAreAnswered) {
  Random random(TestSeed());
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 5; ++i) Fill("k" + std::to_string(random.Below(4)), static_cast<int>(random.Below(20)));
    Trim(Before(random.Below(GetStats().durable_lsn + 1), random.OneIn(2)));
    for (int k = 0; k < 4; ++k) {
      const std::string key = "k" + std::to_string(k);
      const auto answerable = ledger_->AnswerableSince(key);
      ASSERT_TRUE(answerable.ok()) << answerable.status();
      EXPECT_EQ(answerable->version, Version(key));
      EXPECT_EQ(answerable->floor_lsn, GetStats().floor_lsn);
      EXPECT_FALSE(answerable->retired);
      for (uint64_t since = 0; since < answerable->version; ++since) {
        Change change("question");  // it is refused in any case: nothing moves
        change.AddUpdate(key).Since(since).Add(1);
        change.AddUpdate("never").ExpectVersion(9).Check();
        EXPECT_EQ(Say(change), since >= answerable->since_version ? "EARLY" : "INDETERMINATE")
            << key << " since " << since << " of " << answerable->version;
      }
    }
  }
  const auto nothing = ledger_->AnswerableSince("never");
  ASSERT_TRUE(nothing.ok());
  EXPECT_EQ(nothing->version, 0u);
  EXPECT_EQ(nothing->since_version, 0u);
  EXPECT_TRUE(absl::IsInvalidArgument(ledger_->AnswerableSince("").status()));
}

TEST_F(TrimRules, R35_ARetiredKey_IsNotAnswerable) {
  Do(PutAt("x", "old/1", 0, "v"));
  ASSERT_TRUE(ledger_->Retire("old/").ok());
  EXPECT_TRUE(ledger_->AnswerableSince("old/1")->retired);
  EXPECT_TRUE(ledger_->AnswerableSince("old/never")->retired);
  EXPECT_FALSE(ledger_->AnswerableSince("older")->retired);
}

TEST_F(TrimRules, R36_RecordsOfAllKindsSurviveATrimAndARebuild) {
  options_.parking = true;
  Reopen();
  EXPECT_EQ(Say(AddAt("early", "p", 5, 1)), "PARKED");
  EXPECT_EQ(Say(At(AddAt("parked too", "q", 1, 1), "s", 1)), "PARKED");
  EXPECT_EQ(Say(At(DeleteAt("no", "never", 0), "s", 2)), "REJECTED");
  EXPECT_EQ(Say(AddFrom("yes", "s", 3, "b", 7)), "APPLIED");
  Do(PutAt("old", "old/1", 0, "v"));
  ASSERT_TRUE(ledger_->Retire("old/").ok());
  EXPECT_EQ(Say(AddAt("first", "q", 0, 1)), "APPLIED");  // and with it what waited for it
  EXPECT_EQ(Version("q"), 2u);
  Fill("a", 50);
  TrimAll();
  const std::string digest = GetStats().state_digest;
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  const auto rebuilt = RebuildLedger(path());
  ASSERT_TRUE(rebuilt.ok()) << rebuilt.status();
  EXPECT_GT(rebuilt->base_lsn, 0u);
  EXPECT_EQ(rebuilt->state_digest, digest);
  Open();
  EXPECT_EQ(ledger_->ListParked()->size(), 1u);
  EXPECT_EQ(ledger_->ListDeadLetters()->size(), 1u);
  EXPECT_EQ(ledger_->ListRetired()->size(), 1u);
  EXPECT_EQ(Say(AddAt("early", "p", 5, 1)), "PARKED");
  EXPECT_EQ(Say(At(DeleteAt("no", "never", 0), "s", 2)), "REJECTED");
  EXPECT_EQ(Say(At(AddAt("parked too", "q", 1, 1), "s", 1)), "DUPLICATE");
  EXPECT_EQ(Say(AddFrom("yes", "s", 3, "b", 7)), "DUPLICATE");
  EXPECT_EQ(Say(AddAt("x", "old/2", 0, 1)), "INDETERMINATE");
  Fill("p", 5);
  EXPECT_EQ(Version("p"), 6u);
}

// Positions whose message was parked and decided later have a record each; a trim takes those away that it makes
// needless, and no other.
TEST_F(TrimRules, RecordsOfSettledPositions_GoWithTheHistoryThatSettledThem) {
  constexpr uint64_t kKeys = 5000;
  options_.parking = true;
  options_.segment_bytes = size_t{64} << 10;
  Reopen();
  const auto early = [](uint64_t i) {
    return At(AddAt("early-" + std::to_string(i), "k" + std::to_string(i), 1, 1), "s", 2 * i + 1);
  };
  const auto first = [](uint64_t i) {
    return At(AddAt("first-" + std::to_string(i), "k" + std::to_string(i), 0, 1), "s", 2 * i + 2);
  };
  std::vector<Change> changes;
  for (uint64_t i = 0; i < kKeys; ++i) {
    changes.push_back(early(i));
    changes.push_back(first(i));
  }
  const auto outcomes = ledger_->ApplyBatch(changes);
  ASSERT_TRUE(outcomes.ok()) << outcomes.status();
  Trim(Before(0, /*seal=*/true));  // the rest comes in another segment
  const uint64_t middle = GetStats().durable_lsn;
  for (uint64_t i = kKeys; i < kKeys + 10; ++i) {
    EXPECT_EQ(Say(early(i)), "PARKED");
    EXPECT_EQ(Say(first(i)), "APPLIED");
  }
  const auto erased = [&] {
    uint64_t keys = 0;
    const auto read = ledger_->ReadJournal(0, [&](const JournalEntry& entry) {
      if (entry.reason.find("erased") != std::string::npos) keys += std::stoull(entry.reason);
      return true;
    });
    EXPECT_TRUE(read.ok()) << read.status();
    return keys;
  };
  EXPECT_EQ(Trim(Before(middle)).floor_lsn, middle);
  EXPECT_EQ(erased(), kKeys);
  for (uint64_t i = kKeys; i < kKeys + 10; ++i) {
    const Outcome again = Do(early(i));
    EXPECT_EQ(again.code, OutcomeCode::kDuplicate) << again.reason;
    ASSERT_EQ(again.updates.size(), 1u);
    EXPECT_EQ(again.updates[0].version, 2u);
  }
  TrimAll();
  EXPECT_EQ(erased(), 10u);
  for (uint64_t i = 0; i < kKeys + 10; i += 7) {
    EXPECT_EQ(Say(early(i)), "DUPLICATE") << i;
    EXPECT_EQ(Say(first(i)), "DUPLICATE") << i;
  }
}

TEST_F(TrimRules, AReaderOfOldHistory_HoldsATrimUp) {
  Fill("a", 200);
  const uint64_t segments = Segments().size();
  TrimReport report;
  bool first = true;
  uint64_t entries = 0;
  auto end = ledger_->ReadJournal(0, [&](const JournalEntry&) {
    if (std::exchange(first, false)) report = TrimAll();
    ++entries;
    return true;
  });
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(entries, 200u);
  EXPECT_EQ(report.floor_lsn, 0u);
  EXPECT_EQ(report.removed_segments, 0u);
  EXPECT_NE(report.held_by.find("LSN 0 "), std::string::npos) << report.held_by;
  EXPECT_EQ(TrimAll().held_by, "");
  EXPECT_LT(Segments().size(), segments);
}

TEST_F(TrimRules, OneAtATime) {
  std::atomic<int> unavailable{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10000 && unavailable == 0; ++i) {
        Fill("k" + std::to_string(t), 1);
        const auto report = ledger_->Trim(Before(UINT64_MAX, true));
        EXPECT_TRUE(report.ok() || absl::IsUnavailable(report.status())) << report.status();
        unavailable += !report.ok();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(unavailable, 0);
}

// Writers, readers of all kinds and trims at the same time.
TEST_F(TrimRules, BesideEverythingElse) {
  options_.journal_cache_bytes = size_t{1} << 20;
  Reopen();
  Fill("hot", 20);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        const std::string id = "w" + std::to_string(t) + "/" + std::to_string(i);
        EXPECT_EQ(Say(Transfer(id, "hot", "cold" + std::to_string(i % 3), 1)), "APPLIED");
        const std::string again = Say(Transfer(id, "hot", "cold" + std::to_string(i % 3), 1));
        EXPECT_TRUE(again == "DUPLICATE") << again;
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      const auto lines = ledger_->History("hot", {.limit = 0});
      ASSERT_TRUE(lines.ok()) << lines.status();
      for (size_t i = 1; i < lines->size(); ++i) ASSERT_EQ((*lines)[i].version + 1, (*lines)[i - 1].version);
      const auto now = ledger_->Get("hot");
      const auto past = ledger_->Get("hot", AsOf::Version(now->version - 1));
      ASSERT_TRUE(past.ok() || absl::IsOutOfRange(past.status())) << past.status();
      ASSERT_TRUE(ledger_->AnswerableSince("hot").ok());
      ASSERT_TRUE(ledger_->GetStats().ok());
    }
  });
  threads.emplace_back([&] {
    while (!stop) {
      uint64_t last = 0;
      const auto end = ledger_->ReadJournal(0, [&](const JournalEntry& entry) {
        EXPECT_TRUE(last == 0 || entry.sequence == last + 1);
        last = entry.sequence;
        return true;
      });
      ASSERT_TRUE(end.ok()) << end.status();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // while it reads, nothing goes
    }
  });
  uint64_t removed = 0;
  for (int i = 0; i < 60; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    TrimOptions options;
    options.keep_bytes = 20000;
    options.seal = i % 2 == 0;
    removed += Trim(options).removed_segments;
    if (i % 20 == 0) ExpectVerified();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(removed, 10u);
  std::printf("%llu segments removed beside %llu entries\n", static_cast<unsigned long long>(removed),
              static_cast<unsigned long long>(Sequence()));
}

TEST_F(TrimRules, Retention_KeepsTheJournalWithinItsBytes_AlsoOfOneHotEntity) {
  options_.keep_journal_bytes = 64 << 10;
  Reopen();
  for (int i = 0; i < 60; ++i) Fill("hot", 100);
  // The last trim may still be running.
  for (int wait = 0; wait < 200 && GetStats().durable_lsn - GetStats().floor_lsn > (96 << 10); ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const Stats stats = GetStats();
  EXPECT_GT(stats.durable_lsn, 500'000u);
  EXPECT_LE(stats.durable_lsn - stats.floor_lsn, 96u << 10);
  EXPECT_GE(stats.durable_lsn - stats.floor_lsn, 64u << 10);
  EXPECT_LE(stats.journal_bytes, 200u << 10);
}

TEST_F(TrimRules, InMemory) {
  options_ = Options();
  options_.segment_bytes = 4096;
  ledger_ = *Ledger::OpenInMemory(options_);
  Fill("a", 100);
  EXPECT_GT(TrimAll().removed_segments, 0u);
  Fill("a", 10);
  EXPECT_EQ(Version("a"), 110u);
  EXPECT_EQ(ledger_->History("a", {.limit = 0})->size(), 10u);
}

TEST_F(TrimRules, WhatATrimLeftBehind_IsRemovedAtOpen) {
  Fill("a", 100);
  const std::string segment = Segments().front();
  std::filesystem::copy_file(segment, directory_.path() + "/aside");
  Fill("a", 100);
  Trim(Before(UINT64_MAX));
  const std::string base = Bases().at(0);
  Fill("a", 50);
  TrimAll();
  const std::vector<std::string> bases = Bases();
  ledger_.reset();
  std::ofstream(bases.at(0) + ".tmp") << "unfinished";
  std::ofstream(base) << "of the trim before";
  Open();
  EXPECT_EQ(Bases(), bases);
  EXPECT_FALSE(std::filesystem::exists(bases.at(0) + ".tmp"));
}

TEST_F(TrimRules, WithoutItsBaseSnapshot_IsRefused) {
  Fill("a", 100);
  TrimAll();
  const std::string base = Bases().at(0);
  ledger_.reset();
  std::filesystem::rename(base, directory_.path() + "/aside");
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
  std::filesystem::rename(directory_.path() + "/aside", base);
  Open();
}

TEST_F(TrimRules, WithoutItsOldestSegment_IsRefused_TrimmedOrNot) {
  for (int round = 0; round < 2; ++round) {
    Fill("a", 100);
    const std::string segment = Segments().front();
    ASSERT_TRUE(ledger_->Close().ok());
    ledger_.reset();
    std::filesystem::rename(segment, directory_.path() + "/aside");
    EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
    EXPECT_TRUE(absl::IsDataLoss(Ledger::OpenReadOnly(path()).status()));
    std::filesystem::rename(directory_.path() + "/aside", segment);
    Open();
    Trim(Before(UINT64_MAX));
  }
}

// Every byte of what a trimmed ledger stands on.
TEST_F(TrimRules, DamageIsFoundByVerify) {
  Random random(TestSeed());
  for (int i = 0; i < 150; ++i) Do(Transfer("T-" + std::to_string(i), "a", "b" + std::to_string(i % 7), 1 + i));
  Trim(Before(GetStats().durable_lsn / 2));
  for (int i = 150; i < 170; ++i) Do(Transfer("T-" + std::to_string(i), "a", "b" + std::to_string(i % 7), 1 + i));
  const Stats stats = GetStats();
  ASSERT_GT(stats.base_lsn, stats.floor_lsn + 4096);  // history before the base snapshot
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  std::vector<std::string> files = Segments();
  files.push_back(Bases().at(0));
  int found = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string& file = files[random.Below(files.size())];
    std::ifstream in(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    std::string damaged = bytes;
    const size_t at = random.Below(bytes.find_last_not_of('\0') + 1);
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.Below(8)));
    std::ofstream(file, std::ios::binary | std::ios::trunc) << damaged;
    auto opened = Ledger::OpenReadOnly(path());
    if (opened.ok()) {
      const auto report = (*opened)->Verify();
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_FALSE(report->ok()) << file << " offset " << at;
      ++found;
    } else {
      EXPECT_TRUE(absl::IsDataLoss(opened.status()) || absl::IsFailedPrecondition(opened.status())) << opened.status();
    }
    opened = absl::UnknownError("");
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  EXPECT_GT(found, 200);
  Open();
}

// ---- Other processes

// A process that reads in every way, for as long as the other end of the pipe is open. Its exit status says which read
// was wrong.
int ReadUntilTold(const std::string& path, int told) {
  auto opened = Ledger::OpenReadOnly(path);
  if (!opened.ok()) return 2;
  Ledger& ledger = **opened;
  for (char byte = 0;;) {
    uint64_t last = 0;
    bool gap = false;
    const auto end = ledger.ReadJournal(0, [&](const JournalEntry& entry) {
      gap = gap || (last != 0 && entry.sequence != last + 1);
      last = entry.sequence;
      return true;
    });
    if (!end.ok() || gap) return 3;
    const auto lines = ledger.History("hot", {.limit = 0});
    if (!lines.ok() || lines->empty()) return 4;
    for (size_t i = 1; i < lines->size(); ++i) {
      if ((*lines)[i].version + 1 != (*lines)[i - 1].version) return 5;
    }
    const auto now = ledger.Get("hot");
    if (!now.ok() || now->version < lines->front().version) return 6;
    if (!ledger.AnswerableSince("hot").ok() || !ledger.GetStats().ok()) return 7;
    const auto report = ledger.Verify();
    if (!report.ok()) return 8;
    if (!report->ok()) {
      std::fprintf(stderr, "%s\n", report->fault.c_str());
      return 9;
    }
    if (::read(told, &byte, 1) == 0) return 0;
  }
}

TEST_F(TrimRules, AReadOnlyProcess_ReadsOnWhileTheWriterTrims) {
  Fill("hot", 50);
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  ledger_.reset();
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(told[1]);
    ::_exit(ReadUntilTold(path(), told[0]));
  }
  ::close(told[0]);
  ::signal(SIGPIPE, SIG_IGN);  // of a reader that failed: its exit status says why
  Open();
  uint64_t removed = 0;
  for (int i = 0; i < 300; ++i) {
    Fill("hot", 20);
    TrimOptions options;
    options.keep_bytes = 10000;
    options.seal = i % 3 == 0;
    removed += Trim(options).removed_segments;
    if (i % 50 == 25) i % 100 == 25 ? Reopen() : Crash();
    ASSERT_TRUE(::write(told[1], "x", 1) == 1 || errno == EAGAIN || errno == EPIPE);
  }
  ::close(told[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "exit " << WEXITSTATUS(status) << " signal " << WTERMSIG(status);
  EXPECT_GT(removed, 20u);
}

// A pin of another process, and of one that died.
TEST_F(TrimRules, APinOfAnotherProcess_HoldsATrimUp_UntilTheProcessDies) {
  Fill("a", 200);
  const uint64_t pinned = ledger_->History("a", {.limit = 100})->back().lsn;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  const pid_t child = ::fork();
  if (child == 0) {
    auto opened = Ledger::OpenReadOnly(path());
    if (!opened.ok()) ::_exit(1);
    static_cast<void>((*opened)->ReadJournal(pinned, [&](const JournalEntry&) {
      if (::write(ready[1], "y", 1) != 1) ::_exit(1);
      for (;;) ::pause();
      return false;
    }));
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  Open();
  const TrimReport held = TrimAll();
  EXPECT_NE(held.held_by, "");
  EXPECT_LE(held.floor_lsn, pinned);
  EXPECT_GT(held.floor_lsn + 4096, pinned);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const TrimReport free = TrimAll();
  EXPECT_EQ(free.held_by, "");
  EXPECT_GT(free.floor_lsn, pinned + 4096);
}

// A real process with a real LMDB, killed at any moment, until it gets to the end.
TEST_F(TrimRules, R33_R34_KilledWhileItTrims_NothingIsLostOrAppliedTwice) {
  Random random(TestSeed());
  constexpr int kChanges = 6000;
  const auto change = [](int i) {
    return Transfer("T-" + std::to_string(i), "a" + std::to_string(i % 3), "b" + std::to_string(i % 5), 1 + i);
  };
  ledger_.reset();
  int kills = 0;
  for (bool finished = false; !finished;) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto opened = Ledger::Open(path(), options_);
      if (!opened.ok()) ::_exit(2);
      for (int i = 0; i < kChanges; ++i) {
        const auto outcome = (*opened)->Apply(change(i));
        if (!outcome.ok()) ::_exit(3);
        const bool known = outcome->code == OutcomeCode::kDuplicate || outcome->code == OutcomeCode::kIndeterminate;
        if (!outcome->applied() && !known) ::_exit(4);
        TrimOptions options;
        options.keep_bytes = 5000;
        options.seal = i % 2 == 0;
        if (i % 20 == 0 && !(*opened)->Trim(options).ok()) ::_exit(5);
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(random.Below(uint64_t{10'000} << std::min(kills / 10, 12))));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    finished = WIFEXITED(status);
    if (finished) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
    }
    kills += !finished;
    Open();
    ExpectVerified();
    Amount sum = 0;
    for (const char* key : {"a0", "a1", "a2", "b0", "b1", "b2", "b3", "b4"}) sum += Balance(key);
    ASSERT_EQ(sum, 0);
    if (!finished) ledger_.reset();
  }
  EXPECT_EQ(Version("a0") + Version("a1") + Version("a2"), static_cast<uint64_t>(kChanges));
  std::printf("killed %d times\n", kills);
  EXPECT_GT(kills, 5);
}

// Close does not wait for a long trim, and what the trim began is harmless.
TEST_F(TrimRules, Close_EndsATrimThatRuns) {
  std::vector<Change> changes;
  for (int i = 0; i < 100'000; ++i) changes.push_back(PutAt("p" + std::to_string(i), "k" + std::to_string(i), 0, "v"));
  ASSERT_TRUE(ledger_->ApplyBatch(changes).ok());
  for (int round = 0; round < 10; ++round) {
    std::atomic<bool> begun{false};
    absl::Status trimmed;
    std::thread trimming([&] {
      begun = true;
      trimmed = ledger_->Trim(Before(UINT64_MAX, true)).status();
    });
    while (!begun) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * round));
    EXPECT_TRUE(ledger_->Close().ok());
    trimming.join();
    EXPECT_TRUE(trimmed.ok() || absl::IsCancelled(trimmed) || absl::IsFailedPrecondition(trimmed)) << trimmed;
    ledger_.reset();
    Open();
    Fill("more", 1);
  }
  EXPECT_EQ(Version("k99999"), 1u);
}

TEST_F(TrimRules, ClosedOrReadOnly_CannotTrim) {
  ASSERT_TRUE(ledger_->Close().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_->Trim(Before(1)).status()));
  ledger_.reset();
  auto reader = Ledger::OpenReadOnly(path());
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition((*reader)->Trim(Before(1)).status()));
}

}  // namespace
}  // namespace semel::testing
