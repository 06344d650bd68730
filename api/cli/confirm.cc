// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/confirm.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

namespace semel::cli {

void AddYes(CLI::App* command, bool* yes) {
  command->add_flag("--yes", *yes, "Do it without asking; needed where nobody sits at a terminal");
}

absl::Status Confirm(bool yes, std::string_view question) {
  if (yes) return absl::OkStatus();
  if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) {
    return absl::InvalidArgumentError(fmt::format("{} Nothing was done; say yes to it with --yes", question));
  }
  fmt::print(stderr, "{} [y/N] ", question);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return absl::OkStatus();
  return absl::InvalidArgumentError("nothing was done");
}

}  // namespace semel::cli
