// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A base snapshot holds what the state held; any damaged byte of it shows; a crash leaves a whole one or none.

#include "engine/ledger/base_snapshot.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_file_system.h"

namespace semel::internal {
namespace {

using testing::Random;
using testing::SimFileSystem;
using testing::TestSeed;

constexpr char kDirectory[] = "/ledger";

StateIdentity TestIdentity() {
  StateIdentity identity;
  identity.directory = kDirectory;
  identity.uuid = "sixteen bytes id";
  identity.epoch = 3;
  identity.seed = 42;
  return identity;
}

CheckpointInfo InfoAt(Lsn lsn) {
  CheckpointInfo info;
  info.tip = {lsn, lsn / 10 + 1, 0x1234, 1'700'000'000'000'000};
  info.options.balance_lookback = 77;
  info.options.parking = true;
  info.floor = lsn / 2;
  return info;
}

struct Record {
  Table table;
  std::string key;
  Head head;
};

// Records of all tables, with values and record bytes up to `value_bytes`.
std::vector<Record> SomeRecords(size_t count, size_t value_bytes) {
  Random random(7);
  std::vector<Record> records;
  for (int t = 0; t < kTableCount; ++t) {
    const Table table{static_cast<uint8_t>(t)};
    for (size_t i = 0; i < count; ++i) {
      Record& record = records.emplace_back();
      record.table = table;
      record.key = "key/" + std::to_string(100000 + i);
      record.head = RecordHead(random.Bytes(random.Below(value_bytes + 1)));
      if (!HasHeads(table)) continue;
      record.head = Head();
      record.head.version = 1;
      record.head.balance = static_cast<Amount>(random.Next());
      record.head.last.id = MakeIdTag("T-" + std::to_string(i), 1);
      record.head.last.lsn = 64 + i;
      record.head.last.sequence = 1 + i;
      record.head.chain.Push(1, 64 + i);
      auto extras = std::make_shared<HeadExtras>();
      if (table == Table::kSources) {
        extras->source.emplace().cursor = i;
      } else {
        extras->value = random.Bytes(random.Below(value_bytes + 1));
        extras->value_lsn = 64 + i;
      }
      record.head.extras = std::move(extras);
    }
  }
  return records;
}

RecordFeed FeedOf(const std::vector<Record>& records) {
  return [next = records.begin(), end = records.end()](Table* table, std::string_view* key, const Head** head) mutable {
    if (next == end) return false;
    *table = next->table;
    *key = next->key;
    *head = &next->head;
    ++next;
    return true;
  };
}

class BaseSnapshotTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.CreateDirectory(kDirectory).ok());
    ASSERT_TRUE(files_.SyncDirectory("/").ok());
  }

  void Fill(size_t count, size_t value_bytes, Lsn lsn = 1000) {
    ASSERT_TRUE(store_->Commit(FeedOf(SomeRecords(count, value_bytes)), InfoAt(lsn)).ok());
  }
  absl::StatusOr<uint64_t> Write(FileSystem* files) {
    return WriteBase(files, TestIdentity(), (*store_->Snapshot()).get(), nullptr);
  }
  static absl::StatusCode ReadCode(FileSystem* files, Lsn lsn, const StateIdentity& identity = TestIdentity()) {
    const auto base = BaseReader::Open(files, identity, lsn);
    return base.ok() ? ReadThrough(base->get(), nullptr).code() : base.status().code();
  }
  static std::string Bytes(FileSystem* files, Lsn lsn) {
    return *ReadWholeFile(files, BasePath(kDirectory, lsn), size_t{1} << 30);
  }

  SimFileSystem files_;
  const std::unique_ptr<StateStore> store_ = NewMemoryStateStore(42);
};

TEST_F(BaseSnapshotTest, LoadedInAnotherStore_IsTheSameState) {
  Fill(3000, 100);
  const absl::StatusOr<uint64_t> bytes = Write(&files_);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(*bytes, Bytes(&files_, 1000).size());
  EXPECT_EQ(*BaseBytes(&files_, kDirectory, 1000), *bytes);
  EXPECT_EQ(*ListBases(&files_, kDirectory), std::vector<Lsn>{1000});

  const auto other = NewMemoryStateStore(42);
  const auto base = BaseReader::Open(&files_, TestIdentity(), 1000);
  ASSERT_TRUE(base.ok()) << base.status();
  ASSERT_TRUE(LoadBase(base->get(), other.get()).ok());
  const absl::StatusOr<CheckpointInfo> have = other->Verify();
  const absl::StatusOr<CheckpointInfo> want = store_->Verify();
  ASSERT_TRUE(have.ok() && want.ok());
  EXPECT_TRUE(have->digest == want->digest);
  EXPECT_EQ(have->records, want->records);
  EXPECT_EQ(have->bytes, want->bytes);
  EXPECT_EQ(have->tip.lsn, 1000u);
  EXPECT_EQ(have->tip.next_sequence, 101u);
  EXPECT_EQ(have->tip.frame_checksum, 0x1234u);
  EXPECT_EQ(have->floor, 500u);
  EXPECT_TRUE(have->options == InfoAt(1000).options);
  // The same state, the same file.
  ASSERT_TRUE(files_.CreateDirectory("/other").ok());
  StateIdentity identity = TestIdentity();
  identity.directory = "/other";
  ASSERT_TRUE(WriteBase(&files_, identity, (*other->Snapshot()).get(), nullptr).ok());
  EXPECT_EQ(*ReadWholeFile(&files_, BasePath("/other", 1000), size_t{1} << 30), Bytes(&files_, 1000));
}

TEST_F(BaseSnapshotTest, LargerThanATransactionOfLoading) {
  Fill(80, 300'000);
  ASSERT_TRUE(Write(&files_).ok());
  const auto other = NewMemoryStateStore(42);
  const auto base = BaseReader::Open(&files_, TestIdentity(), 1000);
  ASSERT_TRUE(LoadBase(base->get(), other.get()).ok());
  EXPECT_TRUE(other->Verify()->digest == store_->Verify()->digest);
}

TEST_F(BaseSnapshotTest, OfAnEmptyState) {
  ASSERT_TRUE(store_->Commit(FeedOf({}), InfoAt(5)).ok());
  ASSERT_TRUE(Write(&files_).ok());
  EXPECT_EQ(ReadCode(&files_, 5), absl::StatusCode::kOk);
}

TEST_F(BaseSnapshotTest, AnyDamagedByte_IsDataLoss) {
  Fill(6, 20);
  ASSERT_TRUE(Write(&files_).ok());
  const std::string path = BasePath(kDirectory, 1000);
  const std::string bytes = Bytes(&files_, 1000);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      files_.Overwrite(path, at, std::string(1, static_cast<char>(bytes[at] ^ (1 << bit))));
      ASSERT_EQ(ReadCode(&files_, 1000), absl::StatusCode::kDataLoss) << "byte " << at << ", bit " << bit;
    }
    files_.Overwrite(path, at, bytes.substr(at, 1));
  }
  EXPECT_EQ(ReadCode(&files_, 1000), absl::StatusCode::kOk);
}

TEST_F(BaseSnapshotTest, CutOffOrLonger_IsDataLoss) {
  Fill(6, 20);
  ASSERT_TRUE(Write(&files_).ok());
  const std::string bytes = Bytes(&files_, 1000);
  for (size_t size = 0; size < bytes.size(); ++size) {
    files_.SetSize(BasePath(kDirectory, 1000), size);
    ASSERT_EQ(ReadCode(&files_, 1000), absl::StatusCode::kDataLoss) << size;
    files_.Overwrite(BasePath(kDirectory, 1000), 0, bytes);
  }
  files_.SetSize(BasePath(kDirectory, 1000), bytes.size() + 1);
  EXPECT_EQ(ReadCode(&files_, 1000), absl::StatusCode::kDataLoss);
}

// Each block is right by itself, and they are not the blocks of this file.
TEST_F(BaseSnapshotTest, BlocksThatAreMissingOrOfAnotherFile_AreDataLoss) {
  Fill(3000, 100);
  ASSERT_TRUE(Write(&files_).ok());
  const std::string bytes = Bytes(&files_, 1000);
  const size_t header = bytes.find("key/100000") - 2 - 16;
  const auto block_bytes = [&bytes](size_t at) { return 16 + GetFixed32(bytes.data() + at); };
  const size_t second = header + block_bytes(header);
  const size_t third = second + block_bytes(second);
  ASSERT_GT(bytes.size(), third + block_bytes(third) + 32);

  const std::string path = BasePath(kDirectory, 1000);
  const auto read_as = [&](const std::string& changed) {
    files_.Overwrite(path, 0, changed);
    files_.SetSize(path, changed.size());
    return ReadCode(&files_, 1000);
  };
  EXPECT_EQ(read_as(bytes), absl::StatusCode::kOk);
  EXPECT_EQ(read_as(bytes.substr(0, second) + bytes.substr(third)), absl::StatusCode::kDataLoss);
  EXPECT_EQ(read_as(bytes.substr(0, header) + bytes.substr(second, third - second) +
                    bytes.substr(header, second - header) + bytes.substr(third)),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(read_as(bytes.substr(0, bytes.size() - 32)), absl::StatusCode::kDataLoss);  // without a trailer
}

TEST_F(BaseSnapshotTest, OfAnotherLedgerEpochOrPlace_IsRefused) {
  Fill(3, 3);
  ASSERT_TRUE(Write(&files_).ok());
  StateIdentity identity = TestIdentity();
  identity.uuid = "another ledger's";
  EXPECT_EQ(ReadCode(&files_, 1000, identity), absl::StatusCode::kDataLoss);
  identity = TestIdentity();
  identity.epoch = 4;
  EXPECT_EQ(ReadCode(&files_, 1000, identity), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(files_.Rename(BasePath(kDirectory, 1000), BasePath(kDirectory, 2000)).ok());
  EXPECT_EQ(ReadCode(&files_, 2000), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadCode(&files_, 1000), absl::StatusCode::kNotFound);
}

TEST_F(BaseSnapshotTest, AnotherFormat_IsRefusedAsSuch) {
  Fill(3, 3);
  ASSERT_TRUE(Write(&files_).ok());
  std::string bytes = Bytes(&files_, 1000);
  const size_t header_bytes = bytes.find("key/100000") - 2 - 16;
  bytes[8] = 99;
  const uint64_t checksum = Checksum64(std::string_view(bytes).substr(0, header_bytes - 8), 0);
  std::string fixed;
  PutFixed64(&fixed, checksum);
  files_.Overwrite(BasePath(kDirectory, 1000), 0, bytes.substr(0, header_bytes - 8) + fixed);
  EXPECT_EQ(ReadCode(&files_, 1000), absl::StatusCode::kFailedPrecondition);
}

TEST_F(BaseSnapshotTest, RemoveOtherBases_KeepsOneAndWhatIsNotOurs) {
  for (const Lsn lsn : {1000u, 2000u, 3000u}) {
    ASSERT_TRUE(store_->Commit(FeedOf({}), InfoAt(lsn)).ok());
    ASSERT_TRUE(Write(&files_).ok());
  }
  ASSERT_TRUE(files_.Open(BasePath(kDirectory, 4000) + ".tmp", OpenMode::kCreateNew).ok());
  ASSERT_TRUE(files_.Open("/ledger/base/notes", OpenMode::kCreateNew).ok());
  ASSERT_TRUE(RemoveOtherBases(&files_, kDirectory, 2000).ok());
  EXPECT_EQ(*ListBases(&files_, kDirectory), std::vector<Lsn>{2000});
  EXPECT_EQ(files_.List("/ledger/base")->size(), 2u);
  ASSERT_TRUE(RemoveOtherBases(&files_, kDirectory, std::nullopt).ok());
  EXPECT_EQ(*files_.List("/ledger/base"), std::vector<std::string>{"notes"});
}

TEST_F(BaseSnapshotTest, Stopped_LeavesNothing) {
  Fill(100, 10);
  const std::atomic<bool> stop{true};
  EXPECT_TRUE(absl::IsCancelled(WriteBase(&files_, TestIdentity(), (*store_->Snapshot()).get(), &stop).status()));
  EXPECT_TRUE(files_.List("/ledger/base")->empty());
}

// Every call fails once, and every call is the last.
TEST_F(BaseSnapshotTest, FailedOrCrashedAtEveryCall_LeavesAWholeFileOrNone) {
  Fill(2000, 60);
  const uint64_t seed = TestSeed();
  const auto counted = files_.Clone();
  const uint64_t before = counted->calls();
  ASSERT_TRUE(Write(counted.get()).ok());
  const uint64_t after = counted->calls();
  ASSERT_GT(after, before + 6);
  int whole = 0;
  for (uint64_t call = before + 1; call <= after; ++call) {
    {
      const auto files = files_.Clone();
      files->InjectFault(call, testing::Fault::kNoSpace);
      const absl::StatusOr<uint64_t> written = Write(files.get());
      EXPECT_TRUE(absl::IsResourceExhausted(written.status())) << call;
      const auto left = files->List("/ledger/base");
      // Only the syncing of a name that it has already can fail with the file there.
      EXPECT_TRUE(!left.ok() || left->empty() || call == after) << call;
      files->ClearFaults();
      EXPECT_TRUE(Write(files.get()).ok());
      EXPECT_EQ(ReadCode(files.get(), 1000), absl::StatusCode::kOk);
    }
    for (uint64_t draw = 0; draw < 10; ++draw) {
      const auto files = files_.Clone();
      files->InjectFault(call, testing::Fault::kCrash);
      EXPECT_FALSE(Write(files.get()).ok());
      draw % 2 == 0 ? files->Crash(seed + draw) : files->Kill(seed + draw);
      const auto bases = ListBases(files.get(), kDirectory);
      ASSERT_TRUE(bases.ok());
      EXPECT_EQ(ReadCode(files.get(), 1000), bases->empty() ? absl::StatusCode::kNotFound : absl::StatusCode::kOk)
          << call;
      whole += static_cast<int>(bases->size());
      EXPECT_TRUE(Write(files.get()).ok());
      EXPECT_EQ(ReadCode(files.get(), 1000), absl::StatusCode::kOk);
    }
  }
  EXPECT_GT(whole, 0);
}

}  // namespace
}  // namespace semel::internal
