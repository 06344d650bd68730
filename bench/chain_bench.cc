// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What does an account's own past cost to consult, 1, 1000 and 1,000,000 changes back? Redeliveries of old changes
// (batches of 1000, each answered kDuplicate with its original result) and reads as of an old version, on one account
// with a long history, with the journal in the cache.

#include <algorithm>
#include <memory>
#include <vector>

#include "bench/setup.h"
#include "benchmark/benchmark.h"
#include "engine/base/checksum.h"

namespace semel::bench {
namespace {

constexpr size_t kLoadBatch = 8000;
constexpr uint64_t kRedelivered = 1000;

// Version v was made by change v.
Change ChangeThatMade(uint64_t version) {
  Change change(ChangeId(version));
  change.AddUpdate(AccountKey(0)).ExpectVersion(version - 1).Add(1);
  return change;
}

// A ledger with one account of `depth()` + kRedelivered versions.
class LongHistory {
 public:
  LongHistory() {
    Options options;
    options.journal_cache_bytes = size_t{1} << 30;
    ledger_ = OpenNewLedger(scratch_.path() + "/ledger", options);
    while (version_ < depth() + kRedelivered) {
      std::vector<Change> batch;
      while (batch.size() < kLoadBatch) batch.push_back(ChangeThatMade(++version_));
      CheckAll(ledger_->ApplyBatch(batch), OutcomeCode::kApplied);
    }
  }

  static uint64_t depth() { return Smoke() ? 2000 : 1000000; }
  Ledger* ledger() const { return ledger_.get(); }
  uint64_t version() const { return version_; }

 private:
  const Scratch scratch_;
  std::unique_ptr<Ledger> ledger_;
  uint64_t version_ = 0;
};

LongHistory* history = nullptr;

// The version that lies `back` before the newest.
uint64_t VersionBack(int64_t back) { return history->version() - static_cast<uint64_t>(back); }

void Redeliver(benchmark::State& state) {
  std::vector<Change> batch;
  for (uint64_t i = 0; i < kRedelivered; ++i) {
    // Around the depth asked for, and never the newest, which the account itself remembers.
    const uint64_t newest = VersionBack(state.range(0));
    batch.push_back(ChangeThatMade(newest - internal::MixSeed(1, i) % std::min(newest, kRedelivered)));
  }
  for (auto _ : state) CheckAll(history->ledger()->ApplyBatch(batch), OutcomeCode::kDuplicate);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch.size()));
}

void RedeliverOne(benchmark::State& state) {
  const std::vector<Change> batch = {ChangeThatMade(VersionBack(state.range(0)))};
  for (auto _ : state) CheckAll(history->ledger()->ApplyBatch(batch), OutcomeCode::kDuplicate);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

void GetAsOfVersion(benchmark::State& state) {
  const uint64_t version = VersionBack(state.range(0));
  for (auto _ : state) SEMEL_CHECK(history->ledger()->Get(AccountKey(0), AsOf::Version(version))->version == version);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  semel::bench::LongHistory history;
  semel::bench::history = &history;
  for (const int64_t back : {int64_t{1}, int64_t{1000}, static_cast<int64_t>(semel::bench::LongHistory::depth())}) {
    benchmark::RegisterBenchmark("redeliver", semel::bench::Redeliver)->ArgName("back")->Arg(back)->UseRealTime();
    benchmark::RegisterBenchmark("redeliver_one", semel::bench::RedeliverOne)
        ->ArgName("back")
        ->Arg(back)
        ->UseRealTime();
    benchmark::RegisterBenchmark("get_as_of_version", semel::bench::GetAsOfVersion)
        ->ArgName("back")
        ->Arg(back)
        ->UseRealTime();
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
