// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What do reads cost? Over 100,000 accounts of ten versions each: one of them at random, from memory and from the state
// file; a hundred at one moment; all in key order; the newest line of a history, and all ten.

#include <memory>
#include <string>
#include <vector>

#include "bench/setup.h"
#include "benchmark/benchmark.h"
#include "engine/base/checksum.h"

namespace semel::bench {
namespace {

constexpr uint64_t kVersions = 10;

uint64_t Accounts() { return Smoke() ? 100 : 100'000; }

std::unique_ptr<Ledger> Load(const std::string& directory) {
  std::unique_ptr<Ledger> ledger = OpenNewLedger(directory);
  std::vector<Change> batch;
  for (uint64_t number = 0; number < Accounts() * kVersions; ++number) {
    batch.emplace_back(ChangeId(number));
    batch.back().AddUpdate(AccountKey(number % Accounts())).ExpectVersion(number / Accounts()).Add(1);
    if (batch.size() < 10'000 && number + 1 < Accounts() * kVersions) continue;
    CheckAll(ledger->ApplyBatch(batch), OutcomeCode::kApplied);
    batch.clear();
  }
  MustBeOk(ledger->Checkpoint());
  return ledger;
}

std::string RandomKey(uint64_t* random) { return AccountKey((*random = internal::MixSeed(1, *random)) % Accounts()); }

void Get(benchmark::State& state, Ledger* ledger) {
  uint64_t random = 1;
  for (auto _ : state) SEMEL_CHECK(Must(ledger->Get(RandomKey(&random))).version == kVersions);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

void GetMany(benchmark::State& state, Ledger* ledger) {
  uint64_t random = 1;
  std::vector<std::string> keys(100);
  for (auto _ : state) {
    for (std::string& key : keys) key = RandomKey(&random);
    SEMEL_CHECK(Must(ledger->GetMany(keys)).entities.size() == keys.size());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * keys.size()));
}

void Scan(benchmark::State& state, Ledger* ledger) {
  for (auto _ : state) {
    uint64_t seen = 0;
    MustBeOk(ledger->Scan({}, [&](const Entity&) { return ++seen != 0; }).status());
    SEMEL_CHECK(seen == Accounts());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * Accounts()));
}

void History(benchmark::State& state, Ledger* ledger) {
  uint64_t random = 1;
  HistoryOptions options;
  options.limit = static_cast<uint64_t>(state.range(0));
  for (auto _ : state) SEMEL_CHECK(Must(ledger->History(RandomKey(&random), options)).size() == options.limit);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  using namespace semel::bench;  // NOLINT
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const Scratch scratch;
  std::unique_ptr<semel::Ledger> ledger = Load(scratch.path() + "/ledger");
  MustBeOk(Load(scratch.path() + "/closed")->Close());
  semel::Options options;
  options.cache_bytes = 0;
  const std::unique_ptr<semel::Ledger> uncached = Must(semel::Ledger::Open(scratch.path() + "/closed", options));
  benchmark::RegisterBenchmark("get/memory", Get, ledger.get());
  benchmark::RegisterBenchmark("get/state_file", Get, uncached.get());
  benchmark::RegisterBenchmark("get_many_100", GetMany, ledger.get());
  benchmark::RegisterBenchmark("scan", Scan, ledger.get())->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("history", History, ledger.get())->ArgName("lines")->Arg(1)->Arg(kVersions);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
