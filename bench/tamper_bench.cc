// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What does tamper evidence cost? Durable compare-and-sets on 100,000 accounts in batches of 1, 100 and 8000, into a
// ledger whose frames carry the SHA-256 hash of the history before them, beside one whose frames do not. Only the
// applying is timed.

#include <chrono>
#include <memory>
#include <vector>

#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

void Apply(benchmark::State& state, bool tamper_evident) {
  const Scratch scratch;
  Options options;
  options.tamper_evident = tamper_evident;
  const std::unique_ptr<Ledger> ledger = OpenNewLedger(scratch.path() + "/ledger", options);
  Workload workload;
  workload.entities = Smoke() ? 100 : 100'000;
  Producer producer(workload);
  CreateAccounts(ledger.get(), &producer);
  const auto batch = static_cast<size_t>(state.range(0));
  std::vector<Change> changes;
  for (auto _ : state) {
    producer.NextBatch(batch, &changes);
    const auto start = std::chrono::steady_clock::now();
    CheckAll(ledger->ApplyBatch(changes), OutcomeCode::kApplied);
    state.SetIterationTime(SecondsSince(start));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch));
}

void Plain(benchmark::State& state) { Apply(state, false); }
void TamperEvident(benchmark::State& state) { Apply(state, true); }

BENCHMARK(Plain)->Name("plain")->ArgName("batch")->Arg(1)->Arg(100)->Arg(8000)->UseManualTime()->Unit(
    benchmark::kMicrosecond);
BENCHMARK(TamperEvident)
    ->Name("tamper_evident")
    ->ArgName("batch")
    ->Arg(1)
    ->Arg(100)
    ->Arg(8000)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace semel::bench

BENCHMARK_MAIN();
