// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What verify and open say of damaged files: the first fault, or a refusal; never wrong data, never a crash.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

class DamagedLedger : public LedgerTest {
 protected:
  void SetUp() override {
    options_.segment_bytes = 4 << 10;  // several segments
    options_.create_if_missing = true;
    Open();
    for (int i = 0; i < 60; ++i) Do(Transfer("T-" + std::to_string(i), "a", "b" + std::to_string(i % 7), 1 + i));
    ASSERT_TRUE(ledger_->Close().ok());
    ledger_.reset();
  }

  std::vector<std::string> Segments() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path() + "/journal")) {
      if (entry.path().extension() == ".log") names.push_back(entry.path());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  static void Flip(const std::string& file, uint64_t offset, char bits) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(offset);
    char byte = 0;
    stream.get(byte);
    byte = static_cast<char>(byte ^ bits);
    stream.seekp(offset);
    stream.put(byte);
  }
  // Where the first byte other than zero lies, looking back from the end.
  static uint64_t DataEnd(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    return bytes.find_last_not_of('\0') + 1;
  }
};

TEST_F(DamagedLedger, UndamagedVerifiesWithFigures) {
  Open();
  auto report = ledger_->Verify();
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->ok()) << report->fault;
  EXPECT_EQ(report->entries, 60u);
  EXPECT_EQ(report->effects, 180u);
  EXPECT_EQ(report->balanced_changes, 60u);
  EXPECT_EQ(report->entities, 68u);
  EXPECT_GE(report->segments, 2u);
}

// Any byte of any segment's data: verify names it, or open refuses already.
TEST_F(DamagedLedger, FlippedByteInTheJournalIsFound) {
  Random random(TestSeed());
  const std::vector<std::string> segments = Segments();
  ASSERT_GE(segments.size(), 2u);
  int refused = 0;
  int found = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string& segment = segments[random.Below(segments.size())];
    const uint64_t offset = random.Below(DataEnd(segment));
    const char bits = static_cast<char>(1 << random.Below(8));
    Flip(segment, offset, bits);
    auto opened = Ledger::OpenReadOnly(path());
    if (!opened.ok()) {
      EXPECT_TRUE(absl::IsDataLoss(opened.status()) || absl::IsFailedPrecondition(opened.status())) << opened.status();
      ++refused;
    } else {
      auto report = (*opened)->Verify();
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_FALSE(report->ok()) << segment << " offset " << offset;
      ++found;
    }
    opened = absl::UnknownError("");
    Flip(segment, offset, bits);
  }
  EXPECT_GT(found, 200);
  std::printf("300 flips: %d refused at open, %d named by verify\n", refused, found);
  Open();
}

TEST_F(DamagedLedger, ManifestThatIsTooLongIsDataLoss) {
  std::ofstream(path() + "/MANIFEST", std::ios::app) << std::string(5000, 'x');
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
}

TEST_F(DamagedLedger, MissingSegmentIsDataLossAtOpen) {
  const std::vector<std::string> segments = Segments();
  ASSERT_GE(segments.size(), 3u);
  std::filesystem::rename(segments[1], path() + "/aside");
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
  EXPECT_TRUE(absl::IsDataLoss(Ledger::OpenReadOnly(path()).status()));
  std::filesystem::rename(path() + "/aside", segments[1]);
  Open();
}

TEST_F(DamagedLedger, TruncatedSegmentIsFound) {
  const std::vector<std::string> segments = Segments();
  const uint64_t size = std::filesystem::file_size(segments[0]);
  std::filesystem::copy_file(segments[0], path() + "/aside");
  std::filesystem::resize_file(segments[0], size / 2);
  if (auto opened = Ledger::OpenReadOnly(path()); opened.ok()) {
    EXPECT_FALSE((*opened)->Verify()->ok());
    // Reading the lost part is an error, not a crash.
    EXPECT_FALSE((*opened)->History("a", {.limit = 0}).ok());
  } else {
    EXPECT_TRUE(absl::IsDataLoss(opened.status())) << opened.status();
  }
  std::filesystem::rename(path() + "/aside", segments[0]);
  Open();
}

// The state of another moment: its records are right, each for itself, but they are not what the journal says.
TEST_F(DamagedLedger, StateThatIsNotTheJournalsIsFound) {
  const std::string state = path() + "/state/data.mdb";
  std::filesystem::copy_file(state, path() + "/aside");
  Open();
  Do(AddAt("more", "a", Version("a"), 5));
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  std::filesystem::rename(path() + "/aside", state);
  Open();  // an older checkpoint is fine: the journal is redone
  EXPECT_EQ(Version("a"), 61u);
}

TEST_F(DamagedLedger, StateOfBeforeATrimIsDataLoss) {
  const std::string state = path() + "/state/data.mdb";
  std::filesystem::copy_file(state, path() + "/aside");
  Open();
  Fill("a", 50);
  TrimOptions trim;
  trim.keep_bytes = 1000;
  ASSERT_TRUE(ledger_->Trim(trim).ok());
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();
  std::filesystem::rename(path() + "/aside", state);
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
  EXPECT_TRUE(absl::IsDataLoss(Ledger::OpenReadOnly(path()).status()));
  ASSERT_TRUE(RebuildLedger(path()).ok());
  Open();
  EXPECT_EQ(Version("a"), 110u);
}

// What was never acknowledged may be cut off; what was sealed or lies before the checkpoint may not.
TEST_F(DamagedLedger, TornLastFrameIsReportedAndCut) {
  Open();
  Do(AddAt("last-1", "z", 0, 1));
  Do(AddAt("last-2", "z", 1, 1));
  ledger_.reset();
  Flip(Segments().back(), DataEnd(Segments().back()) - 1, 0x10);
  std::filesystem::remove(path() + "/DURABLE");  // nobody was told of it
  std::string log;
  options_.log = [&](std::string_view line) { log += line; };
  Open();
  EXPECT_NE(log, "");
  EXPECT_EQ(Version("z"), 1u);
  EXPECT_EQ(Say(AddAt("last-2", "z", 1, 1)), "APPLIED");
}

// What DURABLE says was acknowledged; an end before it is no torn tail, whether or not something is left of the frames.
TEST_F(DamagedLedger, AcknowledgedFrameThatIsMissingOrDamagedAtTheEndIsDataLossAndNothingIsCut) {
  Open();
  for (int i = 0; i < 3; ++i) Do(AddAt("last-" + std::to_string(i), "z", i, 1));
  const uint64_t lsn = ledger_->History("z", {.limit = 1})->back().lsn;
  ledger_.reset();
  const std::string segment = Segments().back();
  // The entry stands behind its frame's header, as long as that of a segment.
  const uint64_t frame = lsn - std::stoull(std::filesystem::path(segment).stem());
  const auto read = [&segment] {
    std::ifstream stream(segment, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(stream)), {});
  };
  const std::string whole = read();
  ASSERT_NE(whole[frame], '\0');
  std::string without = whole;
  without.replace(frame, std::string::npos, whole.size() - frame, '\0');
  std::string damaged = whole;
  damaged[frame + 70] ^= 1;
  for (const std::string& bytes : {without, damaged}) {
    std::ofstream(segment, std::ios::binary) << bytes;
    EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
    EXPECT_TRUE(absl::IsDataLoss(RebuildLedger(path()).status()));
    EXPECT_TRUE(absl::IsDataLoss(Ledger::OpenReadOnly(path()).status()));
    EXPECT_EQ(read(), bytes);
  }
  std::ofstream(segment, std::ios::binary) << whole;
  Open();
  EXPECT_EQ(Version("z"), 3u);
}

TEST_F(DamagedLedger, BadFrameBeforeAValidOneIsDataLossAndNothingIsCut) {
  Open();
  for (int i = 0; i < 3; ++i) Do(AddAt("last-" + std::to_string(i), "z", i, 1));
  const uint64_t lsn = ledger_->History("z", {.limit = 2})->back().lsn;  // of the frame before the last
  ledger_.reset();
  const std::string segment = Segments().back();
  const uint64_t first = std::stoull(std::filesystem::path(segment).stem());
  ASSERT_GE(lsn, first);
  Flip(segment, 64 + lsn - first + 10, 0x01);
  std::ifstream before(segment, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(before)), {});
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
  std::ifstream after(segment, std::ios::binary);
  EXPECT_EQ(bytes, std::string((std::istreambuf_iterator<char>(after)), {}));
  Flip(segment, 64 + lsn - first + 10, 0x01);
  Open();
  EXPECT_EQ(Version("z"), 3u);
}

}  // namespace
}  // namespace semel::testing
