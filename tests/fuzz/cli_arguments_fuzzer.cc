// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The arguments of the command, one a line, as far as parsing: they are taken, or refused as unusable. No subcommand is
// run. What people write for a number, a size and a time is read too, and shown again it reads the same.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "api/cli/commands.h"
#include "api/cli/text.h"
#include "engine/base/check.h"

namespace {

using namespace semel::cli;

constexpr int kNotRun = 77;

// Parsing begins anew each time, so one description of the command line does for all.
CLI::App& TheApp(int* exit) {
  static CLI::App* const kApp = [exit] {
    auto* const app = new CLI::App("", "semel");
    app->require_subcommand(1);
    AddCommands(*app, exit);
    app->parse_complete_callback([] { throw CLI::Success(); });  // before any subcommand is run
    return app;
  }();
  return *kApp;
}

void CheckParse(std::vector<std::string> arguments) {
  static int exit = kNotRun;
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
  try {
    TheApp(&exit).parse(std::move(arguments));
  } catch (const CLI::ParseError&) {
  }
  SEMEL_CHECK(exit == kNotRun);
}

void CheckTexts(const std::string& word) {
  if (const auto number = ParseNumber(word)) SEMEL_CHECK(ParseNumber(std::to_string(*number)) == number);
  if (const auto bytes = ParseSize(word)) SEMEL_CHECK(ParseSize(std::to_string(*bytes)) == bytes);
  if (const auto time = ParseTime(word)) SEMEL_CHECK(ParseTime(std::to_string(*time)) == time);
  const std::string shown = Printable(word);
  SEMEL_CHECK(shown.find('\x1b') == std::string::npos);
  SEMEL_CHECK(Columns(shown) <= shown.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kArgumentsMax = 16;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> arguments = absl::StrSplit(text, '\n');
  if (arguments.size() > kArgumentsMax) arguments.resize(kArgumentsMax);
  for (const std::string& word : arguments) CheckTexts(word);
  CheckParse(std::move(arguments));
  return 0;
}
