// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/determinism/run_digest.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/checksum.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

constexpr int kSteps = 60;

// Each draw stands in a statement of its own: compilers evaluate arguments in different orders.
class RandomLife {
 public:
  explicit RandomLife(uint64_t seed) : random_(seed) { Open(); }

  void Run() {
    for (int step = 0; step < kSteps; ++step) Step();
  }

  // The digest of the state, once everything is in it.
  std::string Finish() {
    EXPECT_TRUE(ledger_->Checkpoint().ok());
    const std::string digest = ledger_->GetStats()->state_digest;
    const auto report = ledger_->Verify();
    EXPECT_TRUE(report.ok() && report->ok()) << report.status();
    EXPECT_TRUE(ledger_->Close().ok());
    return digest;
  }

  uint64_t JournalHash() {
    std::string bytes;
    const auto names = disk_.files.List("/ledger/journal");
    EXPECT_TRUE(names.ok());
    for (const std::string& name : *names) {
      bytes += name + *internal::ReadWholeFile(&disk_.files, "/ledger/journal/" + name, 64 << 20);
    }
    return internal::Checksum64(bytes, 0);
  }
  uint64_t AnswersHash() const { return internal::Checksum64(answers_, 0); }

 private:
  void Open() {
    Options options;
    options.parking = true;
    options.max_dirty_bytes = 8 << 10;  // several checkpoints on the way
    auto opened = OpenSim(&disk_, options);
    EXPECT_TRUE(opened.ok()) << opened.status();
    ledger_ = *std::move(opened);
  }

  void Step() {
    switch (random_.Below(20)) {
      case 0:
        ledger_.reset();  // as a killed process leaves it
        return Open();
      case 1:
        return Trim();
      case 2:
        return Retry();
      case 3:
        return Retire();
      default:
        return ApplyBatch();
    }
  }

  void ApplyBatch() {
    std::vector<Change> batch;
    for (uint64_t n = random_.Between(1, 10); n > 0; --n) batch.push_back(NextChange());
    const auto outcomes = ledger_->ApplyBatch(batch);
    EXPECT_TRUE(outcomes.ok()) << outcomes.status();
    for (size_t i = 0; i < batch.size(); ++i) answers_ += ToJson(batch[i], (*outcomes)[i]);
  }

  Change NextChange() {
    if (!sent_.empty() && random_.OneIn(4)) return sent_[random_.Below(sent_.size())];
    Change change("change-" + std::to_string(sent_.size()));
    const uint64_t updates = random_.Between(1, 3);
    for (uint64_t u = 0; u < updates; ++u) AddUpdate(&change, u);
    if (random_.OneIn(3)) AddSource(&change);
    sent_.push_back(change);
    return change;
  }

  // Each update has keys of its own, so that none stands in a change twice.
  void AddUpdate(Change* change, uint64_t number) {
    const bool is_old = random_.OneIn(6);
    const std::string key = absl::StrCat(is_old ? "old/" : "key/", random_.Below(is_old ? 3 : 12), "/", number);
    const auto entity = ledger_->Get(key);
    const uint64_t version = entity.ok() ? entity->version : 0;
    const uint64_t ahead = random_.OneIn(5) ? 1 : 0;
    Update& update = change->AddUpdate(key);
    if (random_.OneIn(8)) {
      const uint64_t stamp = random_.Below(100);
      update.Newer(stamp).Put("stamped");
      return;
    }
    update.ExpectVersion(version + ahead);
    const uint64_t action = random_.Below(10);
    if (action == 0) {
      update.Delete();
    } else if (action == 1) {
      Policy policy;
      policy.min_balance = -Amount(random_.Below(50));
      update.SetPolicy(std::move(policy));
    } else if (action < 5) {
      const size_t size = random_.Below(200);
      update.Put(random_.Bytes(size));
    } else {
      update.Add(Amount(random_.Below(1000)) - 400);
    }
  }

  void AddSource(Change* change) {
    const uint64_t source = random_.Below(4);
    change->source.emplace();
    change->source->name = absl::StrCat("source-", source);
    change->source->position = ++positions_[source];
    if (source == 3) change->source->window = 20;
    if (source == 3 && random_.OneIn(3)) change->source->position += random_.Below(5);
  }

  void Trim() {
    TrimOptions options;
    options.keep_bytes = random_.Between(1000, 20000);
    EXPECT_TRUE(ledger_->Trim(options).ok());
  }

  void Retry() {
    const auto letters = ledger_->ListDeadLetters();
    EXPECT_TRUE(letters.ok()) << letters.status();
    if (letters->empty()) return;
    const uint64_t sequence = (*letters)[random_.Below(letters->size())].sequence;
    const auto outcome = ledger_->RetryDeadLetter(sequence);
    if (outcome.ok()) absl::StrAppend(&answers_, sequence, ": ", static_cast<int>(outcome->code), "\n");
  }

  void Retire() {
    const auto retired = ledger_->Retire(absl::StrCat("old/", random_.Below(3), "/"));
    EXPECT_TRUE(retired.ok() || absl::IsFailedPrecondition(retired.status())) << retired.status();  // has a balance
    absl::StrAppend(&answers_, "retired: ", retired.ok() ? retired->erased : 0, "\n");
  }

  Random random_;
  SimDisk disk_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<Change> sent_;
  uint64_t positions_[4] = {};
  std::string answers_;
};

}  // namespace

std::string RunDigest(uint64_t seed) {
  RandomLife life(seed);
  life.Run();
  const std::string state = life.Finish();
  return absl::StrFormat("%d %016x %016x %s", seed, life.JournalHash(), life.AnswersHash(), state);
}

}  // namespace semel::testing
