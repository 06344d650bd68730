// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Damage to the file of a state: it must be reported or not matter, never show as wrong data, never end the process.
// The reading is done in a child, so that a crash is seen.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/state/lmdb_pages.h"
#include "engine/state/state_store.h"
#include "gtest/gtest.h"
#include "tests/state/state_testing.h"

namespace semel::testing {
namespace {

using internal::CreateLmdbState;
using internal::LmdbOptions;
using internal::OpenLmdbState;
using internal::Table;

constexpr size_t kPage = 4096;

// The last commit is then LMDB's transaction 10: one flipped bit makes that 8, older than the 9 of the other meta page.
constexpr uint64_t kCommits = 9;

// Replaces the bytes at `offset`.
struct Patch {
  size_t offset;
  std::string bytes;
};

// What a child found out, in memory that it shares with its parent.
struct Findings {
  size_t next = 0;  // the damage being looked at
  size_t reported = 0;
  size_t harmless = 0;
  size_t wrong = 0;
};

class LmdbDamageTest : public ::testing::Test {
 protected:
  LmdbDamageTest() {
    void* const shared = mmap(nullptr, sizeof(Findings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    SEMEL_CHECK(shared != MAP_FAILED);
    findings_ = new (shared) Findings;
    Fill();
  }
  ~LmdbDamageTest() override { munmap(findings_, sizeof(Findings)); }

  std::string DataFile() const { return options_.directory + "/data.mdb"; }

  // A state of several commits: trees of more than one level, overflow pages, free pages.
  void Fill() {
    SEMEL_CHECK(CreateLmdbState(options_).ok());
    const auto store = *OpenLmdbState(options_);
    Random random(1);
    for (uint64_t lsn = 1; lsn <= kCommits; ++lsn) {
      Records records;
      for (int i = 0; i < 80; ++i) {
        const Table table = i % 5 == 0 ? Table::kSources : Table::kEntities;
        records[{table, "key/" + std::to_string(random.Below(250))}] = RandomHead(&random, i % 16 != 0);
      }
      SEMEL_CHECK(CommitAt(store.get(), records, lsn).ok());
      for (auto& [key, head] : records) records_.insert_or_assign(key, head);
      if (lsn + 1 == kCommits) before_last_ = ReadFile(DataFile());
    }
    image_ = ReadFile(DataFile());
  }

  enum class Shown { kReported, kRight, kWrong };

  // Opens the file as it is and reads everything. `verify` first: only then must stale pages show.
  Shown Look(bool verify) const {
    const auto store = OpenLmdbState(options_);
    if (!store.ok()) return absl::IsDataLoss(store.status()) ? Shown::kReported : Shown::kWrong;
    if (verify && absl::IsDataLoss((*store)->Verify().status())) return Shown::kReported;
    const auto snapshot = (*store)->Snapshot();
    if (!snapshot.ok()) return absl::IsDataLoss(snapshot.status()) ? Shown::kReported : Shown::kWrong;
    const auto read = ReadAll(snapshot->get());
    if (!read.ok()) return absl::IsDataLoss(read.status()) ? Shown::kReported : Shown::kWrong;
    if ((*snapshot)->info().tip.lsn != kCommits || !SameRecords(*read, records_)) return Shown::kWrong;
    return Shown::kRight;
  }

  // Whether the store can go on from what it accepted.
  bool GoesOn() const {
    const auto store = OpenLmdbState(options_);
    if (!store.ok()) return false;
    Records change;
    for (int i = 0; i < 250; i += 3) change[{Table::kEntities, "key/" + std::to_string(i)}] = PlainHead(1, 2);
    if (!CommitAt(store->get(), change, kCommits + 1).ok()) return false;
    Records want = records_;
    for (auto& [key, head] : change) want.insert_or_assign(key, head);
    const auto read = ReadAll((*(*store)->Snapshot()).get());
    return (*store)->Verify().ok() && read.ok() && SameRecords(*read, want);
  }

  // Looks at each damage in a child. `write_too`: what is accepted is written to as well.
  void LookAtAll(size_t count, bool verify, bool write_too, const std::function<std::string(size_t)>& damaged) {
    *findings_ = {};
    const int status = RunInChild([&] {
      for (; findings_->next < count; ++findings_->next) {
        WriteFile(DataFile(), damaged(findings_->next));
        Shown shown = Look(verify);
        if (shown == Shown::kRight && write_too && !GoesOn()) shown = Shown::kWrong;
        if (shown == Shown::kWrong) return 1;
        ++(shown == Shown::kRight ? findings_->harmless : findings_->reported);
      }
      return 0;
    });
    EXPECT_EQ(status, 0) << "at damage " << findings_->next;
    std::printf("%zu damages: %zu reported, %zu harmless\n", count, findings_->reported, findings_->harmless);
  }

  std::string With(const Patch& patch) const {
    std::string image = image_;
    image.replace(patch.offset, patch.bytes.size(), patch.bytes);
    return image;
  }

  TemporaryDirectory directory_;
  const LmdbOptions options_ = StateOptions(directory_.path() + "/state");
  Records records_;
  std::string image_;
  std::string before_last_;
  Findings* findings_;
};

TEST_F(LmdbDamageTest, NoDamage_IsRight) {
  EXPECT_GT(image_.size(), 40 * kPage);
  LookAtAll(1, true, true, [&](size_t) { return image_; });
  EXPECT_EQ(findings_->harmless, 1u);
}

TEST_F(LmdbDamageTest, FlippedBits) {
  Random random(TestSeed());
  LookAtAll(2500, false, false, [&](size_t) {
    std::string image = image_;
    image[random.Below(image.size())] ^= static_cast<char>(1 << random.Below(8));
    return image;
  });
  EXPECT_GT(findings_->reported, 250u);
}

TEST_F(LmdbDamageTest, FlippedBitsAndThenACommit) {
  Random random(TestSeed());
  LookAtAll(300, true, true, [&](size_t) {
    std::string image = image_;
    image[random.Below(image.size())] ^= static_cast<char>(1 << random.Below(8));
    return image;
  });
}

// The part of each page that LMDB navigates by is small, and the worst place to be hit.
TEST_F(LmdbDamageTest, FlippedBitsInPageHeadersAndNodeOffsets) {
  Random random(TestSeed());
  LookAtAll(800, true, true, [&](size_t) {
    std::string image = image_;
    image[random.Below(image.size() / kPage) * kPage + random.Below(32)] ^= static_cast<char>(1 << random.Below(8));
    return image;
  });
  EXPECT_GT(findings_->reported, 150u);
}

TEST_F(LmdbDamageTest, EveryBitOfTheMetaPages) {
  constexpr size_t kMetaBits = 152 * 8;
  LookAtAll(2 * kMetaBits, false, false, [&](size_t i) {
    std::string image = image_;
    image[i / kMetaBits * kPage + i % kMetaBits / 8] ^= static_cast<char>(1 << i % 8);
    return image;
  });
  EXPECT_GT(findings_->reported, kMetaBits / 2);
}

TEST_F(LmdbDamageTest, CutOffAnywhere) {
  const size_t pages = image_.size() / kPage;
  LookAtAll(2 * pages, true, false, [&](size_t i) { return image_.substr(0, i * kPage / 2); });
  EXPECT_GT(findings_->reported, pages);
}

TEST_F(LmdbDamageTest, PagesOverwritten) {
  Random random(TestSeed());
  const size_t pages = image_.size() / kPage;
  LookAtAll(4 * pages, true, false, [&](size_t i) {
    const size_t page = i % pages * kPage;
    switch (i / pages) {
      case 0:
        return With({page, std::string(kPage, '\0')});
      case 1:
        return With({page, random.Bytes(kPage)});
      case 2:
        return With({page, image_.substr(random.Below(pages) * kPage, kPage)});  // misdirected
      default:
        return With({page + 512 * random.Below(8), std::string(512, static_cast<char>(random.Next()))});
    }
  });
  EXPECT_GT(findings_->reported, pages);
}

// A write that the disk lost leaves a page that was right before. (Not the meta page: without it the commit never was.)
TEST_F(LmdbDamageTest, WritesLost) {
  std::vector<size_t> written;
  for (size_t page = 2; page < before_last_.size() / kPage; ++page) {
    if (image_.compare(page * kPage, kPage, before_last_, page * kPage, kPage) != 0) written.push_back(page * kPage);
  }
  ASSERT_GT(written.size(), 10u);
  LookAtAll(written.size(), true, false, [&](size_t i) {
    return With({written[i], before_last_.substr(written[i], kPage)});
  });
  EXPECT_EQ(findings_->harmless, 0u);
}

// LMDB would write over the page that a free list names.
TEST_F(LmdbDamageTest, FreeListThatNamesAnotherPage) {
  const int fd = open(DataFile().c_str(), O_RDONLY | O_CLOEXEC);
  const auto pages = internal::ReadLmdbMetaPages(fd);
  close(fd);
  ASSERT_TRUE(pages.ok()) << pages.status();
  ASSERT_EQ(pages->newest.free_pages.depth, 1);
  // The first node of the leaf: 8 bytes of header, 8 of key, then the count and the page numbers, the smallest last.
  const size_t leaf = pages->newest.free_pages.root * kPage;
  const size_t data = leaf + internal::GetFixed32(image_.data() + leaf + 16) % 65536 + 16;
  const size_t last = data + 8 * internal::GetFixed64(image_.data() + data);
  const uint64_t smallest = internal::GetFixed64(image_.data() + last);
  ASSERT_GT(smallest, 3u);  // pages 2 and 3 are then in use, or free elsewhere
  LookAtAll(smallest, false, false, [&](size_t page) {
    std::string number;
    internal::PutFixed64(&number, page);
    return With({last, number});
  });
  EXPECT_EQ(findings_->harmless, 0u);
}

TEST_F(LmdbDamageTest, EmptyFile_IsDataLoss) {
  WriteFile(DataFile(), "");
  EXPECT_TRUE(absl::IsDataLoss(OpenLmdbState(options_).status()));
  EXPECT_EQ(std::filesystem::file_size(DataFile()), 0u);
}

TEST_F(LmdbDamageTest, VerifyOfAnOpenState_ReportsDamage) {
  const auto store = *OpenLmdbState(options_);
  ASSERT_TRUE(store->Verify().ok());
  for (size_t page = 2; page < image_.size() / kPage; ++page) {
    WriteFile(DataFile(), With({page * kPage, std::string(kPage, '\0')}));
    const absl::Status status = store->Verify().status();
    EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;  // a free page may hold anything
    findings_->reported += !status.ok();
  }
  EXPECT_GT(findings_->reported, 20u);
  WriteFile(DataFile(), image_);
}

}  // namespace
}  // namespace semel::testing
