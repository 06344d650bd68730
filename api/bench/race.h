// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A race: several contenders under the same changes, on the same disk, in turns. Each batch size is measured in
// rounds, and in each round every contender has its turn, so that a slow minute of the machine hits all alike.

#ifndef SEMEL_API_BENCH_RACE_H_
#define SEMEL_API_BENCH_RACE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "api/bench/contender.h"
#include "api/bench/latencies.h"
#include "api/bench/workload.h"

namespace semel::bench {

inline constexpr int kRounds = 5;

struct RaceOptions {
  Workload workload;
  std::vector<uint64_t> batches = {1, 100, 1000, 8000};
  uint64_t callers = 1;

  // How long each contender is measured with each batch size, over all rounds; the lower bound counts.
  uint64_t changes = std::numeric_limits<uint64_t>::max();
  double seconds = 1;

  Durability durability = Durability::kSynced;
  std::string directory = ".";  // what is written stands below it, and is removed
};

// Of one contender with one batch size. Of the rates the median over the rounds.
struct Measurement {
  uint64_t batch = 0;
  uint64_t changes = 0;
  double changes_per_second = 0;
  double slowest_round = 0;
  double fastest_round = 0;
  Latencies latency_us;                 // of a call, which answers a batch, over all rounds
  double journal_bytes_per_change = 0;  // 0: keeps no journal, or does not say
  double disk_bytes_per_change = 0;     // by whoever wrote meanwhile; 0: the system does not say
};

struct Standing {
  ContenderKind kind;
  std::string not_run;  // why it did not; empty: it did
  std::vector<Measurement> measurements;
};

struct RaceControl {
  // May be empty. What is being done, and the fraction that is done, 0 .. 1.
  std::function<void(std::string_view, double)> progress;
  // May be empty. True ends the race between two turns.
  std::function<bool()> should_stop;
};

// A contender that is not installed or does not start is reported as such. Every other failure ends the race: what the
// files or servers answered; Internal (accounts that do not add up in the end); Cancelled (should_stop).
absl::StatusOr<std::vector<Standing>> Race(const RaceOptions& options, const std::vector<ContenderKind>& kinds,
                                           const RaceControl& control = {});

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_RACE_H_
