// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// stats, sources, verify: the ledger as a whole.

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

struct LedgerOptions {
  std::string ledger;
  bool json = false;
};

std::shared_ptr<LedgerOptions> AddLedgerOptions(CLI::App* command, const char* json_help) {
  auto options = std::make_shared<LedgerOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->add_flag("--json", options->json, json_help);
  return options;
}

// Figures with a name and their text, printed either way. All are strings in JSON: they may exceed 2^53.
class Figures {
 public:
  void Add(std::string name, std::string text) { rows_.emplace_back(std::move(name), std::move(text)); }
  void Add(std::string name, uint64_t number) { Add(std::move(name), std::to_string(number)); }
  // Shown as a time to people.
  void AddTime(std::string name, int64_t time_us) {
    time_ = rows_.size();
    Add(std::move(name), std::to_string(time_us));
  }

  void Print(bool json) const {
    if (json) {
      nlohmann::ordered_json object;
      for (const auto& [name, text] : rows_) object[name] = text;
      PrintLine(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      return;
    }
    Properties table;
    for (size_t i = 0; i < rows_.size(); ++i) {
      const std::string& text = rows_[i].second;
      table.Add(rows_[i].first, i == time_ && text != "0" ? FormatTime(std::stoll(text)) : Printable(text));
    }
    table.Print();
  }

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
  size_t time_ = SIZE_MAX;  // which row is a time
};

// ---- stats

absl::Status PrintStats(const LedgerOptions& options, Ledger& ledger) {
  const absl::StatusOr<Stats> stats = ledger.GetStats();
  if (!stats.ok()) return stats.status();
  Figures figures;
  figures.Add("uuid", stats->uuid);
  figures.Add("epoch", stats->epoch);
  figures.Add("format_version", std::to_string(stats->format_version));
  figures.Add("sequence", stats->sequence);
  figures.Add("durable_lsn", stats->durable_lsn);
  figures.Add("checkpoint_lsn", stats->checkpoint_lsn);
  figures.Add("floor_lsn", stats->floor_lsn);
  figures.AddTime("commit_time_us", stats->commit_time_us);
  figures.Add("entities", stats->entities);
  figures.Add("sources", stats->sources);
  figures.Add("journal_bytes", stats->journal_bytes);
  figures.Add("journal_segments", stats->journal_segments);
  figures.Add("state_bytes", stats->state_bytes);
  figures.Add("active_readers", stats->active_readers);
  figures.Add("oldest_reader_age_us", std::to_string(stats->oldest_reader_age_us));
  figures.Add("state_digest", stats->state_digest);
  figures.Print(options.json);
  return absl::OkStatus();
}

void AddStats(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("stats", "Show sizes and positions of a ledger");
  const auto options = AddLedgerOptions(command, "One JSON object");
  command->footer("Example:\n  semel stats accounts");
  command->callback([options, exit] {
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return PrintStats(*options, ledger); });
  });
}

// ---- sources

void PrintSourceTable(const std::vector<SourceCursor>& cursors) {
  Table table({{"NAME"}, {"POSITION", Align::kRight}, {"INCARNATION"}, {"CHAINED"}, {"CONSUMED", Align::kRight}});
  for (const SourceCursor& cursor : cursors) {
    table.Add({Printable(cursor.name), std::to_string(cursor.position),
               cursor.incarnation.empty() ? "-" : Printable(cursor.incarnation), cursor.chained ? "yes" : "no",
               std::to_string(cursor.consumed)});
  }
}

absl::Status PrintSources(const LedgerOptions& options, Ledger& ledger) {
  const absl::StatusOr<std::vector<SourceCursor>> cursors = ledger.ListSources();
  if (!cursors.ok()) return cursors.status();
  if (options.json) {
    for (const SourceCursor& cursor : *cursors) PrintLine(ToJson(cursor));
  } else {
    PrintSourceTable(*cursors);
  }
  return absl::OkStatus();
}

void AddSources(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("sources", "List the cursors of all sources");
  const auto options = AddLedgerOptions(command, "One JSON object a line");
  command->footer("Example:\n  semel sources accounts");
  command->callback([options, exit] {
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return PrintSources(*options, ledger); });
  });
}

// ---- verify

void PrintReport(const VerifyReport& report, bool json) {
  Figures figures;
  figures.Add("segments", report.segments);
  figures.Add("frames", report.frames);
  figures.Add("entries", report.entries);
  figures.Add("effects", report.effects);
  figures.Add("entities", report.entities);
  figures.Add("sources", report.sources);
  figures.Add("balanced_changes", report.balanced_changes);
  figures.Add("lsn", report.lsn);
  figures.Add("state_digest", report.state_digest);
  figures.Add("fault", json || !report.ok() ? report.fault : "none");
  figures.Print(json);
}

void ShowVerifyProgress(double fraction) { fmt::print(stderr, "\rverify: {:3.0f} %", fraction * 100); }

absl::Status Verify(const LedgerOptions& options, Ledger& ledger, bool* found_fault) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const absl::StatusOr<VerifyReport> report = ledger.Verify(terminal ? ShowVerifyProgress : nullptr);
  if (terminal) fmt::print(stderr, "\r{:14}\r", "");
  if (!report.ok()) return report.status();
  PrintReport(*report, options.json);
  *found_fault = !report->ok();
  return absl::OkStatus();
}

void AddVerify(CLI::App& app, int* exit) {
  CLI::App* const command =
      app.add_subcommand("verify", "Check every file of a ledger, and the state against the journal");
  const auto options = AddLedgerOptions(command, "One JSON object; fault is empty if none was found");
  command->footer("Example:\n  semel verify accounts\n\nExit status: 0 no fault, 1 a fault, which is named.");
  command->callback([options, exit] {
    bool found_fault = false;
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return Verify(*options, ledger, &found_fault); });
    if (found_fault) *exit = kExitFailed;
  });
}

}  // namespace

void AddStatusCommands(CLI::App& app, int* exit) {
  AddStats(app, exit);
  AddSources(app, exit);
  AddVerify(app, exit);
}

}  // namespace semel::cli
