// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What do values cost? Puts of 100 bytes to 64 KiB, in batches of 1 and 100, over a thousand entities.

#include <memory>

#include "api/bench/contender.h"
#include "api/bench/entrant.h"
#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

void Put(benchmark::State& state) {
  const Scratch scratch;
  Workload workload;
  workload.entities = Smoke() ? 10 : 1000;
  workload.value_bytes = static_cast<uint32_t>(state.range(0));
  const auto batch = static_cast<size_t>(state.range(1));
  const auto entrant = Must(Entrant::Load(AllContenders().front(), {scratch.path()}, workload));
  for (auto _ : state) state.SetIterationTime(Must(entrant->Run(batch, batch)).seconds);
  MustBeOk(entrant->Verify());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch));
  state.SetBytesProcessed(state.items_processed() * state.range(0));
}
BENCHMARK(Put)
    ->Name("put")
    ->ArgNames({"bytes", "batch"})
    ->ArgsProduct({{100, 1 << 10, 4 << 10, 16 << 10, 64 << 10}, {1, 100}})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace semel::bench

BENCHMARK_MAIN();
