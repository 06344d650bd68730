// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// semel: works with a ledger from the command line. A thin layer over the public headers.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/text.h"
#include "semel/version.h"

namespace semel::cli {
namespace {

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> OptionNames(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// The first word of the command line that nothing takes, with the nearest that something would.
std::string ExplainUnknown(const CLI::App& app, int argc, char** argv) {
  const std::vector<std::string> commands = CommandNames(app);
  const std::string first = argc > 1 ? argv[1] : "";
  const bool is_command = std::find(commands.begin(), commands.end(), first) != commands.end();
  std::vector<std::string> known = is_command ? OptionNames(*app.get_subcommand(first)) : OptionNames(app);
  std::string word = first;
  if (is_command) {
    const std::vector<std::string> extras = app.remaining(true);
    if (extras.empty()) return "";
    word = extras.front();
  } else if (first.empty() || first[0] != '-') {
    known = commands;
  }
  const std::string nearest = Nearest(word.substr(0, word.find('=')), known);
  const std::string hint = nearest.empty() ? "" : fmt::format(": did you mean {}?", nearest);
  return fmt::format("unknown {} \"{}\"{}", !is_command && word[0] != '-' ? "command" : "argument", Printable(word, 60),
                     hint);
}

int ExplainUsage(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (argc == 1) {
    fmt::print(stderr, "{}", app.help());
    return kExitUsage;
  }
  const std::string unknown = ExplainUnknown(app, argc, argv);
  const std::vector<const CLI::App*> given = app.get_subcommands([](const CLI::App* c) { return c->parsed(); });
  const std::string command = given.empty() ? "semel" : "semel " + given.front()->get_name();
  fmt::print(stderr, "{}: {}\nRun {} --help for what it takes.\n", command,
             unknown.empty() ? Printable(error.what()) : unknown, command);
  return kExitUsage;
}

int Run(int argc, char** argv) {
  CLI::App app("Applies change messages exactly once to a ledger of entities with version numbers.", "semel");
  app.set_version_flag("--version", fmt::format("semel {} (format {})", SEMEL_VERSION, kFormatVersion));
  app.require_subcommand(1);
  app.footer(
      "Example:\n"
      "  semel init accounts\n"
      "  semel apply accounts changes.jsonl\n"
      "  semel get accounts account/alice\n\n"
      "Exit status: 0 done, 1 the engine failed or verify found a fault, 2 unusable arguments or input.\n"
      "Run semel COMMAND --help for the options and an example of each.");
  int exit = kExitOk;
  AddInit(app, &exit);
  AddApply(app, &exit);
  AddEntityCommands(app, &exit);
  AddStatement(app, &exit);
  AddTrialBalance(app, &exit);
  AddJournal(app, &exit);
  AddStatusCommands(app, &exit);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return ExplainUsage(app, error, argc, argv);
  }
  return exit;
}

}  // namespace
}  // namespace semel::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // writing to a closed pipe is an error of the write
  const int exit = semel::cli::Run(argc, argv);
  semel::cli::FlushOutput();
  return exit;
}
