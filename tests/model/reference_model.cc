// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/model/reference_model.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace semel::testing {
namespace {

bool IsRefusal(OutcomeCode code) {
  return code == OutcomeCode::kConflict || code == OutcomeCode::kRejected || code == OutcomeCode::kIdReused ||
         code == OutcomeCode::kIndeterminate || code == OutcomeCode::kInvalid;
}

Outcome Only(OutcomeCode code) {
  Outcome outcome;
  outcome.code = code;
  return outcome;
}

std::string LetterAddress(const Change& change) {
  if (!change.source) return "parked:" + change.id;
  return change.source->name + ":" + std::to_string(change.source->position);
}

std::set<std::string> AdvancedKeys(const Change& change) {
  std::set<std::string> keys;
  for (const Update& update : change.updates) {
    if (update.action != Action::kCheck) keys.insert(update.key);
  }
  return keys;
}

bool Touches(const Change& change, const std::set<std::string>& keys) {
  return std::any_of(change.updates.begin(), change.updates.end(),
                     [&](const Update& update) { return keys.count(update.key) != 0; });
}

}  // namespace

// ---- The way of a change

Outcome ReferenceModel::Apply(const Change& change) {
  const Message message(change);
  if (change.source) {
    if (std::optional<Outcome> outcome = JudgeSource(message)) return *outcome;
  }
  Outcome outcome = Decide(message, ModelEvent::Kind::kMessage);
  if (change.source) Consume(message, &outcome);
  if (outcome.applied()) Cascade(change);
  return outcome;
}

Outcome ReferenceModel::Decide(const Message& message, ModelEvent::Kind kind) {
  Outcome outcome = Classify(message);
  const bool fresh = kind == ModelEvent::Kind::kMessage;
  const auto mine = fresh ? FindParked(message.identity) : parked_.end();
  if (mine != parked_.end() && outcome.code != OutcomeCode::kInvalid) {
    if (mine->meaning != message.meaning) return Only(OutcomeCode::kIdReused);
    if (outcome.early()) return Only(OutcomeCode::kParked);
  }
  if (fresh && outcome.early()) return Park(message, outcome);
  if (outcome.applied()) outcome = Commit(message, kind);
  if (fresh && (outcome.applied() || outcome.code == OutcomeCode::kDuplicate)) {
    EndParked(message.identity, outcome.sequence);
  }
  return outcome;
}

Outcome ReferenceModel::Commit(const Message& message, ModelEvent::Kind kind) {
  ++sequence_;
  Outcome outcome = Only(OutcomeCode::kApplied);
  outcome.sequence = sequence_;
  for (const Update& update : message.change.updates) {
    if (update.action != Action::kCheck) Advance(message, update);
    outcome.updates.push_back({Get(update.key).version(), Get(update.key).now().balance});
  }
  events_.push_back({kind, message.change, outcome});
  return outcome;
}

void ReferenceModel::Advance(const Message& message, const Update& update) {
  ModelEntity& entity = entities_[update.key];
  Row row = entity.now();
  row.version += 1;
  row.sequence = sequence_;
  row.identity = message.identity;
  row.meaning = message.meaning;
  row.deleted = update.action == Action::kDelete || (row.deleted && update.action == Action::kSetPolicy);
  if (update.action == Action::kAdd) row.balance += update.amount;
  if (update.action == Action::kPut) row.value = update.value;
  if (update.action == Action::kDelete) row.value.reset();
  if (update.action == Action::kSetPolicy) row.policy = Overlay(row.policy, update.policy);
  if (update.newer) std::tie(entity.stamp, entity.stamp_row) = std::make_tuple(update.newer, row);
  entity.rows.push_back(std::move(row));
}

// An applied change has its entry; anything else that must not be forgotten gets one here.
void ReferenceModel::Note(ModelEvent::Kind kind, const Change& change, Outcome* outcome) {
  if (outcome->applied()) return;
  ++sequence_;
  if (outcome->code != OutcomeCode::kDuplicate) outcome->sequence = sequence_;
  events_.push_back({kind, change, *outcome});
}

void ReferenceModel::Reopen() {
  for (auto source = sources_.begin(); source != sources_.end();) {
    source->second.blocked.reset();
    source = source->second.cursor ? std::next(source) : sources_.erase(source);
  }
}

// ---- Sources

// What is wrong with the stream; notes what the first message says of it.
bool ReferenceModel::SourceFault(const SourcePosition& message) {
  if (message.name.empty()) return true;
  const auto [found, first] = sources_.try_emplace(message.name);
  ModelSource& source = found->second;
  if (first) {
    source.incarnation = message.incarnation;
    source.window = message.window;
    source.chained = message.previous.has_value();
  }
  if (message.incarnation != source.incarnation || message.window != source.window) return true;
  if (source.window != 0 && (message.previous || message.position == 0)) return true;
  if (message.previous && *message.previous >= message.position) return true;
  if (source.cursor && message.position <= *source.cursor) return false;
  return message.previous ? source.cursor && *message.previous < *source.cursor : source.chained;
}

// The outcome, if the place in the source settles it.
std::optional<Outcome> ReferenceModel::JudgeSource(const Message& message) {
  const SourcePosition& at = *message.change.source;
  if (SourceFault(at)) return Only(OutcomeCode::kInvalid);
  const ModelSource& source = sources_[at.name];
  if (source.Consumed(at.position)) return ConsumedBefore(source, message);
  const bool gap = source.cursor && at.previous && *at.previous > *source.cursor;
  const bool beyond = source.window != 0 && at.position > source.cursor.value_or(0) + source.window;
  const bool waits = source.blocked && at.position > *source.blocked;
  if (gap || beyond || waits) return Only(OutcomeCode::kEarly);
  return std::nullopt;
}

Outcome ReferenceModel::ConsumedBefore(const ModelSource& source, const Message& message) const {
  const uint64_t position = message.change.source->position;
  const auto seen = source.seen.find(position);
  if (seen == source.seen.end()) {
    const bool skipped = !source.trimmed || position > *source.trimmed;
    return Only(skipped ? OutcomeCode::kInvalid : OutcomeCode::kDuplicate);
  }
  if (seen->second.identity == message.identity && seen->second.meaning == message.meaning) {
    Outcome outcome = seen->second.outcome;
    if (outcome.code != OutcomeCode::kDuplicate) return outcome;
    for (size_t i = 0; i < outcome.updates.size(); ++i) {
      const Update& update = message.change.updates[i];
      if (update.action != Action::kCheck) continue;
      outcome.updates[i] = {Get(update.key).version(), Get(update.key).now().balance};
    }
    return outcome;
  }
  Outcome outcome = Only(OutcomeCode::kIdReused);
  outcome.sequence = seen->second.sequence;
  return outcome;
}

// Moves the cursor over a decided position; an early one is remembered, and later ones wait for it.
void ReferenceModel::Consume(const Message& message, Outcome* outcome) {
  ModelSource& source = sources_[message.change.source->name];
  const uint64_t position = message.change.source->position;
  if (outcome->early()) {
    if (source.window == 0) source.blocked = std::min(source.blocked.value_or(position), position);
    return;
  }
  Note(ModelEvent::Kind::kMessage, message.change, outcome);
  Remember(message, *outcome);
  MoveCursor(position, &source);
  ++source.consumed;
  if (source.blocked && *source.blocked <= position) source.blocked.reset();
}

void ReferenceModel::MoveCursor(uint64_t position, ModelSource* source) {
  if (source->window == 0) {
    source->cursor = position;
    return;
  }
  source->ahead.insert(position);
  uint64_t cursor = source->cursor.value_or(0);
  while (source->ahead.erase(cursor + 1) != 0) ++cursor;
  source->cursor = cursor;
}

// What redeliveries of this position are answered from now on; a refusal is a dead letter.
void ReferenceModel::Remember(const Message& message, const Outcome& outcome) {
  if (message.change.source) {
    const uint64_t sequence = outcome.applied() ? outcome.sequence : sequence_;
    Seen seen{message.identity, message.meaning, sequence, outcome};
    if (outcome.applied()) seen.outcome.code = OutcomeCode::kDuplicate;
    sources_[message.change.source->name].seen[message.change.source->position] = std::move(seen);
  }
  if (IsRefusal(outcome.code)) letters_[LetterAddress(message.change)] = {message.change, outcome};
}

// ---- Parking

std::vector<ReferenceModel::Parked>::iterator ReferenceModel::FindParked(const std::string& identity) {
  return std::find_if(parked_.begin(), parked_.end(),
                      [&](const Parked& parked) { return parked.identity == identity; });
}

Outcome ReferenceModel::Park(const Message& message, Outcome early) {
  if (parked_.size() >= options_.park_max) return early;
  parked_.push_back({message.change, message.identity, message.meaning});
  Outcome outcome = Only(OutcomeCode::kParked);
  if (!message.change.source) Note(ModelEvent::Kind::kMessage, message.change, &outcome);
  return outcome;
}

void ReferenceModel::ResolveParked(std::vector<Parked>::iterator parked, ModelEvent::Kind kind, Outcome outcome) {
  const Change change = std::move(parked->change);
  parked_.erase(parked);
  Note(kind, change, &outcome);
  Remember(Message(change), outcome);
}

// Another attempt of its id was applied, by the entry `sequence`.
void ReferenceModel::EndParked(const std::string& identity, uint64_t sequence) {
  const auto parked = FindParked(identity);
  if (parked == parked_.end()) return;
  ResolveParked(parked, ModelEvent::Kind::kParkedDecided, DuplicateOf(Message(parked->change), sequence));
}

// Before anything else is looked at: every parked change that touches a moved entity is decided again, the oldest
// first, and from the oldest on again after each that is applied.
void ReferenceModel::Cascade(const Change& applied) {
  std::set<std::string> moved = AdvancedKeys(applied);
  for (size_t i = 0; i < parked_.size();) {
    const Change change = parked_[i].change;
    Outcome outcome = Only(OutcomeCode::kEarly);
    if (Touches(change, moved)) outcome = Decide(Message(change), ModelEvent::Kind::kParkedDecided);
    if (outcome.early()) {
      ++i;
      continue;
    }
    ResolveParked(parked_.begin() + static_cast<std::ptrdiff_t>(i), ModelEvent::Kind::kParkedDecided, outcome);
    if (!outcome.applied()) continue;
    moved.merge(AdvancedKeys(change));
    i = 0;
  }
}

void ReferenceModel::DiscardParked(const Change& change) {
  const auto parked = FindParked(Message(change).identity);
  if (parked == parked_.end()) return;
  ResolveParked(parked, ModelEvent::Kind::kParkedDiscarded, Only(OutcomeCode::kConflict));
}

// ---- Dead letters

std::optional<Outcome> ReferenceModel::Retry(const std::string& address) {
  const auto letter = letters_.find(address);
  if (letter == letters_.end()) return std::nullopt;
  const Change change = letter->second.change;
  const Message message(change);
  Outcome outcome = Decide(message, ModelEvent::Kind::kLetterRetried);
  if (IsRefusal(outcome.code) || outcome.early()) return outcome;
  letters_.erase(address);
  Note(ModelEvent::Kind::kLetterRetried, change, &outcome);
  Remember(message, outcome);
  if (outcome.applied()) Cascade(change);
  return outcome;
}

std::optional<Outcome> ReferenceModel::Discard(const std::string& address) {
  const auto letter = letters_.find(address);
  if (letter == letters_.end()) return std::nullopt;
  const ModelLetter given_up = std::move(letter->second);
  letters_.erase(letter);
  Outcome noted = given_up.outcome;
  Note(ModelEvent::Kind::kLetterDiscarded, given_up.change, &noted);
  return given_up.outcome;
}

// ---- Trimming

void ReferenceModel::Trim() {
  for (auto& [key, entity] : entities_) entity.floor = entity.version();
  for (auto& [name, source] : sources_) {
    for (auto seen = source.seen.begin(); seen != source.seen.end();) {
      const OutcomeCode code = seen->second.outcome.code;
      if (IsRefusal(code) || code == OutcomeCode::kParked) {
        ++seen;
        continue;
      }
      source.trimmed = std::max(source.trimmed.value_or(0), seen->first);
      seen = source.seen.erase(seen);
    }
  }
}

void ReferenceModel::TrimEntity(const std::string& key) {
  const auto entity = entities_.find(key);
  if (entity != entities_.end()) entity->second.floor = entity->second.version();
}

// ---- Reading

std::vector<ModelEvent> ReferenceModel::TakeEvents() { return std::exchange(events_, {}); }

std::vector<std::string> ReferenceModel::Keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, entity] : entities_) keys.push_back(key);
  return keys;
}

std::vector<std::string> ReferenceModel::Sources() const {
  std::vector<std::string> names;
  for (const auto& [name, source] : sources_) names.push_back(name);
  return names;
}

Entity ReferenceModel::Latest(std::string_view key) const {
  Entity entity = AsOf(key, sequence_);
  entity.stamp = Get(key).stamp;
  return entity;
}

Entity ReferenceModel::AsOf(std::string_view key, uint64_t sequence) const {
  Entity entity;
  entity.key = key;
  for (const Row& row : Get(key).rows) {
    if (row.sequence > sequence) break;
    entity.version = row.version;
    entity.balance = row.balance;
    entity.value = row.value;
    entity.policy = row.policy;
    entity.deleted = row.deleted;
  }
  return entity;
}

std::optional<SourceCursor> ReferenceModel::LatestSource(std::string_view name) const {
  const auto source = sources_.find(name);
  if (source == sources_.end() || !source->second.cursor) return std::nullopt;
  SourceCursor cursor;
  cursor.name = name;
  cursor.incarnation = source->second.incarnation;
  cursor.chained = source->second.chained;
  cursor.position = *source->second.cursor;
  cursor.consumed = source->second.consumed;
  return cursor;
}

std::set<uint64_t> ReferenceModel::ConsumedAhead(std::string_view name) const {
  const auto source = sources_.find(name);
  return source == sources_.end() ? std::set<uint64_t>() : source->second.ahead;
}

std::vector<Change> ReferenceModel::ParkedChanges() const {
  std::vector<Change> changes;
  for (const Parked& parked : parked_) changes.push_back(parked.change);
  return changes;
}

}  // namespace semel::testing
