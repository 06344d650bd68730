// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/damage/subject.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/show_ledger.h"
#include "tests/ledger/still_world.h"
#include "tests/ledger/story.h"

namespace semel::testing {
namespace {

constexpr char kDurable[] = "DURABLE";

Options Creating(Options options) {
  options.create_if_missing = true;
  return options;
}

// The life of a subject, from its creation on.
class Life {
 public:
  explicit Life(const std::string& uuid) : ledger_(OpenStill(path(), Creating(SubjectOptions()), uuid)) {}

  Ledger* ledger() { return ledger_.get(); }

  void Tell(const std::string& salt) {
    for (Change& change : TellStory(ledger(), salt)) subject_.input.push_back(std::move(change));
  }
  // Frames of several entries.
  void ApplyBatches(const std::string& salt, int count, size_t value_bytes) {
    for (int b = 0; b < count; ++b) {
      std::vector<Change> batch;
      for (int i = 0; i < 5; ++i) {
        const std::string id = absl::StrCat("batch-", salt, "-", b, "-", i);
        batch.push_back(
            PutAt(id, absl::StrCat("hot/", salt, i), b, std::string(value_bytes, static_cast<char>('a' + i))));
      }
      const auto outcomes = ledger_->ApplyBatch(batch);
      EXPECT_TRUE(outcomes.ok()) << outcomes.status();
      for (Change& change : batch) subject_.input.push_back(std::move(change));
    }
  }
  void Trim(uint64_t before_lsn) {
    TrimOptions options;
    options.before_lsn = before_lsn;
    const auto trimmed = ledger_->Trim(options);
    EXPECT_TRUE(trimmed.ok()) << trimmed.status();
    EXPECT_GT(trimmed->removed_segments, 0u);
  }
  uint64_t End() { return ledger_->GetStats()->durable_lsn; }
  void Remember() { subject_.older.push_back(ReadImage(path())); }

  Subject Close() {
    EXPECT_TRUE(ledger_->Close().ok());
    return Kill();
  }
  Subject Kill() {
    ledger_.reset();
    subject_.files = ReadImage(path());
    return std::move(subject_);
  }

 private:
  std::string path() const { return directory_.path() + "/ledger"; }

  TempDirectory directory_;
  std::unique_ptr<Ledger> ledger_;
  Subject subject_;
};

Subject LiveUpTo(SubjectKind kind) {
  const bool trimmed = kind == SubjectKind::kTrimmed || kind == SubjectKind::kTrimmedKilled;
  Life life("uuid of subjects");
  life.Tell("a");
  life.Remember();
  EXPECT_TRUE(life.ledger()->Checkpoint().ok());
  life.ApplyBatches("a", 10, 30);
  if (trimmed) {
    const uint64_t middle = life.End();
    life.Tell("b");
    life.Remember();
    life.Trim(middle / 2);
    life.ApplyBatches("b", 3, 700);
    EXPECT_TRUE(life.ledger()->Checkpoint().ok());
    life.Trim(middle);
  }
  life.Remember();
  life.Tell("c");
  EXPECT_TRUE(life.ledger()->Checkpoint().ok());
  life.ApplyBatches("c", 3, 2000);
  EXPECT_TRUE(life.ledger()->Checkpoint().ok());
  life.Tell("d");  // at its end it makes a checkpoint
  life.ApplyBatches("d", 5, 150);
  life.Remember();
  life.ApplyBatches("e", 3, 20);
  life.Remember();
  // Larger than whatever is damaged at once, so that something is left of it.
  if (kind == SubjectKind::kPowerLost) life.ApplyBatches("last", 1, 2000);
  return kind == SubjectKind::kClosed || kind == SubjectKind::kTrimmed ? life.Close() : life.Kill();
}

// Opens files with the clock standing still and takes down what they show.
template <typename Take>
void Open(const FileImage& files, const Take& take) {
  const TempDirectory directory;
  WriteImage(files, directory.path());
  const auto opened = Ledger::Open(directory.path(), SubjectOptions());
  ASSERT_TRUE(opened.ok()) << opened.status();
  const auto report = (*opened)->Verify();
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->fault, "");
  take(opened->get());
}

}  // namespace

Options SubjectOptions() {
  Options options;
  options.segment_bytes = 4 << 10;
  options.state_map_bytes = 16 << 20;
  options.cache_bytes = 1 << 20;
  options.journal_cache_bytes = 1 << 20;
  return options;
}

Subject MakeSubject(SubjectKind kind) {
  Subject subject = LiveUpTo(kind);
  Life other("another's uuid..");
  other.Tell("a");
  subject.other = other.Close().files;
  if (kind == SubjectKind::kPowerLost) {
    subject.before_last_frame = subject.older.back();
    subject.files[kDurable] = subject.before_last_frame.at(kDurable);
    Open(subject.before_last_frame,
         [&](Ledger* ledger) { subject.shown_without_last_frame = ShowAll(ledger).value(); });
  }
  Open(subject.files, [&](Ledger* ledger) {
    subject.shown = ShowAll(ledger).value();
    subject.answers = Redeliver(ledger, subject.input).value();
    EXPECT_EQ(ShowAll(ledger).value(), subject.shown);
    subject.entities = ShowEntities(ledger).value();
  });
  return subject;
}

}  // namespace semel::testing
