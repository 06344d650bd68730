// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What does it change if some accounts are hot? A million accounts, each drawn equally often, or by Zipf with exponent
// 0.99; batches of 100 and 8000; the ledger beside the bare loop.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "api/bench/contender.h"
#include "api/bench/entrant.h"
#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

// One for each contender and distribution, used by one benchmark after another.
std::map<std::pair<std::string, Distribution>, std::unique_ptr<Entrant>> entrants;

void Apply(benchmark::State& state, const std::string& directory, const ContenderKind& kind,
           Distribution distribution) {
  std::unique_ptr<Entrant>& entrant = entrants[{kind.name, distribution}];
  if (entrant == nullptr) {
    Workload workload;
    workload.entities = Smoke() ? 1000 : 1'000'000;
    workload.distribution = distribution;
    const std::string own = directory + "/" + std::to_string(entrants.size());
    SEMEL_CHECK(std::filesystem::create_directory(own));
    entrant = Must(Entrant::Load(kind, {own}, workload));
  }
  const auto batch = static_cast<size_t>(state.range(0));
  for (auto _ : state) state.SetIterationTime(Must(entrant->Run(batch, batch)).seconds);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batch));
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  using namespace semel::bench;  // NOLINT
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const Scratch scratch;
  for (const ContenderKind& kind : AllContenders()) {
    if (kind.name != std::string("semel") && kind.name != std::string("bare_loop")) continue;
    for (const auto& [name, distribution] :
         {std::pair("uniform", Distribution::kUniform), std::pair("zipf", Distribution::kZipf)}) {
      benchmark::RegisterBenchmark((std::string(kind.name) + "/" + name).c_str(), Apply, scratch.path(), kind,
                                   distribution)
          ->ArgName("batch")
          ->Arg(100)
          ->Arg(8000)
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  for (const auto& [name, entrant] : entrants) MustBeOk(entrant->Verify());
  entrants.clear();
  benchmark::Shutdown();
  return 0;
}
