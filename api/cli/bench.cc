// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// bench: how fast compare-and-sets are on this machine, beside what one would take instead.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "api/bench/machine.h"
#include "api/bench/race.h"
#include "api/cli/arguments.h"
#include "api/cli/commands.h"
#include "api/cli/new_file.h"
#include "api/cli/output.h"
#include "api/cli/progress.h"
#include "api/cli/race_results.h"
#include "api/cli/stop_signal.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

struct BenchArguments {
  bench::RaceOptions race;
  std::string peers = "all";
  std::string report;
  bool json = false;
  std::string command;
};

// Semel, and those that `peers` names. Errors: InvalidArgument.
absl::StatusOr<std::vector<bench::ContenderKind>> ChooseContenders(const std::string& peers) {
  const std::vector<bench::ContenderKind>& all = bench::AllContenders();
  std::vector<std::string> names;
  for (const bench::ContenderKind& kind : all) names.emplace_back(kind.name);
  std::vector<std::string> wanted;
  if (peers == "all") wanted = names;
  if (peers != "all" && peers != "none") wanted = absl::StrSplit(peers, ',');
  for (const std::string& name : wanted) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string nearest = Nearest(name, names);
    return absl::InvalidArgumentError(
        fmt::format("there is no peer \"{}\"{}", name, nearest.empty() ? "" : ": did you mean " + nearest + "?"));
  }
  std::vector<bench::ContenderKind> chosen = {all.front()};
  std::copy_if(all.begin() + 1, all.end(), std::back_inserter(chosen), [&](const bench::ContenderKind& kind) {
    return std::find(wanted.begin(), wanted.end(), kind.name) != wanted.end();
  });
  return chosen;
}

int Bench(const BenchArguments& arguments) {
  const bench::Workload& workload = arguments.race.workload;
  if (workload.entities < arguments.race.callers * workload.updates) {
    return Refuse("bench", "each caller needs as many accounts of its own as a change has updates: raise --entities");
  }
  const auto kinds = ChooseContenders(arguments.peers);
  if (!kinds.ok()) return Refuse("bench", std::string(kinds.status().message()));
  std::optional<NewFile> report;
  if (!arguments.report.empty()) {
    absl::StatusOr<NewFile> created = NewFile::Create(arguments.report);
    if (!created.ok()) return FailPlainly(created.status(), arguments.report);
    report.emplace(*std::move(created));
  }
  StopSignal stop;
  StatusLine line;
  bench::RaceControl control;
  control.should_stop = [&] { return stop.Take() != 0; };
  control.progress = [&](std::string_view what, double fraction) {
    line.Update([&] { return fmt::format("{:3.0f} %  {}", fraction * 100, what); });
  };
  RaceResults results = {arguments.race, bench::DescribeMachine(arguments.race.directory), arguments.command, {}};
  absl::StatusOr<std::vector<bench::Standing>> standings = bench::Race(arguments.race, *kinds, control);
  line.Clear();
  if (absl::IsCancelled(standings.status())) {
    fmt::print(stderr, "semel bench: stopped by SIG{}\n", sigabbrev_np(stop.Take()));
    return 128 + stop.Take();
  }
  if (!standings.ok()) return FailPlainly(standings.status(), arguments.race.directory);
  results.standings = *std::move(standings);
  (arguments.json ? PrintRaceJson : PrintRaceTable)(results);
  if (!report.has_value()) return kExitOk;
  absl::Status written = report->Write(RaceReport(results));
  if (written.ok()) written = report->Finish();
  return written.ok() ? kExitOk : FailPlainly(written, arguments.report);
}

// Whether an option says nothing about what is measured.
bool IsAboutOutput(const std::string& option) {
  return option == "--report" || option == "--json" || option == "--dir";
}

void AddWorkload(CLI::App* command, bench::RaceOptions* race) {
  bench::Workload& workload = race->workload;
  command->add_option("--entities", workload.entities, "Accounts, all created before the clock starts")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
      ->capture_default_str();
  command->add_option("--batch", race->batches, "Changes that are made durable together; one or several sizes")
      ->delimiter(',')
      ->check(CLI::Range(uint64_t{1}, uint64_t{100'000}))
      ->capture_default_str();
  command->add_option("--callers", race->callers, "Threads that apply at the same time, each to accounts of its own")
      ->check(CLI::Range(uint64_t{1}, uint64_t{256}))
      ->capture_default_str();
  command->add_option("--updates", workload.updates, "Accounts that a change moves")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  command->add_option("--value-bytes", workload.value_bytes, "Put a value of so many bytes, instead of adding 1")
      ->check(CLI::Range(0u, 1'000'000u))
      ->capture_default_str();
  command->add_option("--duplicates", workload.duplicates_percent, "Percent of the messages that are redeliveries")
      ->check(CLI::Range(0u, 100u))
      ->capture_default_str();
  const auto set_redelivered = [race](const std::string& which) {
    race->workload.redelivered = which == "old" ? bench::Redelivered::kOld : bench::Redelivered::kRecent;
  };
  command
      ->add_option_function<std::string>("--redelivered", set_redelivered,
                                         "Which: recent (default), of the last few thousand; old, an account's first")
      ->check(CLI::IsMember({"recent", "old"}));
  const auto set_distribution = [race](const std::string& name) {
    race->workload.distribution = name == "zipf" ? bench::Distribution::kZipf : bench::Distribution::kUniform;
  };
  command
      ->add_option_function<std::string>("--distribution", set_distribution,
                                         "Of the accounts: uniform (default), or zipf with exponent 0.99")
      ->check(CLI::IsMember({"uniform", "zipf"}));
}

void AddRun(CLI::App* command, BenchArguments* arguments) {
  bench::RaceOptions& race = arguments->race;
  const auto set_durability = [arguments](const std::string& name) {
    arguments->race.durability = name == "none" ? bench::Durability::kNone : bench::Durability::kSynced;
  };
  command
      ->add_option_function<std::string>("--durability", set_durability,
                                         "sync (default): synced before each answer. none: not at all; Semel is then "
                                         "in memory, and each peer as it is without syncs")
      ->check(CLI::IsMember({"sync", "none"}));
  command->add_option("--seconds", race.seconds, "How long each contender is measured with each batch size")
      ->check(CLI::Range(0.001, 86'400.0))
      ->capture_default_str();
  AddNumber(command, "--changes", &race.changes, "The same as a number of changes; the lower bound counts");
  command->add_option("--peers", arguments->peers, "all, none, or names with commas between: see below")
      ->capture_default_str();
  command->add_option("--dir", race.directory, "Where to write, on the disk that is asked about; nothing stays there")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  command->add_option("--report", arguments->report, "Write a page with charts to this new file (HTML)");
  command->add_flag("--json", arguments->json, "One JSON object instead of the table");
}

std::string ListContenders() {
  std::string text;
  const std::vector<bench::ContenderKind>& all = bench::AllContenders();
  for (auto kind = all.begin() + 1; kind != all.end(); ++kind) {
    text += fmt::format("  {:<13} {}{}\n", kind->name, kind->about,
                        kind->open == nullptr ? fmt::format(" (built without {})", kind->needs) : "");
  }
  return text;
}

}  // namespace

void AddBench(CLI::App& app, int* exit) {
  CLI::App* const command =
      app.add_subcommand("bench", "Measure compare-and-sets on this machine, beside what one would take instead");
  const auto arguments = std::make_shared<BenchArguments>();
  AddWorkload(command, &arguments->race);
  AddRun(command, arguments.get());
  command->footer(fmt::format(
      "Example:\n"
      "  semel bench --dir /var/lib/semel\n"
      "  semel bench --entities 1000000 --batch 8000 --peers bare_loop,lmdb --seconds 5\n"
      "  semel bench --batch 1 --callers 16 --duplicates 20 --distribution zipf --report bench.html\n\n"
      "The peers:\n{}\n"
      "All get the same changes, in turns, and are asked for the sum of all accounts in the end. Servers are started\n"
      "for the run, behind local sockets, and stopped with it. Rates are the median of {} rounds; latencies are those\n"
      "of a call, which answers a batch; bytes on disk are what the device was given meanwhile, by whomever.\n"
      "Exit status: 0 done, 1 a contender failed or its accounts do not add up, 2 unusable arguments, 130 or 143\n"
      "stopped by a signal.",
      ListContenders(), bench::kRounds));
  command->callback([arguments, command, exit] {
    arguments->command = "semel bench";
    for (const CLI::Option* option : command->get_options()) {
      if (option->count() == 0 || IsAboutOutput(option->get_name())) continue;
      arguments->command += fmt::format(" {}", option->get_name());
      if (option->get_expected_max() > 0) arguments->command += fmt::format(" {}", fmt::join(option->results(), ","));
    }
    *exit = Bench(*arguments);
  });
}

}  // namespace semel::cli
