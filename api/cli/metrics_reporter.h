// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Keeps a consumer's metrics at a loopback port and in a file, as of the last second.

#ifndef SEMEL_API_CLI_METRICS_REPORTER_H_
#define SEMEL_API_CLI_METRICS_REPORTER_H_

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "api/streams/ledgers.h"
#include "api/streams/metrics.h"
#include "api/streams/metrics_server.h"

namespace semel::cli {

struct MetricsArguments {
  std::optional<uint16_t> port;
  std::string file;
};

void AddMetrics(CLI::App* command, MetricsArguments* metrics);

class MetricsReporter {
 public:
  // Null if nothing was asked for. Errors: the port is taken.
  static absl::StatusOr<std::unique_ptr<MetricsReporter>> Start(const MetricsArguments& arguments, std::string stream);

  void AddBatch(size_t messages, std::chrono::nanoseconds commit) { metrics_.AddBatch(messages, commit); }

  // Shows the present state, at most once a second unless `now`. Errors: those of writing the file, and of the ledgers.
  absl::Status Update(const streams::RunCounts& counts, std::optional<uint64_t> lag, streams::Ledgers& ledgers,
                      bool now);

 private:
  using Clock = std::chrono::steady_clock;

  MetricsReporter(std::string file, std::string stream) : file_(std::move(file)), metrics_(std::move(stream)) {}

  const std::string file_;
  streams::Metrics metrics_;
  std::unique_ptr<streams::MetricsServer> server_;
  Clock::time_point next_;
};

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_METRICS_REPORTER_H_
