// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// trim, retire, answerable, rebuild, compact: what a ledger keeps, and its state made anew.

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/cli/arguments.h"
#include "api/cli/commands.h"
#include "api/cli/confirm.h"
#include "api/cli/figures.h"
#include "api/cli/output.h"
#include "api/cli/progress.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

// ---- trim

struct TrimArguments {
  std::string ledger;
  TrimOptions trim;
  std::string before_time;
  bool json = false;
};

absl::Status Trim(TrimArguments arguments, Ledger& ledger) {
  if (!arguments.before_time.empty()) {
    const absl::StatusOr<int64_t> time_us = ReadTime("--before-time", arguments.before_time);
    if (!time_us.ok()) return time_us.status();
    arguments.trim.before_time_us = *time_us;
  }
  const absl::StatusOr<TrimReport> report = ledger.Trim(arguments.trim);
  if (!report.ok()) return report.status();
  Figures figures;
  figures.Add("floor_lsn", report->floor_lsn);
  figures.Add("removed_segments", report->removed_segments);
  figures.Add("removed_bytes", report->removed_bytes);
  figures.Add("base_bytes", report->base_bytes);
  figures.Add("held_by", arguments.json || !report->held_by.empty() ? report->held_by : "nothing");
  figures.Print(arguments.json);
  return absl::OkStatus();
}

void AddTrim(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("trim", "Remove old history; entities and sources stay");
  const auto arguments = std::make_shared<TrimArguments>();
  command->add_option("LEDGER", arguments->ledger, "The ledger's directory")->required();
  AddNumber(command, "--before-lsn", &arguments->trim.before_lsn, "May go: what lies before this address");
  command->add_option("--before-time", arguments->before_time,
                      "May go: what was committed before this time: RFC 3339, a date, or microseconds since 1970");
  AddSize(command, "--keep-bytes", &arguments->trim.keep_bytes, "May go: all but the last so many bytes");
  command->add_flag("--seal", arguments->trim.seal, "End the segment that is written now, so that it may go as well");
  command->add_flag("--json", arguments->json, "One JSON object");
  command->footer(
      "Example:\n"
      "  semel trim accounts --before-time 2026-01-01\n"
      "  semel trim accounts --keep-bytes 10GiB\n\n"
      "Of several bounds the one that keeps most counts. Whole segments go. The latest change of each entity and "
      "source\n"
      "is recognised for ever; an older one that comes again is INDETERMINATE.");
  command->callback([arguments, exit] {
    *exit = WithWriter(arguments->ledger, {}, [&](Ledger& ledger) { return Trim(*arguments, ledger); });
  });
}

// ---- retire

struct RetireArguments {
  std::string ledger;
  std::string prefix;
  bool list = false;
  bool yes = false;
  bool json = false;
};

absl::Status ListRetired(const RetireArguments& arguments, Ledger& ledger) {
  const absl::StatusOr<std::vector<std::string>> prefixes = ledger.ListRetired();
  if (!prefixes.ok()) return prefixes.status();
  for (const std::string& prefix : *prefixes) {
    if (!arguments.json) {
      PrintLine(Printable(prefix));
      continue;
    }
    Figures figures;
    figures.Add("prefix", prefix);
    figures.Print(/*json=*/true);
  }
  return absl::OkStatus();
}

// A key that the prefix has, so that a mistyped one shows; none if it is retired already.
// Errors: InvalidArgument if nothing begins with it.
absl::StatusOr<std::optional<std::string>> FindExample(const std::string& prefix, Ledger& ledger) {
  ScanOptions scan;
  scan.prefix = prefix;
  scan.limit = 1;
  scan.include_deleted = true;
  scan.fresh = true;
  std::optional<std::string> example;
  const absl::StatusOr<uint64_t> scanned = ledger.Scan(scan, [&](const Entity& entity) {
    example = entity.key;
    return true;
  });
  if (!scanned.ok()) return scanned.status();
  if (example.has_value()) return example;
  const absl::StatusOr<std::vector<std::string>> retired = ledger.ListRetired();
  if (!retired.ok()) return retired.status();
  for (const std::string& known : *retired) {
    if (prefix.substr(0, known.size()) == known) return example;
  }
  return absl::InvalidArgumentError(fmt::format("no key begins with {}", Printable(prefix)));
}

absl::Status Retire(const RetireArguments& arguments, Ledger& ledger) {
  const absl::StatusOr<std::optional<std::string>> example = FindExample(arguments.prefix, ledger);
  if (!example.ok()) return example.status();
  if (example->has_value()) {
    const absl::Status confirmed = Confirm(
        arguments.yes, fmt::format("Retire all keys that begin with {}, such as {}? They are gone, and a change that "
                                   "names one is INDETERMINATE, for ever.",
                                   Printable(arguments.prefix), Printable(**example)));
    if (!confirmed.ok()) return confirmed;
  }
  const absl::StatusOr<RetireReport> report = ledger.Retire(arguments.prefix);
  if (!report.ok()) return report.status();
  Figures figures;
  figures.Add("prefix", arguments.prefix);
  figures.Add("erased", report->erased);
  figures.Print(arguments.json);
  return absl::OkStatus();
}

std::string CheckPrefix(const std::string& prefix) {
  if (!prefix.empty() && prefix.size() <= kMaxKeyBytes) return "";
  return fmt::format("a prefix has 1 to {} bytes", kMaxKeyBytes);
}

void AddRetire(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("retire", "Remove the entities of a prefix, for ever");
  const auto arguments = std::make_shared<RetireArguments>();
  command->add_option("LEDGER", arguments->ledger, "The ledger's directory")->required();
  CLI::Option* const prefix =
      command->add_option("--prefix", arguments->prefix, "Keys that begin so go, and never come back")
          ->check(CheckPrefix);
  CLI::Option* const list = command->add_flag("--list", arguments->list, "Show what was retired");
  list->excludes(prefix);
  AddYes(command, &arguments->yes);
  command->add_flag("--json", arguments->json, "One JSON object (a line)");
  command->footer(
      "Example:\n"
      "  semel retire accounts --prefix transfer/2025-11/ --yes\n"
      "  semel retire accounts --list");
  command->callback([arguments, prefix, exit] {
    if (!arguments->list && prefix->count() == 0) throw CLI::RequiredError("--prefix or --list");
    if (arguments->list) {
      *exit = WithLedger(arguments->ledger, [&](Ledger& ledger) { return ListRetired(*arguments, ledger); });
    } else {
      *exit = WithWriter(arguments->ledger, {}, [&](Ledger& ledger) { return Retire(*arguments, ledger); });
    }
  });
}

// ---- answerable

struct AnswerableArguments {
  std::string ledger;
  std::string key;
  bool json = false;
};

absl::Status PrintAnswerable(const AnswerableArguments& arguments, Ledger& ledger) {
  const absl::StatusOr<Answerable> answerable = ledger.AnswerableSince(arguments.key);
  if (!answerable.ok()) return answerable.status();
  Figures figures;
  figures.Add("key", arguments.key);
  figures.Add("version", answerable->version);
  figures.Add("since_version", answerable->since_version);
  figures.Add("floor_lsn", answerable->floor_lsn);
  figures.AddYesNo("retired", answerable->retired);
  figures.Print(arguments.json);
  return absl::OkStatus();
}

void AddAnswerable(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("answerable", "Show from where on one entity's history can be read");
  const auto arguments = std::make_shared<AnswerableArguments>();
  command->add_option("LEDGER", arguments->ledger, "The ledger's directory")->required();
  command->add_option("KEY", arguments->key, "The entity's key")->required();
  command->add_flag("--json", arguments->json, "One JSON object");
  command->footer(
      "Example:\n"
      "  semel answerable accounts account/alice\n\n"
      "Versions after since_version can be read, and redeliveries of the changes that made them are recognised.");
  command->callback([arguments, exit] {
    *exit = WithLedger(arguments->ledger, [&](Ledger& ledger) { return PrintAnswerable(*arguments, ledger); });
  });
}

// ---- rebuild, compact

struct StateArguments {
  std::string ledger;
  bool json = false;
};

std::shared_ptr<StateArguments> AddStateArguments(CLI::App* command) {
  auto arguments = std::make_shared<StateArguments>();
  command->add_option("LEDGER", arguments->ledger, "The ledger's directory")->required();
  command->add_flag("--json", arguments->json, "One JSON object");
  return arguments;
}

int Rebuild(const StateArguments& arguments) {
  FractionProgress progress("rebuild");
  const absl::StatusOr<RebuildReport> report = RebuildLedger(arguments.ledger, progress.callback());
  progress.Clear();
  if (!report.ok()) return Fail(report.status(), arguments.ledger);
  Figures figures;
  figures.Add("base_lsn", report->base_lsn);
  figures.Add("lsn", report->lsn);
  figures.Add("entries", report->entries);
  figures.Add("entities", report->entities);
  figures.Add("state_digest", report->state_digest);
  figures.Print(arguments.json);
  return kExitOk;
}

void AddRebuild(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("rebuild", "Make the state anew, of the journal");
  const auto arguments = AddStateArguments(command);
  command->footer(
      "Example:\n"
      "  semel rebuild accounts\n\n"
      "For a state that is damaged or lost. The old one is replaced when the new one stands.");
  command->callback([arguments, exit] { *exit = Rebuild(*arguments); });
}

int Compact(const StateArguments& arguments) {
  uint64_t before = 0;
  const int opened = WithLedger(arguments.ledger, [&](Ledger& ledger) {
    const absl::StatusOr<Stats> stats = ledger.GetStats();
    if (stats.ok()) before = stats->state_bytes;
    return stats.status();
  });
  if (opened != kExitOk) return opened;
  Options options;
  options.compact_state = true;
  return WithWriter(arguments.ledger, options, [&](Ledger& ledger) {
    const absl::StatusOr<Stats> stats = ledger.GetStats();
    if (!stats.ok()) return stats.status();
    Figures figures;
    figures.Add("state_bytes_before", before);
    figures.Add("state_bytes", stats->state_bytes);
    figures.Print(arguments.json);
    return absl::OkStatus();
  });
}

void AddCompact(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("compact", "Make the state file anew, without its free pages");
  const auto arguments = AddStateArguments(command);
  command->footer(
      "Example:\n"
      "  semel compact accounts\n\n"
      "Takes the time and the space of a copy. semel stats shows what it would give back: state_free_bytes.");
  command->callback([arguments, exit] { *exit = Compact(*arguments); });
}

}  // namespace

void AddUpkeep(CLI::App& app, int* exit) {
  AddTrim(app, exit);
  AddRetire(app, exit);
  AddAnswerable(app, exit);
  AddRebuild(app, exit);
  AddCompact(app, exit);
}

}  // namespace semel::cli
