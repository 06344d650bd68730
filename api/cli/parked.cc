// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// parked: changes that came early, and wait for their predecessors.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "api/cli/arguments.h"
#include "api/cli/commands.h"
#include "api/cli/confirm.h"
#include "api/cli/held.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

constexpr size_t kShownWaits = 4;
constexpr size_t kShownChange = 2000;  // characters

struct ParkedOptions {
  std::string ledger;
  HeldOptions list{0, /*limit=*/0, ""};
  std::string name;
  Selection selection;
  bool yes = false;
  bool json = false;
};

std::string ShowWait(const Wait& wait) {
  return fmt::format("{} v{}, is at {}", Printable(wait.key), wait.version, wait.present);
}

std::string ShowWaits(const std::vector<Wait>& waits) {
  std::string shown;
  for (size_t i = 0; i < waits.size(); ++i) {
    if (i == kShownWaits) return fmt::format("{}; and {} more", shown, waits.size() - i);
    shown += (i == 0 ? "" : "; ") + ShowWait(waits[i]);
  }
  return shown;
}

// ---- list

absl::Status List(const ParkedOptions& options, Ledger& ledger) {
  std::unique_ptr<Table> table;
  if (!options.json) {
    table = std::make_unique<Table>(
        std::vector<Column>{{"SEQUENCE", Align::kRight}, {"PARKED"}, {"ID"}, {"SOURCE"}, {"WAITS FOR"}});
  }
  uint64_t shown = 0;
  return VisitHeld<ParkedChange>(ledger, options.list, [&](const ParkedChange& parked) -> absl::StatusOr<bool> {
    if (table != nullptr) {
      table->Add({std::to_string(parked.sequence), FormatTime(parked.parked_us), Printable(parked.change.id),
                  ShowSource(parked.change.source), ShowWaits(parked.waits)});
    } else {
      PrintLine(ToJson(parked));
    }
    return ++shown != options.list.limit;
  });
}

// ---- show

void PrintParked(const ParkedChange& parked) {
  Properties table;
  table.Add("sequence", std::to_string(parked.sequence));
  table.Add("parked", FormatTime(parked.parked_us));
  table.Add("id", parked.change.id.empty() ? "-" : Printable(parked.change.id));
  table.Add("source", ShowSource(parked.change.source));
  for (const Wait& wait : parked.waits) table.Add("waits for", ShowWait(wait));
  table.Add("change", Printable(ToJson(parked.change), kShownChange));
  table.Print();
}

absl::Status Show(const ParkedOptions& options, Ledger& ledger) {
  const absl::StatusOr<ParkedChange> parked = FindHeld<ParkedChange>(ledger, options.name);
  if (!parked.ok()) return parked.status();
  if (options.json) {
    PrintLine(ToJson(*parked));
  } else {
    PrintParked(*parked);
  }
  return absl::OkStatus();
}

// ---- discard

absl::Status Discard(const ParkedOptions& options, Ledger& ledger) {
  const absl::StatusOr<std::vector<uint64_t>> sequences = Select<ParkedChange>(ledger, options.selection);
  if (!sequences.ok()) return sequences.status();
  const std::string changes = Count(sequences->size(), "parked change");
  if (!sequences->empty()) {
    const absl::Status confirmed =
        Confirm(options.yes, fmt::format("Discard {}? What is discarded becomes a dead letter.", changes));
    if (!confirmed.ok()) return confirmed;
  }
  for (const uint64_t sequence : *sequences) {
    const absl::StatusOr<Outcome> outcome = ledger.DiscardParked(sequence);
    if (!outcome.ok()) return outcome.status();
  }
  PrintLine(options.json ? fmt::format("{{\"discarded\":{}}}", sequences->size())
                         : changes + " discarded; see semel dead-letters");
  return absl::OkStatus();
}

}  // namespace

void AddParked(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("parked", "Show and discard changes that wait for their predecessors");
  const auto options = std::make_shared<ParkedOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->require_subcommand(1);
  command->footer(
      "Example:\n"
      "  semel parked accounts list\n"
      "  semel parked accounts show 17\n"
      "  semel parked accounts discard 17 --yes");

  CLI::App* const list = command->add_subcommand("list", "What is parked, oldest first, and what it waits for");
  list->add_option("--source", options->list.source, "Only those of this source");
  AddNumber(list, "--limit", &options->list.limit, "At most so many. Default: all");
  list->add_flag("--json", options->json, "One JSON object a line");
  list->footer("Example:\n  semel parked accounts list --limit 20");
  list->callback(
      [options, exit] { *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return List(*options, ledger); }); });

  CLI::App* const show = command->add_subcommand("show", "One parked change");
  show->add_option("WHICH", options->name, "SEQUENCE or SOURCE:POSITION, as list shows them")->required();
  show->add_flag("--json", options->json, "One JSON object");
  show->footer("Example:\n  semel parked accounts show 17");
  show->callback(
      [options, exit] { *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return Show(*options, ledger); }); });

  CLI::App* const discard = command->add_subcommand("discard", "Give up waiting: CONFLICT, and a dead letter");
  AddSelection(discard, &options->selection);
  AddYes(discard, &options->yes);
  discard->add_flag("--json", options->json, "One JSON object");
  discard->footer("Example:\n  semel parked accounts discard 17 --yes\n  semel parked accounts discard --all");
  discard->callback([options, exit] {
    *exit = WithWriter(options->ledger, {}, [&](Ledger& ledger) { return Discard(*options, ledger); });
  });
}

}  // namespace semel::cli
