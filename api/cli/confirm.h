// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#ifndef SEMEL_API_CLI_CONFIRM_H_
#define SEMEL_API_CLI_CONFIRM_H_

#include <CLI/CLI.hpp>
#include <string_view>

#include "absl/status/status.h"

namespace semel::cli {

// --yes
void AddYes(CLI::App* command, bool* yes);

// Ok if `yes` is set, or if there is a person at a terminal who answers `question` with y.
// Errors: InvalidArgument, which says to give --yes.
absl::Status Confirm(bool yes, std::string_view question);

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_CONFIRM_H_
