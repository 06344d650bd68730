// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Making the state anew: from base snapshot and journal, or without its free pages; cut short at any point, and seen by
// a process that reads meanwhile.

#include "engine/ledger/rebuild.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/directory.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

class Rebuild : public LedgerTest {
 protected:
  void SetUp() override {
    options_.create_if_missing = true;
    options_.segment_bytes = 4096;
    Open();
  }

  std::string State(const std::string& name = "state") const { return path() + "/" + name; }

  void Trim() {
    TrimOptions options;
    options.keep_bytes = 3000;
    const auto report = ledger_->Trim(options);
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_GT(report->removed_segments, 0u);
  }
  // The digest of the state at the end.
  std::string CloseLedger() {
    EXPECT_TRUE(ledger_->Checkpoint().ok());
    const std::string digest = ledger_->GetStats()->state_digest;
    EXPECT_TRUE(ledger_->Close().ok());
    ledger_.reset();
    return digest;
  }
  static void Flip(const std::string& file, uint64_t offset) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<int64_t>(offset));
    char byte = 0;
    stream.get(byte);
    stream.seekp(static_cast<int64_t>(offset));
    stream.put(static_cast<char>(byte ^ 0x10));
  }
};

TEST_F(Rebuild, GivesTheSameState_TrimmedOrNot) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) Do(Transfer(std::to_string(100 * round + i), "a", "b" + std::to_string(i % 5), i));
    Do(AddFrom("", "source", static_cast<uint64_t>(round + 1), "c", 1));
    if (round > 0) Trim();
    const Stats before = *ledger_->GetStats();
    const std::string digest = CloseLedger();
    double last = 0;
    const auto report = RebuildLedger(path(), [&](double done) {
      EXPECT_GE(done, last);
      EXPECT_LE(done, 1);
      last = done;
    });
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->state_digest, digest);
    EXPECT_EQ(report->lsn, before.durable_lsn);
    EXPECT_EQ(report->base_lsn, before.base_lsn);
    EXPECT_EQ(report->entities, static_cast<uint64_t>(7 + 100 * (round + 1)));
    EXPECT_GT(report->entries, round == 0 ? 100u : 0u);
    EXPECT_FALSE(std::filesystem::exists(State("state.new")));
    EXPECT_FALSE(std::filesystem::exists(State("state.old")));
    Open();
    ExpectVerified();
    EXPECT_EQ(Say(Transfer("7", "a", "b2", 7)), "DUPLICATE");
  }
}

TEST_F(Rebuild, OfALostState) {
  Fill("a", 100);
  Trim();
  const std::string digest = CloseLedger();
  std::filesystem::remove_all(State());
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
  EXPECT_TRUE(absl::IsDataLoss(Ledger::OpenReadOnly(path()).status()));
  EXPECT_EQ(RebuildLedger(path())->state_digest, digest);
  Open();
  EXPECT_EQ(Version("a"), 100u);
}

TEST_F(Rebuild, OfADamagedState) {
  Fill("a", 100);
  const std::string digest = CloseLedger();
  std::ofstream(State() + "/data.mdb", std::ios::trunc) << "rubbish";
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
  EXPECT_EQ(RebuildLedger(path())->state_digest, digest);
  Open();
}

TEST_F(Rebuild, OfAnEmptyLedger_OfATornTail_OfNothing) {
  CloseLedger();
  EXPECT_EQ(RebuildLedger(path())->lsn, 0u);
  Open();
  Fill("a", 2);
  const uint64_t end = ledger_->GetStats()->durable_lsn;
  Fill("a", 1);
  ledger_.reset();
  Flip(path() + "/journal/00000000000000000000.log", 64 + end + 70);  // in the last frame
  EXPECT_TRUE(absl::IsDataLoss(RebuildLedger(path()).status()));      // which was acknowledged
  std::filesystem::remove(path() + "/DURABLE");
  const auto report = RebuildLedger(path());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->lsn, end);
  Open();
  EXPECT_EQ(Version("a"), 2u);
  EXPECT_TRUE(absl::IsNotFound(RebuildLedger(directory_.path() + "/none").status()));
}

TEST_F(Rebuild, OfAnOpenLedger_IsUnavailable) {
  EXPECT_TRUE(absl::IsUnavailable(RebuildLedger(path()).status()));
  EXPECT_EQ(Say(AddAt("x", "a", 0, 1)), "APPLIED");
}

TEST_F(Rebuild, OfADamagedJournalOrBase_IsDataLoss_AndTheOldStateIsKept) {
  Fill("a", 100);
  Trim();
  const std::string base = internal::BasePath(path(), ledger_->GetStats()->base_lsn);
  Fill("a", 100);
  const uint64_t lsn = ledger_->History("a", {.limit = 50})->back().lsn;
  CloseLedger();
  std::string segment;
  for (const auto& entry : std::filesystem::directory_iterator(path() + "/journal")) {
    const std::string file = entry.path();
    if (file.find(".log") != std::string::npos && std::stoull(entry.path().stem()) <= lsn)
      segment = std::max(segment, file);
  }
  for (const auto& [file, offset] : {std::pair{base, uint64_t{300}},
                                     {segment, 64 + lsn - std::stoull(std::filesystem::path(segment).stem()) + 10}}) {
    Flip(file, offset);
    EXPECT_TRUE(absl::IsDataLoss(RebuildLedger(path()).status())) << file;
    EXPECT_FALSE(std::filesystem::exists(State("state.new")));
    Flip(file, offset);
  }
  Open();
  EXPECT_EQ(Version("a"), 200u);
}

// A base snapshot with right checksums that says something else than the journal and the state.
TEST_F(Rebuild, ABaseThatIsNotTheJournals_IsFoundByVerify_AlsoWhenTheStateWasMadeOfIt) {
  const auto files = internal::PosixFileSystem();
  internal::StateIdentity identity;
  const auto read_head = [&](uint64_t base_lsn, std::string_view wanted) {
    const auto base = internal::BaseReader::Open(files, identity, base_lsn);
    EXPECT_TRUE(base.ok()) << base.status();
    internal::Table table;
    std::string_view key;
    const internal::Head* head = nullptr;
    while (*(*base)->Next(&table, &key, &head) && key != wanted) continue;
    return *head;
  };
  Fill("old", 3);
  Fill("a", 100);
  Trim();
  identity = internal::StateIdentityOf(path(), *internal::ReadManifest(files, path()));
  const internal::Head earlier = read_head(ledger_->GetStats()->base_lsn, "a");
  Fill("a", 50);
  Trim();
  const Stats stats = *ledger_->GetStats();
  ASSERT_GT(stats.base_lsn, stats.floor_lsn + 1000);
  CloseLedger();

  using Alter = std::function<void(std::string_view key, internal::Head*)>;
  const std::vector<Alter> alterations = {
      [](std::string_view, internal::Head*) {},
      [](std::string_view key, internal::Head* head) { head->balance += key == "old"; },
      [](std::string_view key, internal::Head* head) { head->deleted = key == "old"; },
      [](std::string_view key, internal::Head* head) { head->last.fingerprint.low += key == "a"; },
      [&](std::string_view key, internal::Head* head) { *head = key == "a" ? earlier : *head; },
  };
  const std::string file = internal::BasePath(path(), stats.base_lsn);
  std::filesystem::copy_file(file, directory_.path() + "/aside");
  for (size_t i = 0; i < alterations.size(); ++i) {
    const auto base = internal::BaseReader::Open(files, identity, stats.base_lsn);
    ASSERT_TRUE(base.ok()) << base.status();
    internal::Head altered;
    const auto feed = [&](internal::Table* table, std::string_view* key, const internal::Head** head) {
      if (!*(*base)->Next(table, key, head)) return false;
      altered = **head;
      alterations[i](*key, &altered);
      *head = &altered;
      return true;
    };
    const auto store = internal::NewMemoryStateStore(identity.seed);
    ASSERT_TRUE(store->Commit(feed, (*base)->info()).ok());
    ASSERT_TRUE(internal::WriteBase(files, identity, (*store->Snapshot()).get(), nullptr).ok());
    const bool last = i + 1 == alterations.size();
    if (last) {  // base and state agree now, the journal before them does not
      ASSERT_TRUE(RebuildLedger(path()).ok());
    }
    const auto report = (*Ledger::OpenReadOnly(path()))->Verify();
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->ok(), i == 0) << i << ": " << report->fault;
    std::filesystem::copy_file(directory_.path() + "/aside", file, std::filesystem::copy_options::overwrite_existing);
  }
  ASSERT_TRUE(RebuildLedger(path()).ok());
  Open();
}

// More than is kept in memory.
TEST_F(Rebuild, OfMuchData_WritesTheStateInPieces) {
  options_.segment_bytes = size_t{16} << 20;
  Reopen();
  for (int i = 0; i < 150; ++i) {
    Do(PutAt("v" + std::to_string(i), "key" + std::to_string(i), 0,
             std::string(size_t{1} << 20, static_cast<char>(i))));
  }
  const std::string digest = CloseLedger();
  EXPECT_EQ(RebuildLedger(path())->state_digest, digest);
  Open();
}

// ---- Compaction

TEST_F(Rebuild, CompactState_GivesTheSameStateInASmallerFile) {
  for (int i = 0; i < 60; ++i) Do(PutAt("v" + std::to_string(i), "k" + std::to_string(i), 0, std::string(20000, 'x')));
  Reopen();
  for (int i = 0; i < 60; ++i) Do(DeleteAt("d" + std::to_string(i), "k" + std::to_string(i), 1));
  Reopen();
  Do(AddAt("x", "a", 0, 1));
  Reopen();
  const Stats before = *ledger_->GetStats();
  EXPECT_GT(before.state_free_bytes, before.state_bytes / 2);
  options_.compact_state = true;
  Reopen();
  const Stats after = *ledger_->GetStats();
  EXPECT_LT(after.state_bytes, before.state_bytes / 2);
  EXPECT_LT(after.state_free_bytes, after.state_bytes);
  EXPECT_EQ(after.state_digest, before.state_digest);
  EXPECT_EQ(after.checkpoint_lsn, before.checkpoint_lsn);
  Fill("a", 10);
  Crash();
  Reopen();
  EXPECT_EQ(Version("a"), 11u);
  auto memory = Ledger::OpenInMemory(options_);
  EXPECT_TRUE(memory.ok()) << memory.status();
}

// A process that reads, and says what it sees each time that it is asked.
int TellSequences(const std::string& path, int asked, int told) {
  auto opened = Ledger::OpenReadOnly(path);
  if (!opened.ok()) return 2;
  for (char byte = 0; ::read(asked, &byte, 1) == 1;) {
    const auto stats = (*opened)->GetStats();
    if (!stats.ok()) {
      std::fprintf(stderr, "%s\n", stats.status().ToString().c_str());
      return 3;
    }
    const auto report = (*opened)->Verify();
    if (!report.ok() || !report->ok()) return 4;
    if (::write(told, &stats->sequence, sizeof stats->sequence) != sizeof stats->sequence) return 5;
  }
  return 0;
}

TEST_F(Rebuild, AReadOnlyProcess_NoticesThatTheStateWasReplaced) {
  Fill("a", 50);
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  int ask[2];
  int tell[2];
  ASSERT_EQ(::pipe(ask), 0);
  ASSERT_EQ(::pipe(tell), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ask[1]);
    ::_exit(TellSequences(path(), ask[0], tell[1]));
  }
  ::close(ask[0]);
  ::close(tell[1]);
  const auto seen = [&] {
    uint64_t sequence = 0;
    if (::write(ask[1], "?", 1) != 1 || ::read(tell[0], &sequence, sizeof sequence) != sizeof sequence)
      return uint64_t{0};
    return sequence;
  };
  Open();
  EXPECT_EQ(seen(), Sequence());
  for (int round = 0; round < 3; ++round) {
    options_.compact_state = round != 1;
    Reopen();
    EXPECT_EQ(seen(), Sequence());
    Fill("a", 50);
    EXPECT_EQ(seen(), Sequence());
    Trim();
    EXPECT_EQ(seen(), Sequence());
    if (round != 1) continue;
    CloseLedger();
    ASSERT_TRUE(RebuildLedger(path()).ok());
    Open();
  }
  ::close(ask[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

// ---- Cut short

constexpr int kChanges = 60;

Change NumberedChange(int i) { return Transfer("T-" + std::to_string(i), "a", "b" + std::to_string(i % 5), 1 + i); }

absl::StatusOr<std::unique_ptr<Ledger>> OpenSmall(SimDisk* disk, bool compact = false) {
  Options options;
  options.create_if_missing = true;
  options.segment_bytes = 4096;
  options.compact_state = compact;
  return internal::OpenForWriting("/ledger", options, MakeSimWorld(disk));
}

// A ledger that was trimmed and closed.
void MakeLedger(SimDisk* disk) {
  auto ledger = OpenSmall(disk);
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  for (int i = 0; i < kChanges; ++i) ASSERT_TRUE((*ledger)->Apply(NumberedChange(i))->applied());
  TrimOptions options;
  options.keep_bytes = 3000;
  const auto report = (*ledger)->Trim(options);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_GT(report->removed_segments, 0u) << (*ledger)->GetStats()->durable_lsn;
  ASSERT_TRUE((*ledger)->Close().ok());
}

void ExpectSound(SimDisk* disk) {
  auto ledger = OpenSmall(disk);
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  ASSERT_EQ((*ledger)->Verify()->fault, "");
  for (int i = 0; i < kChanges; ++i) ASSERT_FALSE((*ledger)->Apply(NumberedChange(i))->applied());
  for (const std::string name : {"state.new", "state.new.tmp", "state.old"})
    EXPECT_FALSE(*disk->files.Exists("/ledger/" + name));
}

TEST(RebuildCrash, AtEveryCall_TheLedgerOpensWithTheOldOrTheNewState) {
  const uint64_t seed = TestSeed();
  for (const bool lost : {false, true}) {
    uint64_t refused = 0;
    bool more = true;
    for (uint64_t step = 1; more; ++step) {
      for (uint64_t draw = 0; draw < 6; ++draw) {
        SCOPED_TRACE("crashed in call " + std::to_string(step) + ", draw " + std::to_string(draw));
        SimDisk disk;
        MakeLedger(&disk);
        if (lost) {
          ASSERT_TRUE(internal::RemoveTree(&disk.files, "/ledger/state").ok());
          ASSERT_TRUE(disk.files.SyncDirectory("/ledger").ok());
        }
        disk.files.InjectFault(disk.files.calls() + step, Fault::kCrash);
        const auto rebuilt = internal::RebuildState(MakeSimWorld(&disk), "/ledger", {});
        more = disk.files.crashed();
        EXPECT_TRUE(more || rebuilt.ok()) << rebuilt.status();
        draw % 2 == 0 ? disk.files.Crash(seed + draw) : disk.files.Kill(seed + draw);
        if (lost) {  // there may be no state; another rebuild makes one
          const auto opened = OpenSmall(&disk).status();
          EXPECT_TRUE(opened.ok() || absl::IsDataLoss(opened)) << opened;
          refused += !opened.ok();
          if (!opened.ok()) {
            const auto again = internal::RebuildState(MakeSimWorld(&disk), "/ledger", {});
            ASSERT_TRUE(again.ok()) << again.status();
          }
        }
        ExpectSound(&disk);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
    EXPECT_EQ(refused > 0, lost);
  }
}

TEST(CompactionCrash, AtEveryCall_TheLedgerOpensWithTheOldOrTheNewState) {
  const uint64_t seed = TestSeed();
  bool more = true;
  for (uint64_t step = 1; more; ++step) {
    for (uint64_t draw = 0; draw < 6; ++draw) {
      SCOPED_TRACE("crashed in call " + std::to_string(step) + ", draw " + std::to_string(draw));
      SimDisk disk;
      MakeLedger(&disk);
      disk.files.InjectFault(disk.files.calls() + step, Fault::kCrash);
      static_cast<void>(OpenSmall(&disk, /*compact=*/true));
      more = disk.files.crashed();
      draw % 2 == 0 ? disk.files.Crash(seed + draw) : disk.files.Kill(seed + draw);
      ExpectSound(&disk);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace semel::testing
