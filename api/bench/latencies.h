// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How long calls took, as percentiles.

#ifndef SEMEL_API_BENCH_LATENCIES_H_
#define SEMEL_API_BENCH_LATENCIES_H_

#include <algorithm>
#include <cmath>
#include <vector>

namespace semel::bench {

// The value below which this fraction lies, by nearest rank. `sorted`: not empty.
template <typename Number>
double Quantile(const std::vector<Number>& sorted, double fraction) {
  const auto rank = static_cast<size_t>(std::ceil(fraction * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

// In microseconds.
struct Latencies {
  Latencies() = default;
  explicit Latencies(std::vector<float> calls) {  // not empty
    std::sort(calls.begin(), calls.end());
    p50 = Quantile(calls, 0.5);
    p99 = Quantile(calls, 0.99);
    p999 = Quantile(calls, 0.999);
    max = calls.back();
  }

  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
};

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_LATENCIES_H_
