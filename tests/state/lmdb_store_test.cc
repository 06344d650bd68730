// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What is particular to the state in LMDB: opening, creating, forking, filling up.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/check.h"
#include "engine/state/lmdb_env.h"
#include "engine/state/lmdb_meta.h"
#include "engine/state/lmdb_pages.h"
#include "engine/state/lmdb_tables.h"
#include "engine/state/state_store.h"
#include "gtest/gtest.h"
#include "tests/state/state_testing.h"

// LMDB 0.9.24 does not free its list of spilled pages: 1 MiB for each transaction that spills. Later releases do.
extern "C" const char* __lsan_default_suppressions() { return "leak:mdb_midl_alloc\n"; }

namespace semel::testing {
namespace {

using internal::CreateLmdbState;
using internal::Head;
using internal::LmdbOptions;
using internal::OpenLmdbState;
using internal::StateSnapshot;
using internal::StateStore;
using internal::Table;

constexpr Table kEntities = Table::kEntities;

class LmdbStoreTest : public ::testing::Test {
 protected:
  void Create() { ASSERT_TRUE(CreateLmdbState(options_).ok()); }

  std::unique_ptr<StateStore> Open() {
    auto store = OpenLmdbState(options_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  absl::StatusCode OpenCode() { return OpenLmdbState(options_).status().code(); }

  std::string DataFile() const { return options_.directory + "/data.mdb"; }

  TemporaryDirectory directory_;
  LmdbOptions options_ = StateOptions(directory_.path() + "/state");
};

Records Numbered(int count, uint64_t version, size_t value_bytes = 0) {
  Records records;
  for (int i = 0; i < count; ++i) {
    Head head = PlainHead(version, i);
    if (value_bytes > 0) {
      auto extras = std::make_shared<internal::HeadExtras>();
      extras->value = std::string(value_bytes, static_cast<char>('a' + i % 26));
      extras->value_lsn = head.last.lsn;
      head.extras = std::move(extras);
    }
    char key[32];
    std::snprintf(key, sizeof key, "key/%08d", i);
    records[{kEntities, key}] = std::move(head);
  }
  return records;
}

void ExpectHolds(StateStore* store, const Records& want) {
  const auto verified = store->Verify();
  ASSERT_TRUE(verified.ok()) << verified.status();
  const auto records = ReadAll((*store->Snapshot()).get());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_TRUE(SameRecords(*records, want));
}

// ---- Opening

TEST_F(LmdbStoreTest, Open_ShowsWhatWasCommittedBefore) {
  Create();
  const Records records = Numbered(1000, 3);
  ASSERT_TRUE(CommitAt(Open().get(), records, 55).ok());
  const auto store = Open();
  ExpectHolds(store.get(), records);
  EXPECT_EQ((*store->Snapshot())->info().tip.lsn, 55u);
}

TEST_F(LmdbStoreTest, Open_WithoutAStateIsNotFound) {
  EXPECT_EQ(OpenCode(), absl::StatusCode::kNotFound);
  std::filesystem::create_directory(options_.directory);
  EXPECT_EQ(OpenCode(), absl::StatusCode::kNotFound);
}

TEST_F(LmdbStoreTest, Open_ASecondTimeInOneProcessIsUnavailable) {
  Create();
  {
    const auto store = Open();
    EXPECT_EQ(OpenCode(), absl::StatusCode::kUnavailable);
    options_.read_only = true;
    EXPECT_EQ(OpenCode(), absl::StatusCode::kUnavailable);
    const std::string other_name = directory_.path() + "/other";
    std::filesystem::create_directory_symlink(options_.directory, other_name);
    options_.directory = other_name;
    EXPECT_EQ(OpenCode(), absl::StatusCode::kUnavailable);
    ASSERT_TRUE(store->Verify().ok());  // unharmed
  }
  EXPECT_EQ(OpenCode(), absl::StatusCode::kOk);
}

TEST_F(LmdbStoreTest, Open_RefusesWhatIsNotARegularFile) {
  Create();
  const std::string elsewhere = directory_.path() + "/data";
  std::filesystem::rename(DataFile(), elsewhere);
  std::filesystem::create_symlink(elsewhere, DataFile());
  EXPECT_EQ(OpenCode(), absl::StatusCode::kFailedPrecondition);
  std::filesystem::remove(DataFile());
  ASSERT_EQ(mkfifo(DataFile().c_str(), 0600), 0);
  EXPECT_EQ(OpenCode(), absl::StatusCode::kFailedPrecondition);
  std::filesystem::remove(DataFile());
  std::filesystem::rename(elsewhere, DataFile());
  EXPECT_EQ(OpenCode(), absl::StatusCode::kOk);
}

TEST_F(LmdbStoreTest, Open_RefusesALockFileThatLeadsElsewhere) {
  Create();
  const std::string lock = options_.directory + "/lock.mdb";
  std::filesystem::remove(lock);
  EXPECT_EQ(OpenCode(), absl::StatusCode::kOk);  // LMDB makes it again
  std::filesystem::remove(lock);
  std::filesystem::create_symlink(directory_.path() + "/victim", lock);
  EXPECT_EQ(OpenCode(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/victim"));
}

TEST_F(LmdbStoreTest, Open_RefusesAnotherLedgersState) {
  Create();
  options_.uuid = "fedcba9876543210";
  options_.seed = 43;  // which is made of the uuid
  EXPECT_EQ(OpenCode(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(LmdbStoreTest, Open_RefusesAnotherEpoch) {
  Create();
  options_.epoch = 8;
  EXPECT_EQ(OpenCode(), absl::StatusCode::kFailedPrecondition);
}

// Puts another header in place of the right one.
void ReplaceHeader(const LmdbOptions& options, const std::string& header) {
  auto env = internal::LmdbEnv::Open(options.directory, options.map_bytes, 0);
  ASSERT_TRUE(env.ok()) << env.status();
  auto txn = internal::LmdbTxn::Begin((*env)->get(), 0);
  ASSERT_TRUE(txn.ok()) << txn.status();
  const auto tables = internal::OpenTables(txn->get(), 0);
  ASSERT_TRUE(tables.ok()) << tables.status();
  internal::CheckpointRecord checkpoint;
  checkpoint.transaction = mdb_txn_id(txn->get());
  const std::string stored = internal::EncodeCheckpoint(checkpoint, options.seed);
  ASSERT_TRUE(internal::PutMeta(txn->get(), *tables, internal::kHeaderKey, header).ok());
  ASSERT_TRUE(internal::PutMeta(txn->get(), *tables, internal::kCheckpointKey, stored).ok());
  ASSERT_TRUE(txn->Commit().ok());
}

TEST_F(LmdbStoreTest, Open_RefusesANewerFormatAndTouchesNothing) {
  Create();
  // check, format 2, and a body that this release knows nothing about
  std::string body("\x02\0\0\0 of the future", 18);
  std::string header(8, '\0');
  const uint64_t check = internal::RecordCheck(Table{255}, internal::kHeaderKey, body, 0);
  std::memcpy(header.data(), &check, sizeof check);
  ReplaceHeader(options_, header + body);
  const std::string before = ReadFile(DataFile());
  EXPECT_EQ(OpenCode(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadFile(DataFile()), before);
}

TEST_F(LmdbStoreTest, Open_RefusesADamagedHeader) {
  Create();
  std::string header = internal::EncodeStateHeader(options_);
  header.back() ^= 1;
  ReplaceHeader(options_, header);
  EXPECT_EQ(OpenCode(), absl::StatusCode::kDataLoss);
}

TEST_F(LmdbStoreTest, Open_WithoutPermissionIsPermissionDenied) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  Create();
  std::filesystem::permissions(DataFile(), std::filesystem::perms::none);
  EXPECT_EQ(OpenCode(), absl::StatusCode::kPermissionDenied);
}

TEST_F(LmdbStoreTest, Files_AreForTheOwnerAlone) {
  Create();
  struct stat found;
  ASSERT_EQ(stat(DataFile().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0077, 0u);
  ASSERT_EQ(stat(options_.directory.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0077, 0u);
}

TEST(LmdbEnv, CheckLocalFileSystem_AcceptsLocalFileSystems) {
  const int fd = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  EXPECT_TRUE(internal::CheckLocalFileSystem(fd, "/dev/shm").ok());
  close(fd);
}

TEST(LmdbEnv, LmdbStatus_SaysWhatToDoNext) {
  EXPECT_TRUE(absl::IsResourceExhausted(internal::LmdbStatus(MDB_MAP_FULL, "x")));
  EXPECT_TRUE(absl::IsResourceExhausted(internal::LmdbStatus(ENOSPC, "x")));
  EXPECT_TRUE(absl::IsInternal(internal::LmdbStatus(EIO, "x")));
  EXPECT_TRUE(absl::IsDataLoss(internal::LmdbStatus(MDB_CORRUPTED, "x")));
  EXPECT_TRUE(absl::IsFailedPrecondition(internal::LmdbStatus(MDB_VERSION_MISMATCH, "x")));
  EXPECT_TRUE(absl::IsPermissionDenied(internal::LmdbStatus(EACCES, "x")));
  EXPECT_TRUE(absl::IsInternal(internal::LmdbStatus(MDB_BAD_TXN, "x")));
}

// ---- Reading beside a writer

TEST_F(LmdbStoreTest, ReadOnly_SeesCommitsAndRefusesToWrite) {
  Create();
  ASSERT_TRUE(CommitAt(Open().get(), Numbered(10, 1), 1).ok());
  options_.read_only = true;
  const auto store = Open();
  ExpectHolds(store.get(), Numbered(10, 1));
  EXPECT_TRUE(absl::IsFailedPrecondition(CommitAt(store.get(), {}, 2)));
  EXPECT_TRUE(store->Verify().ok());  // that was no reason to give up
}

TEST_F(LmdbStoreTest, ReadOnlyInAnotherProcess_FollowsTheWriter) {
  Create();
  const auto writer = Open();
  for (uint64_t version = 1; version <= 3; ++version) {
    ASSERT_TRUE(CommitAt(writer.get(), Numbered(500, version), version).ok());
    EXPECT_EQ(RunInChild([&] {
                LmdbOptions options = options_;
                options.read_only = true;
                const auto reader = OpenLmdbState(options);
                if (!reader.ok()) return 1;
                if (!(*reader)->Verify().ok()) return 2;
                const auto records = ReadAll((*(*reader)->Snapshot()).get());
                return records.ok() && SameRecords(*records, Numbered(500, version)) ? 0 : 3;
              }),
              0);
  }
}

// The processes that share one processor: so the writer commits whenever the reader is interrupted, wherever that is.
class OneProcessor {
 public:
  OneProcessor() {
    CPU_ZERO(&before_);
    SEMEL_CHECK(sched_getaffinity(0, sizeof before_, &before_) == 0);
    int first = 0;
    while (!CPU_ISSET(first, &before_)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    SEMEL_CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
  }
  ~OneProcessor() { sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

// 0; or which look at a snapshot was wrong, where each commit gives both entities the version that its tip has.
int LookAtSnapshots(const LmdbOptions& options, int count) {
  const auto reader = OpenLmdbState(options);
  if (!reader.ok()) {
    std::fprintf(stderr, "%s\n", reader.status().ToString().c_str());
    return 1;
  }
  for (int i = 0; i < count; ++i) {
    const auto snapshot = (*reader)->Snapshot();
    if (!snapshot.ok()) {
      std::fprintf(stderr, "look %d: %s\n", i, snapshot.status().ToString().c_str());
      return 2;
    }
    for (const char* const key : {"key/00000000", "key/00000001"}) {
      Head head;
      if (!*(*snapshot)->Get(kEntities, key, &head) || head.version != (*snapshot)->info().tip.lsn) return 3;
    }
  }
  return 0;
}

int OpenAgainAndAgain(const LmdbOptions& options, int count) {
  for (int i = 0; i < count; ++i) {
    if (const int wrong = LookAtSnapshots(options, 1); wrong != 0) return wrong;
  }
  return 0;
}

// Commits until `reader`, which runs in another process, has ended well.
void CommitBeside(const LmdbOptions& options, const std::function<int(const LmdbOptions&)>& reader) {
  const auto writer = OpenLmdbState(options);
  ASSERT_TRUE(writer.ok()) << writer.status();
  uint64_t version = 1;
  ASSERT_TRUE(CommitAt(writer->get(), Numbered(2, version), version).ok());
  const OneProcessor one;
  const pid_t child = fork();
  if (child == 0) {
    LmdbOptions reading = options;
    reading.read_only = true;
    EndChild(reader(reading));
  }
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    ++version;
    ASSERT_TRUE(CommitAt(writer->get(), Numbered(2, version), version).ok());
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "exit " << WEXITSTATUS(status);
  EXPECT_GT(version, 50u);
}

// LMDB 0.9 takes the number of its snapshot first and then what the meta page of that number leads to, which two
// commits in between have overwritten.
TEST_F(LmdbStoreTest, ReadOnlyInAnotherProcess_InterruptedAnywhere_SeesOneCommitWhole) {
  Create();
  CommitBeside(options_, [](const LmdbOptions& options) { return LookAtSnapshots(options, 1'000'000); });
}

TEST_F(LmdbStoreTest, ReadOnlyInAnotherProcess_InterruptedAnywhere_Opens) {
  Create();
  CommitBeside(options_, [](const LmdbOptions& options) { return OpenAgainAndAgain(options, 10'000); });
}

TEST_F(LmdbStoreTest, GetStats_CountsReadersOfOtherProcessesUntilTheyAreDead) {
  Create();
  const auto writer = Open();
  EXPECT_EQ(RunInChild([&] {
              LmdbOptions options = options_;
              options.read_only = true;
              auto reader = OpenLmdbState(options);
              if (!reader.ok()) return 1;
              auto snapshot = (*reader)->Snapshot();
              _exit(snapshot.ok() ? 0 : 2);  // without a word
            }),
            0);
  EXPECT_EQ(writer->GetStats()->active_readers, 1u);
  EXPECT_EQ(writer->GetStats()->oldest_reader_age_us, 0);  // not ours
  ASSERT_TRUE(CommitAt(writer.get(), {}, 1).ok());         // which looks for the dead
  EXPECT_EQ(writer->GetStats()->active_readers, 0u);
}

TEST_F(LmdbStoreTest, Snapshot_BeyondTheReaderTableIsExhaustedAndThenWorksAgain) {
  Create();
  const auto store = Open();
  std::vector<std::unique_ptr<StateSnapshot>> open;
  absl::Status full;
  while (full.ok() && open.size() < 2000) {
    auto snapshot = store->Snapshot();
    full = snapshot.status();
    if (full.ok()) open.push_back(*std::move(snapshot));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_GE(open.size(), 1000u);
  open.pop_back();
  EXPECT_TRUE(store->Snapshot().ok());
  EXPECT_TRUE(CommitAt(store.get(), Numbered(1, 1), 1).ok());
}

// ---- Forks

TEST_F(LmdbStoreTest, Fork_TheChildFindsItsHandlesUseless) {
  Create();
  auto store = Open();
  ASSERT_TRUE(CommitAt(store.get(), Numbered(10, 1), 1).ok());
  auto snapshot = *store->Snapshot();
  EXPECT_EQ(RunInChild([&] {
              Head head;
              if (!absl::IsFailedPrecondition(snapshot->Get(kEntities, "key/00000001", &head).status())) return 1;
              if (!absl::IsFailedPrecondition(ReadAll(snapshot.get()).status())) return 2;
              if (!absl::IsFailedPrecondition(store->Snapshot().status())) return 3;
              if (!absl::IsFailedPrecondition(CommitAt(store.get(), {}, 2))) return 4;
              if (!absl::IsFailedPrecondition(store->GetStats().status())) return 5;
              if (!absl::IsFailedPrecondition(store->Verify().status())) return 6;
              snapshot.reset();
              store.reset();
              return 0;
            }),
            0);
  snapshot.reset();
  ASSERT_TRUE(CommitAt(store.get(), Numbered(10, 2), 2).ok());
  ExpectHolds(store.get(), Numbered(10, 2));
}

TEST_F(LmdbStoreTest, Fork_TheChildMayOpenForItself) {
  Create();
  const auto store = Open();
  EXPECT_EQ(RunInChild([&] { return OpenLmdbState(options_).ok() ? 0 : 1; }), 0);
  EXPECT_EQ(OpenCode(), absl::StatusCode::kUnavailable);  // the parent's mark stands
}

// ---- Creating

TEST_F(LmdbStoreTest, Create_RefusesToReplaceAState) {
  Create();
  EXPECT_TRUE(absl::IsAlreadyExists(CreateLmdbState(options_)));
}

TEST_F(LmdbStoreTest, Create_WithoutAParentDirectoryIsNotFound) {
  options_.directory = directory_.path() + "/none/state";
  EXPECT_TRUE(absl::IsNotFound(CreateLmdbState(options_)));
}

TEST_F(LmdbStoreTest, Create_AfterAnyCrashOfAnEarlierOneSucceeds) {
  Create();
  const std::string whole = ReadFile(DataFile());
  const std::string lock = ReadFile(options_.directory + "/lock.mdb");
  std::filesystem::remove_all(options_.directory);
  const std::string unfinished = options_.directory + ".tmp";
  std::vector<std::string> left = {"", whole};
  for (size_t size = 512; size < whole.size(); size += 1024) left.push_back(whole.substr(0, size));
  left.push_back(std::string(whole.size(), '\0'));
  for (const std::string& data : left) {
    std::filesystem::create_directory(unfinished);
    WriteFile(unfinished + "/data.mdb", data);
    WriteFile(unfinished + "/lock.mdb", lock);
    EXPECT_EQ(OpenCode(), absl::StatusCode::kNotFound);
    ASSERT_TRUE(CreateLmdbState(options_).ok());
    EXPECT_FALSE(std::filesystem::exists(unfinished));
    EXPECT_TRUE(Open()->Verify().ok());
    std::filesystem::remove_all(options_.directory);
  }
}

// The kernel ends the process at the first byte beyond the limit.
TEST_F(LmdbStoreTest, Create_KilledWhileItWritesCanBeDoneAgain) {
  int killed = 0;
  for (rlim_t limit = 0; limit < 20000; limit += 1000) {
    killed += RunInChild([&] {
                const rlimit bytes = {limit, limit};
                setrlimit(RLIMIT_FSIZE, &bytes);
                return CreateLmdbState(options_).ok() ? 0 : 1;
              }) == 128 + SIGXFSZ;
    EXPECT_EQ(OpenCode(), absl::StatusCode::kNotFound) << limit;
  }
  EXPECT_GT(killed, 10);
  Create();
  EXPECT_TRUE(Open()->Verify().ok());
}

TEST_F(LmdbStoreTest, Create_RemovesNothingThatItDidNotMake) {
  const std::string unfinished = options_.directory + ".tmp";
  std::filesystem::create_directory(unfinished);
  WriteFile(unfinished + "/precious", "do not delete");
  EXPECT_FALSE(CreateLmdbState(options_).ok());
  EXPECT_EQ(ReadFile(unfinished + "/precious"), "do not delete");
  std::filesystem::remove_all(unfinished);
  WriteFile(unfinished, "a file");
  EXPECT_TRUE(absl::IsFailedPrecondition(CreateLmdbState(options_)));
  EXPECT_EQ(ReadFile(unfinished), "a file");
}

// ---- Copies

TEST_F(LmdbStoreTest, CopyTo_BesideAWriter_IsOneOfItsCheckpoints) {
  Create();
  const auto store = Open();
  ASSERT_TRUE(CommitAt(store.get(), Numbered(3000, 1), 1).ok());
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint64_t version = 2; !stop; ++version) {
      EXPECT_TRUE(CommitAt(store.get(), Numbered(3000, version), version).ok());
    }
  });
  for (int i = 0; i < 20; ++i) {
    const std::string directory = directory_.path() + "/copy" + std::to_string(i);
    std::filesystem::create_directory(directory);
    const absl::Status copied = store->CopyTo(directory);
    ASSERT_TRUE(copied.ok()) << copied;

    LmdbOptions options = options_;
    options.directory = directory;
    options.read_only = options.is_copy = true;
    const auto copy = OpenLmdbState(options);
    ASSERT_TRUE(copy.ok()) << copy.status();
    const uint64_t version = (*(*copy)->Snapshot())->info().tip.lsn;
    ExpectHolds(copy->get(), Numbered(3000, version));
    EXPECT_FALSE(std::filesystem::exists(directory + "/lock.mdb"));
    struct stat found;
    ASSERT_EQ(stat((directory + "/data.mdb").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0077, 0u);
  }
  stop = true;
  writer.join();
}

TEST_F(LmdbStoreTest, CopyTo_WhereAFileIsHarmsNothing) {
  Create();
  const auto store = Open();
  ASSERT_TRUE(CommitAt(store.get(), Numbered(10, 1), 1).ok());
  WriteFile(directory_.path() + "/data.mdb", "precious");
  EXPECT_TRUE(absl::IsAlreadyExists(store->CopyTo(directory_.path())));
  EXPECT_EQ(ReadFile(directory_.path() + "/data.mdb"), "precious");
  EXPECT_TRUE(absl::IsNotFound(store->CopyTo(directory_.path() + "/none")));
  EXPECT_TRUE(absl::IsAlreadyExists(store->CopyTo(options_.directory)));  // over itself
  ASSERT_TRUE(CommitAt(store.get(), Numbered(10, 2), 2).ok());
  ExpectHolds(store.get(), Numbered(10, 2));
}

TEST_F(LmdbStoreTest, CopyTo_WithAFailingWriteLeavesNothingAndPoisonsNothing) {
  Create();
  ASSERT_TRUE(CommitAt(Open().get(), Numbered(1000, 1), 1).ok());
  const std::string directory = directory_.path() + "/copy";
  std::filesystem::create_directory(directory);
  EXPECT_EQ(RunInChild([&] {
              signal(SIGXFSZ, SIG_IGN);
              const auto store = OpenLmdbState(options_);
              if (!store.ok()) return 1;
              const rlimit small = {std::filesystem::file_size(DataFile()) / 2, RLIM_INFINITY};
              const rlimit before = {RLIM_INFINITY, RLIM_INFINITY};
              setrlimit(RLIMIT_FSIZE, &small);
              const absl::Status failed = (*store)->CopyTo(directory);
              setrlimit(RLIMIT_FSIZE, &before);
              if (failed.ok()) return 2;
              if (!std::filesystem::is_empty(directory)) return 3;
              return CommitAt(store->get(), Numbered(1, 2), 2).ok() && (*store)->CopyTo(directory).ok() ? 0 : 4;
            }),
            0);
}

// ---- Filling up

TEST_F(LmdbStoreTest, Commit_IntoAFullMapIsExhaustedForGood) {
  Create();
  options_.map_bytes = size_t{1} << 20;
  {
    const auto store = Open();
    ASSERT_TRUE(CommitAt(store.get(), Numbered(100, 1), 1).ok());
    const absl::Status full = CommitAt(store.get(), Numbered(10000, 2, 500), 2);
    EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
    EXPECT_EQ(CommitAt(store.get(), Numbered(1, 2), 3), full);
    EXPECT_EQ(store->Snapshot().status(), full);
  }
  ExpectHolds(Open().get(), Numbered(100, 1));
}

TEST_F(LmdbStoreTest, Commit_ThatFailsLeavesOpenSnapshotsUseless) {
  Create();
  options_.map_bytes = size_t{1} << 20;
  const auto store = Open();
  ASSERT_TRUE(CommitAt(store.get(), Numbered(100, 1), 1).ok());
  const auto snapshot = *store->Snapshot();
  const absl::Status full = CommitAt(store.get(), Numbered(10000, 2, 500), 2);
  Head head;
  EXPECT_EQ(snapshot->Get(kEntities, "key/00000001", &head).status(), full);
}

// Fails like a full disk: a write beyond the limit gives EFBIG.
TEST_F(LmdbStoreTest, Commit_WithAFailingWriteIsForGoodAndLosesNothing) {
  Create();
  ASSERT_TRUE(CommitAt(Open().get(), Numbered(1000, 1), 1).ok());
  EXPECT_EQ(RunInChild([&] {
              signal(SIGXFSZ, SIG_IGN);
              const auto store = OpenLmdbState(options_);
              if (!store.ok()) return 1;
              const rlimit before = {RLIM_INFINITY, RLIM_INFINITY};
              const rlimit small = {std::filesystem::file_size(DataFile()), RLIM_INFINITY};
              setrlimit(RLIMIT_FSIZE, &small);
              const absl::Status failed = CommitAt(store->get(), Numbered(5000, 2), 2);
              setrlimit(RLIMIT_FSIZE, &before);
              if (failed.ok()) return 2;
              return CommitAt(store->get(), Numbered(1, 3), 3) == failed ? 0 : 3;
            }),
            0);
  ExpectHolds(Open().get(), Numbered(1000, 1));
}

// LMDB holds at most 131,071 dirty pages in memory; beyond that it writes some in the middle of the transaction.
TEST_F(LmdbStoreTest, StorageRule9_CommitLargerThanWhatLmdbHoldsInMemory) {
  Create();
  options_.map_bytes = size_t{4} << 30;
  constexpr int kRecords = 140000;
  constexpr size_t kOwnPage = 2100;  // too large to share a page
  const Records records = Numbered(kRecords, 1, kOwnPage);
  {
    const auto store = Open();
    ASSERT_TRUE(CommitAt(store.get(), Numbered(1000, 1), 1).ok());
    ASSERT_TRUE(CommitAt(store.get(), records, 2).ok());
  }
  const auto store = Open();
  ExpectHolds(store.get(), records);
}

TEST_F(LmdbStoreTest, Commit_ReusesThePagesOfOldStates) {
  Create();
  const auto store = Open();
  for (uint64_t version = 1; version <= 20; ++version) {
    ASSERT_TRUE(CommitAt(store.get(), Numbered(2000, version), version).ok());
  }
  const uint64_t early = store->GetStats()->file_bytes;
  for (uint64_t version = 21; version <= 100; ++version) {
    ASSERT_TRUE(CommitAt(store.get(), Numbered(2000, version), version).ok());
  }
  EXPECT_LE(store->GetStats()->file_bytes, early + early / 4);
}

// A page check that cried wolf would lock people out of sound ledgers.
TEST_F(LmdbStoreTest, PageCheck_AcceptsWhateverLmdbMakes) {
  Random random(TestSeed());
  Create();
  auto store = Open();
  Records all;
  std::vector<std::unique_ptr<StateSnapshot>> pinned;
  for (int i = 1; i <= 150; ++i) {
    Records records;
    for (uint64_t n = random.Below(random.OneIn(10) ? 600 : 60); n > 0; --n) {
      const std::string key(1 + random.Below(kMaxKeyBytes - 20), static_cast<char>('a' + random.Below(3)));
      records[{Table(random.Below(2)), std::to_string(random.Below(1000)) + key}] =
          RandomHead(&random, !random.OneIn(9));
    }
    ASSERT_TRUE(CommitAt(store.get(), records, static_cast<uint64_t>(i)).ok());
    for (auto& [key, head] : records) all.insert_or_assign(key, head);
    if (random.OneIn(20)) pinned.push_back(*store->Snapshot());
    if (random.OneIn(15)) pinned.clear();
    if (random.OneIn(20)) {
      pinned.clear();
      store.reset();
      store = Open();
      ASSERT_NE(store, nullptr);
    }
    const auto verified = store->Verify();
    ASSERT_TRUE(verified.ok()) << verified.status() << " after commit " << i;
  }
  pinned.clear();
  ExpectHolds(store.get(), all);
}

}  // namespace
}  // namespace semel::testing
