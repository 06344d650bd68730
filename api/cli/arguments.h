// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Arguments that several subcommands take: a moment of the past, and the form of what is printed.

#ifndef SEMEL_API_CLI_ARGUMENTS_H_
#define SEMEL_API_CLI_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "semel/ledger.h"

namespace semel::cli {

// Reads what stands behind an option that takes a time. Errors: InvalidArgument, with what it takes.
absl::StatusOr<int64_t> ReadTime(std::string_view option, const std::string& text);

// --as-of-lsn and --as-of-time, of which at most one is given.
struct MomentArguments {
  std::optional<uint64_t> lsn;
  std::string time;
};
struct MomentOptions {
  CLI::Option* lsn;
  CLI::Option* time;
};
MomentOptions AddMoment(CLI::App* command, MomentArguments* moment);

// Errors: InvalidArgument.
absl::StatusOr<AsOf> ReadMoment(const MomentArguments& moment);

// --format and --json.
enum class Form { kTable, kCsv, kJson };
void AddForm(CLI::App* command, Form* form);

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_ARGUMENTS_H_
