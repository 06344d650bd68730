// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Arguments of the commands that speak with a broker, and what they share at run time.

#ifndef SEMEL_API_CLI_STREAM_ARGUMENTS_H_
#define SEMEL_API_CLI_STREAM_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "api/streams/runner.h"
#include "api/streams/url.h"

namespace semel::cli {

struct BrokerArguments {
  std::string url;
  std::string broker_config;  // a file of settings, secrets among them
};

void AddBroker(CLI::App* command, BrokerArguments* broker);

// Errors: InvalidArgument, and those of reading the file.
absl::StatusOr<streams::Url> ReadBroker(const BrokerArguments& broker);

// --format and --map.
struct FormatArguments {
  std::string format = "auto";
  std::string map;
};

void AddMessageFormat(CLI::App* command, FormatArguments* format);

// Errors: InvalidArgument, and those of reading the file.
absl::StatusOr<streams::Decoder> ReadMessageFormat(const FormatArguments& format);

// The whole of a file. Errors: NotFound, PermissionDenied, ...
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Reads a file of arguments: a JSON object whose members are named as the options are, without dashes. Returns it as
// the words of a command line. Errors: InvalidArgument, and those of reading the file.
absl::StatusOr<std::vector<std::string>> ReadConfig(const std::string& path);

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_STREAM_ARGUMENTS_H_
