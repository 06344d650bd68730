// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace semel::streams {
namespace {

// A label's value, quoted.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class Writer {
 public:
  explicit Writer(std::string* out) : out_(out) {}

  void Describe(std::string_view name, std::string_view type, std::string_view help) {
    *out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void Value(std::string_view name, std::string_view labels, double value) {
    *out_ += fmt::format("{}{} {}\n", name, labels, value);
  }
  void Counter(std::string_view name, std::string_view help, uint64_t value) {
    Describe(name, "counter", help);
    Value(name, "", static_cast<double>(value));
  }
  void Gauge(std::string_view name, std::string_view help, double value) {
    Describe(name, "gauge", help);
    Value(name, "", value);
  }

 private:
  std::string* const out_;
};

}  // namespace

void Histogram::Add(double value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  ++counts_[static_cast<size_t>(bound - bounds_.begin())];
  sum_ += value;
}

void Histogram::Render(std::string_view name, std::string_view help, std::string* out) const {
  Writer(out).Describe(name, "histogram", help);
  uint64_t total = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    total += counts_[i];
    const std::string bound = i < bounds_.size() ? fmt::format("{}", bounds_[i]) : "+Inf";
    *out += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, bound, total);
  }
  *out += fmt::format("{}_sum {}\n{}_count {}\n", name, sum_, name, total);
}

Metrics::Metrics(std::string stream)
    : stream_(std::move(stream)),
      commit_seconds_({0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5}),
      batch_messages_({1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000}) {}

void Metrics::AddBatch(size_t messages, std::chrono::nanoseconds commit) {
  commit_seconds_.Add(std::chrono::duration<double>(commit).count());
  batch_messages_.Add(static_cast<double>(messages));
}

void Metrics::Update(const RunCounts& counts, std::optional<uint64_t> lag, const Stats& stats) {
  if (stats.checkpoints != stats_.checkpoints) last_checkpoint_ = Clock::now();
  counts_ = counts;
  lag_ = lag;
  stats_ = stats;
}

std::string Metrics::Render() const {
  std::string out;
  Writer writer(&out);
  writer.Describe("semel_consumer_info", "gauge", "The stream that is consumed");
  writer.Value("semel_consumer_info", fmt::format("{{stream={}}}", Quoted(stream_)), 1);
  writer.Counter("semel_messages_total", "Messages that the broker gave, redeliveries included", counts_.messages);
  writer.Counter("semel_undecodable_messages_total", "Messages that could not be decoded", counts_.undecodable);
  writer.Counter("semel_reconnects_total", "Connections to the broker that were lost", counts_.reconnects);
  writer.Describe("semel_outcomes_total", "counter", "Decided messages by outcome");
  for (size_t code = 1; code < kOutcomeCodeCount; ++code) {
    const std::string_view name = ToString(static_cast<OutcomeCode>(code));
    writer.Value("semel_outcomes_total", fmt::format("{{outcome=\"{}\"}}", name),
                 static_cast<double>(counts_.by_code[code]));
  }
  commit_seconds_.Render("semel_commit_seconds", "How long it took to make a batch durable", &out);
  batch_messages_.Render("semel_batch_messages", "Messages that were made durable together", &out);
  if (lag_.has_value())
    writer.Gauge("semel_lag_messages", "Messages that wait at the broker", static_cast<double>(*lag_));
  writer.Gauge("semel_parked_changes", "Early changes that the ledger holds", static_cast<double>(stats_.parked));
  writer.Gauge("semel_dead_letters", "Refused messages that wait for somebody",
               static_cast<double>(stats_.dead_letters));
  writer.Gauge("semel_dead_letter_bytes", "Their size", static_cast<double>(stats_.dead_letter_bytes));
  writer.Gauge("semel_journal_bytes", "Size of the journal's files", static_cast<double>(stats_.journal_bytes));
  writer.Gauge("semel_state_bytes", "Size of the state file", static_cast<double>(stats_.state_bytes));
  writer.Gauge("semel_dirty_bytes", "Changed since the last checkpoint", static_cast<double>(stats_.dirty_bytes));
  writer.Gauge("semel_checkpoint_behind_bytes", "Journal that an open after a crash has to redo",
               static_cast<double>(stats_.durable_lsn - stats_.checkpoint_lsn));
  writer.Counter("semel_checkpoints_total", "Checkpoints since the ledger was opened", stats_.checkpoints);
  writer.Gauge("semel_checkpoint_age_seconds", "Since the last checkpoint, or since the start",
               std::chrono::duration<double>(Clock::now() - last_checkpoint_).count());
  return out;
}

}  // namespace semel::streams
