// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What does a long journal cost? One of 10 million entries (--entries=N for another number) over a hundredth as many
// accounts: opening it, the redelivery of random old changes in batches of 1000, and the newest and oldest ten lines of
// an account's history, with a journal cache that holds little of it. Counters of `open`: what loading made: changes a
// second, bytes of journal and bytes that reached the disk (by whichever process) per change, memory of the process.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bench/setup.h"
#include "benchmark/benchmark.h"
#include "engine/base/checksum.h"

namespace semel::bench {
namespace {

constexpr uint64_t kVersions = 100;  // of each account

uint64_t entries = 10'000'000;

uint64_t Accounts() { return entries / kVersions; }

// The change that made the entry; rounds over all accounts, in an order that is not that of the keys.
Change ChangeOf(uint64_t number) {
  Change change(ChangeId(number));
  const uint64_t account = number % Accounts() * 7919 % Accounts();
  change.AddUpdate(AccountKey(account)).ExpectVersion(number / Accounts()).Add(1);
  return change;
}

class LongJournal {
 public:
  LongJournal() {
    constexpr uint64_t kBatch = 8000;
    const auto start = std::chrono::steady_clock::now();
    const uint64_t written_before = DeviceBytesWritten(scratch_.path());
    ledger_ = OpenNewLedger(directory());
    std::vector<Change> batch;
    for (uint64_t number = 0; number < entries; ++number) {
      batch.push_back(ChangeOf(number));
      if (batch.size() < kBatch && number + 1 < entries) continue;
      CheckAll(ledger_->ApplyBatch(batch), OutcomeCode::kApplied);
      batch.clear();
    }
    journal_bytes_ = Must(ledger_->GetStats()).durable_lsn;
    MustBeOk(ledger_->Close());
    loaded_per_second_ = static_cast<double>(entries) / SecondsSince(start);
    disk_bytes_ = DeviceBytesWritten(scratch_.path()) - written_before;
    ledger_.reset();
    ledger_ = Must(Ledger::Open(directory()));
  }

  Ledger* ledger() const { return ledger_.get(); }

  // Returns the seconds that opening took.
  double Reopen() {
    MustBeOk(ledger_->Close());
    ledger_.reset();
    const auto start = std::chrono::steady_clock::now();
    ledger_ = Must(Ledger::Open(directory()));
    return SecondsSince(start);
  }

  void Count(benchmark::State& state) const {
    rusage usage;
    SEMEL_CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    const auto changes = static_cast<double>(entries);
    state.counters["entries"] = changes;
    state.counters["loaded_per_second"] = loaded_per_second_;
    state.counters["journal_bytes_per_change"] = static_cast<double>(journal_bytes_) / changes;
    state.counters["disk_bytes_per_change"] = static_cast<double>(disk_bytes_) / changes;
    state.counters["memory_bytes"] = static_cast<double>(usage.ru_maxrss) * 1024;  // the most it ever had
  }

 private:
  std::string directory() const { return scratch_.path() + "/ledger"; }

  const Scratch scratch_;
  std::unique_ptr<Ledger> ledger_;
  uint64_t journal_bytes_ = 0;
  uint64_t disk_bytes_ = 0;
  double loaded_per_second_ = 0;
};

void Open(benchmark::State& state, LongJournal* journal) {
  for (auto _ : state) state.SetIterationTime(journal->Reopen());
  journal->Count(state);
}

void Redeliver(benchmark::State& state, LongJournal* journal) {
  constexpr size_t kBatch = 1000;
  uint64_t random = 1;
  std::vector<Change> batch(kBatch);
  for (auto _ : state) {
    for (Change& change : batch) change = ChangeOf((random = internal::MixSeed(1, random)) % entries);
    const auto start = std::chrono::steady_clock::now();
    CheckAll(journal->ledger()->ApplyBatch(batch), OutcomeCode::kDuplicate);
    state.SetIterationTime(SecondsSince(start));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBatch));
}

void History(benchmark::State& state, LongJournal* journal, bool oldest_first) {
  uint64_t random = 1;
  HistoryOptions options;
  options.limit = 10;
  options.oldest_first = oldest_first;
  for (auto _ : state) {
    random = internal::MixSeed(1, random);
    SEMEL_CHECK(Must(journal->ledger()->History(AccountKey(random % Accounts()), options)).size() == options.limit);
  }
}

// Takes --entries=N out of the arguments.
void ReadEntries(int* argc, char** argv) {
  constexpr char kFlag[] = "--entries=";
  if (Smoke()) entries = 10'000;
  for (int i = 1; i < *argc; ++i) {
    if (std::strncmp(argv[i], kFlag, sizeof kFlag - 1) != 0) continue;
    entries = std::strtoull(argv[i] + sizeof kFlag - 1, nullptr, 10);
    std::copy(argv + i + 1, argv + *argc, argv + i);
    --*argc;
    return;
  }
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  using namespace semel::bench;  // NOLINT
  ReadEntries(&argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  LongJournal journal;
  benchmark::RegisterBenchmark("open", Open, &journal)->UseManualTime()->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("redeliver_1000", Redeliver, &journal)->UseManualTime()->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("history_newest", History, &journal, false)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("history_oldest", History, &journal, true)->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
