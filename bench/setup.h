// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the benchmarks share: where they write, how large they are, ledgers and what they must answer.

#ifndef SEMEL_BENCH_SETUP_H_
#define SEMEL_BENCH_SETUP_H_

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/bench/scratch.h"
#include "api/bench/workload.h"
#include "engine/base/check.h"
#include "semel/ledger.h"

namespace semel::bench {

// SEMEL_BENCH_SMOKE=1: small enough for a test run, which only asks whether the benchmark still works.
inline bool Smoke() {
  const char* const smoke = std::getenv("SEMEL_BENCH_SMOKE");
  return smoke != nullptr && *smoke == '1';
}

inline void MustBeOk(const absl::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  SEMEL_CHECK(status.ok());
}

// The value of a call that must not fail.
template <typename Value>
Value Must(absl::StatusOr<Value> result) {
  MustBeOk(result.status());
  return *std::move(result);
}

// A directory under SEMEL_BENCH_DIR (default: the current one; a real disk, or the syncs mean nothing), removed at the
// end.
class Scratch {
 public:
  const std::string& path() const { return directory_->path(); }

 private:
  static std::string Parent() {
    const char* const parent = std::getenv("SEMEL_BENCH_DIR");
    return parent == nullptr ? "." : parent;
  }
  const std::unique_ptr<ScratchDirectory> directory_ = Must(ScratchDirectory::Create(Parent()));
};

inline std::unique_ptr<Ledger> OpenNewLedger(const std::string& directory, Options options = {}) {
  options.create_if_missing = true;
  options.error_if_exists = true;
  return Must(Ledger::Open(directory, options));
}

inline void CheckAll(const absl::StatusOr<std::vector<Outcome>>& outcomes, OutcomeCode want) {
  MustBeOk(outcomes.status());
  for (const Outcome& outcome : *outcomes) SEMEL_CHECK(outcome.code == want);
}

// Creates all accounts of a producer.
inline void CreateAccounts(Ledger* ledger, Producer* producer) {
  constexpr size_t kBatch = 8000;
  std::vector<Change> batch;
  while (producer->NextCreations(kBatch, &batch) > 0) CheckAll(ledger->ApplyBatch(batch), OutcomeCode::kApplied);
}

// A ledger of a million accounts and who writes to it, used by one benchmark after another.
struct LoadedLedger {
  LoadedLedger() { CreateAccounts(ledger.get(), &producer); }

  static Workload TheWorkload() {
    Workload workload;
    workload.entities = Smoke() ? 1000 : 1'000'000;
    return workload;
  }

  const Scratch scratch;
  const std::unique_ptr<Ledger> ledger = OpenNewLedger(scratch.path() + "/ledger");
  Producer producer{TheWorkload()};
  std::vector<Change> batch;
};

inline double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace semel::bench

#endif  // SEMEL_BENCH_SETUP_H_
