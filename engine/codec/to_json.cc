// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Change, Outcome, Entity, HistoryLine, SourceCursor and JournalEntry -> JSON. The headers of api/include show the
// forms.

#include <algorithm>
#include <optional>
#include <string>

#include "engine/codec/json_writer.h"
#include "semel/change.h"
#include "semel/entity.h"
#include "semel/held.h"
#include "semel/journal.h"
#include "semel/outcome.h"

namespace semel {
namespace internal {
namespace {

void WriteOptional(JsonWriter* json, std::string_view name, const std::optional<uint64_t>& number) {
  if (number.has_value()) json->Key(name).Number(*number);
}

void WriteOptional(JsonWriter* json, std::string_view name, const std::optional<Amount>& amount) {
  if (amount.has_value()) json->Key(name).Number(*amount);
}

// The members of a policy that are there, for an object that is open.
void WritePolicyMembers(JsonWriter* json, const Policy& policy) {
  if (policy.asset.has_value()) json->Key("asset").String(*policy.asset);
  WriteOptional(json, "min_balance", policy.min_balance);
  WriteOptional(json, "max_balance", policy.max_balance);
  if (policy.closed.has_value()) json->Key("closed").Bool(*policy.closed);
}

void WritePolicy(JsonWriter* json, std::string_view name, const Policy& policy) {
  json->Key(name).Begin('{');
  WritePolicyMembers(json, policy);
  json->End('}');
}

void WriteSource(JsonWriter* json, const SourcePosition& source) {
  json->Key("source").Begin('{').Key("name").String(source.name).Key("position").Number(source.position);
  WriteOptional(json, "previous", source.previous);
  if (!source.incarnation.empty()) json->Key("incarnation").String(source.incarnation);
  if (source.window != 0) json->Key("window").Number(uint64_t{source.window});
  json->End('}');
}

void WriteAction(JsonWriter* json, const Update& update) {
  switch (update.action) {
    case Action::kNone:
      break;
    case Action::kAdd:
      json->Key("add").Number(update.amount);
      break;
    case Action::kPut:
      json->Key("put").Base64(update.value);
      break;
    case Action::kDelete:
      json->Key("delete").Bool(true);
      break;
    case Action::kCheck:
      json->Key("check").Bool(true);
      break;
    case Action::kSetPolicy:
      WritePolicy(json, "set_policy", update.policy);
      break;
  }
}

void WriteUpdate(JsonWriter* json, const Update& update) {
  json->Begin('{').Key("key").String(update.key);
  WriteOptional(json, "expect_version", update.expect_version);
  WriteOptional(json, "since", update.since);
  WriteOptional(json, "expect_balance", update.expect_balance);
  WriteOptional(json, "newer", update.newer);
  WriteAction(json, update);
  if (!update.asset.empty()) json->Key("asset").String(update.asset);
  json->End('}');
}

void WriteChange(JsonWriter* json, const Change& change) {
  json->Begin('{').Key("id").String(change.id);
  if (change.source.has_value()) WriteSource(json, *change.source);
  json->Key("updates").Begin('[');
  for (const Update& update : change.updates) WriteUpdate(json, update);
  json->End(']');
  if (change.balanced) json->Key("balanced").Bool(true);
  WriteOptional(json, "epoch", change.epoch);
  json->End('}');
}

// Updates that only check are not part of what was applied.
bool IsShown(const Update& update, OutcomeCode code) {
  const bool applied = code == OutcomeCode::kApplied || code == OutcomeCode::kDuplicate;
  return !applied || update.action != Action::kCheck;
}

void WriteResults(JsonWriter* json, const Change& change, const Outcome& outcome) {
  json->Key("updates").Begin('[');
  const size_t count = std::min(change.updates.size(), outcome.updates.size());
  for (size_t i = 0; i < count; ++i) {
    const UpdateResult& result = outcome.updates[i];
    if (!IsShown(change.updates[i], outcome.code)) continue;
    json->Begin('{').Key("key").String(change.updates[i].key);
    json->Key("version").Number(result.version).Key("balance").Number(result.balance).End('}');
  }
  json->End(']');
}

void WriteEffect(JsonWriter* json, const JournalEffect& effect) {
  json->Begin('{').Key("key").String(effect.key).Key("action").String(ToString(effect.action));
  json->Key("version").Number(effect.version).Key("balance").Number(effect.balance);
  if (effect.action == Action::kAdd) json->Key("amount").Number(effect.amount);
  if (effect.value.has_value()) json->Key("value").Base64(*effect.value);
  if (effect.policy.has_value()) WritePolicy(json, "policy", *effect.policy);
  WriteOptional(json, "stamp", effect.stamp);
  json->Key("deleted").Bool(effect.deleted).End('}');
}

}  // namespace
}  // namespace internal

using internal::JsonWriter;

std::string_view ToString(Action action) {
  switch (action) {
    case Action::kNone:
      return "none";
    case Action::kAdd:
      return "add";
    case Action::kPut:
      return "put";
    case Action::kDelete:
      return "delete";
    case Action::kCheck:
      return "check";
    case Action::kSetPolicy:
      return "set_policy";
  }
  return "unknown";
}

std::string ToJson(const Change& change) {
  JsonWriter json;
  internal::WriteChange(&json, change);
  return json.Take();
}

std::string ToJson(const ParkedChange& parked) {
  JsonWriter json;
  json.Begin('{').Key("sequence").Number(parked.sequence).Key("parked_us").Number(parked.parked_us);
  json.Key("waits").Begin('[');
  for (const Wait& wait : parked.waits) {
    json.Begin('{').Key("key").String(wait.key).Key("version").Number(wait.version);
    json.Key("present").Number(wait.present).End('}');
  }
  json.End(']').Key("change");
  internal::WriteChange(&json, parked.change);
  json.End('}');
  return json.Take();
}

std::string ToJson(const DeadLetter& letter) {
  JsonWriter json;
  json.Begin('{').Key("sequence").Number(letter.sequence).Key("refused_us").Number(letter.refused_us);
  json.Key("id").String(letter.id).Key("outcome").String(ToString(letter.outcome.code));
  json.Key("reason").String(letter.outcome.reason);
  if (letter.outcome.rule != Rule::kNone) json.Key("rule").String(ToString(letter.outcome.rule));
  if (letter.outcome.conflict != Conflict::kNone) json.Key("conflict").String(ToString(letter.outcome.conflict));
  if (letter.source.has_value()) internal::WriteSource(&json, *letter.source);
  json.Key("original").Base64(letter.original).Key("original_bytes").Number(letter.original_bytes);
  if (letter.change.has_value()) {
    json.Key("change");
    internal::WriteChange(&json, *letter.change);
  }
  json.End('}');
  return json.Take();
}

std::string ToJson(const Change& change, const Outcome& outcome) {
  JsonWriter json;
  json.Begin('{').Key("id").String(change.id).Key("outcome").String(ToString(outcome.code));
  json.Key("sequence").Number(outcome.sequence).Key("lsn").Number(outcome.lsn);
  internal::WriteResults(&json, change, outcome);
  json.Key("reason").String(outcome.reason);
  if (outcome.rule != Rule::kNone) json.Key("rule").String(ToString(outcome.rule));
  if (outcome.conflict != Conflict::kNone) json.Key("conflict").String(ToString(outcome.conflict));
  json.End('}');
  return json.Take();
}

std::string ToJson(const Entity& entity) {
  JsonWriter json;
  json.Begin('{').Key("key").String(entity.key).Key("version").Number(entity.version);
  json.Key("balance").Number(entity.balance).Key("asset").String(entity.policy.asset.value_or(""));
  json.Key("value");
  if (entity.value.has_value()) {
    json.Base64(*entity.value);
  } else {
    json.Null();
  }
  json.Key("deleted").Bool(entity.deleted);
  if (entity.retired) json.Key("retired").Bool(true);
  internal::WriteOptional(&json, "min_balance", entity.policy.min_balance);
  internal::WriteOptional(&json, "max_balance", entity.policy.max_balance);
  if (entity.policy.closed.has_value()) json.Key("closed").Bool(*entity.policy.closed);
  internal::WriteOptional(&json, "stamp", entity.stamp);
  json.End('}');
  return json.Take();
}

std::string ToJson(const HistoryLine& line) {
  JsonWriter json;
  json.Begin('{').Key("version").Number(line.version).Key("sequence").Number(line.sequence);
  json.Key("lsn").Number(line.lsn).Key("commit_time_us").Number(line.commit_time_us);
  json.Key("id").String(line.id).Key("action").String(ToString(line.action));
  if (line.action == Action::kAdd) json.Key("amount").Number(line.amount);
  json.Key("balance").Number(line.balance);
  if (line.value.has_value()) json.Key("value").Base64(*line.value);
  json.Key("deleted").Bool(line.deleted).End('}');
  return json.Take();
}

std::string ToJson(const SourceCursor& cursor) {
  JsonWriter json;
  json.Begin('{').Key("name").String(cursor.name).Key("position").Number(cursor.position);
  json.Key("incarnation").String(cursor.incarnation).Key("chained").Bool(cursor.chained);
  json.Key("consumed").Number(cursor.consumed);
  if (cursor.window != 0) json.Key("window").Number(uint64_t{cursor.window}).Key("ahead").Number(cursor.ahead);
  json.End('}');
  return json.Take();
}

std::string ToJson(const JournalEntry& entry) {
  JsonWriter json;
  json.Begin('{').Key("lsn").Number(entry.lsn).Key("next_lsn").Number(entry.next_lsn);
  json.Key("sequence").Number(entry.sequence).Key("commit_time_us").Number(entry.commit_time_us);
  json.Key("outcome").String(ToString(entry.outcome)).Key("reason").String(entry.reason);
  json.Key("id").String(entry.id).Key("fingerprint").String(ToHex(entry.fingerprint));
  if (entry.source.has_value()) internal::WriteSource(&json, *entry.source);
  if (entry.parked != 0) json.Key("parked").Number(entry.parked);
  if (entry.letter != 0) json.Key("letter").Number(entry.letter);
  json.Key("balanced").Bool(entry.balanced).Key("effects").Begin('[');
  for (const JournalEffect& effect : entry.effects) internal::WriteEffect(&json, effect);
  json.End(']').End('}');
  return json.Take();
}

}  // namespace semel
