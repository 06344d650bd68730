// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Repair: random ledgers, damaged at random. What it makes is what the undamaged ledger was at that point; it goes as
// far as the intact files allow; what it cannot keep it names; and sending everything again ends where it should.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr int kAccounts = 12;

void Overwrite(const fs::path& path, uint64_t offset, std::string_view bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::vector<fs::path> FilesIn(const fs::path& directory) {
  std::vector<fs::path> files;
  if (!fs::exists(directory)) return files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename() != "spare") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Now, or as of an address, where the history must be kept.
std::map<std::string, Amount> Balances(Ledger* ledger, std::optional<uint64_t> lsn = std::nullopt) {
  std::map<std::string, Amount> balances;
  for (int i = 0; i < kAccounts; ++i) {
    const std::string key = "acc-" + std::to_string(i);
    AsOf as_of;
    as_of.lsn = lsn;
    const auto entity = ledger->Get(key, as_of);
    if (!entity.ok()) balances[key] = -1;
    if (entity.ok() && entity->version > 0) balances[key] = entity->balance;
  }
  return balances;
}

// A ledger of random payments from one source, with its undamaged copy.
class Damaged {
 public:
  explicit Damaged(uint64_t seed) : random_(seed) {
    options_.create_if_missing = true;
    options_.segment_bytes = 4096;
    options_.tamper_evident = random_.OneIn(3);
    std::unique_ptr<Ledger> ledger = Open(path()).value();
    const uint64_t count = random_.Between(20, 200);
    for (uint64_t i = 1; i <= count; ++i) {
      changes_.push_back(AddFrom("payment-" + std::to_string(i), "payments", i,
                                 "acc-" + std::to_string(random_.Below(kAccounts)), static_cast<int64_t>(i)));
      EXPECT_TRUE(ledger->Apply(changes_.back())->applied());
      if (random_.OneIn(40)) {
        EXPECT_TRUE(ledger->Checkpoint().ok());
      }
      if (random_.OneIn(80)) {
        TrimOptions trim;
        trim.keep_bytes = 8192;
        EXPECT_TRUE(ledger->Trim(trim).ok());
      }
    }
    if (random_.OneIn(2)) {
      EXPECT_TRUE(ledger->Close().ok());
    }
    ledger.reset();
    fs::copy(path(), twin_path(), fs::copy_options::recursive);
  }

  std::string path() const { return directory_.path() + "/ledger"; }
  std::string twin_path() const { return directory_.path() + "/twin"; }
  std::string repaired_path() const { return directory_.path() + "/repaired"; }
  const std::vector<Change>& changes() const { return changes_; }
  Random& random() { return random_; }

  absl::StatusOr<std::unique_ptr<Ledger>> Open(const std::string& path) const { return Ledger::Open(path, options_); }

  // Some damage to one file.
  void Hurt() {
    const std::vector<fs::path> journal = FilesIn(path() + "/journal");
    const std::vector<fs::path> bases = FilesIn(path() + "/base");
    switch (random_.Below(8)) {
      case 0:
        return HurtFile(path() + "/state/data.mdb");
      case 1:
        if (!bases.empty()) return HurtFile(bases[random_.Below(bases.size())]);
        break;
      case 2:
        if (random_.OneIn(2)) return HurtFile(path() + "/MANIFEST");
        break;
      default:
        break;
    }
    if (!journal.empty()) HurtFile(journal[random_.Below(journal.size())]);
  }

 private:
  void HurtFile(const fs::path& file) {
    if (!fs::exists(file)) return;
    const uint64_t size = fs::file_size(file);
    if (random_.OneIn(10)) {
      fs::remove(file);
    } else if (random_.OneIn(8)) {
      fs::resize_file(file, random_.Below(size + 1));
    } else if (size > 0) {
      const uint64_t length = random_.OneIn(2) ? 1 : random_.Between(1, 600);
      Overwrite(file, random_.Below(size), random_.Bytes(length));
    }
  }

  TempDirectory directory_;
  Options options_;
  Random random_;
  std::vector<Change> changes_;
};

TEST(RepairLedger, RandomDamage_KeepsAPrefixAndNamesTheRest) {
  uint64_t seed = 0;
  uint64_t repaired = 0;
  uint64_t refused = 0;
  uint64_t not_needed = 0;
  uint64_t lost = 0;
  for (Rounds rounds(400); rounds.Next(&seed);) {
    Damaged damaged(seed);
    for (uint64_t i = damaged.random().Between(1, 3); i > 0; --i) damaged.Hurt();
    std::vector<JournalEntry> readable;
    const auto report = RepairLedger(damaged.path(), damaged.repaired_path(),
                                     [&](const JournalEntry& entry) { readable.push_back(entry); });
    if (!report.ok()) {
      // Only where there is nothing to begin with, or nothing to do; then opening, or a rebuild, is all that it takes.
      ASSERT_TRUE(absl::IsDataLoss(report.status()) || absl::IsFailedPrecondition(report.status())) << report.status();
      ASSERT_FALSE(fs::exists(damaged.repaired_path() + "/MANIFEST"));
      if (absl::IsFailedPrecondition(report.status())) {
        const auto ledger = damaged.Open(damaged.path());
        ASSERT_TRUE(ledger.ok()) << ledger.status();
        ASSERT_EQ((*ledger)->Verify()->fault, "");
      }
      ++(absl::IsDataLoss(report.status()) ? refused : not_needed);
      continue;
    }
    ++repaired;
    lost += report->lost_entries;
    ASSERT_EQ(report->epoch, 2u);
    ASSERT_EQ(readable.size(), report->readable_entries);
    ASSERT_LE(report->readable_entries, report->lost_entries);

    const auto twin = damaged.Open(damaged.twin_path());
    ASSERT_TRUE(twin.ok()) << twin.status();
    const auto ledger = damaged.Open(damaged.repaired_path());
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    const auto verified = (*ledger)->Verify();
    ASSERT_TRUE(verified.ok()) << verified.status();
    ASSERT_EQ(verified->fault, "");
    ASSERT_EQ((*ledger)->GetStats()->sequence, report->sequence);
    const auto now = Balances(ledger->get());
    for (const auto& [key, balance] : Balances(twin->get(), report->lsn)) {
      if (balance == -1) continue;  // the twin's own trim took what would tell
      const auto found = now.find(key);
      ASSERT_EQ(found == now.end() ? 0 : found->second, balance)
          << key << ", kept up to LSN " << report->lsn << ", from " << report->begins_with;
    }

    // Whatever was sent is sent again, and it ends as the undamaged one.
    for (const Change& change : damaged.changes()) {
      const auto outcome = (*ledger)->Apply(change);
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      ASSERT_NE(outcome->code, OutcomeCode::kEarly);
    }
    ASSERT_EQ(Balances(ledger->get()), Balances(twin->get()));
    ASSERT_EQ((*ledger)->Verify()->fault, "");
  }
  Figure("T6", "repaired ledgers", repaired);
  Figure("T6", "entries that repairs lost and named", lost);
  std::printf("%llu repaired, %llu with nothing to begin with, %llu without need\n",
              static_cast<unsigned long long>(repaired), static_cast<unsigned long long>(refused),
              static_cast<unsigned long long>(not_needed));
}

// ---- One damage each, and exactly what it costs.

class RepairTest : public LedgerTest {
 protected:
  void SetUp() override {
    options_.create_if_missing = true;
    options_.segment_bytes = 4096;
    Open();
    for (; paid_ <= 60; ++paid_) Pay();
    ASSERT_TRUE(ledger_->Checkpoint().ok());
    at_checkpoint_ = *ledger_->GetStats();
    for (; paid_ <= 100; ++paid_) Pay();
    at_end_ = *ledger_->GetStats();
    ledger_
        ->ReadJournal(0,
                      [&](const JournalEntry& entry) {
                        entries_.push_back(entry);
                        return true;
                      })
        .value();
    ledger_.reset();  // without a checkpoint
  }

  void Pay() { Do(AddFrom("paid-" + std::to_string(paid_), "payments", paid_, "acc", 1)); }

  // Overwrites the entry with this sequence.
  void HurtEntry(uint64_t sequence) {
    const uint64_t lsn = entries_[sequence - 1].lsn;
    const std::vector<fs::path> files = FilesIn(path() + "/journal");
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
      const uint64_t first = std::stoull(file->stem().string());
      if (first > lsn) continue;
      Overwrite(*file, 64 + lsn - first + 6, "damage");
      return;
    }
  }
  std::string repaired() const { return directory_.path() + "/repaired"; }

  RepairReport Repair(std::vector<uint64_t>* lost = nullptr) {
    const auto report = RepairLedger(path(), repaired(), [&](const JournalEntry& entry) {
      if (lost != nullptr) lost->push_back(entry.sequence);
    });
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) return {};
    const auto ledger = Ledger::Open(repaired());
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    if (ledger.ok()) {
      EXPECT_EQ((*ledger)->Verify()->fault, "");
      EXPECT_EQ((*ledger)->Get("acc")->balance, static_cast<int64_t>(report->sequence));
    }
    return *report;
  }

  uint64_t paid_ = 1;
  Stats at_checkpoint_;
  Stats at_end_;
  std::vector<JournalEntry> entries_;
};

TEST_F(RepairTest, WithoutDamage_SaysSo) {
  const auto report = RepairLedger(path(), "");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->needed);
  EXPECT_EQ(report->damages, std::vector<std::string>{});
  EXPECT_EQ(report->sequence, at_end_.sequence);
  EXPECT_EQ(report->lost_entries, 0u);
  EXPECT_EQ(RepairLedger(path(), repaired()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RepairTest, ADamagedEntryBelowTheCheckpoint_CostsHistoryOnly) {
  HurtEntry(30);
  EXPECT_EQ(Ledger::OpenReadOnly(path()).value()->Verify()->ok(), false);
  const RepairReport report = Repair();
  EXPECT_EQ(report.sequence, at_end_.sequence);
  EXPECT_EQ(report.lost_entries, 0u);
  EXPECT_EQ(report.begins_with, "the state at LSN " + std::to_string(at_checkpoint_.checkpoint_lsn));
  EXPECT_EQ(report.floor_lsn, entries_[30].lsn - 64) << "what is whole behind the damage is kept as history";
  EXPECT_EQ(report.damages.size(), 1u);
}

TEST_F(RepairTest, ADamagedEntryAboveTheCheckpoint_LosesWhatFollowsAndNamesIt) {
  HurtEntry(80);
  EXPECT_EQ(Ledger::Open(path(), options_).status().code(), absl::StatusCode::kDataLoss);
  std::vector<uint64_t> lost;
  const RepairReport report = Repair(&lost);
  EXPECT_EQ(report.sequence, 79u);
  EXPECT_EQ(report.lost_entries, 21u);
  EXPECT_EQ(report.readable_entries, 20u);
  ASSERT_EQ(lost.size(), 20u);
  EXPECT_EQ(lost.front(), 81u);
  EXPECT_EQ(lost.back(), 100u);
  EXPECT_EQ(report.floor_lsn, 0u);
}

TEST_F(RepairTest, ADamagedState_LosesNothing) {
  Overwrite(path() + "/state/data.mdb", 0, std::string(16384, 'x'));
  const RepairReport report = Repair();
  EXPECT_EQ(report.sequence, at_end_.sequence);
  EXPECT_EQ(report.lost_entries, 0u);
  EXPECT_EQ(report.begins_with, "the journal from its beginning");
  // A rebuild does the same in place, without a new epoch.
  ASSERT_TRUE(RebuildLedger(path()).ok());
  Open();
  EXPECT_EQ(Balance("acc"), 100);
}

TEST_F(RepairTest, AMissingSegment_BelowTheCheckpoint) {
  fs::remove(FilesIn(path() + "/journal")[0]);
  const RepairReport report = Repair();
  EXPECT_EQ(report.sequence, at_end_.sequence);
  EXPECT_EQ(report.lost_entries, 0u);
}

TEST_F(RepairTest, ALostManifest_IsReadOffTheSegments) {
  fs::remove(path() + "/MANIFEST");
  const RepairReport report = Repair();
  EXPECT_EQ(report.sequence, at_end_.sequence);
  EXPECT_EQ(report.lost_entries, 0u);
  EXPECT_EQ(Ledger::OpenReadOnly(repaired()).value()->GetStats()->uuid, at_end_.uuid);
}

TEST_F(RepairTest, ATornTail_NeedsNone) {
  const fs::path last = FilesIn(path() + "/journal").back();
  const uint64_t first = std::stoull(last.stem().string());
  Overwrite(last, 64 + at_end_.durable_lsn - first, "half a frame");
  const auto report = RepairLedger(path(), "");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->needed);
  ASSERT_EQ(report->damages.size(), 1u);
  EXPECT_THAT(report->damages[0], HasSubstr("torn tail"));
}

// A damaged last frame looks like a tear, but what was published as durable tells.
TEST_F(RepairTest, ADamagedLastFrame_IsNotTakenForATornTail) {
  HurtEntry(100);
  const auto report = RepairLedger(path(), "");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->needed);
  EXPECT_EQ(report->sequence, 99u);
}

TEST_F(RepairTest, NothingIsChangedInTheDamagedLedger) {
  HurtEntry(80);
  const auto picture = [&] {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(path())) {
      if (!entry.is_regular_file() || entry.path().filename() == "lock.mdb") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files[entry.path().string()] = std::string(std::istreambuf_iterator<char>(in), {});
    }
    return files;
  };
  const auto before = picture();
  Repair();
  EXPECT_EQ(picture(), before);
}

TEST_F(RepairTest, Refuses) {
  Open();
  EXPECT_EQ(RepairLedger(path(), "").status().code(), absl::StatusCode::kUnavailable) << "it is open";
  ledger_.reset();
  EXPECT_EQ(RepairLedger(directory_.path() + "/nothing", "").status().code(), absl::StatusCode::kNotFound);
  HurtEntry(80);
  Repair();
  EXPECT_EQ(RepairLedger(path(), repaired()).status().code(), absl::StatusCode::kAlreadyExists);
}

}  // namespace
}  // namespace semel::testing
