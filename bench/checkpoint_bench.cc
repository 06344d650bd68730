// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How long does a checkpoint take that folds 1000, 10,000 and 100,000 changed accounts into the state of a million?
// Counter: bytes that reached the disk (by whichever process) for each.

#include <chrono>

#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

void Checkpoint(benchmark::State& state, LoadedLedger* loaded) {
  uint64_t written = 0;
  for (auto _ : state) {
    loaded->producer.NextBatch(static_cast<size_t>(state.range(0)), &loaded->batch);
    CheckAll(loaded->ledger->ApplyBatch(loaded->batch), OutcomeCode::kApplied);
    const uint64_t before = DeviceBytesWritten(loaded->scratch.path());
    const auto start = std::chrono::steady_clock::now();
    MustBeOk(loaded->ledger->Checkpoint());
    state.SetIterationTime(SecondsSince(start));
    written += DeviceBytesWritten(loaded->scratch.path()) - before;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
  state.counters["disk_bytes_per_change"] = static_cast<double>(written) / static_cast<double>(state.items_processed());
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  semel::bench::LoadedLedger loaded;
  semel::bench::MustBeOk(loaded.ledger->Checkpoint());
  benchmark::RegisterBenchmark("checkpoint", semel::bench::Checkpoint, &loaded)
      ->ArgName("changed")
      ->Arg(1000)
      ->Arg(10'000)
      ->Arg(100'000)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
