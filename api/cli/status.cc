// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// stats, verify: the ledger as a whole.

#include <memory>
#include <optional>
#include <string>

#include "api/cli/commands.h"
#include "api/cli/figures.h"
#include "api/cli/output.h"
#include "api/cli/progress.h"

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
  figures.Add("parked", stats->parked);
  figures.Add("parked_bytes", stats->parked_bytes);
  figures.Add("dead_letters", stats->dead_letters);
  figures.Add("dead_letter_bytes", stats->dead_letter_bytes);
  figures.Add("retired_prefixes", stats->retired_prefixes);
  figures.Add("journal_bytes", stats->journal_bytes);
  figures.Add("journal_segments", stats->journal_segments);
  figures.Add("base_lsn", stats->base_lsn);
  figures.Add("base_bytes", stats->base_bytes);
  figures.Add("state_bytes", stats->state_bytes);
  figures.Add("state_free_bytes", stats->state_free_bytes);
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
  figures.Add("base_lsn", report.base_lsn);
  figures.Add("lsn", report.lsn);
  figures.Add("state_digest", report.state_digest);
  if (json || report.base_vouched) figures.AddYesNo("base_vouched", report.base_vouched);
  figures.Add("fault", json || !report.ok() ? report.fault : "none");
  figures.Print(json);
}

// `head`: empty if there is nothing to compare with.
absl::Status Verify(const LedgerOptions& options, const std::string& head, Ledger& ledger, bool* found_fault) {
  std::optional<JournalHead> against;
  if (!head.empty()) {
    const absl::StatusOr<JournalHead> parsed = ParseHead(head);
    if (!parsed.ok()) return parsed.status();
    against = *parsed;
  }
  FractionProgress progress("verify");
  const absl::StatusOr<VerifyReport> report = ledger.Verify(progress.callback(), against);
  progress.Clear();
  if (!report.ok()) return report.status();
  PrintReport(*report, options.json);
  *found_fault = !report->ok();
  return absl::OkStatus();
}

void AddVerify(CLI::App& app, int* exit) {
  CLI::App* const command =
      app.add_subcommand("verify", "Check every file of a ledger, and the state against the journal");
  const auto options = AddLedgerOptions(command, "One JSON object; fault is empty if none was found");
  const auto head = std::make_shared<std::string>();
  command->add_option("--against", *head, "A head that semel head printed: the history up to it must be the same");
  command->footer(
      "Example:\n"
      "  semel verify accounts\n"
      "  semel verify accounts --against \"$(cat /elsewhere/head)\"\n\n"
      "Exit status: 0 no fault, 1 a fault, which is named.");
  command->callback([options, head, exit] {
    bool found_fault = false;
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return Verify(*options, *head, ledger, &found_fault); });
    if (found_fault) *exit = kExitFailed;
  });
}

// ---- head

absl::Status PrintHead(const LedgerOptions& options, Ledger& ledger) {
  const absl::StatusOr<JournalHead> head = ledger.GetHead();
  if (!head.ok()) return head.status();
  if (!options.json) {
    PrintLine(FormatHead(*head));
    return absl::OkStatus();
  }
  Figures figures;
  figures.Add("ledger", head->ledger);
  figures.Add("epoch", head->epoch);
  figures.Add("lsn", head->lsn);
  figures.Add("sequence", head->sequence);
  figures.Add("history", head->history);
  figures.Add("head", FormatHead(*head));
  figures.Print(/*json=*/true);
  return absl::OkStatus();
}

void AddHead(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("head", "Print the hash of the whole history, to be kept elsewhere");
  const auto options = AddLedgerOptions(command, "One JSON object");
  command->footer(
      "Example:\n"
      "  semel head accounts > /elsewhere/head\n\n"
      "Keep it where nobody who can write the ledger can write. semel verify --against tells later whether the history "
      "up\n"
      "to it is unchanged. The ledger must have been created with semel init --tamper-evident.");
  command->callback([options, exit] {
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return PrintHead(*options, ledger); });
  });
}

}  // namespace

void AddStatusCommands(CLI::App& app, int* exit) {
  AddStats(app, exit);
  AddVerify(app, exit);
  AddHead(app, exit);
}

}  // namespace semel::cli
