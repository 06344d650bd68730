// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// init, options: creating a ledger, and what it decides by.

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <string>

#include "api/cli/arguments.h"
#include "api/cli/commands.h"
#include "api/cli/figures.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

struct OptionsArguments {
  std::string ledger;
  Options options;
  bool json = false;
};

void AddSwitch(CLI::App* command, const std::string& option, std::optional<bool>* value, const std::string& help) {
  command
      ->add_option_function<std::string>(
          option, [value](const std::string& text) { *value = text == "on"; }, help)
      ->check(CLI::IsMember({"on", "off"}));
}

// The options that the ledger keeps. What is not given stays as it is.
void AddDecidingOptions(CLI::App* command, Options* options) {
  constexpr uint64_t kMost = uint64_t{1} << 32;
  AddSwitch(command, "--parking", &options->parking,
            "Hold changes that come early, instead of answering EARLY. New ledgers: off");
  command->add_option("--parking-changes", options->parking_changes, "At most so many are parked. New ledgers: 100000")
      ->check(CLI::Range(uint64_t{1}, kMost));
  AddSize(command, "--parking-bytes", &options->parking_bytes, "At most so many bytes of them. New ledgers: 64MiB");
  command
      ->add_option("--parking-changes-per-entity", options->parking_changes_per_entity,
                   "At most so many that touch one entity. New ledgers: 1000")
      ->check(CLI::Range(uint64_t{1}, kMost));
  AddSize(command, "--parking-bytes-per-entity", &options->parking_bytes_per_entity,
          "At most so many bytes of them. New ledgers: 8MiB");
  command
      ->add_option("--balance-lookback", options->balance_lookback,
                   "How many entries of an entity's history are searched for an id. New ledgers: 4096")
      ->check(CLI::Range(uint32_t{1}, std::numeric_limits<uint32_t>::max()));
  AddSwitch(command, "--explicit-entities", &options->explicit_entities,
            "Refuse an add to a key that never existed. New ledgers: off");
}

absl::Status PrintOptions(bool json, Ledger& ledger) {
  const absl::StatusOr<Options> options = ledger.GetOptions();
  if (!options.ok()) return options.status();
  Figures figures;
  figures.AddYesNo("parking", *options->parking);
  figures.Add("parking_changes", *options->parking_changes);
  figures.Add("parking_bytes", *options->parking_bytes);
  figures.Add("parking_changes_per_entity", *options->parking_changes_per_entity);
  figures.Add("parking_bytes_per_entity", *options->parking_bytes_per_entity);
  figures.Add("balance_lookback", uint64_t{*options->balance_lookback});
  figures.AddYesNo("explicit_entities", *options->explicit_entities);
  figures.AddYesNo("tamper_evident", *options->tamper_evident);
  figures.Print(json);
  return absl::OkStatus();
}

bool ChangesAny(const Options& options) {
  return options.parking || options.parking_changes || options.parking_bytes || options.parking_changes_per_entity ||
         options.parking_bytes_per_entity || options.balance_lookback || options.explicit_entities;
}

int Init(OptionsArguments arguments) {
  arguments.options.create_if_missing = true;
  arguments.options.error_if_exists = true;
  return WithWriter(arguments.ledger, arguments.options, [&](Ledger&) {
    PrintLine(fmt::format("{}: new ledger, format {}", Printable(arguments.ledger), kFormatVersion));
    return absl::OkStatus();
  });
}

int ShowOrChangeOptions(const OptionsArguments& arguments) {
  const auto print = [&](Ledger& ledger) { return PrintOptions(arguments.json, ledger); };
  if (!ChangesAny(arguments.options)) return WithLedger(arguments.ledger, print);
  return WithWriter(arguments.ledger, arguments.options, print);
}

}  // namespace

void AddInit(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("init", "Create an empty ledger");
  const auto arguments = std::make_shared<OptionsArguments>();
  command->add_option("LEDGER", arguments->ledger, "The directory to create")->required();
  AddDecidingOptions(command, &arguments->options);
  const auto tamper_evident = std::make_shared<bool>(false);
  command->add_flag(
      "--tamper-evident", *tamper_evident,
      "Chain the history by SHA-256, so that semel head and semel verify --against can prove it unchanged");
  command->footer(
      "Example:\n  semel init accounts\n  semel init orders --parking on --parking-bytes 256MiB\n"
      "  semel init books --tamper-evident");
  command->callback([arguments, tamper_evident, exit] {
    arguments->options.tamper_evident = *tamper_evident;
    *exit = Init(*arguments);
  });
}

void AddOptions(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("options", "Show or change what a ledger decides by");
  const auto arguments = std::make_shared<OptionsArguments>();
  command->add_option("LEDGER", arguments->ledger, "The ledger's directory")->required();
  AddDecidingOptions(command, &arguments->options);
  command->add_flag("--json", arguments->json, "One JSON object");
  command->footer(
      "Example:\n"
      "  semel options accounts\n"
      "  semel options accounts --parking on --parking-changes 5000\n\n"
      "A change of the options is an entry of the journal. What is not given stays as it is.");
  command->callback([arguments, exit] { *exit = ShowOrChangeOptions(*arguments); });
}

}  // namespace semel::cli
