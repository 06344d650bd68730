// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// send: the lines of a file to a broker.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/cli/commands.h"
#include "api/cli/message_reader.h"
#include "api/cli/output.h"
#include "api/cli/progress.h"
#include "api/cli/stop_signal.h"
#include "api/cli/stream_arguments.h"
#include "api/cli/text.h"
#include "api/streams/open.h"

namespace semel::cli {
namespace {

struct SendOptions {
  BrokerArguments broker;
  std::string file;
  std::string key;
  size_t batch = 1000;
  bool json = false;
};

int Refuse(const absl::Status& status, int exit) { return cli::Refuse("send", std::string(status.message()), exit); }

// The member of the message that is its key at the broker, as text; "" if it has none.
std::string KeyOf(const SendOptions& options, std::string_view line) {
  if (options.key.empty()) return "";
  const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  const auto member = object.is_object() ? object.find(options.key) : object.end();
  if (member == object.end()) return "";
  return member->is_string() ? member->get<std::string>() : member->dump();
}

absl::Status SendAll(const SendOptions& options, MessageReader* reader, streams::Producer* producer, uint64_t* sent) {
  MessageReader::Result result = MessageReader::Result::kMessage;
  while (result == MessageReader::Result::kMessage) {
    std::vector<streams::Message> batch;
    while (batch.size() < options.batch) {
      cli::Message line;
      result = reader->Next(/*wait=*/true, &line);
      if (result != MessageReader::Result::kMessage) break;
      streams::Message& message = batch.emplace_back();
      message.bytes = line.bytes;
      message.key = KeyOf(options, line.bytes);
    }
    if (const absl::Status status = producer->Send(batch); !status.ok()) return status;
    *sent += batch.size();
  }
  if (result == MessageReader::Result::kBroken) return absl::InvalidArgumentError(reader->error());
  return absl::OkStatus();
}

int Send(const SendOptions& options) {
  StopSignal stop;
  const absl::StatusOr<std::unique_ptr<Input>> input = Input::Open(options.file);
  if (!input.ok()) return Refuse(input.status(), kExitUsage);
  const absl::StatusOr<streams::Url> url = ReadBroker(options.broker);
  if (!url.ok()) return Refuse(url.status(), kExitUsage);
  const absl::StatusOr<std::unique_ptr<streams::Producer>> producer = streams::OpenProducer(*url);
  if (!producer.ok()) {
    return Refuse(producer.status(), absl::IsInvalidArgument(producer.status()) ? kExitUsage : kExitFailed);
  }
  StatusLine line;
  uint64_t sent = 0;
  MessageReader reader(input->get(), Format::kJsonLines, stop.fd());
  const absl::Status status = SendAll(options, &reader, producer->get(), &sent);
  PrintLine(options.json ? fmt::format("{{\"sent\":{},\"seconds\":{:.3f}}}", sent, line.seconds())
                         : fmt::format("{} sent", Count(sent, "message")));
  return status.ok() ? kExitOk : Refuse(status, kExitFailed);
}

}  // namespace

void AddSend(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("send", "Send the lines of a file to a broker, a message each");
  const auto options = std::make_shared<SendOptions>();
  command->add_option("URL", options->broker.url, "Where to, as semel consume takes it")->required();
  command->add_option("FILE", options->file, "The messages; - is standard input")->required();
  AddBroker(command, &options->broker);
  command->add_option("--key", options->key,
                      "The JSON member that becomes the message's key, by which Kafka chooses a partition");
  command->add_option("--batch", options->batch, "Messages that are confirmed together, at most")
      ->check(CLI::Range(size_t{1}, size_t{50000}))
      ->capture_default_str();
  command->add_flag("--json", options->json, "The summary as one JSON object");
  command->footer(
      "Example:\n"
      "  semel send 'nats://127.0.0.1:4222/PAYMENTS?create=yes' payments.jsonl\n\n"
      "Sent again after an error, messages may be there twice.\n"
      "Exit status: 0 the broker has confirmed all, 1 it has not, 2 unusable arguments.");
  command->callback([options, exit] { *exit = Send(*options); });
}

}  // namespace semel::cli
