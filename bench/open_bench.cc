// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How long does it take to open a ledger, after a crash that left a million entries beyond the last checkpoint, and
// after a clean close? 100,000 accounts. Items are the entries redone.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

uint64_t Entries() { return Smoke() ? 1000 : 1'000'000; }

// Leaves a ledger of so many entries, none of them in the state unless it is closed.
void Make(const std::string& directory, bool close) {
  const std::unique_ptr<Ledger> ledger = OpenNewLedger(directory);
  Workload workload;
  workload.entities = Entries() / 10;
  Producer producer(workload);
  CreateAccounts(ledger.get(), &producer);
  std::vector<Change> batch;
  for (uint64_t entries = workload.entities; entries < Entries(); entries += batch.size()) {
    producer.NextBatch(std::min<uint64_t>(8000, Entries() - entries), &batch);
    CheckAll(ledger->ApplyBatch(batch), OutcomeCode::kApplied);
  }
  SEMEL_CHECK(ledger->GetStats()->checkpoints == 0);
  if (close) MustBeOk(ledger->Close());
}

void Open(benchmark::State& state, bool closed) {
  const Scratch scratch;
  const std::string directory = scratch.path() + "/ledger";
  Make(directory, closed);
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    const std::unique_ptr<Ledger> ledger = Must(Ledger::Open(directory));
    state.SetIterationTime(SecondsSince(start));
    SEMEL_CHECK(ledger->GetStats()->sequence == Entries());
    if (closed) MustBeOk(ledger->Close());
  }
  if (!closed) state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * Entries()));
}

void AfterCrash(benchmark::State& state) { Open(state, false); }
void AfterClose(benchmark::State& state) { Open(state, true); }
BENCHMARK(AfterCrash)->Name("after_crash")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(AfterClose)->Name("after_close")->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace semel::bench

BENCHMARK_MAIN();
