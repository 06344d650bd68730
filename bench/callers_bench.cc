// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What do concurrent callers gain from sharing syncs? 1, 4 and 16 threads, each applying one durable change after
// another to an account of its own; beside it what one sync costs by itself: a 4 KiB overwrite of a zero-filled file.

#include <fcntl.h>

#include <atomic>
#include <memory>
#include <string>

#include "bench/setup.h"
#include "benchmark/benchmark.h"

namespace semel::bench {
namespace {

struct Files {
  Files() : ledger(OpenNewLedger(scratch.path() + "/ledger")) {
    fd = open((scratch.path() + "/overwritten").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const std::string zeros(kFileBytes, '\0');
    SEMEL_CHECK(fd >= 0 && pwrite(fd, zeros.data(), zeros.size(), 0) == static_cast<ssize_t>(zeros.size()));
    SEMEL_CHECK(fsync(fd) == 0);
  }
  ~Files() { close(fd); }

  static constexpr size_t kFileBytes = size_t{1} << 20;
  const Scratch scratch;
  const std::unique_ptr<Ledger> ledger;
  int fd = -1;
};
Files* files = nullptr;

void Apply(benchmark::State& state) {
  static std::atomic<uint64_t> accounts{0};
  const std::string key = AccountKey(++accounts);
  uint64_t version = 0;
  for (auto _ : state) {
    Change change(key.substr(8) + "." + std::to_string(version));
    change.AddUpdate(key).ExpectVersion(version++).Add(1);
    const auto outcome = files->ledger->Apply(change);
    SEMEL_CHECK(outcome.ok() && outcome->applied());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

void Overwrite(benchmark::State& state) {
  const std::string block(4096, 'x');
  size_t at = 0;
  for (auto _ : state) {
    SEMEL_CHECK(pwrite(files->fd, block.data(), block.size(), static_cast<off_t>(at)) == 4096);
    SEMEL_CHECK(fdatasync(files->fd) == 0);
    at = (at + block.size()) % Files::kFileBytes;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  semel::bench::Files files;
  semel::bench::files = &files;
  benchmark::RegisterBenchmark("overwrite_4KiB", semel::bench::Overwrite)->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const int threads : {1, 4, 16}) {
    benchmark::RegisterBenchmark("apply_one", semel::bench::Apply)
        ->Threads(threads)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
