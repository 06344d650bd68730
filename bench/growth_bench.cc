// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What does size cost? Batches of 8000 compare-and-sets over 10k, 100k, 1M and 10M accounts drawn at random, with all
// of them in memory and with a cache for a tenth of them. Counters: memory of the process for each account, the bytes
// of the state file for each, and bytes that reached the disk (by whichever process) per change.

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

constexpr size_t kBatch = 8000;

// Of this process, in bytes, without what was freed.
double ResidentMemory() {
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

Workload WorkloadOf(uint64_t accounts) {
  Workload workload;
  workload.entities = accounts;
  return workload;
}

// How many bytes of memory the ledger counts for an account that has been changed a few times.
uint64_t HeadBytes() {
  constexpr uint64_t kAccounts = 1000;
  const Scratch scratch;
  const std::unique_ptr<Ledger> ledger = OpenNewLedger(scratch.path() + "/ledger");
  Producer producer(WorkloadOf(kAccounts));
  CreateAccounts(ledger.get(), &producer);
  std::vector<Change> batch;
  producer.NextBatch(10 * kAccounts, &batch);
  CheckAll(ledger->ApplyBatch(batch), OutcomeCode::kApplied);
  return Must(ledger->GetStats()).dirty_bytes / kAccounts;
}

// A ledger with its accounts, all of them or a tenth in memory. Used by one repetition after another.
struct Loaded {
  Loaded(uint64_t accounts, bool tenth) : producer(WorkloadOf(accounts)) {
    Options options;
    options.cache_bytes = accounts * HeadBytes() / (tenth ? 10 : 1);
    const double memory_before = ResidentMemory();
    ledger = OpenNewLedger(scratch.path() + "/ledger", options);
    CreateAccounts(ledger.get(), &producer);
    MustBeOk(ledger->Checkpoint());
    memory_per_account = (ResidentMemory() - memory_before) / static_cast<double>(accounts);
  }

  const Scratch scratch;
  std::unique_ptr<Ledger> ledger;
  Producer producer;
  double memory_per_account = 0;
};

std::map<std::pair<uint64_t, bool>, std::unique_ptr<Loaded>> all_loaded;

void Apply(benchmark::State& state, bool tenth) {
  const auto accounts = static_cast<uint64_t>(state.range(0));
  std::unique_ptr<Loaded>& loaded = all_loaded[{accounts, tenth}];
  if (loaded == nullptr) loaded = std::make_unique<Loaded>(accounts, tenth);
  const uint64_t written_before = DeviceBytesWritten(loaded->scratch.path());
  std::vector<Change> batch;
  for (auto _ : state) {
    loaded->producer.NextBatch(kBatch, &batch);
    const auto start = std::chrono::steady_clock::now();
    CheckAll(loaded->ledger->ApplyBatch(batch), OutcomeCode::kApplied);
    state.SetIterationTime(SecondsSince(start));
  }
  const auto changes = static_cast<double>(state.iterations() * kBatch);
  state.SetItemsProcessed(static_cast<int64_t>(changes));
  state.counters["memory_bytes_per_account"] = loaded->memory_per_account;
  state.counters["state_bytes_per_account"] =
      static_cast<double>(Must(loaded->ledger->GetStats()).state_bytes) / static_cast<double>(accounts);
  state.counters["disk_bytes_per_change"] =
      static_cast<double>(DeviceBytesWritten(loaded->scratch.path()) - written_before) / changes;
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  using namespace semel::bench;  // NOLINT
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const int64_t accounts : {10'000, 100'000, 1'000'000, 10'000'000}) {
    for (const auto& [name, tenth] : {std::pair("in_memory", false), std::pair("cache_of_a_tenth", true)}) {
      if (Smoke() && accounts > 10'000) continue;
      benchmark::RegisterBenchmark(name, Apply, tenth)
          ->ArgName("accounts")
          ->Arg(accounts)
          ->MinTime(Smoke() ? 0.001 : 1)  // until the cache holds what it will
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  all_loaded.clear();
  benchmark::Shutdown();
  return 0;
}
