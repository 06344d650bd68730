// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// repair: what is whole in a damaged ledger, and a new ledger of it.

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>

#include "api/cli/commands.h"
#include "api/cli/figures.h"
#include "api/cli/new_file.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

struct RepairArguments {
  std::string ledger;
  std::string to;
  std::string lost;
  bool json = false;
};

void PrintReport(const RepairReport& report, const RepairArguments& arguments) {
  if (!arguments.json) {
    for (const std::string& damage : report.damages) PrintLine("damage: " + Printable(damage));
  }
  Figures figures;
  figures.AddYesNo("needed", report.needed);
  if (arguments.json) {
    std::string damages;
    for (const std::string& damage : report.damages) damages += (damages.empty() ? "" : "\n") + damage;
    figures.Add("damages", damages);
  }
  figures.Add("begins_with", report.begins_with);
  figures.Add("lsn", report.lsn);
  figures.Add("sequence", report.sequence);
  figures.Add("floor_lsn", report.floor_lsn);
  figures.Add("old_floor_lsn", report.old_floor_lsn);
  figures.Add("lost_entries", report.lost_entries);
  figures.Add("readable_entries", report.readable_entries);
  figures.Add("epoch", report.epoch == 0 ? std::string("none was made") : std::to_string(report.epoch));
  figures.Print(arguments.json);
  if (arguments.json || report.epoch != 0) return;
  PrintLine(report.needed ? "Nothing was changed. --to NEW makes a ledger of what is whole."
                          : "Nothing needs a repair.");
}

int Repair(const RepairArguments& arguments) {
  std::optional<NewFile> file;
  absl::Status written;
  if (!arguments.lost.empty()) {
    absl::StatusOr<NewFile> created = NewFile::Create(arguments.lost);
    if (!created.ok()) return FailPlainly(created.status(), arguments.ledger);
    file.emplace(*std::move(created));
  }
  const auto take = [&](const JournalEntry& entry) {
    if (file.has_value() && written.ok()) written = file->Write(ToJson(entry) + "\n");
  };
  const absl::StatusOr<RepairReport> report = RepairLedger(arguments.ledger, arguments.to, take);
  if (!report.ok()) return FailPlainly(report.status(), arguments.ledger);
  if (file.has_value() && written.ok()) written = file->Finish();
  PrintReport(*report, arguments);
  return written.ok() ? kExitOk : FailPlainly(written, arguments.lost);
}

}  // namespace

void AddRepair(CLI::App& app, int* exit) {
  CLI::App* const command =
      app.add_subcommand("repair", "Show what is damaged, and make a new ledger of what is whole");
  const auto arguments = std::make_shared<RepairArguments>();
  command->add_option("LEDGER", arguments->ledger, "The damaged ledger's directory; it is not changed")->required();
  command->add_option("--to", arguments->to, "The directory to create. Without it, repair only reports");
  command->add_option("--lost", arguments->lost,
                      "A file to create: the entries that can be read but not kept, a JSON object a line");
  command->add_flag("--json", arguments->json, "One JSON object");
  command->footer(
      "Example:\n"
      "  semel repair accounts\n"
      "  semel repair accounts --to accounts-repaired --lost lost.jsonl\n\n"
      "A backup is better, and where only the state is damaged semel rebuild loses nothing. The new ledger has the "
      "next\n"
      "epoch; whatever was sent before can be sent again.");
  command->callback([arguments, exit] { *exit = Repair(*arguments); });
}

}  // namespace semel::cli
