// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/debezium.h"

#include <fmt/format.h>

#include <string>

#include "absl/strings/numbers.h"
#include "api/streams/json.h"

namespace semel::streams {
namespace {

constexpr int kFileBits = 40;  // of MySQL's stamp: so many for the place within a binlog file

// The envelope within a message, with or without its schema.
const Json* FindEnvelope(const Json& object) {
  const Json* const payload = FindMember(object, "payload");
  const Json& envelope = payload != nullptr && payload->is_object() ? *payload : object;
  const bool is_one = envelope.contains("op") && envelope.contains("source") &&
                      (envelope.contains("before") || envelope.contains("after"));
  return is_one ? &envelope : nullptr;
}

// A number that rises with the database's log.
absl::StatusOr<uint64_t> StampOf(const Json& source) {
  if (const Json* const lsn = FindMember(source, "lsn")) return ToNumber(*lsn);
  const Json* const file = FindMember(source, "file");
  const Json* const pos = FindMember(source, "pos");
  if (file != nullptr && pos != nullptr && file->is_string()) {
    const std::string name = file->get<std::string>();
    const size_t dot = name.rfind('.');
    uint64_t number = 0;
    const absl::StatusOr<uint64_t> place = ToNumber(*pos);
    if (dot != std::string::npos && absl::SimpleAtoi(name.substr(dot + 1), &number) && place.ok() &&
        number < uint64_t{1} << (64 - kFileBits) && *place < uint64_t{1} << kFileBits) {
      return number << kFileBits | *place;
    }
  }
  return absl::InvalidArgumentError(
      "Debezium: source has neither lsn (PostgreSQL) nor file and pos (MySQL); map the messages with --map instead");
}

absl::StatusOr<std::string> RowKey(const std::string& message_key) {
  const absl::StatusOr<Json> object = ParseObject(message_key);
  if (!object.ok()) return absl::InvalidArgumentError("Debezium: the message has no JSON key; the table needs one");
  const Json* const payload = FindMember(*object, "payload");
  std::string joined;
  for (const auto& [name, value] : (payload != nullptr ? *payload : *object).items()) {
    const absl::StatusOr<std::string> text = ToText(value);
    if (!text.ok()) return absl::InvalidArgumentError("Debezium: key column " + name + " is neither text nor number");
    joined += (joined.empty() ? "" : ",") + *text;
  }
  return joined;
}

std::string TableOf(const Json& source) {
  const Json* const schema = FindMember(source, "schema");
  const Json* const table = FindMember(source, "table");
  const std::string name = table != nullptr && table->is_string() ? table->get<std::string>() : "";
  const Json* const outer = schema != nullptr ? schema : FindMember(source, "db");
  return outer != nullptr && outer->is_string() ? outer->get<std::string>() + "." + name : name;
}

std::string IdOf(uint64_t stamp, const std::string& key) {
  const std::string id = fmt::format("{}@{}", stamp, key);
  if (id.size() <= kMaxIdBytes) return id;
  return fmt::format("{}@{}", stamp, ToHex(FingerprintOf(Change::Undecodable({}, key, "a key"))));
}

}  // namespace

bool IsDebezium(const Message& message) {
  if (message.bytes.find("\"op\"") == std::string::npos) return false;
  const absl::StatusOr<Json> object = ParseObject(message.bytes);
  return object.ok() && FindEnvelope(*object) != nullptr;
}

absl::StatusOr<Change> DecodeDebezium(const Message& message) {
  const absl::StatusOr<Json> object = ParseObject(message.bytes);
  if (!object.ok()) return object.status();
  const Json* const envelope = FindEnvelope(*object);
  if (envelope == nullptr) return absl::InvalidArgumentError("Debezium: there is no envelope with op and source");
  const Json& source = envelope->at("source");
  const absl::StatusOr<uint64_t> stamp = StampOf(source);
  if (!stamp.ok()) return stamp.status();
  const absl::StatusOr<std::string> row = RowKey(message.key);
  if (!row.ok()) return row.status();
  const std::string key = TableOf(source) + "/" + *row;
  Change change(IdOf(*stamp, key));
  Update& update = change.AddUpdate(key).Newer(*stamp);
  const Json& op = envelope->at("op");
  const Json* const after = FindMember(*envelope, "after");
  if (op == "d") {
    update.Delete();
  } else if ((op == "c" || op == "u" || op == "r") && after != nullptr) {
    update.Put(after->dump());
  } else {
    return absl::InvalidArgumentError(fmt::format("Debezium: op {} is no change of a row", op.dump()));
  }
  return change;
}

}  // namespace semel::streams
