// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What a running consumer measures, as Prometheus reads it (text format 0.0.4).

#ifndef SEMEL_API_STREAMS_METRICS_H_
#define SEMEL_API_STREAMS_METRICS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/streams/runner.h"
#include "semel/ledger.h"

namespace semel::streams {

// Counts values by upper bounds.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void Add(double value);
  void Render(std::string_view name, std::string_view help, std::string* out) const;

 private:
  const std::vector<double> bounds_;  // rising
  std::vector<uint64_t> counts_;      // the last: above all bounds
  double sum_ = 0;
};

// Of one consumer. Used by one thread.
class Metrics {
 public:
  explicit Metrics(std::string stream);

  void AddBatch(size_t messages, std::chrono::nanoseconds commit);

  // The present state. Call it now and then; asking the ledger for Stats costs a little.
  void Update(const RunCounts& counts, std::optional<uint64_t> lag, const Stats& stats);

  std::string Render() const;

 private:
  using Clock = std::chrono::steady_clock;

  const std::string stream_;
  Histogram commit_seconds_;
  Histogram batch_messages_;
  RunCounts counts_;
  std::optional<uint64_t> lag_;
  Stats stats_;
  Clock::time_point last_checkpoint_ = Clock::now();  // when the number of checkpoints was last seen to rise
};

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_METRICS_H_
