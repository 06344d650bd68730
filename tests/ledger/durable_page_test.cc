// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The page by which a writer tells readers in other processes how far the journal is durable.

#include "engine/ledger/durable_page.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace semel::internal {
namespace {

constexpr uint64_t kEpoch = 3;
constexpr uint64_t kSeed = 7;

class DurablePageTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(files_->CreateDirectory("/ledger").ok()); }

  void Write(Lsn durable) {
    auto page = DurablePage::OpenForWriting(files_.get(), "/ledger", kEpoch, kSeed);
    ASSERT_TRUE(page.ok() && page->Write(durable).ok());
  }
  std::optional<Lsn> Read(uint64_t epoch = kEpoch, uint64_t seed = kSeed) {
    return ReadDurablePage(files_.get(), "/ledger", epoch, seed);
  }

  const std::unique_ptr<FileSystem> files_ = NewMemoryFileSystem();
};

TEST_F(DurablePageTest, ShowsWhatWasWrittenLast) {
  EXPECT_EQ(Read(), std::nullopt);
  for (const Lsn durable : {Lsn{0}, Lsn{1}, Lsn{4096}, ~Lsn{0}}) {
    Write(durable);
    EXPECT_EQ(Read(), durable);
  }
}

TEST_F(DurablePageTest, OfAnotherEpochOrLedger_ShowsNothing) {
  Write(4096);
  EXPECT_EQ(Read(kEpoch + 1), std::nullopt);
  EXPECT_EQ(Read(kEpoch, kSeed + 1), std::nullopt);
}

TEST_F(DurablePageTest, HalfWrittenOrCutShort_ShowsNothing) {
  Write(4096);
  const std::string page = ReadWholeFile(files_.get(), "/ledger/DURABLE", 100).value();
  auto file = files_->Open("/ledger/DURABLE", OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  for (size_t at = 0; at < page.size(); ++at) {
    std::string other = page;
    other[at] = static_cast<char>(other[at] ^ 1);
    ASSERT_TRUE((*file)->WriteAt(0, other).ok());
    EXPECT_EQ(Read(), std::nullopt) << at;
  }
  ASSERT_TRUE((*file)->WriteAt(0, page).ok() && (*file)->Truncate(page.size() - 1).ok());
  EXPECT_EQ(Read(), std::nullopt);
}

}  // namespace
}  // namespace semel::internal
