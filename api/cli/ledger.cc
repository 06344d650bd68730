// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the subcommands share: opening a ledger and saying what went wrong with it; and init.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

// What the user can do beyond what the message says.
std::string Hint(const absl::Status& status, std::string_view ledger) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return fmt::format("\nTo create a ledger: semel init {}", Printable(ledger));
    case absl::StatusCode::kUnavailable:
      return "\nOne process writes at a time. The reading commands (get, list, journal, ...) work beside it.";
    case absl::StatusCode::kDataLoss:
      return fmt::format("\nTo see what is damaged: semel verify {}", Printable(ledger));
    default:
      return "";
  }
}

// Whether other arguments would help.
bool IsUsage(absl::StatusCode code) {
  return code == absl::StatusCode::kNotFound || code == absl::StatusCode::kAlreadyExists ||
         code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kOutOfRange;
}

int Init(const std::string& directory) {
  Options options;
  options.create_if_missing = true;
  options.error_if_exists = true;
  absl::StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::Open(directory, options);
  if (!ledger.ok()) return Fail(ledger.status(), directory);
  const absl::Status closed = (*ledger)->Close();
  if (!closed.ok()) return Fail(closed, directory);
  PrintLine(fmt::format("{}: new ledger, format {}", Printable(directory), kFormatVersion));
  return kExitOk;
}

}  // namespace

int Fail(const absl::Status& status, std::string_view ledger) {
  const std::string message(status.message().data(), status.message().size());
  fmt::print(stderr, "semel: {}: {}{}\n", Printable(ledger), Printable(message), Hint(status, ledger));
  return IsUsage(status.code()) ? kExitUsage : kExitFailed;
}

int WithLedger(const std::string& directory, const std::function<absl::Status(Ledger&)>& read) {
  absl::StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::OpenReadOnly(directory);
  if (!ledger.ok()) return Fail(ledger.status(), directory);
  const absl::Status status = read(**ledger);
  return status.ok() ? kExitOk : Fail(status, directory);
}

void AddInit(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("init", "Create an empty ledger");
  const auto directory = std::make_shared<std::string>();
  command->add_option("LEDGER", *directory, "The directory to create")->required();
  command->footer("Example:\n  semel init accounts");
  command->callback([directory, exit] { *exit = Init(*directory); });
}

}  // namespace semel::cli
