// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/mapping.h"

#include <fmt/format.h>

#include <optional>

#include "api/streams/decoder.h"
#include "api/streams/json.h"

namespace semel::streams {
namespace {

struct Mapping {
  std::string key;
  std::string id;
  std::string once;
  std::string add;
  std::string put;
  std::string delete_if;
  std::string asset;
  std::string expect_version;
  std::string since;
  std::string newer;
  std::string expect_balance;
  int decimals = 0;
};

struct MappingMember {
  const char* name;
  std::string Mapping::*text;
};

constexpr MappingMember kMembers[] = {
    {"key", &Mapping::key},
    {"id", &Mapping::id},
    {"once", &Mapping::once},
    {"add", &Mapping::add},
    {"put", &Mapping::put},
    {"delete_if", &Mapping::delete_if},
    {"asset", &Mapping::asset},
    {"expect_version", &Mapping::expect_version},
    {"since", &Mapping::since},
    {"newer", &Mapping::newer},
    {"expect_balance", &Mapping::expect_balance},
};

absl::Status Wrong(std::string_view member, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", member, what));
}

std::string_view Text(const absl::Status& status) { return {status.message().data(), status.message().size()}; }

absl::StatusOr<Mapping> ReadMapping(std::string_view text) {
  const absl::StatusOr<Json> object = ParseObject(text);
  if (!object.ok()) return object.status();
  Mapping mapping;
  for (const auto& [name, value] : object->items()) {
    if (name == "decimals") {
      if (!value.is_number_unsigned() || value.get<uint64_t>() > 18) return Wrong(name, "takes a number, 0 .. 18");
      mapping.decimals = value.get<int>();
      continue;
    }
    std::string Mapping::*member = nullptr;
    for (const MappingMember& known : kMembers) member = name == known.name ? known.text : member;
    if (member == nullptr) return Wrong(name, "a mapping has no such member");
    if (!value.is_string() || value.get<std::string>().empty()) return Wrong(name, "takes a text");
    mapping.*member = value.get<std::string>();
  }
  if (mapping.key.empty()) return Wrong("key", "is missing; say which entity a message is about");
  if (mapping.add.empty() && mapping.put.empty()) return Wrong("add or put", "is missing; say what a message does");
  if (!mapping.add.empty() && !mapping.put.empty()) return Wrong("add and put", "one update has one action");
  return mapping;
}

// The template with each {name} replaced by that member's text.
absl::StatusOr<std::string> Filled(std::string_view text, const Json& message) {
  std::string out;
  while (!text.empty()) {
    const size_t open = text.find('{');
    const size_t close = text.find('}', open);
    out += text.substr(0, open);
    if (open == std::string_view::npos || close == std::string_view::npos) return out;
    const std::string_view name = text.substr(open + 1, close - open - 1);
    const Json* const member = FindMember(message, name);
    if (member == nullptr) return Wrong(name, "is missing in the message");
    const absl::StatusOr<std::string> value = ToText(*member);
    if (!value.ok()) return Wrong(name, Text(value.status()));
    out += *value;
    text.remove_prefix(close + 1);
  }
  return out;
}

// Decodes one message; the first fault stays in `status`.
class Mapper {
 public:
  Mapper(const Mapping& mapping, const Json& message) : mapping_(mapping), message_(message) {}

  absl::StatusOr<Change> Map(std::string_view bytes) {
    Change change(Fill(mapping_.id));
    if (!mapping_.once.empty()) change.AddUpdate(Fill(mapping_.once)).ExpectVersion(0).Put(bytes);
    Update& update = change.AddUpdate(Fill(mapping_.key));
    Read(mapping_.expect_version, ToNumber, &update.expect_version);
    Read(mapping_.since, ToNumber, &update.since);
    Read(mapping_.newer, ToNumber, &update.newer);
    const auto to_amount = [this](const Json& value) { return ToAmount(value, mapping_.decimals); };
    Read(mapping_.expect_balance, to_amount, &update.expect_balance);
    std::optional<Amount> amount;
    Read(mapping_.add, to_amount, &amount);
    if (IsDelete()) {
      update.Delete();
    } else if (amount.has_value()) {
      update.Add(*amount, Fill(mapping_.asset));
    } else {
      update.Put(Value(bytes));
    }
    if (!status_.ok()) return status_;
    return change;
  }

 private:
  std::string Fill(const std::string& text) {
    absl::StatusOr<std::string> filled = Filled(text, message_);
    if (filled.ok()) return *std::move(filled);
    status_.Update(filled.status());
    return "";
  }

  template <typename Reader, typename Value>
  void Read(const std::string& name, const Reader& reader, std::optional<Value>* value) {
    if (name.empty()) return;
    const Json* const member = FindMember(message_, name);
    if (member == nullptr) {
      status_.Update(Wrong(name, "is missing in the message"));
      return;
    }
    const absl::StatusOr<Value> read = reader(*member);
    if (read.ok()) {
      *value = *read;
    } else {
      status_.Update(Wrong(name, Text(read.status())));
    }
  }

  bool IsDelete() const {
    const Json* const member = mapping_.delete_if.empty() ? nullptr : FindMember(message_, mapping_.delete_if);
    return member != nullptr && *member == true;
  }

  std::string Value(std::string_view bytes) {
    if (mapping_.put == ".") return std::string(bytes);
    const Json* const member = FindMember(message_, mapping_.put);
    if (member == nullptr) {
      status_.Update(Wrong(mapping_.put, "is missing in the message"));
      return "";
    }
    return member->is_string() ? member->get<std::string>() : member->dump();
  }

  const Mapping& mapping_;
  const Json& message_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<Decoder> MakeMappingDecoder(std::string_view mapping) {
  absl::StatusOr<Mapping> read = ReadMapping(mapping);
  if (!read.ok()) return read.status();
  return [mapping = *std::move(read)](const Message& message) -> absl::StatusOr<Change> {
    const absl::StatusOr<std::string_view> bytes = WithoutFraming(message.bytes);
    if (!bytes.ok()) return bytes.status();
    const absl::StatusOr<Json> object = ParseObject(*bytes);
    if (!object.ok()) return object.status();
    return Mapper(mapping, *object).Map(*bytes);
  };
}

}  // namespace semel::streams
