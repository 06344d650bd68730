// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What do changes cost that move several accounts? Batches of 1000 changes of 1, 2, 4 and 16 compare-and-sets each; and
// transfers in batches of 1, 100 and 1000: a document that must not exist yet, and two accounts that are added to
// without a precondition, balanced. 100,000 accounts.

#include <chrono>
#include <memory>
#include <vector>

#include "api/bench/contender.h"
#include "api/bench/entrant.h"
#include "bench/setup.h"
#include "benchmark/benchmark.h"
#include "engine/base/checksum.h"

namespace semel::bench {
namespace {

uint64_t Accounts() { return Smoke() ? 100 : 100'000; }

void Updates(benchmark::State& state) {
  constexpr size_t kBatch = 1000;
  const Scratch scratch;
  Workload workload;
  workload.entities = Accounts();
  workload.updates = static_cast<uint32_t>(state.range(0));
  const auto entrant = Must(Entrant::Load(AllContenders().front(), {scratch.path()}, workload));
  for (auto _ : state) state.SetIterationTime(Must(entrant->Run(kBatch, kBatch)).seconds);
  MustBeOk(entrant->Verify());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBatch));
}
BENCHMARK(Updates)->Name("updates")->ArgName("each")->Arg(1)->Arg(2)->Arg(4)->Arg(16)->UseManualTime()->Unit(
    benchmark::kMicrosecond);

Change Transfer(uint64_t number) {
  const uint64_t from = internal::MixSeed(1, number) % Accounts();
  const std::string id = ChangeId(number);
  Change change(id);
  change.balanced = true;
  change.AddUpdate("transfer/" + id).ExpectVersion(0).Put("{\"note\":\"rent\"}");
  change.AddUpdate(AccountKey(from)).Add(-120000);
  change.AddUpdate(AccountKey((from + 1) % Accounts())).Add(120000);
  return change;
}

void Transfers(benchmark::State& state) {
  const Scratch scratch;
  const std::unique_ptr<Ledger> ledger = OpenNewLedger(scratch.path() + "/ledger");
  const auto batch = static_cast<size_t>(state.range(0));
  uint64_t number = 0;
  std::vector<Change> changes(batch);
  for (auto _ : state) {
    for (Change& change : changes) change = Transfer(number++);
    const auto start = std::chrono::steady_clock::now();
    CheckAll(ledger->ApplyBatch(changes), OutcomeCode::kApplied);
    state.SetIterationTime(SecondsSince(start));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch));
}
BENCHMARK(Transfers)
    ->Name("transfers")
    ->ArgName("batch")
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace semel::bench

BENCHMARK_MAIN();
