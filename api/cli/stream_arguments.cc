// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/stream_arguments.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "api/streams/decoder.h"
#include "api/streams/mapping.h"

namespace semel::cli {

void AddBroker(CLI::App* command, BrokerArguments* broker) {
  command->add_option("--broker-config", broker->broker_config,
                      "A file of settings for the broker, name = value a line, that nobody else may read: passwords "
                      "belong here");
}

absl::StatusOr<streams::Url> ReadBroker(const BrokerArguments& broker) {
  absl::StatusOr<streams::Url> url = streams::ParseUrl(broker.url);
  if (!url.ok() || broker.broker_config.empty()) return url;
  const absl::Status added = streams::AddSettings(broker.broker_config, &url->settings);
  if (!added.ok()) return added;
  return url;
}

void AddMessageFormat(CLI::App* command, FormatArguments* format) {
  CLI::Option* const name =
      command
          ->add_option("--format", format->format,
                       "What the messages are. auto: as each looks; change: semel.v1.Change, JSON or Protobuf")
          ->check(CLI::IsMember({"auto", "change", "cloudevents", "debezium"}))
          ->capture_default_str();
  command
      ->add_option("--map", format->map,
                   "A JSON file that says which members of plain JSON messages are key, amount, id, ...")
      ->excludes(name);
}

absl::StatusOr<streams::Decoder> ReadMessageFormat(const FormatArguments& format) {
  if (format.map.empty()) return streams::MakeDecoder(format.format);
  const absl::StatusOr<std::string> mapping = ReadFile(format.map);
  if (!mapping.ok()) return mapping.status();
  absl::StatusOr<streams::Decoder> decoder = streams::MakeMappingDecoder(*mapping);
  if (decoder.ok()) return decoder;
  return absl::InvalidArgumentError(fmt::format("{}: {}", format.map, std::string(decoder.status().message())));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) return absl::ErrnoToStatus(errno == 0 ? EIO : errno, path);
  return text.str();
}

absl::StatusOr<std::vector<std::string>> ReadConfig(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  const auto object = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return absl::InvalidArgumentError(path + ": is not a JSON object");
  std::vector<std::string> words;
  for (const auto& [name, value] : object.items()) {
    if (value.is_object() || value.is_array() || value.is_null()) {
      return absl::InvalidArgumentError(fmt::format("{}: {}: takes a text, a number or true", path, name));
    }
    if (value == false) continue;
    words.push_back("--" + name);
    if (!value.is_boolean()) words.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
  return words;
}

}  // namespace semel::cli
