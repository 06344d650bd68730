// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How many durable compare-and-sets a second, for batches of 1, 100, 1000 and 8000 changes over 10k, 100k and 1M
// accounts (random, 17-byte keys, 16-byte ids)? The ledger beside the bare loop and LMDB (see api/bench), in the same
// run and with the same changes. The others of api/bench run too where --benchmark_filter names them; `semel bench`
// compares all.
//
// Only the applying is timed, not the making of the changes. The time of an iteration is the time of one batch.
// Counters: bytes of journal, and bytes that reached the disk (by whichever process), per change.

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

// Contenders with all their accounts, each used by one benchmark after another.
class Entrants {
 public:
  Entrant& Get(const ContenderKind& kind, uint64_t accounts) {
    std::unique_ptr<Entrant>& entrant = entrants_[{kind.name, accounts}];
    if (entrant == nullptr) {
      Workload workload;
      workload.entities = accounts;
      const std::string directory = scratch_.path() + "/" + kind.name + "." + std::to_string(accounts);
      SEMEL_CHECK(std::filesystem::create_directory(directory));
      entrant = Must(Entrant::Load(kind, {directory}, workload));
    }
    return *entrant;
  }

  void Verify() {
    for (const auto& [name, entrant] : entrants_) MustBeOk(entrant->Verify());
  }

 private:
  const Scratch scratch_;
  std::map<std::pair<std::string, uint64_t>, std::unique_ptr<Entrant>> entrants_;
};

void ApplyBatches(benchmark::State& state, Entrants* entrants, const ContenderKind& kind) {
  Entrant& entrant = entrants->Get(kind, static_cast<uint64_t>(state.range(0)));
  const auto batch = static_cast<size_t>(state.range(1));
  const BytesWritten before = entrant.Bytes();
  for (auto _ : state) state.SetIterationTime(Must(entrant.Run(batch, batch)).seconds);
  const BytesWritten after = entrant.Bytes();
  const auto changes = static_cast<double>(state.iterations()) * static_cast<double>(batch);
  state.SetItemsProcessed(static_cast<int64_t>(changes));
  state.counters["journal_bytes_per_change"] = static_cast<double>(after.journal - before.journal) / changes;
  state.counters["disk_bytes_per_change"] = static_cast<double>(after.device - before.device) / changes;
}

void Register(Entrants* entrants, const ContenderKind& kind) {
  auto* const registered = benchmark::RegisterBenchmark(
      kind.name, [entrants, kind](benchmark::State& state) { ApplyBatches(state, entrants, kind); });
  registered->ArgNames({"accounts", "batch"})->UseManualTime()->Unit(benchmark::kMicrosecond);
  if (Smoke()) {
    registered->ArgsProduct({{1000}, {1, 100}});
  } else {
    registered->ArgsProduct({{10'000, 100'000, 1'000'000}, {1, 100, 1000, 8000}});
  }
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const std::string filter = benchmark::GetBenchmarkFilter();
  if (filter.empty() || filter == ".") benchmark::SetBenchmarkFilter("^(semel|bare_loop|lmdb)/");
  semel::bench::Entrants entrants;
  for (const semel::bench::ContenderKind& kind : semel::bench::AllContenders()) {
    if (kind.open != nullptr) semel::bench::Register(&entrants, kind);
  }
  benchmark::RunSpecifiedBenchmarks();
  entrants.Verify();
  benchmark::Shutdown();
  return 0;
}
