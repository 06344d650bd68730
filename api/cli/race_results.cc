// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/race_results.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

nlohmann::ordered_json ToJson(const bench::Measurement& m) {
  return {{"batch", m.batch},
          {"changes", m.changes},
          {"changes_per_second", m.changes_per_second},
          {"slowest_round", m.slowest_round},
          {"fastest_round", m.fastest_round},
          {"p50_us", m.latency_us.p50},
          {"p99_us", m.latency_us.p99},
          {"p999_us", m.latency_us.p999},
          {"max_us", m.latency_us.max},
          {"journal_bytes_per_change", m.journal_bytes_per_change},
          {"disk_bytes_per_change", m.disk_bytes_per_change}};
}

nlohmann::ordered_json ToJson(const bench::Standing& standing) {
  nlohmann::ordered_json object = {{"name", standing.kind.name},
                                   {"title", standing.kind.title},
                                   {"about", standing.kind.about},
                                   {"not_run", standing.not_run},
                                   {"measurements", nlohmann::ordered_json::array()}};
  for (const bench::Measurement& m : standing.measurements) object["measurements"].push_back(ToJson(m));
  return object;
}

nlohmann::ordered_json ToJson(const bench::RaceOptions& options) {
  const bench::Workload& workload = options.workload;
  return {{"entities", workload.entities},
          {"updates", workload.updates},
          {"value_bytes", workload.value_bytes},
          {"duplicates_percent", workload.duplicates_percent},
          {"redelivered", workload.redelivered == bench::Redelivered::kOld ? "old" : "recent"},
          {"distribution", workload.distribution == bench::Distribution::kZipf ? "zipf" : "uniform"},
          {"callers", options.callers},
          {"durability", options.durability == bench::Durability::kSynced ? "sync" : "none"},
          {"seconds", options.seconds},
          {"rounds", bench::kRounds}};
}

// "1,000,000".
std::string Grouped(uint64_t number) {
  if (number < 1000) return std::to_string(number);
  return fmt::format("{},{:03}", Grouped(number / 1000), number % 1000);
}

}  // namespace

std::string ShowRate(double value) {
  const auto [scaled, unit] = value >= 1e6   ? std::pair(value / 1e6, " M")
                              : value >= 1e3 ? std::pair(value / 1e3, " k")
                                             : std::pair(value, "");
  const int decimals = scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2;
  return fmt::format("{:.{}f}{}", scaled, decimals, unit);
}

std::string ShowTime(double us) {
  if (us >= 1e6) return fmt::format("{:.2f} s", us / 1e6);
  if (us >= 1e4) return fmt::format("{:.0f} ms", us / 1e3);
  if (us >= 1e3) return fmt::format("{:.1f} ms", us / 1e3);
  return fmt::format("{:.0f} us", us);
}

std::string ShowBytes(double bytes) { return bytes == 0 ? "-" : fmt::format("{:.0f}", bytes); }

std::string ShowRatio(double rate, double other) {
  const double ratio = rate / other;
  return fmt::format("{:.{}f}x", ratio, ratio >= 100 ? 0 : ratio >= 10 ? 1 : 2);
}

const bench::Measurement& SemelAt(const RaceResults& results, size_t batch_index) {
  return results.standings.front().measurements[batch_index];
}

std::string DescribeWorkload(const bench::RaceOptions& options) {
  const bench::Workload& workload = options.workload;
  std::string text = fmt::format("{} of {} accounts, ", workload.updates, Grouped(workload.entities));
  text += workload.distribution == bench::Distribution::kZipf ? "drawn by Zipf 0.99" : "each drawn equally often";
  text += workload.value_bytes == 0 ? ", 1 added to its balance" : fmt::format(", {} bytes put", workload.value_bytes);
  if (workload.duplicates_percent > 0) {
    text += fmt::format("; {} % of the messages are redeliveries of {} ones", workload.duplicates_percent,
                        workload.redelivered == bench::Redelivered::kOld ? "the oldest" : "recent");
  }
  text += fmt::format("; {}", Count(options.callers, "caller"));
  text += options.durability == bench::Durability::kSynced ? "; synced before each answer" : "; nothing is synced";
  return text;
}

void PrintRaceTable(const RaceResults& results) {
  Table table({{"batch", Align::kRight},
               {"contender"},
               {"changes/s", Align::kRight},
               {"semel is", Align::kRight},
               {"p50", Align::kRight},
               {"p99", Align::kRight},
               {"p99.9", Align::kRight},
               {"max", Align::kRight},
               {"journal B/change", Align::kRight},
               {"disk B/change", Align::kRight}});
  for (size_t at = 0; at < results.options.batches.size(); ++at) {
    for (const bench::Standing& standing : results.standings) {
      if (!standing.not_run.empty()) continue;
      const bench::Measurement& m = standing.measurements[at];
      table.Add({std::to_string(m.batch), standing.kind.name, ShowRate(m.changes_per_second),
                 ShowRatio(SemelAt(results, at).changes_per_second, m.changes_per_second), ShowTime(m.latency_us.p50),
                 ShowTime(m.latency_us.p99), ShowTime(m.latency_us.p999), ShowTime(m.latency_us.max),
                 ShowBytes(m.journal_bytes_per_change), ShowBytes(m.disk_bytes_per_change)});
    }
  }
  table.Flush();
  PrintLine("");
  PrintLine(fmt::format("A change: {}.", DescribeWorkload(results.options)));
  for (const bench::Standing& standing : results.standings) {
    if (!standing.not_run.empty()) {
      PrintLine(fmt::format("Not run: {}: {}.", standing.kind.name, Printable(standing.not_run)));
    }
  }
}

void PrintRaceJson(const RaceResults& results) {
  const bench::Machine& machine = results.machine;
  nlohmann::ordered_json object = {{"machine",
                                    {{"processor", machine.processor},
                                     {"memory", machine.memory},
                                     {"kernel", machine.kernel},
                                     {"file_system", machine.file_system},
                                     {"date", machine.date}}},
                                   {"command", results.command},
                                   {"workload", ToJson(results.options)},
                                   {"contenders", nlohmann::ordered_json::array()}};
  for (const bench::Standing& standing : results.standings) object["contenders"].push_back(ToJson(standing));
  PrintLine(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace semel::cli
