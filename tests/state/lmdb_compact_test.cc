// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A state made anew without its free pages: the same state, and one that goes on.

#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <memory>
#include <string>

#include "engine/state/state_store.h"
#include "gtest/gtest.h"
#include "tests/state/state_testing.h"

namespace semel::testing {
namespace {

using internal::CheckpointInfo;
using internal::CompactLmdbState;
using internal::CreateLmdbState;
using internal::Head;
using internal::LmdbOptions;
using internal::OpenLmdbState;
using internal::StateStore;
using internal::Table;

constexpr int kRecords = 20000;

// Records first .. last - 1; of version 0, which takes them away, if `version` is.
Records Numbered(int first, int last, uint64_t version) {
  Records records;
  for (int i = first; i < last; ++i) {
    char key[32];
    std::snprintf(key, sizeof key, "key/%08d", i);
    records[{Table::kEntities, key}] = version == 0 ? Head() : PlainHead(version, i);
  }
  return records;
}

class LmdbCompactTest : public ::testing::Test {
 protected:
  // Most of the pages of this state are free.
  void SetUp() override {
    ASSERT_TRUE(CreateLmdbState(options_).ok());
    const auto store = Open(options_);
    ASSERT_TRUE(CommitAt(store.get(), Numbered(0, kRecords, 1), 1000).ok());
    ASSERT_TRUE(CommitAt(store.get(), Numbered(100, kRecords, 0), 2000).ok());
    ASSERT_TRUE(CommitAt(store.get(), Numbered(0, 100, 2), 3000).ok());
  }

  static std::unique_ptr<StateStore> Open(const LmdbOptions& options) {
    auto store = OpenLmdbState(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  static CheckpointInfo Verified(StateStore* store) {
    const auto verified = store->Verify();
    EXPECT_TRUE(verified.ok()) << verified.status();
    return verified.ok() ? *verified : CheckpointInfo();
  }

  TemporaryDirectory directory_;
  LmdbOptions options_ = StateOptions(directory_.path() + "/state");
  LmdbOptions compacted_ = StateOptions(directory_.path() + "/state.new");
};

TEST_F(LmdbCompactTest, IsTheSameStateWithoutFreePages) {
  ASSERT_TRUE(CompactLmdbState(options_, compacted_.directory).ok());
  const auto before = Open(options_);
  const auto after = Open(compacted_);
  const CheckpointInfo want = Verified(before.get());
  const CheckpointInfo have = Verified(after.get());
  EXPECT_TRUE(have.digest == want.digest);
  EXPECT_EQ(have.tip.lsn, 3000u);
  EXPECT_EQ(have.tip.frame_checksum, want.tip.frame_checksum);
  EXPECT_TRUE(have.options == want.options);
  EXPECT_EQ(have.records, want.records);
  EXPECT_TRUE(SameRecords(*ReadAll((*after->Snapshot()).get()), Numbered(0, 100, 2)));

  const auto large = before->GetStats();
  const auto small = after->GetStats();
  ASSERT_TRUE(large.ok() && small.ok());
  EXPECT_GT(large->free_bytes, large->file_bytes / 2);
  EXPECT_LE(large->free_bytes, large->file_bytes);
  EXPECT_LT(small->file_bytes, large->file_bytes / 4);
  EXPECT_LT(small->free_bytes, small->file_bytes);
}

TEST_F(LmdbCompactTest, GoesOnWithCommits) {
  ASSERT_TRUE(CompactLmdbState(options_, compacted_.directory).ok());
  for (uint64_t version = 3; version < 8; ++version) {
    const auto store = Open(compacted_);  // looks at both meta pages
    ASSERT_TRUE(CommitAt(store.get(), Numbered(0, 100, version), 1000 * (version + 1)).ok());
    Verified(store.get());
  }
  EXPECT_TRUE(SameRecords(*ReadAll((*Open(compacted_)->Snapshot()).get()), Numbered(0, 100, 7)));
}

TEST_F(LmdbCompactTest, CompactsWhatWasCompacted) {
  ASSERT_TRUE(CompactLmdbState(options_, compacted_.directory).ok());
  const LmdbOptions again = StateOptions(directory_.path() + "/again");
  ASSERT_TRUE(CompactLmdbState(compacted_, again.directory).ok());
  EXPECT_TRUE(Verified(Open(again).get()).digest == Verified(Open(options_).get()).digest);
}

TEST_F(LmdbCompactTest, OfAnEmptyState) {
  const LmdbOptions empty = StateOptions(directory_.path() + "/empty");
  ASSERT_TRUE(CreateLmdbState(empty).ok());
  ASSERT_TRUE(CompactLmdbState(empty, compacted_.directory).ok());
  EXPECT_EQ(Verified(Open(compacted_).get()).tip.lsn, 0u);
}

TEST_F(LmdbCompactTest, OverSomethingThatIsThere_IsRefusedAndHarmsNothing) {
  std::filesystem::create_directory(compacted_.directory);
  WriteFile(compacted_.directory + "/precious", "do not delete");
  EXPECT_TRUE(absl::IsAlreadyExists(CompactLmdbState(options_, compacted_.directory)));
  EXPECT_EQ(ReadFile(compacted_.directory + "/precious"), "do not delete");
}

TEST_F(LmdbCompactTest, OfADamagedRecord_IsDataLossAndLeavesNothing) {
  std::string bytes = ReadFile(options_.directory + "/data.mdb");
  const size_t at = bytes.rfind("key/00000050");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 20] = static_cast<char>(bytes[at + 20] ^ 1);
  WriteFile(options_.directory + "/data.mdb", bytes);
  ASSERT_FALSE(Open(options_)->Verify().ok()) << "the byte was one that nothing reads";
  EXPECT_TRUE(absl::IsDataLoss(CompactLmdbState(options_, compacted_.directory)));
  EXPECT_FALSE(std::filesystem::exists(compacted_.directory));
}

TEST_F(LmdbCompactTest, WithAFailingWrite_LeavesNothing) {
  EXPECT_EQ(RunInChild([&] {
              signal(SIGXFSZ, SIG_IGN);
              const rlimit small = {8192, RLIM_INFINITY};
              const rlimit before = {RLIM_INFINITY, RLIM_INFINITY};
              setrlimit(RLIMIT_FSIZE, &small);
              const absl::Status failed = CompactLmdbState(options_, compacted_.directory);
              setrlimit(RLIMIT_FSIZE, &before);
              if (failed.ok()) return 1;
              if (std::filesystem::exists(compacted_.directory)) return 2;
              return CompactLmdbState(options_, compacted_.directory).ok() ? 0 : 3;
            }),
            0);
}

TEST_F(LmdbCompactTest, Replaced_ShowsInAStoreThatIsOpen) {
  ASSERT_TRUE(CompactLmdbState(options_, compacted_.directory).ok());
  const auto store = Open(options_);
  EXPECT_FALSE(*store->Replaced());
  std::filesystem::rename(options_.directory, directory_.path() + "/state.old");
  EXPECT_FALSE(*store->Replaced());
  std::filesystem::rename(compacted_.directory, options_.directory);
  EXPECT_TRUE(*store->Replaced());
  EXPECT_TRUE(SameRecords(*ReadAll((*store->Snapshot()).get()), Numbered(0, 100, 2)));  // still what it was
  EXPECT_FALSE(*Open(options_)->Replaced());
}

}  // namespace
}  // namespace semel::testing
