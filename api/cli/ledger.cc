// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the subcommands share: opening a ledger and saying what went wrong with it.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "api/cli/commands.h"
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
      if (absl::StrContains(status.message(), "semel ")) return "";  // it says itself what to run
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

int Report(const absl::Status& status, std::string_view file, const std::string& hint) {
  const std::string message(status.message().data(), status.message().size());
  fmt::print(stderr, "semel: {}: {}{}\n", Printable(file), Printable(message), hint);
  return IsUsage(status.code()) ? kExitUsage : kExitFailed;
}

}  // namespace

int Refuse(std::string_view command, std::string_view why, int exit) {
  fmt::print(stderr, "semel {}: {}\n", command, Printable(std::string(why)));
  return exit;
}

int Fail(const absl::Status& status, std::string_view ledger) { return Report(status, ledger, Hint(status, ledger)); }

int FailPlainly(const absl::Status& status, std::string_view file) { return Report(status, file, ""); }

int WithLedger(const std::string& directory, const std::function<absl::Status(Ledger&)>& read) {
  absl::StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::OpenReadOnly(directory);
  if (!ledger.ok()) return Fail(ledger.status(), directory);
  const absl::Status status = read(**ledger);
  return status.ok() ? kExitOk : Fail(status, directory);
}

int WithWriter(const std::string& directory, Options options, const std::function<absl::Status(Ledger&)>& work) {
  options.log = [](std::string_view line) { fmt::print(stderr, "semel: {}\n", line); };
  absl::StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::Open(directory, options);
  if (!ledger.ok()) return Fail(ledger.status(), directory);
  absl::Status status = work(**ledger);
  const absl::Status closed = (*ledger)->Close();
  if (status.ok()) status = closed;
  return status.ok() ? kExitOk : Fail(status, directory);
}

}  // namespace semel::cli
