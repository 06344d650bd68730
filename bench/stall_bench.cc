// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How long do commits and reads take while something else goes on?
//
//   commit_during_checkpoint   commits of 900 changes (frames of about 64 KiB) over a million accounts, while a
//                              checkpoint folds 90,000 changed accounts, beside those while none runs
//   read_during_writes         reads of one account at random, while another thread applies batches of 1000, beside
//                              those while nothing is written
//
// Counters: percentiles in microseconds, quiet and busy, and what the budgets of docs/design.md ask: the busy p99 and
// maximum over the quiet median.

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "api/bench/latencies.h"
#include "bench/setup.h"
#include "benchmark/benchmark.h"
#include "engine/base/checksum.h"

namespace semel::bench {
namespace {

constexpr size_t kCommit = 900;        // changes
constexpr int kCommitsUntilDue = 100;  // then a checkpoint begins
constexpr double kSeconds = 3;         // of an iteration

double Seconds() { return Smoke() ? 0.05 : kSeconds; }

// Microseconds that `call` takes.
float Time(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return static_cast<float>(SecondsSince(start) * 1e6);
}

void Commit(LoadedLedger* loaded, std::vector<float>* latencies) {
  loaded->producer.NextBatch(kCommit, &loaded->batch);
  latencies->push_back(Time([&] { CheckAll(loaded->ledger->ApplyBatch(loaded->batch), OutcomeCode::kApplied); }));
}

void Report(benchmark::State& state, const std::vector<float>& quiet_us, const std::vector<float>& busy_us) {
  const Latencies quiet(quiet_us);
  const Latencies busy(busy_us);
  state.counters["quiet_p50_us"] = quiet.p50;
  state.counters["quiet_p99_us"] = quiet.p99;
  state.counters["quiet_p999_us"] = quiet.p999;
  state.counters["busy_p50_us"] = busy.p50;
  state.counters["busy_p99_us"] = busy.p99;
  state.counters["busy_p999_us"] = busy.p999;
  state.counters["busy_max_us"] = busy.max;
  state.counters["busy_p99_over_quiet"] = busy.p99 / quiet.p50;
  state.counters["busy_max_over_quiet"] = busy.max / quiet.p50;
}

void CommitDuringCheckpoint(benchmark::State& state, LoadedLedger* loaded) {
  MustBeOk(loaded->ledger->Checkpoint());
  std::vector<float> quiet;
  std::vector<float> busy;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    while (SecondsSince(start) < Seconds()) {
      for (int i = 0; i < kCommitsUntilDue; ++i) Commit(loaded, &quiet);
      const auto checkpoint = std::async(std::launch::async, [&] { MustBeOk(loaded->ledger->Checkpoint()); });
      do {
        Commit(loaded, &busy);
      } while (checkpoint.wait_for(std::chrono::seconds(0)) != std::future_status::ready);
    }
  }
  Report(state, quiet, busy);
}

// Reads for half the time of an iteration.
void Read(LoadedLedger* loaded, std::vector<float>* latencies) {
  const auto start = std::chrono::steady_clock::now();
  uint64_t random = latencies->size();
  while (SecondsSince(start) < Seconds() / 2) {
    random = internal::MixSeed(1, random);
    const std::string key = AccountKey(random % loaded->producer.accounts());
    latencies->push_back(Time([&] { SEMEL_CHECK(Must(loaded->ledger->Get(key)).exists()); }));
  }
}

void ReadDuringWrites(benchmark::State& state, LoadedLedger* loaded) {
  std::vector<float> quiet;
  std::vector<float> busy;
  for (auto _ : state) {
    Read(loaded, &quiet);
    std::atomic<bool> stop{false};
    std::thread writer([&] {
      while (!stop) {
        loaded->producer.NextBatch(1000, &loaded->batch);
        CheckAll(loaded->ledger->ApplyBatch(loaded->batch), OutcomeCode::kApplied);
      }
    });
    Read(loaded, &busy);
    stop = true;
    writer.join();
  }
  Report(state, quiet, busy);
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  using namespace semel::bench;  // NOLINT
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  LoadedLedger loaded;
  benchmark::RegisterBenchmark("commit_during_checkpoint", CommitDuringCheckpoint, &loaded)->Iterations(1);
  benchmark::RegisterBenchmark("read_during_writes", ReadDuringWrites, &loaded)->Iterations(1);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
