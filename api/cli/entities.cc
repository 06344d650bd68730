// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// get, list, history: entities as they are and as they were.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "api/cli/arguments.h"
#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/stream_arguments.h"
#include "api/cli/text.h"
#include "api/streams/ledgers.h"
#include "api/streams/open.h"

namespace semel::cli {
namespace {

constexpr size_t kShownValue = 60;  // characters of a value in a table

std::string ShowValue(const std::optional<std::string>& value) {
  return value.has_value() ? Printable(*value, kShownValue) : "-";
}

std::string ShowAsset(const Policy& policy) { return Printable(policy.asset.value_or("-")); }

// ---- get

struct GetOptions {
  std::string ledger;
  std::string key;
  std::optional<uint64_t> version;
  MomentArguments moment;
  BrokerArguments topic;    // url "": the ledger is the one that was named
  std::string message_key;  // "": the entity's
  bool json = false;
};

void PrintPolicy(const Entity& entity, Properties* table) {
  const Policy& policy = entity.policy;
  if (policy.asset.has_value()) table->Add("asset", Printable(*policy.asset));
  if (policy.min_balance.has_value()) table->Add("min balance", AmountToString(*policy.min_balance));
  if (policy.max_balance.has_value()) table->Add("max balance", AmountToString(*policy.max_balance));
  if (policy.closed.value_or(false)) table->Add("closed", "yes");
}

void PrintEntity(const Entity& entity) {
  if (entity.version == 0) {
    PrintLine(Printable(entity.key) + (entity.retired ? " was retired" : " never existed"));
    return;
  }
  Properties table;
  table.Add("key", Printable(entity.key));
  table.Add("version", std::to_string(entity.version));
  table.Add("balance", AmountToString(entity.balance));
  PrintPolicy(entity, &table);
  if (entity.value.has_value()) {
    table.Add("value", fmt::format("{} ({} bytes)", Printable(*entity.value, 1000), entity.value->size()));
  }
  if (entity.stamp.has_value()) table.Add("stamp", std::to_string(*entity.stamp));
  if (entity.deleted) table.Add("deleted", "yes; the version stays");
  table.Print();
}

absl::Status Get(const GetOptions& options, Ledger& ledger) {
  absl::StatusOr<AsOf> as_of = ReadMoment(options.moment);
  if (!as_of.ok()) return as_of.status();
  as_of->version = options.version;
  const absl::StatusOr<Entity> entity = ledger.Get(options.key, *as_of);
  if (!entity.ok()) return entity.status();
  if (options.json) {
    PrintLine(ToJson(*entity));
  } else {
    PrintEntity(*entity);
  }
  return absl::OkStatus();
}

// The ledger to read: of a topic's partition if a topic was named. Errors: those of AskPartitions.
absl::StatusOr<std::string> LedgerOf(const GetOptions& options) {
  if (options.topic.url.empty()) return options.ledger;
  const absl::StatusOr<streams::Url> url = ReadBroker(options.topic);
  if (!url.ok()) return url.status();
  const std::string& key = options.message_key.empty() ? options.key : options.message_key;
  const absl::StatusOr<streams::Partitions> partitions = streams::AskPartitions(*url, key);
  if (!partitions.ok()) return partitions.status();
  return streams::PartitionLedger(options.ledger, fmt::format("{}/{}", url->Name(), *partitions->of_key));
}

int RunGet(const GetOptions& options) {
  const absl::StatusOr<std::string> ledger = LedgerOf(options);
  if (!ledger.ok()) {
    const int exit = absl::IsInvalidArgument(ledger.status()) ? kExitUsage : kExitFailed;
    return Refuse("get", std::string(ledger.status().message()), exit);
  }
  return WithLedger(*ledger, [&](Ledger& opened) { return Get(options, opened); });
}

void AddGet(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("get", "Show one entity, as it is or as it was");
  const auto options = std::make_shared<GetOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->add_option("KEY", options->key, "The entity's key")->required();
  CLI::Option* const version =
      AddNumber(command, "--as-of-version", &options->version, "After the change that made it");
  const MomentOptions moment = AddMoment(command, &options->moment);
  version->excludes(moment.lsn)->excludes(moment.time);
  command->add_option(
      "--partition-of", options->topic.url,
      "LEDGER is a directory of semel consume --partitioned: read the ledger of that partition of this "
      "kafka:// topic to which messages with this key go; ?partitioner= as the topic's producers have it");
  AddBroker(command, &options->topic);
  command->add_option("--message-key", options->message_key, "The messages' key, where it is not the entity's");
  command->add_flag("--json", options->json, "One JSON object; version 0 is a key that never existed");
  command->footer(
      "Example:\n"
      "  semel get accounts account/alice\n"
      "  semel get accounts account/alice --as-of-time 2026-11-21T10:00:00Z --json");
  command->callback([options, exit] { *exit = RunGet(*options); });
}

// ---- list

struct ListOptions {
  std::string ledger;
  ScanOptions scan;
  bool json = false;
};

std::vector<std::string> ListRow(const Entity& entity) {
  return {Printable(entity.key), std::to_string(entity.version), AmountToString(entity.balance),
          ShowAsset(entity.policy), entity.deleted ? "deleted" : ShowValue(entity.value)};
}

absl::Status List(const ListOptions& options, Ledger& ledger) {
  std::unique_ptr<Table> table;
  if (!options.json) {
    table = std::make_unique<Table>(
        std::vector<Column>{{"KEY"}, {"VERSION", Align::kRight}, {"BALANCE", Align::kRight}, {"ASSET"}, {"VALUE"}});
  }
  const auto visit = [&](const Entity& entity) {
    if (table != nullptr) {
      table->Add(ListRow(entity));
    } else {
      PrintLine(ToJson(entity));
    }
    return true;
  };
  return ledger.Scan(options.scan, visit).status();
}

void AddList(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("list", "List entities in the order of their keys");
  const auto options = std::make_shared<ListOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->add_option("--prefix", options->scan.prefix, "Only keys that begin so");
  command->add_option("--start-after", options->scan.start_after, "Only keys after this one: the next page");
  AddNumber(command, "--limit", &options->scan.limit, "At most so many");
  command->add_flag("--deleted", options->scan.include_deleted, "Deleted entities too");
  command->add_flag("--json", options->json, "One JSON object a line");
  command->footer("Example:\n  semel list accounts --prefix account/ --limit 20");
  command->callback(
      [options, exit] { *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return List(*options, ledger); }); });
}

// ---- history

struct HistoryCommandOptions {
  std::string ledger;
  std::string key;
  HistoryOptions history;
  bool json = false;
};

std::vector<std::string> HistoryRow(const HistoryLine& line) {
  const std::string operand = line.action == Action::kAdd ? AmountToString(line.amount) : ShowValue(line.value);
  return {std::to_string(line.version),       FormatTime(line.commit_time_us),
          std::string(ToString(line.action)), operand,
          AmountToString(line.balance),       Printable(line.id),
          std::to_string(line.sequence),      std::to_string(line.lsn)};
}

void PrintHistory(const std::vector<HistoryLine>& lines) {
  Table table({{"VERSION", Align::kRight},
               {"TIME"},
               {"ACTION"},
               {"OPERAND", Align::kRight},
               {"BALANCE", Align::kRight},
               {"ID"},
               {"SEQUENCE", Align::kRight},
               {"LSN", Align::kRight}});
  for (const HistoryLine& line : lines) table.Add(HistoryRow(line));
}

// Why there are no lines before those that were printed, if one might wonder.
absl::Status ExplainBeginning(const HistoryCommandOptions& options, const std::vector<HistoryLine>& lines,
                              Ledger& ledger) {
  const absl::StatusOr<Answerable> answerable = ledger.AnswerableSince(options.key);
  if (!answerable.ok()) return answerable.status();
  const uint64_t trimmed = lines.empty() ? answerable->version : answerable->since_version;
  const auto begins_there = [&](const HistoryLine& line) { return line.version == trimmed + 1; };
  if (answerable->version == 0) {
    PrintLine(Printable(options.key) + " never existed");
  } else if (trimmed > 0 && (lines.empty() || begins_there(lines.front()) || begins_there(lines.back()))) {
    PrintLine(fmt::format("what led to version {} was trimmed", trimmed));
  }
  return absl::OkStatus();
}

absl::Status History(const HistoryCommandOptions& options, Ledger& ledger) {
  const absl::StatusOr<std::vector<HistoryLine>> lines = ledger.History(options.key, options.history);
  if (!lines.ok()) return lines.status();
  if (options.json) {
    for (const HistoryLine& line : *lines) PrintLine(ToJson(line));
    return absl::OkStatus();
  }
  if (!lines->empty()) PrintHistory(*lines);
  return ExplainBeginning(options, *lines, ledger);
}

void AddHistory(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("history", "Show the changes of one entity, newest first");
  const auto options = std::make_shared<HistoryCommandOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->add_option("KEY", options->key, "The entity's key")->required();
  AddNumber(command, "--limit", &options->history.limit, "At most so many; 0: all")->default_str("100");
  command->add_flag("--oldest-first", options->history.oldest_first, "From version 1 on");
  command->add_flag("--json", options->json, "One JSON object a line");
  command->footer("Example:\n  semel history accounts account/alice --limit 10");
  command->callback([options, exit] {
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return History(*options, ledger); });
  });
}

}  // namespace

void AddEntityCommands(CLI::App& app, int* exit) {
  AddGet(app, exit);
  AddList(app, exit);
  AddHistory(app, exit);
}

}  // namespace semel::cli
