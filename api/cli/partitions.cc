// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// partitions: of a topic that is consumed into one ledger a partition, who has each, and how far it is.

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/stream_arguments.h"
#include "api/cli/text.h"
#include "api/streams/ledgers.h"
#include "api/streams/open.h"

namespace semel::cli {
namespace {

struct PartitionsOptions {
  std::string directory;
  BrokerArguments topic;
  std::string key;
  bool json = false;
};

// What is known of a partition on this machine.
struct Here {
  std::string ledger;  // its directory
  bool exists = false;
  std::optional<int> owner;          // the process that has it open
  std::optional<uint64_t> consumed;  // the last position; absent: none
};

// The process that holds a lock on this file, as the kernel lists it.
std::optional<int> LockHolder(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  const std::string file = fmt::format("{:02x}:{:02x}:{}", major(info.st_dev), minor(info.st_dev), info.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    // "1: FLOCK ADVISORY WRITE process file begin end"; of one that waits, "->" stands before the kind.
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() > 5 && words[1] == "FLOCK" && words[5] == file) return std::atoi(words[4].c_str());
  }
  return std::nullopt;
}

absl::StatusOr<Here> LookHere(const std::string& directory, const std::string& source) {
  Here here;
  here.ledger = streams::PartitionLedger(directory, source);
  struct stat info {};
  here.exists = stat((here.ledger + "/MANIFEST").c_str(), &info) == 0;
  if (!here.exists) return here;
  here.owner = LockHolder(here.ledger + "/LOCK");

  const absl::StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::OpenReadOnly(here.ledger);
  if (!ledger.ok()) return ledger.status();
  const absl::StatusOr<std::optional<SourceCursor>> cursor = (*ledger)->GetSource(source);
  if (!cursor.ok()) return cursor.status();
  if (cursor->has_value()) here.consumed = (*cursor)->position;
  return here;
}

// Messages that wait, at most: what ends a transaction, or was compacted, counts as well.
uint64_t LagOf(const Here& here, const streams::Extent& extent) {
  const uint64_t next = here.consumed.has_value() ? *here.consumed + 1 : extent.begin;
  return extent.end > next ? extent.end - next : 0;
}

void PrintPartition(size_t number, const Here& here, uint64_t lag, Table* table) {
  const std::string owner = here.owner.has_value() ? fmt::format("process {}", *here.owner) : "nobody";
  const std::string position = here.consumed.has_value() ? std::to_string(*here.consumed) : "-";
  table->Add({std::to_string(number), here.exists ? Printable(here.ledger) : "not here", here.exists ? owner : "-",
              position, std::to_string(lag)});
}

void PrintPartitionJson(size_t number, const Here& here, uint64_t lag) {
  nlohmann::ordered_json object;
  object["partition"] = number;
  if (here.exists) object["ledger"] = here.ledger;
  if (here.owner.has_value()) object["process"] = *here.owner;
  if (here.consumed.has_value()) object["position"] = std::to_string(*here.consumed);
  object["lag"] = lag;
  PrintLine(object.dump());
}

absl::Status ListPartitions(const PartitionsOptions& options) {
  const absl::StatusOr<streams::Url> url = ReadBroker(options.topic);
  if (!url.ok()) return url.status();
  const absl::StatusOr<streams::Partitions> partitions = streams::AskPartitions(*url, options.key);
  if (!partitions.ok()) return partitions.status();
  std::unique_ptr<Table> table;
  if (!options.json) {
    table = std::make_unique<Table>(std::vector<Column>{
        {"PARTITION", Align::kRight}, {"LEDGER"}, {"OWNER"}, {"POSITION", Align::kRight}, {"LAG", Align::kRight}});
  }
  for (size_t i = 0; i < partitions->extents.size(); ++i) {
    if (partitions->of_key.has_value() && *partitions->of_key != i) continue;
    const absl::StatusOr<Here> here = LookHere(options.directory, fmt::format("{}/{}", url->Name(), i));
    if (!here.ok()) return here.status();
    const uint64_t lag = LagOf(*here, partitions->extents[i]);
    if (options.json) {
      PrintPartitionJson(i, *here, lag);
    } else {
      PrintPartition(i, *here, lag, table.get());
    }
  }
  return absl::OkStatus();
}

}  // namespace

void AddPartitions(CLI::App& app, int* exit) {
  CLI::App* const command =
      app.add_subcommand("partitions", "Show who has which partition of a topic, and how far each is");
  const auto options = std::make_shared<PartitionsOptions>();
  command->add_option("DIR", options->directory, "The directory that semel consume --partitioned was given")
      ->required();
  command->add_option("URL", options->topic.url, "The topic: kafka://HOST:PORT/TOPIC")->required();
  AddBroker(command, &options->topic);
  command->add_option("--key", options->key, "Only the partition that messages with this key go to");
  command->add_flag("--json", options->json, "One JSON object a line");
  command->footer(
      "Example:\n"
      "  semel partitions ledgers kafka://127.0.0.1:9092/payments --key alice\n\n"
      "The owner is a process of this machine. With --key the topic's producers are taken to use murmur2, as Java's "
      "and\n"
      "semel send do; of librdkafka's default say ?partitioner=consistent in the URL.\n"
      "Exit status: 0 shown, 1 the broker or a ledger cannot be read, 2 unusable arguments.");
  command->callback([options, exit] {
    const absl::Status status = ListPartitions(*options);
    if (status.ok()) return;
    const int failed = absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
    *exit = Refuse("partitions", std::string(status.message()), failed);
  });
}

}  // namespace semel::cli
