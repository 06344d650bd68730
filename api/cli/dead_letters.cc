// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// dead-letters: changes that were refused, and wait for a person.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/cli/arguments.h"
#include "api/cli/commands.h"
#include "api/cli/confirm.h"
#include "api/cli/held.h"
#include "api/cli/letter_export.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

constexpr size_t kShownReason = 100;    // characters
constexpr size_t kShownMessage = 2000;  // characters

struct LetterOptions {
  std::string ledger;
  HeldOptions list{0, /*limit=*/0, ""};
  std::string name;
  Selection selection;
  LetterExportOptions exported;
  bool yes = false;
  bool json = false;
};

std::string ShowId(const std::string& id) { return id.empty() ? "-" : Printable(id); }

// ---- list

absl::Status List(const LetterOptions& options, Ledger& ledger) {
  std::unique_ptr<Table> table;
  if (!options.json) {
    table = std::make_unique<Table>(
        std::vector<Column>{{"SEQUENCE", Align::kRight}, {"REFUSED"}, {"OUTCOME"}, {"ID"}, {"SOURCE"}, {"REASON"}});
  }
  uint64_t shown = 0;
  return VisitHeld<DeadLetter>(ledger, options.list, [&](const DeadLetter& letter) -> absl::StatusOr<bool> {
    if (table != nullptr) {
      table->Add({std::to_string(letter.sequence), FormatTime(letter.refused_us),
                  std::string(ToString(letter.outcome.code)), ShowId(letter.id), ShowSource(letter.source),
                  Printable(letter.outcome.reason, kShownReason)});
    } else {
      PrintLine(ToJson(letter));
    }
    return ++shown != options.list.limit;
  });
}

// ---- show

void PrintLetter(const DeadLetter& letter) {
  Properties table;
  table.Add("sequence", std::to_string(letter.sequence));
  table.Add("refused", FormatTime(letter.refused_us));
  table.Add("outcome", std::string(ToString(letter.outcome.code)));
  if (letter.outcome.rule != Rule::kNone) table.Add("rule", std::string(ToString(letter.outcome.rule)));
  if (letter.outcome.conflict != Conflict::kNone) {
    table.Add("conflict", std::string(ToString(letter.outcome.conflict)));
  }
  table.Add("reason", Printable(letter.outcome.reason));
  table.Add("id", ShowId(letter.id));
  table.Add("source", ShowSource(letter.source));
  if (letter.source.has_value() && !letter.source->incarnation.empty()) {
    table.Add("incarnation", Printable(letter.source->incarnation));
  }
  const bool cut = letter.original_bytes > letter.original.size();
  table.Add("message", fmt::format("{} bytes{}{}", letter.original_bytes,
                                   cut ? fmt::format(", the first {} of them kept", letter.original.size()) : "",
                                   letter.change.has_value() ? "" : "; it could not be decoded"));
  table.Add("", letter.change.has_value() ? Printable(ToJson(*letter.change), kShownMessage)
                                          : Printable(letter.original, kShownMessage));
  table.Print();
}

absl::Status Show(const LetterOptions& options, Ledger& ledger) {
  const absl::StatusOr<DeadLetter> letter = FindHeld<DeadLetter>(ledger, options.name);
  if (!letter.ok()) return letter.status();
  if (options.json) {
    PrintLine(ToJson(*letter));
  } else {
    PrintLetter(*letter);
  }
  return absl::OkStatus();
}

// ---- retry

// One line for each letter that was tried.
class RetryPrinter {
 public:
  explicit RetryPrinter(bool json) {
    if (json) return;
    table_ = std::make_unique<Table>(
        std::vector<Column>{{"LETTER", Align::kRight}, {"OUTCOME"}, {"IT"}, {"ID"}, {"SOURCE"}, {"REASON"}});
  }

  void Print(const DeadLetter& letter, const Outcome& outcome) {
    const bool left = outcome.settled();
    if (!left) ++stayed_;
    if (table_ == nullptr) {
      auto line = nlohmann::ordered_json::parse(ToJson(letter.change.value_or(Change(letter.id)), outcome));
      line["letter"] = std::to_string(letter.sequence);
      line["left"] = left;
      PrintLine(line.dump());
      return;
    }
    const std::string code = letter.change.has_value() ? std::string(ToString(outcome.code)) : "-";
    table_->Add({std::to_string(letter.sequence), code, left ? "left" : "stays", ShowId(letter.id),
                 ShowSource(letter.source), Printable(outcome.reason, kShownReason)});
  }

  uint64_t stayed() const { return stayed_; }

 private:
  std::unique_ptr<Table> table_;
  uint64_t stayed_ = 0;
};

absl::StatusOr<Outcome> RetryOne(const DeadLetter& letter, Ledger& ledger) {
  if (letter.change.has_value()) return ledger.RetryDeadLetter(letter.sequence);
  Outcome undecodable = letter.outcome;
  undecodable.reason = "could not be decoded: export it, send what was meant as a new change, discard the letter";
  return undecodable;
}

absl::Status Retry(const LetterOptions& options, Ledger& ledger, uint64_t* stayed) {
  const absl::StatusOr<std::vector<uint64_t>> sequences = Select<DeadLetter>(ledger, options.selection);
  if (!sequences.ok()) return sequences.status();
  if (options.selection.names.empty() && !sequences->empty()) {
    const absl::Status confirmed =
        Confirm(options.yes, fmt::format("Retry {}?", Count(sequences->size(), "dead letter")));
    if (!confirmed.ok()) return confirmed;
  }
  RetryPrinter printer(options.json);
  for (const uint64_t sequence : *sequences) {
    const absl::StatusOr<DeadLetter> letter = FindHeld<DeadLetter>(ledger, std::to_string(sequence));
    if (!letter.ok()) return letter.status();
    const absl::StatusOr<Outcome> outcome = RetryOne(*letter, ledger);
    if (!outcome.ok()) return outcome.status();
    printer.Print(*letter, *outcome);
  }
  *stayed = printer.stayed();
  return absl::OkStatus();
}

// ---- discard

absl::Status Discard(const LetterOptions& options, Ledger& ledger) {
  const absl::StatusOr<std::vector<uint64_t>> sequences = Select<DeadLetter>(ledger, options.selection);
  if (!sequences.ok()) return sequences.status();
  const std::string letters = Count(sequences->size(), "dead letter");
  if (!sequences->empty()) {
    const absl::Status confirmed = Confirm(options.yes, fmt::format("Discard {}, for ever?", letters));
    if (!confirmed.ok()) return confirmed;
  }
  for (const uint64_t sequence : *sequences) {
    const absl::Status discarded = ledger.DiscardDeadLetter(sequence);
    if (!discarded.ok()) return discarded;
  }
  PrintLine(options.json ? fmt::format("{{\"discarded\":{}}}", sequences->size()) : letters + " discarded");
  return absl::OkStatus();
}

// ---- The subcommands

void AddList(CLI::App* command, const std::shared_ptr<LetterOptions>& options, int* exit) {
  CLI::App* const list = command->add_subcommand("list", "What was refused, oldest first, and why");
  list->add_option("--source", options->list.source, "Only those of this source");
  AddNumber(list, "--limit", &options->list.limit, "At most so many. Default: all");
  list->add_flag("--json", options->json, "One JSON object a line");
  list->footer("Example:\n  semel dead-letters accounts list --source payments-3");
  list->callback(
      [options, exit] { *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return List(*options, ledger); }); });
}

void AddShow(CLI::App* command, const std::shared_ptr<LetterOptions>& options, int* exit) {
  CLI::App* const show = command->add_subcommand("show", "One dead letter, with its message");
  show->add_option("WHICH", options->name, "SEQUENCE or SOURCE:POSITION, as list shows them")->required();
  show->add_flag("--json", options->json, "One JSON object");
  show->footer("Example:\n  semel dead-letters accounts show payments-3:17");
  show->callback(
      [options, exit] { *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return Show(*options, ledger); }); });
}

void AddRetry(CLI::App* command, const std::shared_ptr<LetterOptions>& options, int* exit) {
  CLI::App* const retry = command->add_subcommand("retry", "Decide them once more; those that settle leave");
  AddSelection(retry, &options->selection);
  AddYes(retry, &options->yes);
  retry->add_flag("--json", options->json, "One JSON object a line");
  retry->footer(
      "Example:\n"
      "  semel dead-letters accounts retry payments-3:17\n"
      "  semel dead-letters accounts retry --source payments-3 --yes\n\n"
      "Exit status: 0 all have left, 1 some stay, 2 unusable arguments.");
  retry->callback([options, exit] {
    uint64_t stayed = 0;
    *exit = WithWriter(options->ledger, {}, [&](Ledger& ledger) { return Retry(*options, ledger, &stayed); });
    if (stayed > 0) *exit = kExitFailed;
  });
}

void AddDiscard(CLI::App* command, const std::shared_ptr<LetterOptions>& options, int* exit) {
  CLI::App* const discard =
      command->add_subcommand("discard", "Drop their messages; what their positions were answered stays");
  AddSelection(discard, &options->selection);
  AddYes(discard, &options->yes);
  discard->add_flag("--json", options->json, "One JSON object");
  discard->footer("Example:\n  semel dead-letters accounts discard 17 18 --yes");
  discard->callback([options, exit] {
    *exit = WithWriter(options->ledger, {}, [&](Ledger& ledger) { return Discard(*options, ledger); });
  });
}

void AddExport(CLI::App* command, const std::shared_ptr<LetterOptions>& options, int* exit) {
  CLI::App* const exported = command->add_subcommand("export", "Write their messages as they came");
  AddSelection(exported, &options->selection);
  CLI::Option* const proto = exported->add_flag("--proto", options->exported.proto,
                                                "Each as semel.v1.Change after its length, instead of JSON lines");
  exported
      ->add_option("--directory", options->exported.directory,
                   "Each, as it came, into a file of this directory, named by its sequence")
      ->excludes(proto);
  exported->footer(
      "Example:\n"
      "  semel dead-letters accounts export --all >letters.jsonl\n"
      "  semel dead-letters accounts export --source payments-3 --directory letters\n\n"
      "To send corrected messages again, give them new positions, or none.");
  exported->callback([options, exit] {
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) {
      const absl::StatusOr<std::vector<uint64_t>> sequences = Select<DeadLetter>(ledger, options->selection);
      return sequences.ok() ? ExportLetters(*sequences, options->exported, ledger) : sequences.status();
    });
  });
}

}  // namespace

void AddDeadLetters(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("dead-letters", "Show, retry, discard and export what was refused");
  const auto options = std::make_shared<LetterOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->require_subcommand(1);
  command->footer(
      "Example:\n"
      "  semel dead-letters accounts list\n"
      "  semel dead-letters accounts show 17\n"
      "  semel dead-letters accounts retry 17");
  AddList(command, options, exit);
  AddShow(command, options, exit);
  AddRetry(command, options, exit);
  AddDiscard(command, options, exit);
  AddExport(command, options, exit);
}

}  // namespace semel::cli
