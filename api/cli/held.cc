// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/held.h"

#include <fmt/format.h>

#include "api/cli/text.h"

namespace semel::cli {
void AddSelection(CLI::App* command, Selection* selection) {
  CLI::Option* const names =
      command->add_option("WHICH", selection->names, "SEQUENCE or SOURCE:POSITION, as list shows them");
  CLI::Option* const source = command->add_option("--source", selection->source, "All of this source");
  CLI::Option* const all = command->add_flag("--all", selection->all, "All");
  source->excludes(names);
  all->excludes(names)->excludes(source);
}

absl::StatusOr<HeldName> ParseHeldName(const std::string& name) {
  HeldName parsed;
  const size_t colon = name.rfind(':');
  const std::string_view digits = std::string_view(name).substr(colon == name.npos ? 0 : colon + 1);
  const std::optional<uint64_t> number = ParseNumber(digits);
  const bool by_sequence = colon == name.npos;
  if (!number.has_value() || colon == 0 || (by_sequence && *number == 0)) {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\" is neither a sequence number nor SOURCE:POSITION", Printable(name, 60)));
  }
  if (by_sequence) {
    parsed.sequence = *number;
  } else {
    parsed.source = name.substr(0, colon);
    parsed.position = *number;
  }
  return parsed;
}

absl::Status NotHeld(std::string_view what, const std::string& name) {
  return absl::InvalidArgumentError(fmt::format("there is no {} {}", what, Printable(name, 200)));
}

absl::Status HeldTwice(std::string_view what, const std::string& name) {
  return absl::InvalidArgumentError(fmt::format(
      "more than one {} is {}, of several incarnations: name it by its sequence", what, Printable(name, 200)));
}

}  // namespace semel::cli
