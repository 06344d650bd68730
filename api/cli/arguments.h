// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Arguments that several subcommands take: flags, numbers, a moment of the past, the form of what is printed.

#ifndef SEMEL_API_CLI_ARGUMENTS_H_
#define SEMEL_API_CLI_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "api/cli/text.h"
#include "semel/ledger.h"

namespace semel::cli {

// Of the flags that are added from now on, in subcommands as well: --flag=value is refused. (CLI11 by itself reads some
// values, and throws what nobody catches at others.)
inline void RefuseValuesOfFlags(CLI::App* app) { app->option_defaults()->disable_flag_override(); }

// Reads what stands behind an option that takes a time. Errors: InvalidArgument, with what it takes.
absl::StatusOr<int64_t> ReadTime(std::string_view option, const std::string& text);

// An option that takes a number. (CLI11 by itself takes -1 for 2^64 - 1.)
template <typename Number>  // uint64_t or an optional one
CLI::Option* AddNumber(CLI::App* command, const std::string& option, Number* number, const std::string& help) {
  const auto read = [option, number](const std::string& text) {
    const std::optional<uint64_t> parsed = ParseNumber(text);
    if (!parsed.has_value()) throw CLI::ValidationError(option, "takes a number, 0 .. 18446744073709551615");
    *number = *parsed;
  };
  return command->add_option_function<std::string>(option, read, help)->type_name("NUMBER");
}

// An option that takes a number of bytes, with or without a unit.
CLI::Option* AddSize(CLI::App* command, const std::string& option, std::optional<uint64_t>* bytes,
                     const std::string& help);

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
