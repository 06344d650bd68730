// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What does a prior balance cost as a precondition, on an account with a long history? Before it may hold, the whole
// past is searched for the change's id (balance_lookback permitting); `since` says where the search may stop; a version
// needs no search. Batches of 100 changes of one account, each expecting what the one before it left; the journal is in
// the cache, so that the search is what is measured.

#include <memory>
#include <vector>

#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

constexpr uint64_t kBatch = 100;

enum class Precondition { kBalance, kBalanceSince, kVersion };

// An account of a given depth, with balance = version.
class Account {
 public:
  explicit Account(uint64_t depth) {
    Options options;
    options.journal_cache_bytes = size_t{1} << 30;
    options.balance_lookback = UINT32_MAX;
    ledger_ = OpenNewLedger(scratch_.path() + "/ledger", options);
    while (version_ < depth) {
      std::vector<Change> batch;
      while (batch.size() < 8000 && version_ < depth) batch.push_back(Next(Precondition::kVersion));
      CheckAll(ledger_->ApplyBatch(batch), OutcomeCode::kApplied);
    }
  }

  Change Next(Precondition precondition) {
    Change change(ChangeId(version_));
    Update& update = change.AddUpdate(AccountKey(0)).Add(1);
    if (precondition == Precondition::kVersion) {
      update.ExpectVersion(version_);
    } else {
      update.ExpectBalance(static_cast<Amount>(version_));
    }
    if (precondition == Precondition::kBalanceSince) update.Since(version_ - std::min<uint64_t>(version_, 10));
    ++version_;
    return change;
  }

  Ledger* ledger() const { return ledger_.get(); }

 private:
  const Scratch scratch_;
  std::unique_ptr<Ledger> ledger_;
  uint64_t version_ = 0;
};

void Apply(benchmark::State& state, Precondition precondition) {
  Account account(static_cast<uint64_t>(state.range(0)));
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Change> batch;
    for (uint64_t i = 0; i < kBatch; ++i) batch.push_back(account.Next(precondition));
    state.ResumeTiming();
    CheckAll(account.ledger()->ApplyBatch(batch), OutcomeCode::kApplied);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBatch));
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  using semel::bench::Precondition;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const std::pair<const char*, Precondition> preconditions[] = {
      {"expect_balance", Precondition::kBalance},
      {"expect_balance_since_10", Precondition::kBalanceSince},
      {"expect_version", Precondition::kVersion}};
  for (const int64_t depth : {10, 100, 1000, 4000}) {
    for (const auto& [name, precondition] : preconditions) {
      benchmark::RegisterBenchmark(name, semel::bench::Apply, precondition)
          ->ArgName("depth")
          ->Arg(semel::bench::Smoke() ? 10 : depth)
          ->Iterations(semel::bench::Smoke() ? 1 : 5)
          ->UseRealTime();
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
