// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/arguments.h"

#include <fmt/format.h>

#include "api/cli/text.h"

namespace semel::cli {

absl::StatusOr<int64_t> ReadTime(std::string_view option, const std::string& text) {
  const std::optional<int64_t> time_us = ParseTime(text);
  if (time_us.has_value()) return *time_us;
  return absl::InvalidArgumentError(
      fmt::format("{} takes RFC 3339, such as 2026-11-21T10:00:00Z, a date, or microseconds since 1970", option));
}

CLI::Option* AddSize(CLI::App* command, const std::string& option, std::optional<uint64_t>* bytes,
                     const std::string& help) {
  const auto read = [option, bytes](const std::string& text) {
    *bytes = ParseSize(text);
    if (!bytes->has_value()) throw CLI::ValidationError(option, "takes a size, such as 4096, 64MiB or 10GiB");
  };
  return command->add_option_function<std::string>(option, read, help)->type_name("SIZE");
}

MomentOptions AddMoment(CLI::App* command, MomentArguments* moment) {
  MomentOptions options{};
  options.lsn = AddNumber(command, "--as-of-lsn", &moment->lsn, "After the journal's entry at this address");
  options.time = command->add_option("--as-of-time", moment->time,
                                     "At this time: RFC 3339, a date (its first moment in UTC), or microseconds since "
                                     "1970");
  options.lsn->excludes(options.time);
  return options;
}

absl::StatusOr<AsOf> ReadMoment(const MomentArguments& moment) {
  AsOf as_of;
  as_of.lsn = moment.lsn;
  if (moment.time.empty()) return as_of;
  const absl::StatusOr<int64_t> time_us = ReadTime("--as-of-time", moment.time);
  if (!time_us.ok()) return time_us.status();
  as_of.time_us = *time_us;
  return as_of;
}

void AddForm(CLI::App* command, Form* form) {
  const auto set = [form](const std::string& name) {
    *form = name == "csv" ? Form::kCsv : name == "json" ? Form::kJson : Form::kTable;
  };
  CLI::Option* const format = command->add_option_function<std::string>("--format", set, "table (default), csv or json")
                                  ->check(CLI::IsMember({"table", "csv", "json"}));
  command
      ->add_flag_callback(
          "--json", [form] { *form = Form::kJson; }, "The same as --format json")
      ->excludes(format);
}

}  // namespace semel::cli
