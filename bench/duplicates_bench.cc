// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What do redeliveries cost? Batches of 1000 and 8000 on 100,000 accounts, of which 0, 20, 50 and 100 % were delivered
// before: recent ones, of the last few thousand changes, and old ones, the first change of an account, behind all that
// happened to it since.

#include <filesystem>
#include <memory>

#include "api/bench/contender.h"
#include "api/bench/entrant.h"
#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

void Apply(benchmark::State& state, Redelivered redelivered) {
  const Scratch scratch;
  Workload workload;
  workload.entities = Smoke() ? 100 : 100'000;
  workload.duplicates_percent = static_cast<uint32_t>(state.range(0));
  workload.redelivered = redelivered;
  const auto batch = static_cast<size_t>(state.range(1));
  const auto entrant = Must(Entrant::Load(AllContenders().front(), {scratch.path()}, workload));
  for (auto _ : state) state.SetIterationTime(Must(entrant->Run(batch, batch)).seconds);
  MustBeOk(entrant->Verify());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch));
}

void Recent(benchmark::State& state) { Apply(state, Redelivered::kRecent); }
void Old(benchmark::State& state) { Apply(state, Redelivered::kOld); }

BENCHMARK(Recent)
    ->Name("recent")
    ->ArgNames({"percent", "batch"})
    ->ArgsProduct({{0, 20, 50, 100}, {1000, 8000}})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(Old)
    ->Name("old")
    ->ArgNames({"percent", "batch"})
    ->ArgsProduct({{20, 50, 100}, {1000, 8000}})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace semel::bench

BENCHMARK_MAIN();
