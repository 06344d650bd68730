// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What does it save to have versions instead of a dedup table? The same messages over 100,000 accounts, in batches of
// 1000, into the same engine: as compare-and-sets, and as record-and-check, in which each leaves a record of its id.
// Counters: bytes of journal, and bytes by which the state grows, per message.

#include <map>
#include <memory>
#include <string>

#include "api/bench/contender.h"
#include "api/bench/entrant.h"
#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

constexpr size_t kBatch = 1000;

// Used by one repetition after another, so that the table of ids grows as it would.
struct Loaded {
  explicit Loaded(const ContenderKind& kind) {
    Workload workload;
    workload.entities = Smoke() ? 100 : 100'000;
    entrant = Must(Entrant::Load(kind, {scratch.path()}, workload));
    // Until an account's first ten changes its head grows, and pages with it; what grows after that is the dedup table.
    Must(entrant->Run(kBatch, 10 * workload.entities));
  }

  // As of a checkpoint, which the sum over all accounts makes.
  double StateBytes() const {
    MustBeOk(entrant->Verify());
    return static_cast<double>(entrant->StateBytes());
  }

  const Scratch scratch;
  std::unique_ptr<Entrant> entrant;
};

void Apply(benchmark::State& state, Loaded* loaded) {
  const double state_before = loaded->StateBytes();
  const BytesWritten before = loaded->entrant->Bytes();
  for (auto _ : state) state.SetIterationTime(Must(loaded->entrant->Run(kBatch, kBatch)).seconds);
  const auto messages = static_cast<double>(state.iterations() * kBatch);
  state.SetItemsProcessed(static_cast<int64_t>(messages));
  state.counters["journal_bytes_per_change"] =
      static_cast<double>(loaded->entrant->Bytes().journal - before.journal) / messages;
  state.counters["state_bytes_per_change"] = (loaded->StateBytes() - state_before) / messages;
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  using namespace semel::bench;  // NOLINT
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  std::map<std::string, std::unique_ptr<Loaded>> loaded;
  for (const ContenderKind& kind : AllContenders()) {
    if (kind.name != std::string("semel") && kind.name != std::string("semel_dedup")) continue;
    loaded[kind.name] = std::make_unique<Loaded>(kind);
    benchmark::RegisterBenchmark(kind.name, Apply, loaded[kind.name].get())
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
