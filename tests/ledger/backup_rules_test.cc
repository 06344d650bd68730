// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rules R06 and R36: backups of a running ledger, and what is made of them.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/story.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

namespace fs = std::filesystem;

class BackupTest : public LedgerTest {
 protected:
  void SetUp() override {
    options_.create_if_missing = true;
    options_.segment_bytes = 4 << 10;  // several segments
    Open();
  }

  std::string backup() const { return directory_.path() + "/backup"; }
  std::string restored() const { return directory_.path() + "/restored"; }

  BackupReport Backup(const BackupOptions& options = {}) {
    auto report = ledger_->Backup(backup(), options);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : BackupReport();
  }
  absl::Status BackupStatus(const std::string& to) { return ledger_->Backup(to).status(); }

  // A ledger made of a backup; checked, with its files where `path` says.
  std::unique_ptr<Ledger> Restore(const std::string& from, const std::string& to, uint64_t epoch = 0) {
    auto report = RestoreLedger(from, to, epoch);
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) return nullptr;
    auto ledger = Ledger::Open(to, options_);
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    if (!ledger.ok()) return nullptr;
    const auto verified = (*ledger)->Verify();
    EXPECT_TRUE(verified.ok() && verified->ok()) << (verified.ok() ? verified->fault : verified.status().ToString());
    EXPECT_EQ((*ledger)->GetStats()->epoch, report->epoch);
    EXPECT_EQ((*ledger)->GetStats()->durable_lsn, report->lsn);
    EXPECT_EQ((*ledger)->GetStats()->sequence, report->sequence);
    return *std::move(ledger);
  }
  std::unique_ptr<Ledger> Restore() { return Restore(backup(), restored()); }

  static std::vector<std::string> Segments(const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory + "/journal")) {
      if (entry.path().extension() == ".log") names.push_back(entry.path());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  static std::string ReadFile(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static void WriteFile(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  static void FlipByte(const std::string& path, uint64_t offset) {
    std::string bytes = ReadFile(path);
    bytes[offset] = static_cast<char>(bytes[offset] ^ 0x10);
    WriteFile(path, bytes);
  }
  // Every file below a directory, with what is in it.
  static std::map<std::string, std::string> Files(const std::string& directory) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.is_regular_file()) files[entry.path()] = ReadFile(entry.path());
    }
    return files;
  }
};

// ---- R36

TEST_F(BackupTest, R36_BackupAndRestoreCarryEverything) {
  const std::vector<Change> sent = TellStory(ledger_.get(), "1");
  const BackupReport report = Backup();
  EXPECT_EQ(report.lsn, ledger_->GetStats()->durable_lsn);
  EXPECT_EQ(report.sequence, Sequence());
  EXPECT_EQ(report.epoch, 1u);
  EXPECT_EQ(report.uuid, ledger_->GetStats()->uuid);
  EXPECT_EQ(report.commit_time_us, ledger_->GetStats()->commit_time_us);
  EXPECT_EQ(report.kept_segments, 0u);
  EXPECT_GT(report.copied_segments, 1u);

  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  EXPECT_EQ(restored->GetStats()->uuid, report.uuid);
  EXPECT_EQ(ShowHeads(restored.get()), ShowHeads(ledger_.get()));
  EXPECT_EQ(ShowJournal(restored.get()), ShowJournal(ledger_.get()));
  EXPECT_EQ(ShowRedelivery(restored.get(), sent), ShowRedelivery(ledger_.get(), sent));
  // Both go on alike.
  TellStory(ledger_.get(), "2");
  TellStory(restored.get(), "2");
  EXPECT_EQ(ShowHeads(restored.get()).size(), ShowHeads(ledger_.get()).size());
}

TEST_F(BackupTest, R36_AfterATrim_HeadsFloorsAndTheBaseAreCarried) {
  std::vector<Change> sent = TellStory(ledger_.get(), "1");
  const auto trimmed = ledger_->Trim({.before_lsn = UINT64_MAX, .seal = true});
  ASSERT_TRUE(trimmed.ok()) << trimmed.status();
  ASSERT_GT(trimmed->floor_lsn, 0u);
  for (Change& change : TellStory(ledger_.get(), "2")) sent.push_back(std::move(change));
  Backup();
  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  EXPECT_EQ(restored->GetStats()->floor_lsn, trimmed->floor_lsn);
  EXPECT_EQ(ShowHeads(restored.get()), ShowHeads(ledger_.get()));
  EXPECT_EQ(ShowJournal(restored.get()), ShowJournal(ledger_.get()));
  EXPECT_EQ(ShowRedelivery(restored.get(), sent), ShowRedelivery(ledger_.get(), sent));
  EXPECT_EQ(restored->AnswerableSince("account/1")->since_version,
            ledger_->AnswerableSince("account/1")->since_version);
  ASSERT_TRUE(restored->Close().ok());
  EXPECT_TRUE(RebuildLedger(this->restored()).ok());
}

TEST_F(BackupTest, R36_TrimmedToTheLastByte) {
  const std::vector<Change> sent = TellStory(ledger_.get(), "1");
  ASSERT_TRUE(ledger_->Trim({.before_lsn = UINT64_MAX, .seal = true}).ok());
  Backup();
  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  EXPECT_EQ(ShowHeads(restored.get()), ShowHeads(ledger_.get()));
  EXPECT_EQ(ShowRedelivery(restored.get(), sent), ShowRedelivery(ledger_.get(), sent));
}

TEST_F(BackupTest, R36_AnEmptyLedger) {
  EXPECT_EQ(Backup().lsn, 0u);
  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  EXPECT_TRUE(ShowHeads(restored.get()).empty());
  EXPECT_TRUE(restored->Apply(AddAt("T-1", "a", 0, 1))->applied());
}

TEST_F(BackupTest, R36_ARestoredLedgerIsBackedUpAndRestoredAgain) {
  TellStory(ledger_.get(), "1");
  Backup();
  auto second = Restore();
  ASSERT_NE(second, nullptr);
  TellStory(second.get(), "2");
  const std::string again = directory_.path() + "/again";
  ASSERT_TRUE(second->Backup(again).ok());
  const auto third = Restore(again, directory_.path() + "/third");
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(third->GetStats()->epoch, 3u);
  EXPECT_EQ(ShowHeads(third.get()), ShowHeads(second.get()));
}

// ---- R06

TEST_F(BackupTest, R06_AnOlderBackup_TheEpochRisesAndTheOldOneIsRefused) {
  ASSERT_EQ(Say(AddAt("T-1", "a", 0, 10)), "APPLIED");
  Backup();
  // Lost with the old timeline. On the new one another change takes its version.
  Change lost = AddAt("T-2", "a", 1, 100);
  lost.epoch = 1;
  ASSERT_EQ(Say(lost), "APPLIED");
  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  EXPECT_EQ(restored->GetStats()->epoch, 2u);
  EXPECT_EQ(restored->Get("a")->version, 1u);

  ASSERT_TRUE(restored->Apply(AddAt("T-3", "a", 1, 7))->applied());
  EXPECT_EQ(restored->Apply(lost)->code, OutcomeCode::kInvalid) << "it was applied on another timeline";
  Change next = AddAt("T-4", "a", 2, 1);
  next.epoch = 1;
  EXPECT_EQ(restored->Apply(next)->code, OutcomeCode::kInvalid) << "it would hold, but its sender saw version 2 there";
  next.epoch = 2;
  EXPECT_TRUE(restored->Apply(next)->applied());
  EXPECT_EQ(restored->Get("a")->balance, 18);
  // What both timelines have is known in both, whatever the ids' length.
  EXPECT_EQ(restored->Apply(AddAt("T-1", "a", 0, 10))->code, OutcomeCode::kDuplicate);
}

TEST_F(BackupTest, R06_WrongEpochConsumesNoPosition) {
  ASSERT_EQ(Say(AddFrom("T-1", "s", 1, "a", 10)), "APPLIED");
  Backup();
  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  Change old = AddFrom("T-2", "s", 2, "a", 5);
  old.epoch = 1;
  EXPECT_EQ(restored->Apply(old)->code, OutcomeCode::kInvalid);
  EXPECT_EQ((*restored->GetSource("s"))->position, 1u);
  EXPECT_TRUE(restored->Apply(AddFrom("T-2", "s", 2, "a", 5))->applied());
}

TEST_F(BackupTest, R06_TwoRestoresOfOneBackup_AreKeptApartByTheEpochGiven) {
  ASSERT_EQ(Say(AddAt("T-1", "a", 0, 10)), "APPLIED");
  Backup();
  const auto epoch_of = [&](const char* name, uint64_t asked) {
    const auto restored = Restore(backup(), directory_.path() + name, asked);
    return restored == nullptr ? 0 : restored->GetStats()->epoch;
  };
  EXPECT_EQ(epoch_of("/first", 0), 2u);
  EXPECT_EQ(epoch_of("/again", 3), 3u);
  EXPECT_EQ(epoch_of("/lower", 1), 2u) << "never below the next";
}

// Files of one epoch do not pass in the other, even under the right names.
TEST_F(BackupTest, R06_FilesOfTheOldEpochAreRefused) {
  TellStory(ledger_.get(), "1");
  Backup();
  const auto ledger = Restore();
  ASSERT_NE(ledger, nullptr);
  ASSERT_TRUE(ledger->Close().ok());
  const std::string segment = Segments(restored()).front();
  const std::string right = ReadFile(segment);
  fs::copy_file(Segments(backup()).front(), segment, fs::copy_options::overwrite_existing);
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(restored(), options_).status()));
  // Nor with the header of the new one.
  std::string mixed = ReadFile(segment);
  mixed.replace(0, 64, right.substr(0, 64));
  WriteFile(segment, mixed);
  auto opened = Ledger::OpenReadOnly(restored());
  EXPECT_TRUE(!opened.ok() || !(*opened)->Verify()->ok());
}

// ---- Bringing a backup up to date

TEST_F(BackupTest, Incremental_KeepsWhatIsThereAndRemovesWhatWasTrimmed) {
  TellStory(ledger_.get(), "1");
  const BackupReport first = Backup();
  for (int i = 0; i < 100; ++i) Do(AddAt("more-" + std::to_string(i), "more", static_cast<uint64_t>(i), 1));
  const BackupReport second = Backup();
  EXPECT_EQ(second.kept_segments, first.copied_segments - 1) << "all that were sealed";
  EXPECT_EQ(second.copied_segments, Segments(path()).size() - second.kept_segments);
  EXPECT_EQ(second.lsn, ledger_->GetStats()->durable_lsn);
  EXPECT_EQ(Backup().copied_segments, 0u) << "nothing has happened";

  ASSERT_TRUE(ledger_->Trim({.before_lsn = UINT64_MAX}).ok());
  const size_t before = Segments(backup()).size();
  Backup();
  EXPECT_LT(Segments(backup()).size(), before);
  EXPECT_EQ(Segments(backup()).size(), Segments(path()).size());
  ASSERT_TRUE(ledger_->Trim({.before_lsn = UINT64_MAX, .seal = true}).ok());
  Backup();
  EXPECT_EQ(std::distance(fs::directory_iterator(backup() + "/base"), {}), 1);
  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  EXPECT_EQ(ShowHeads(restored.get()), ShowHeads(ledger_.get()));
}

TEST_F(BackupTest, Incremental_ADamagedSegmentIsCopiedAnew) {
  TellStory(ledger_.get(), "1");
  TellStory(ledger_.get(), "2");
  Backup();
  ASSERT_GE(Segments(backup()).size(), 3u);
  const std::string damaged = Segments(backup())[1];
  FlipByte(damaged, 200);
  fs::resize_file(Segments(backup())[2], 1000);
  EXPECT_EQ(Backup().copied_segments, 2u);
  EXPECT_EQ(ReadFile(damaged), ReadFile(Segments(path())[1]));
  EXPECT_NE(Restore(), nullptr);
}

TEST_F(BackupTest, Incremental_ADamagedBaseIsCopiedAnew) {
  TellStory(ledger_.get(), "1");
  ASSERT_TRUE(ledger_->Trim({.before_lsn = UINT64_MAX, .seal = true}).ok());
  Backup();
  const std::string base = fs::directory_iterator(backup() + "/base")->path();
  FlipByte(base, fs::file_size(base) / 2);
  Backup();
  EXPECT_NE(Restore(), nullptr);
}

TEST_F(BackupTest, HardLinks_ShareSealedSegmentsWithTheLedger) {
  TellStory(ledger_.get(), "1");
  const BackupReport report = Backup({.hard_links = true});
  EXPECT_TRUE(fs::equivalent(Segments(path()).front(), Segments(backup()).front()));
  EXPECT_FALSE(fs::equivalent(Segments(path()).back(), Segments(backup()).back())) << "it is still written";
  EXPECT_GT(report.copied_segments, 1u);
  // A trim takes the ledger's name away, not the backup's file.
  ASSERT_TRUE(ledger_->Trim({.before_lsn = UINT64_MAX, .seal = true}).ok());
  EXPECT_NE(Restore(), nullptr);
}

TEST_F(BackupTest, WithoutVerify_IsTheSameBackup) {
  TellStory(ledger_.get(), "1");
  Backup({.verify = false});
  EXPECT_NE(Restore(), nullptr);
}

// ---- Beside others

TEST_F(BackupTest, BesideWriters_EveryBackupHoldsAWholeMomentWithAllThatWasAnsweredBefore) {
  constexpr int kAccounts = 5;
  for (int i = 0; i < kAccounts; ++i) Do(AddAt("open-" + std::to_string(i), "acc-" + std::to_string(i), 0, 100));
  std::atomic<uint64_t> answered{0};  // up to this sequence
  const auto write = [&](int round, int writer) {
    for (int i = 0; i < 300; ++i) {
      const std::string from = "acc-" + std::to_string((i + writer) % kAccounts);
      const std::string to = "acc-" + std::to_string((i + writer + 1) % kAccounts);
      const std::string id = std::to_string(round) + "-" + std::to_string(writer) + "-" + std::to_string(i);
      auto outcome = ledger_->Apply(Transfer(id, from, to, 1));
      ASSERT_TRUE(outcome.ok() && outcome->applied());
      uint64_t seen = answered;
      while (seen < outcome->sequence && !answered.compare_exchange_weak(seen, outcome->sequence)) {
      }
    }
  };
  for (int round = 0; round < 6; ++round) {
    std::vector<std::thread> others;
    for (int writer = 0; writer < 3; ++writer) others.emplace_back(write, round, writer);
    others.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        auto trimmed = ledger_->Trim({.keep_bytes = 20'000, .seal = i % 3 == 0});
        EXPECT_TRUE(trimmed.ok()) << trimmed.status();
      }
    });
    const uint64_t before = answered;
    const auto report = ledger_->Backup(backup(), {.hard_links = round % 2 == 1});
    for (std::thread& other : others) other.join();
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_GE(report->sequence, before);
    const auto restored = Restore(backup(), directory_.path() + "/restored-" + std::to_string(round));
    ASSERT_NE(restored, nullptr);
    EXPECT_EQ(restored->GetStats()->sequence, report->sequence);
    Amount sum = 0;
    for (int a = 0; a < kAccounts; ++a) sum += restored->Get("acc-" + std::to_string(a))->balance;
    EXPECT_EQ(sum, 100 * kAccounts);
  }
}

TEST_F(BackupTest, FromAnotherProcess_WhileThisOneWrites) {
  Do(AddAt("first", "a", 0, 1));
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    if (read(ready[0], &byte, 1) != 1) _exit(1);
    for (int i = 0; i < 5; ++i) {
      auto reader = Ledger::OpenReadOnly(path());
      if (!reader.ok()) _exit(2);
      const auto report = (*reader)->Backup(backup());
      if (!report.ok()) {
        fprintf(stderr, "%s\n", report.status().ToString().c_str());
        _exit(3);
      }
      if (report->sequence < 2) _exit(4);
    }
    _exit(0);
  }
  Open();
  Do(AddAt("second", "a", 1, 1));
  ASSERT_EQ(write(ready[1], "x", 1), 1);
  int status = 0;
  uint64_t version = 2;
  while (waitpid(child, &status, WNOHANG) == 0) {
    Do(AddAt("n-" + std::to_string(version), "a", version, 1));
    ++version;
    if (version % 50 != 0) continue;
    const auto trimmed = ledger_->Trim({.keep_bytes = 20'000});
    ASSERT_TRUE(trimmed.ok()) << trimmed.status();
  }
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);
  close(ready[0]);
  close(ready[1]);
  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  EXPECT_LE(restored->Get("a")->version, version);
  EXPECT_EQ(restored->Get("a")->balance, Amount(restored->Get("a")->version));
}

TEST_F(BackupTest, FromAReadOnlyLedger_ItsCallsGoOnAndCloseDoesNotDisturbIt) {
  TellStory(ledger_.get(), "1");
  const std::vector<std::string> shown = ShowHeads(ledger_.get());
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  auto reader = Ledger::OpenReadOnly(path());
  ASSERT_TRUE(reader.ok());
  bool closed_first = false;
  std::thread copier([&] {
    const auto report = (*reader)->Backup(backup());
    EXPECT_TRUE(report.ok() || absl::IsFailedPrecondition(report.status())) << report.status();
    closed_first = !report.ok();
  });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE((*reader)->Get("account/1").ok());
  EXPECT_TRUE((*reader)->Close().ok());
  copier.join();
  if (closed_first) {
    reader = Ledger::OpenReadOnly(path());
    EXPECT_TRUE((*reader)->Backup(backup()).ok());
  }
  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  EXPECT_EQ(ShowHeads(restored.get()), shown);
}

TEST_F(BackupTest, TwoBackupsToOneDirectoryAtATime_OneIsUnavailable) {
  TellStory(ledger_.get(), "1");
  std::atomic<int> done{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> copiers;
  for (int i = 0; i < 4; ++i) {
    copiers.emplace_back([&] {
      const absl::Status status = BackupStatus(backup());
      EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
      ++(status.ok() ? done : refused);
    });
  }
  for (std::thread& copier : copiers) copier.join();
  EXPECT_GE(done, 1);
  EXPECT_NE(Restore(), nullptr);
}

// ---- What is refused, and harms nothing

TEST_F(BackupTest, Refused_DestinationsThatHoldSomethingElse) {
  TellStory(ledger_.get(), "1");
  const auto expect_refused = [&](const std::string& to) {
    const auto before = Files(to);
    EXPECT_TRUE(absl::IsFailedPrecondition(BackupStatus(to))) << to << ": " << BackupStatus(to);
    EXPECT_EQ(Files(to), before) << to;
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(BackupStatus(path()))) << "itself";

  const std::string other = directory_.path() + "/other";
  {
    auto ledger = Ledger::Open(other, options_);
    ASSERT_TRUE((*ledger)->Apply(AddAt("T-1", "a", 0, 1)).ok());
    ASSERT_TRUE((*ledger)->Backup(directory_.path() + "/other-backup").ok());
    ASSERT_TRUE((*ledger)->Close().ok());
  }
  expect_refused(other);
  expect_refused(directory_.path() + "/other-backup");

  fs::create_directory(directory_.path() + "/home");
  WriteFile(directory_.path() + "/home/precious", "do not touch");
  expect_refused(directory_.path() + "/home");

  WriteFile(directory_.path() + "/file", "a file");
  EXPECT_FALSE(BackupStatus(directory_.path() + "/file").ok());
  EXPECT_EQ(ReadFile(directory_.path() + "/file"), "a file");
  EXPECT_TRUE(absl::IsNotFound(BackupStatus(directory_.path() + "/none/backup")));
}

TEST_F(BackupTest, Refused_ABackupOfAnotherEpochOrTimeline) {
  TellStory(ledger_.get(), "1");
  Backup();
  const auto second = Restore();
  ASSERT_NE(second, nullptr);
  const auto before = Files(backup());
  EXPECT_TRUE(absl::IsFailedPrecondition(second->Backup(backup()).status())) << "the older timeline stays restorable";
  EXPECT_EQ(Files(backup()), before);

  // Files that were put back by hand, and went another way: the epoch is the same.
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  fs::copy(path(), directory_.path() + "/aside", fs::copy_options::recursive);
  Open();
  Do(AddAt("this-way", "fork", 0, 1));
  Backup();
  const auto whole = Files(backup());
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  fs::remove_all(path());
  fs::rename(directory_.path() + "/aside", path());
  Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(BackupStatus(backup()))) << "the backup goes further";
  Do(AddAt("that-way", "fork", 0, 1));
  EXPECT_TRUE(absl::IsFailedPrecondition(BackupStatus(backup()))) << "the backup went elsewhere";
  Do(AddAt("and-further", "fork", 1, 2));
  EXPECT_TRUE(absl::IsFailedPrecondition(BackupStatus(backup()))) << "as far, and elsewhere";
  EXPECT_EQ(Files(backup()), whole);

  // Nor does a backup take the other way's frames for its own.
  fs::copy_file(Segments(path()).back(), Segments(backup()).back(), fs::copy_options::overwrite_existing);
  EXPECT_TRUE(absl::IsDataLoss(RestoreLedger(backup(), directory_.path() + "/mixed").status()));
}

TEST_F(BackupTest, Refused_ABackupIsNoLedgerAndALedgerNoBackup) {
  TellStory(ledger_.get(), "1");
  Backup();
  const absl::Status opened = Ledger::Open(backup(), options_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(opened)) << opened;
  EXPECT_NE(opened.message().find("semel restore"), opened.message().npos) << opened;
  EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::OpenReadOnly(backup()).status()));
  EXPECT_TRUE(absl::IsNotFound(RestoreLedger(path(), restored()).status()));
  EXPECT_TRUE(absl::IsNotFound(RestoreLedger(directory_.path() + "/none", restored()).status()));
  EXPECT_FALSE(fs::exists(restored()));
  // Over what is there.
  EXPECT_TRUE(absl::IsAlreadyExists(RestoreLedger(backup(), path()).status()));
  EXPECT_FALSE(RestoreLedger(backup(), backup()).ok());
  fs::create_directory(directory_.path() + "/home");
  WriteFile(directory_.path() + "/home/precious", "do not touch");
  EXPECT_TRUE(absl::IsFailedPrecondition(RestoreLedger(backup(), directory_.path() + "/home").status()));
  EXPECT_EQ(Files(directory_.path() + "/home").size(), 1u);
  EXPECT_NE(Restore(), nullptr);
}

TEST_F(BackupTest, Refused_WhatTheBackupDoesNotWholeHold) {
  TellStory(ledger_.get(), "1");
  ASSERT_TRUE(ledger_->Trim({.before_lsn = UINT64_MAX, .seal = true}).ok());
  TellStory(ledger_.get(), "2");
  Backup();
  const auto expect_damaged = [&](const std::string& what) {
    const absl::Status status = RestoreLedger(backup(), restored()).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << what << ": " << status;
    EXPECT_TRUE(!fs::exists(restored()) || fs::is_empty(restored())) << what;
  };
  Random random(TestSeed());
  for (const std::string& segment : Segments(backup())) {
    const std::string whole = ReadFile(segment);
    const uint64_t data = whole.find_last_not_of('\0') + 1;
    for (int i = 0; i < 20; ++i) {
      const uint64_t offset = random.Below(data);
      FlipByte(segment, offset);
      expect_damaged(segment + " at " + std::to_string(offset));
      WriteFile(segment, whole);
    }
    fs::remove(segment);
    expect_damaged("without " + segment);
    WriteFile(segment, whole);
  }
  const std::string base = fs::directory_iterator(backup() + "/base")->path();
  const std::string whole = ReadFile(base);
  for (int i = 0; i < 50; ++i) {
    FlipByte(base, random.Below(whole.size()));
    expect_damaged("base");
    WriteFile(base, whole);
  }
  fs::remove(base);
  EXPECT_FALSE(RestoreLedger(backup(), restored()).ok());
  WriteFile(base, whole);
  FlipByte(backup() + "/BACKUP", 100);
  expect_damaged("BACKUP");
  FlipByte(backup() + "/BACKUP", 100);
  EXPECT_NE(Restore(), nullptr);
}

// A segment of the ledger is damaged: said so, and the older backup is as good as it was.
TEST_F(BackupTest, ADamagedLedger_IsNotCopiedOverAGoodBackup) {
  TellStory(ledger_.get(), "1");
  Backup();
  const std::vector<std::string> shown = ShowHeads(ledger_.get());
  TellStory(ledger_.get(), "2");
  const std::vector<std::string> segments = Segments(path());
  const size_t last_of_backup = Segments(backup()).size() - 1;
  ASSERT_LT(last_of_backup + 1, segments.size());
  FlipByte(segments[last_of_backup],
           150);  // before the older backup's end: the destination has it right, but not whole
  const absl::Status status = BackupStatus(backup());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("can be restored"), status.message().npos) << status;
  FlipByte(segments[last_of_backup], 150);
  const auto restored = Restore();
  ASSERT_NE(restored, nullptr);
  EXPECT_EQ(ShowHeads(restored.get()), shown);
}

}  // namespace
}  // namespace semel::testing
