// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/cloud_events.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "api/streams/decoder.h"
#include "api/streams/json.h"

namespace semel::streams {
namespace {

// An event, whichever way it came: its attributes as JSON, and its data as bytes.
struct Event {
  Json attributes;
  std::string data;
};

const std::string* FindAttribute(const Message& message, std::string_view name) {
  for (const char* prefix : {"ce_", "ce-", "cloudEvents_", "cloudEvents:"}) {
    const std::string* const value = FindHeader(message, prefix + std::string(name));
    if (value != nullptr) return value;
  }
  return nullptr;
}

absl::StatusOr<Event> FromHeaders(const Message& message) {
  Event event;
  for (const char* name :
       {"id", "source", "subject", "specversion", "add", "asset", "expectversion", "expectbalance", "since", "newer"}) {
    const std::string* const value = FindAttribute(message, name);
    if (value == nullptr) continue;
    if (!IsUtf8(*value)) return absl::InvalidArgumentError(fmt::format("CloudEvents: {} is not UTF-8", name));
    event.attributes[name] = *value;
  }
  event.data = message.bytes;
  return event;
}

absl::StatusOr<Event> FromJson(std::string_view bytes) {
  absl::StatusOr<Json> object = ParseObject(bytes);
  if (!object.ok()) return object.status();
  Event event;
  if (const Json* const data = FindMember(*object, "data")) {
    event.data = data->is_string() ? data->get<std::string>() : data->dump();
  } else if (const Json* const encoded = FindMember(*object, "data_base64")) {
    if (!encoded->is_string() || !absl::Base64Unescape(encoded->get<std::string>(), &event.data)) {
      return absl::InvalidArgumentError("CloudEvents: data_base64 is not base64");
    }
  }
  event.attributes = *std::move(object);
  event.attributes.erase("data");
  return event;
}

absl::StatusOr<std::string> IdOf(const Json& attributes) {
  const Json* const source = FindMember(attributes, "source");
  const Json* const id = FindMember(attributes, "id");
  if (source == nullptr || id == nullptr || !source->is_string() || !id->is_string()) {
    return absl::InvalidArgumentError("CloudEvents: takes a source and an id, both texts");
  }
  std::string both = source->get<std::string>() + "#" + id->get<std::string>();
  if (both.size() <= kMaxIdBytes) return both;
  return "ce#" + ToHex(FingerprintOf(Change::Undecodable({}, both, "an id")));
}

absl::Status At(const char* name, const absl::Status& status) {
  return absl::InvalidArgumentError(
      fmt::format("CloudEvents: {}: {}", name, std::string_view(status.message().data(), status.message().size())));
}

absl::Status ReadNumber(const Json& attributes, const char* name, std::optional<uint64_t>* number) {
  const Json* const value = FindMember(attributes, name);
  if (value == nullptr) return absl::OkStatus();
  const absl::StatusOr<uint64_t> read = ToNumber(*value);
  if (!read.ok()) return At(name, read.status());
  *number = *read;
  return absl::OkStatus();
}

absl::Status ReadAmount(const Json& attributes, const char* name, std::optional<Amount>* amount) {
  const Json* const value = FindMember(attributes, name);
  if (value == nullptr) return absl::OkStatus();
  const absl::StatusOr<Amount> read = ToAmount(*value, 0);
  if (!read.ok()) return At(name, read.status());
  *amount = *read;
  return absl::OkStatus();
}

// The update that subject, extensions and data say.
absl::Status ReadUpdate(const Event& event, Change* change) {
  const Json* const subject = FindMember(event.attributes, "subject");
  if (subject == nullptr || !subject->is_string()) {
    return absl::InvalidArgumentError(
        "CloudEvents: neither is the data a semel.v1.Change, nor is there a subject that names a key");
  }
  Update& update = change->AddUpdate(subject->get<std::string>());
  std::optional<Amount> add;
  for (const absl::Status& read :
       {ReadAmount(event.attributes, "add", &add),
        ReadAmount(event.attributes, "expectbalance", &update.expect_balance),
        ReadNumber(event.attributes, "expectversion", &update.expect_version),
        ReadNumber(event.attributes, "since", &update.since), ReadNumber(event.attributes, "newer", &update.newer)}) {
    if (!read.ok()) return read;
  }
  if (add.has_value()) {
    const Json* const asset = FindMember(event.attributes, "asset");
    if (asset != nullptr && !asset->is_string()) return absl::InvalidArgumentError("CloudEvents: asset is not a text");
    update.Add(*add, asset == nullptr ? "" : asset->get<std::string>());
  } else {
    update.Put(event.data);
  }
  return absl::OkStatus();
}

// Whether the data is a whole change: an object with updates, or Protobuf of that type.
bool IsChange(const Event& event) {
  const absl::StatusOr<Json> object = ParseObject(event.data);
  if (object.ok()) return object->contains("updates");
  return FindMember(event.attributes, "subject") == nullptr;
}

}  // namespace

bool IsCloudEvent(const Message& message) {
  if (FindAttribute(message, "specversion") != nullptr) return true;
  if (message.bytes.find("\"specversion\"") == std::string::npos) return false;
  const absl::StatusOr<Json> object = ParseObject(message.bytes);
  return object.ok() && object->contains("specversion");
}

absl::StatusOr<Change> DecodeCloudEvent(const Message& message) {
  const absl::StatusOr<Event> event =
      FindAttribute(message, "specversion") != nullptr ? FromHeaders(message) : FromJson(message.bytes);
  if (!event.ok()) return event.status();
  const absl::StatusOr<std::string> id = IdOf(event->attributes);
  if (!id.ok()) return id.status();
  if (IsChange(*event)) {
    const absl::StatusOr<std::string_view> data = WithoutFraming(event->data);
    absl::StatusOr<Change> change = data.ok() ? ParseChange(*data) : data.status();
    if (change.ok() && change->id.empty()) change->id = *id;
    return change;
  }
  Change change(*id);
  const absl::Status read = ReadUpdate(*event, &change);
  if (!read.ok()) return read;
  return change;
}

}  // namespace semel::streams
