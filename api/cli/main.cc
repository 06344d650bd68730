// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// semel: works with a ledger from the command line. A thin layer over the public headers.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
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

// The innermost command that was given: `app` itself, "apply", "parked list".
const CLI::App& Innermost(const CLI::App& app) {
  const CLI::App* command = &app;
  for (;;) {
    const std::vector<const CLI::App*> given = command->get_subcommands([](const CLI::App* c) { return c->parsed(); });
    if (given.empty()) return *command;
    command = given.front();
  }
}

// As it is typed: "semel parked list".
std::string FullName(const CLI::App& command) {
  const CLI::App* const parent = command.get_parent();
  return (parent == nullptr ? "" : FullName(*parent) + " ") + command.get_name();
}

// The first word of the command line that nothing takes, with the nearest that something would. "" if there is none.
std::string ExplainUnknown(const CLI::App& app) {
  const CLI::App& command = Innermost(app);
  const std::vector<std::string> extras = app.remaining(true);
  if (extras.empty()) return "";
  const std::string& word = extras.front();
  const bool is_option = !word.empty() && word[0] == '-';
  const std::string nearest =
      Nearest(word.substr(0, word.find('=')), is_option ? OptionNames(command) : CommandNames(command));
  const std::string hint = nearest.empty() ? "" : fmt::format(": did you mean {}?", nearest);
  const bool is_command = !is_option && !CommandNames(command).empty();
  return fmt::format("unknown {} \"{}\"{}", is_command ? "command" : "argument", Printable(word, 60), hint);
}

// What CLI11 says, but of a flag with a value, which it puts strangely: "park was given a disallowed flag override".
std::string Reason(const CLI::ParseError& error) {
  const std::string said = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr ||
      said.find("flag override") == std::string::npos) {
    return Printable(said);
  }
  return fmt::format("--{} takes no value", Printable(said.substr(0, said.find(' '))));
}

int ExplainUsage(const CLI::App& app, const CLI::ParseError& error, int argc) {
  if (argc == 1) {
    fmt::print(stderr, "{}", app.help());
    return kExitUsage;
  }
  const std::string unknown = ExplainUnknown(app);
  const std::string command = FullName(Innermost(app));
  fmt::print(stderr, "{}: {}\nRun {} --help for what it takes.\n", command, unknown.empty() ? Reason(error) : unknown,
             command);
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
      "Exit status: 0 done, 1 the engine failed, verify found a fault or retried letters stay, 2 unusable arguments "
      "or\n"
      "input.\n"
      "Run semel COMMAND --help for the options and an example of each.");
  int exit = kExitOk;
  AddCommands(app, &exit);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return ExplainUsage(app, error, argc);
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
