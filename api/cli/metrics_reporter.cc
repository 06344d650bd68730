// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/metrics_reporter.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <utility>

namespace semel::cli {
namespace {

constexpr std::chrono::seconds kPause{1};

// As a whole: a reader sees the old text or the new one. Not synced; it is made anew every second.
absl::Status ReplaceFile(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  std::ofstream out(fresh, std::ios::binary);
  out << text;
  out.close();
  const bool written = !out.fail() && std::rename(fresh.c_str(), path.c_str()) == 0;
  return written ? absl::OkStatus() : absl::ErrnoToStatus(errno, "--metrics-file " + path);
}

}  // namespace

void AddMetrics(CLI::App* command, MetricsArguments* metrics) {
  command->add_option("--metrics-port", metrics->port,
                      "Show metrics for Prometheus at http://127.0.0.1:PORT/metrics; 0: any port that is free");
  command->add_option("--metrics-file", metrics->file, "Keep them in this file, for a collector that reads files");
}

absl::StatusOr<std::unique_ptr<MetricsReporter>> MetricsReporter::Start(const MetricsArguments& arguments,
                                                                        std::string stream) {
  if (!arguments.port.has_value() && arguments.file.empty()) return nullptr;
  std::unique_ptr<MetricsReporter> reporter(new MetricsReporter(arguments.file, std::move(stream)));
  if (!arguments.port.has_value()) return reporter;
  absl::StatusOr<std::unique_ptr<streams::MetricsServer>> server = streams::MetricsServer::Start(*arguments.port);
  if (!server.ok()) return server.status();
  reporter->server_ = *std::move(server);
  fmt::print(stderr, "semel consume: metrics at http://127.0.0.1:{}/metrics\n", reporter->server_->port());
  return reporter;
}

absl::Status MetricsReporter::Update(const streams::RunCounts& counts, std::optional<uint64_t> lag,
                                     streams::Ledgers& ledgers, bool now) {
  if (!now && Clock::now() < next_) return absl::OkStatus();
  next_ = Clock::now() + kPause;
  const absl::StatusOr<Stats> stats = ledgers.GetStats();
  if (!stats.ok()) return stats.status();
  metrics_.Update(counts, lag, *stats);
  std::string text = metrics_.Render();
  const absl::Status written = file_.empty() ? absl::OkStatus() : ReplaceFile(file_, text);
  if (server_ != nullptr) server_->Show(std::move(text));
  return written;
}

}  // namespace semel::cli
