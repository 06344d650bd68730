// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// journal: every decided change, in commit order.

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/cli/arguments.h"
#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

constexpr std::chrono::milliseconds kFollowPause{100};
constexpr size_t kShownEffects = 4;

struct JournalOptions {
  std::string ledger;
  uint64_t from = 0;
  uint64_t limit = 0;
  bool follow = false;
  bool json = false;
};

std::string ShowEffect(const JournalEffect& effect) {
  const std::string what = effect.action == Action::kAdd
                               ? fmt::format("{}{}", effect.amount < 0 ? "" : "+", AmountToString(effect.amount))
                               : std::string(ToString(effect.action));
  return fmt::format("{} v{} {}", Printable(effect.key), effect.version, what);
}

std::string ShowEffects(const JournalEntry& entry) {
  std::string shown;
  for (size_t i = 0; i < entry.effects.size(); ++i) {
    if (i == kShownEffects) return fmt::format("{}; and {} more", shown, entry.effects.size() - i);
    shown += (i == 0 ? "" : "; ") + ShowEffect(entry.effects[i]);
  }
  return shown.empty() ? Printable(entry.reason, 100) : shown;
}

// What it did, and which parked change or dead letter it was.
std::string ShowWork(const JournalEntry& entry) {
  std::string shown = ShowEffects(entry);
  if (entry.outcome == OutcomeCode::kUnspecified) return shown;
  if (entry.parked != 0) shown += fmt::format(" (parked as {})", entry.parked);
  if (entry.letter != 0) shown += fmt::format(" (dead letter {})", entry.letter);
  return shown;
}

std::string ShowOutcome(const JournalEntry& entry) {
  return entry.outcome == OutcomeCode::kUnspecified ? "-" : std::string(ToString(entry.outcome));
}

// Prints entries as they come, either way.
class JournalPrinter {
 public:
  explicit JournalPrinter(const JournalOptions& options) : options_(options) {
    if (options.json) return;
    table_ = std::make_unique<Table>(std::vector<Column>{
        {"SEQUENCE", Align::kRight}, {"LSN", Align::kRight}, {"TIME"}, {"OUTCOME"}, {"ID"}, {"SOURCE"}, {"EFFECTS"}});
  }

  // False once the limit is reached.
  bool Print(const JournalEntry& entry) {
    if (table_ != nullptr) {
      table_->Add({std::to_string(entry.sequence), std::to_string(entry.lsn), FormatTime(entry.commit_time_us),
                   ShowOutcome(entry), Printable(entry.id), ShowSource(entry.source), ShowWork(entry)});
    } else {
      PrintLine(ToJson(entry));
    }
    ++printed_;
    return !done();
  }

  void Flush() {
    if (table_ != nullptr) table_->Flush();
    FlushOutput();
  }

  bool done() const { return options_.limit != 0 && printed_ == options_.limit; }

 private:
  const JournalOptions& options_;
  std::unique_ptr<Table> table_;
  uint64_t printed_ = 0;
};

absl::Status Journal(const JournalOptions& options, Ledger& ledger) {
  JournalPrinter printer(options);
  uint64_t from = options.from;
  while (true) {
    const auto visit = [&](const JournalEntry& entry) { return printer.Print(entry); };
    const absl::StatusOr<uint64_t> next = ledger.ReadJournal(from, visit);
    printer.Flush();
    if (!next.ok()) return next.status();
    if (!options.follow || printer.done()) return absl::OkStatus();
    from = *next;
    std::this_thread::sleep_for(kFollowPause);
  }
}

}  // namespace

void AddJournal(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("journal", "Show every decided change, in commit order");
  const auto options = std::make_shared<JournalOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  AddNumber(command, "--from", &options->from, "The address (lsn or next_lsn) to begin at; 0: the beginning");
  AddNumber(command, "--limit", &options->limit, "At most so many; 0: all");
  command->add_flag("--follow", options->follow, "Wait for more, until interrupted");
  command->add_flag("--json", options->json, "One JSON object a line");
  command->footer("Example:\n  semel journal accounts --limit 10\n  semel journal accounts --follow --json");
  command->callback([options, exit] {
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return Journal(*options, ledger); });
  });
}

}  // namespace semel::cli
