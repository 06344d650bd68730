// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// sources: the cursors of the streams that feed a ledger.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "api/cli/arguments.h"
#include "api/cli/commands.h"
#include "api/cli/confirm.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

struct SourceOptions {
  std::string ledger;
  std::string name;
  uint64_t position = 0;
  std::optional<std::string> incarnation;
  std::optional<uint32_t> window;
  bool create = false;
  bool yes = false;
  bool json = false;
};

absl::Status UnknownSource(const std::string& name, std::string_view hint) {
  return absl::InvalidArgumentError(
      fmt::format("no position of a source {} was consumed{}", Printable(name, 200), hint));
}

// ---- list

std::string ShowWindow(const SourceCursor& cursor) {
  return cursor.window == 0 ? "-" : fmt::format("{}, {} ahead", cursor.window, cursor.ahead);
}

void PrintTable(const std::vector<SourceCursor>& cursors) {
  Table table(
      {{"NAME"}, {"POSITION", Align::kRight}, {"INCARNATION"}, {"CHAINED"}, {"WINDOW"}, {"CONSUMED", Align::kRight}});
  for (const SourceCursor& cursor : cursors) {
    table.Add({Printable(cursor.name), std::to_string(cursor.position),
               cursor.incarnation.empty() ? "-" : Printable(cursor.incarnation), cursor.chained ? "yes" : "no",
               ShowWindow(cursor), std::to_string(cursor.consumed)});
  }
}

absl::Status List(const SourceOptions& options, Ledger& ledger) {
  const absl::StatusOr<std::vector<SourceCursor>> cursors = ledger.ListSources();
  if (!cursors.ok()) return cursors.status();
  if (options.json) {
    for (const SourceCursor& cursor : *cursors) PrintLine(ToJson(cursor));
  } else {
    PrintTable(*cursors);
  }
  return absl::OkStatus();
}

// ---- show

void PrintCursor(const SourceCursor& cursor) {
  Properties table;
  table.Add("name", Printable(cursor.name));
  table.Add("position", std::to_string(cursor.position));
  table.Add("incarnation", cursor.incarnation.empty() ? "-" : Printable(cursor.incarnation));
  table.Add("chained", cursor.chained ? "yes" : "no");
  table.Add("window", ShowWindow(cursor));
  table.Add("consumed", std::to_string(cursor.consumed));
  table.Print();
}

absl::Status Show(const SourceOptions& options, Ledger& ledger) {
  const absl::StatusOr<std::optional<SourceCursor>> cursor = ledger.GetSource(options.name);
  if (!cursor.ok()) return cursor.status();
  if (!cursor->has_value()) return UnknownSource(options.name, "");
  if (options.json) {
    PrintLine(ToJson(**cursor));
  } else {
    PrintCursor(**cursor);
  }
  return absl::OkStatus();
}

// ---- set

// What is not given stays as it is.
SourceCursor Wanted(const SourceOptions& options, const std::optional<SourceCursor>& present) {
  SourceCursor wanted = present.value_or(SourceCursor());
  wanted.name = options.name;
  wanted.position = options.position;
  wanted.incarnation = options.incarnation.value_or(wanted.incarnation);
  wanted.window = options.window.value_or(wanted.window);
  return wanted;
}

absl::Status Set(const SourceOptions& options, Ledger& ledger) {
  const absl::StatusOr<std::optional<SourceCursor>> present = ledger.GetSource(options.name);
  if (!present.ok()) return present.status();
  if (!present->has_value() && !options.create) {
    return UnknownSource(options.name, "; if the name is right, say --create");
  }
  const std::string now = present->has_value() ? fmt::format("is at {}", (*present)->position) : "is new";
  const absl::Status confirmed = Confirm(
      options.yes, fmt::format("Source {} {}; set it to {}? Positions up to there that were never seen are INVALID "
                               "when they come.",
                               Printable(options.name), now, options.position));
  if (!confirmed.ok()) return confirmed;
  const absl::Status set = ledger.SetSource(Wanted(options, *present));
  return set.ok() ? Show(options, ledger) : set;
}

}  // namespace

void AddSources(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("sources", "Show and set the cursors of the sources");
  const auto options = std::make_shared<SourceOptions>();
  const auto run_list = [options, exit] {
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return List(*options, ledger); });
  };
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->add_flag("--json", options->json, "One JSON object a line");
  command->footer(
      "Example:\n"
      "  semel sources accounts\n"
      "  semel sources accounts show payments-3\n"
      "  semel sources accounts set payments-3 --position 4711 --yes");
  command->callback([command, run_list] {
    if (command->get_subcommands().empty()) run_list();
  });

  CLI::App* const list = command->add_subcommand("list", "All cursors, by name; the same as without it");
  list->add_flag("--json", options->json, "One JSON object a line");
  list->footer("Example:\n  semel sources accounts list");
  list->callback(run_list);

  CLI::App* const show = command->add_subcommand("show", "One cursor");
  show->add_option("NAME", options->name, "The source's name")->required();
  show->add_flag("--json", options->json, "One JSON object");
  show->footer("Example:\n  semel sources accounts show payments-3");
  show->callback(
      [options, exit] { *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return Show(*options, ledger); }); });

  CLI::App* const set = command->add_subcommand("set", "Set a cursor by hand: forward, or for a new incarnation");
  set->add_option("NAME", options->name, "The source's name")->required();
  AddNumber(set, "--position", &options->position, "The last position that counts as consumed")->required();
  set->add_option("--incarnation", options->incarnation,
                  "The new incarnation, if positions have started anew. Default: as it is");
  set->add_option("--window", options->window, "Of a windowed source. Default: as it is")
      ->check(CLI::Range(uint32_t{0}, kMaxSourceWindow));
  set->add_flag("--create", options->create, "The source is new to the ledger");
  AddYes(set, &options->yes);
  set->add_flag("--json", options->json, "One JSON object");
  set->footer(
      "Example:\n"
      "  semel sources accounts set payments-3 --position 4711 --yes\n"
      "  semel sources accounts set payments-3 --position 0 --incarnation topic-2 --yes");
  set->callback([options, exit] {
    *exit = WithWriter(options->ledger, {}, [&](Ledger& ledger) { return Set(*options, ledger); });
  });
}

}  // namespace semel::cli
