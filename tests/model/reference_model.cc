// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/model/reference_model.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace semel::testing {
namespace {

Outcome Only(OutcomeCode code) {
  Outcome outcome;
  outcome.code = code;
  return outcome;
}

std::string LetterName(const Change& change) {
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

Outcome ReferenceModel::Apply(const Change& change, std::optional<bool> park) {
  const Message message(change);
  if (change.source) {
    if (std::optional<Outcome> outcome = JudgeSource(message)) return *outcome;
  }
  const auto twin = FindTwin(message);
  const bool has_room = parked_.size() < options_.park_max;
  Outcome outcome = DecideFresh(message, twin, has_room && park.value_or(options_.parking));
  const bool parks = outcome.code == OutcomeCode::kParked && twin == parked_.end();
  const bool ends_twin = twin != parked_.end() && (outcome.applied() || outcome.code == OutcomeCode::kDuplicate);
  if (outcome.early()) {
    if (change.source) Block(*change.source);
    return outcome;
  }
  if (outcome.applied() || change.source || parks || ends_twin) {
    Note(ModelEvent::Kind::kMessage, change, 0, &outcome);
  }
  if (change.source) Consume(message, outcome);
  if (parks) parked_.emplace(sequence_, ModelParked{change, message.identity, message.meaning});
  if (ends_twin) EndTwin(twin, outcome.sequence);
  if (outcome.applied()) Cascade(change);
  return outcome;
}

// `twin`: the parked change of this id. `park`: whether this one may be parked.
Outcome ReferenceModel::DecideFresh(const Message& message, ParkingLot::const_iterator twin, bool park) {
  Outcome outcome = Classify(message);
  if (outcome.code == OutcomeCode::kInvalid) return outcome;
  if (twin != parked_.end() && twin->second.meaning != message.meaning) return Only(OutcomeCode::kIdReused);
  if (outcome.applied()) return Commit(message);
  if (outcome.early() && (twin != parked_.end() || park)) outcome.code = OutcomeCode::kParked;
  return outcome;
}

// Of what was parked or is a dead letter.
Outcome ReferenceModel::DecideAgain(const Message& message) {
  const Outcome outcome = Classify(message);
  return outcome.applied() ? Commit(message) : outcome;
}

Outcome ReferenceModel::Commit(const Message& message) {
  ++sequence_;
  Outcome outcome = Only(OutcomeCode::kApplied);
  outcome.sequence = sequence_;
  for (const Update& update : message.change.updates) {
    if (update.action != Action::kCheck) Advance(message, update);
    outcome.updates.push_back({Get(update.key).version(), Get(update.key).now().balance});
  }
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

// An applied change has its entry; anything else gets one here.
void ReferenceModel::Note(ModelEvent::Kind kind, const Change& change, uint64_t held, Outcome* outcome) {
  if (!outcome->applied()) {
    ++sequence_;
    if (outcome->code != OutcomeCode::kDuplicate) outcome->sequence = sequence_;
  }
  events_.push_back({kind, change, *outcome, sequence_, held});
}

void ReferenceModel::Reopen() {
  for (auto source = sources_.begin(); source != sources_.end();) {
    source->second.blocked.reset();
    source = source->second.cursor ? std::next(source) : sources_.erase(source);
  }
}

// ---- Sources

// What is wrong with the stream; notes what the first message that is well-formed says of it (docs/decisions/0017).
bool ReferenceModel::SourceFault(const SourcePosition& message) {
  if (message.name.empty()) return true;
  if (message.window != 0 && (message.previous || message.position == 0)) return true;
  if (message.previous && *message.previous >= message.position) return true;
  const auto [found, first] = sources_.try_emplace(message.name);
  ModelSource& source = found->second;
  if (first) {
    source.incarnation = message.incarnation;
    source.window = message.window;
    source.chained = message.previous.has_value();
  }
  if (message.incarnation != source.incarnation || message.window != source.window) return true;
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
    const Outcome& recorded = seen->second.outcome;
    return recorded.code == OutcomeCode::kDuplicate ? DuplicateOf(message, recorded.sequence) : recorded;
  }
  Outcome outcome = Only(OutcomeCode::kIdReused);
  outcome.sequence = seen->second.sequence;
  return outcome;
}

// What is early is not decided: later positions wait. In a window they need not.
void ReferenceModel::Block(const SourcePosition& at) {
  ModelSource& source = sources_[at.name];
  if (source.window == 0) source.blocked = std::min(source.blocked.value_or(at.position), at.position);
}

// Moves the cursor over a position that the newest entry decided.
void ReferenceModel::Consume(const Message& message, const Outcome& outcome) {
  Remember(message, outcome);
  ModelSource& source = sources_[message.change.source->name];
  const uint64_t position = message.change.source->position;
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

// What redeliveries of this position are answered from the newest entry on; a refusal is a dead letter.
void ReferenceModel::Remember(const Message& message, const Outcome& outcome) {
  const Change& change = message.change;
  if (change.source) {
    Seen seen{message.identity, message.meaning, sequence_, outcome};
    if (outcome.applied()) seen.outcome.code = OutcomeCode::kDuplicate;
    sources_[change.source->name].seen[change.source->position] = std::move(seen);
  }
  if (!outcome.refused()) return;
  const std::string name = LetterName(change);
  for (auto& [sequence, letter] : letters_) letter.replaced |= letter.name == name;
  letters_[sequence_] = {change, outcome, name, false};
}

// ---- Parking

ReferenceModel::ParkingLot::const_iterator ReferenceModel::FindTwin(const Message& message) const {
  return std::find_if(parked_.begin(), parked_.end(),
                      [&](const auto& parked) { return parked.second.identity == message.identity; });
}

// Another attempt of its id was answered by the newest entry: as an entry `sequence` had applied it.
void ReferenceModel::EndTwin(ParkingLot::const_iterator twin, uint64_t sequence) {
  const auto [held, parked] = *twin;
  parked_.erase(twin);
  const Message message(parked.change);
  const Outcome outcome = DuplicateOf(message, sequence);
  events_.push_back({ModelEvent::Kind::kParkedDecided, parked.change, outcome, sequence_, held});
  Remember(message, outcome);
}

void ReferenceModel::Resolve(ParkingLot::const_iterator parked, ModelEvent::Kind kind, Outcome* outcome) {
  const auto [held, resolved] = *parked;
  parked_.erase(parked);
  Note(kind, resolved.change, held, outcome);
  Remember(Message(resolved.change), *outcome);
}

// Before anything else is looked at: every parked change that touches a moved entity is decided again, the oldest
// first, and from the oldest on again after each that is applied.
void ReferenceModel::Cascade(const Change& applied) {
  std::set<std::string> moved = AdvancedKeys(applied);
  for (auto at = parked_.begin(); at != parked_.end();) {
    const auto [held, parked] = *at;
    Outcome outcome = Only(OutcomeCode::kEarly);
    if (Touches(parked.change, moved)) outcome = DecideAgain(Message(parked.change));
    if (!outcome.early()) Resolve(at, ModelEvent::Kind::kParkedDecided, &outcome);
    at = parked_.upper_bound(held);
    if (!outcome.applied()) continue;
    moved.merge(AdvancedKeys(parked.change));
    at = parked_.begin();
  }
}

Outcome ReferenceModel::DiscardParked(uint64_t parked) {
  const auto found = parked_.find(parked);
  const Message message(found->second.change);
  Outcome outcome = Refuse(message, OutcomeCode::kConflict, Conflict::kDiscarded);
  Resolve(found, ModelEvent::Kind::kParkedDiscarded, &outcome);
  return outcome;
}

// ---- Dead letters

Outcome ReferenceModel::Retry(uint64_t letter) {
  const Change change = letters_.at(letter).change;
  const Message message(change);
  Outcome outcome = DecideAgain(message);
  if (outcome.refused() || outcome.early()) return outcome;
  letters_.erase(letter);
  Note(ModelEvent::Kind::kLetterRetried, change, letter, &outcome);
  Remember(message, outcome);
  if (outcome.applied()) Cascade(change);
  return outcome;
}

Outcome ReferenceModel::Discard(uint64_t letter) {
  const ModelLetter given_up = std::move(letters_.at(letter));
  letters_.erase(letter);
  Outcome noted = given_up.outcome;
  Note(ModelEvent::Kind::kLetterDiscarded, given_up.change, letter, &noted);
  return given_up.outcome;
}

// ---- Trimming

void ReferenceModel::Trim(uint64_t sequence) {
  floor_ = std::max(floor_, sequence);
  for (auto& [key, entity] : entities_) entity.floor = std::max(entity.floor, sequence);
  for (auto& [name, source] : sources_) {
    for (auto seen = source.seen.begin(); seen != source.seen.end();) {
      const Seen& what = seen->second;
      if (what.sequence > sequence || what.outcome.refused() || what.outcome.code == OutcomeCode::kParked) {
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
  if (entity != entities_.end()) entity->second.floor = sequence_;
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
  cursor.window = source->second.window;
  cursor.ahead = source->second.ahead.size();
  return cursor;
}

std::set<uint64_t> ReferenceModel::ConsumedAhead(std::string_view name) const {
  const auto source = sources_.find(name);
  return source == sources_.end() ? std::set<uint64_t>() : source->second.ahead;
}

}  // namespace semel::testing
