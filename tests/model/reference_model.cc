// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/model/reference_model.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

namespace semel::testing {
namespace {

constexpr Amount kMin = std::numeric_limits<Amount>::min();
constexpr Amount kMax = std::numeric_limits<Amount>::max();

// Text with its length before it, so that joined texts cannot run into each other.
std::string Field(std::string_view text) { return std::to_string(text.size()) + ":" + std::string(text) + ","; }
std::string Field(Amount amount) { return Field(AmountToString(amount)); }

std::string IdentityText(const Change& change) {
  if (!change.id.empty()) return "id " + change.id;
  if (!change.source) return "";
  const SourcePosition& source = *change.source;
  return "position " + Field(source.name) + Field(source.incarnation) + std::to_string(source.position);
}

std::string PolicyText(const Policy& policy) {
  std::string text;
  if (policy.asset) text += "asset " + Field(*policy.asset);
  if (policy.min_balance) text += "min " + Field(*policy.min_balance);
  if (policy.max_balance) text += "max " + Field(*policy.max_balance);
  if (policy.closed) text += *policy.closed ? "closed" : "open";
  return text;
}

std::string OperandText(const Update& update) {
  switch (update.action) {
    case Action::kAdd:
      return "add " + Field(update.amount) + Field(update.asset);
    case Action::kPut:
      return "put " + Field(update.value);
    case Action::kDelete:
      return "delete";
    case Action::kCheck:
      return "check";
    case Action::kSetPolicy:
      return "policy " + PolicyText(update.policy);
    case Action::kNone:
      break;
  }
  return "nothing";
}

std::string MeaningText(const Change& change) {
  std::set<std::string> parts;
  for (const Update& update : change.updates) {
    parts.insert(Field(update.key) + Field(OperandText(update)) + (update.newer ? std::to_string(*update.newer) : ""));
  }
  std::string text = change.balanced ? "balanced " : "";
  for (const std::string& part : parts) text += Field(part);
  return text;
}

bool IsCheck(const Update& update) { return update.action == Action::kCheck; }

bool PreconditionsAreValid(const Update& update) {
  const int given = update.expect_version.has_value() + update.expect_balance.has_value() + update.newer.has_value();
  if (given > 1 || (update.since && update.newer)) return false;
  if (update.since && update.action != Action::kAdd && (!update.expect_version || IsCheck(update))) return false;
  if (update.since && update.expect_version && *update.since > *update.expect_version) return false;
  if (IsCheck(update) && !update.expect_version && !update.expect_balance) return false;
  return !update.newer || update.action == Action::kPut || update.action == Action::kDelete;
}

bool IsValid(const Change& change) {
  std::set<std::string> keys;
  bool exact = false, newer = false, bare = false;
  for (const Update& update : change.updates) {
    if (update.key.empty() || update.action == Action::kNone || !keys.insert(update.key).second) return false;
    if (!PreconditionsAreValid(update)) return false;
    if (IsCheck(update)) continue;
    const bool position = update.expect_version || update.expect_balance || update.since;
    exact |= position;
    newer |= update.newer.has_value();
    bare |= !position && !update.newer;
  }
  if (change.updates.empty() || (change.id.empty() && !change.source)) return false;
  if (!exact && !newer && !change.source) return false;
  return exact || !newer || !bare;
}

// Sums without overflow: what is added next always has the other sign than the sum so far.
bool SumsToZero(const std::vector<Amount>& amounts) {
  std::vector<Amount> positive, negative;
  for (const Amount amount : amounts) {
    if (amount != 0) (amount > 0 ? positive : negative).push_back(amount);
  }
  Amount sum = 0;
  while (!positive.empty() || !negative.empty()) {
    std::vector<Amount>& next = sum >= 0 ? negative : positive;
    if (next.empty()) return false;  // the others have the sign of the sum, or the sum is zero and they are not
    sum += next.back();
    next.pop_back();
  }
  return sum == 0;
}

Policy Overlay(Policy policy, const Policy& fields) {
  if (fields.asset) policy.asset = fields.asset;
  if (fields.min_balance) policy.min_balance = fields.min_balance;
  if (fields.max_balance) policy.max_balance = fields.max_balance;
  if (fields.closed) policy.closed = fields.closed;
  return policy;
}

bool Admits(const Policy& policy, Amount balance) {
  return policy.min_balance.value_or(kMin) <= balance && balance <= policy.max_balance.value_or(kMax);
}

}  // namespace

Outcome ReferenceModel::Apply(const Change& change) {
  const Message message{change, IdentityText(change), MeaningText(change)};
  if (change.source) {
    if (std::optional<Outcome> outcome = JudgeSource(message)) return *outcome;
  }
  Outcome outcome = Decide(message);
  if (!change.source) return outcome;
  if (outcome.code == OutcomeCode::kEarly) {
    std::optional<uint64_t>& blocked = sources_[change.source->name].blocked;
    blocked = std::min(blocked.value_or(change.source->position), change.source->position);
  } else {
    Consume(message, &outcome);
  }
  return outcome;
}

void ReferenceModel::Reopen() {
  for (auto source = sources_.begin(); source != sources_.end();) {
    source->second.blocked.reset();
    source = source->second.seen.empty() ? sources_.erase(source) : std::next(source);
  }
}

// ---- Sources

// What is wrong with the stream; notes what the first message says of it.
bool ReferenceModel::SourceFault(const SourcePosition& message) {
  if (message.name.empty() || message.window != 0) return true;
  if (message.previous && *message.previous >= message.position) return true;
  const auto [found, first] = sources_.try_emplace(message.name);
  ModelSource& source = found->second;
  if (first) {
    source.incarnation = message.incarnation;
    source.chained = message.previous.has_value();
  }
  if (message.incarnation != source.incarnation) return true;
  const std::optional<uint64_t> cursor = source.cursor();
  if (cursor && message.position <= *cursor) return false;
  return message.previous ? cursor && *message.previous < *cursor : source.chained;
}

// The outcome, if the place in the source settles it.
std::optional<Outcome> ReferenceModel::JudgeSource(const Message& message) {
  Outcome outcome;
  const SourcePosition& at = *message.change.source;
  if (SourceFault(at)) {
    outcome.code = OutcomeCode::kInvalid;
    return outcome;
  }
  const ModelSource& source = sources_[at.name];
  const std::optional<uint64_t> cursor = source.cursor();
  if (cursor && at.position <= *cursor) return ConsumedBefore(source, message);
  const bool gap = cursor && at.previous && *at.previous > *cursor;
  if (!gap && (!source.blocked || at.position <= *source.blocked)) return std::nullopt;
  outcome.code = OutcomeCode::kEarly;
  return outcome;
}

Outcome ReferenceModel::ConsumedBefore(const ModelSource& source, const Message& message) const {
  Outcome outcome;
  const auto seen = source.seen.find(message.change.source->position);
  if (seen == source.seen.end()) {
    outcome.code = OutcomeCode::kInvalid;  // skipped
    return outcome;
  }
  if (seen->second.identity == message.identity && seen->second.meaning == message.meaning) {
    outcome = seen->second.outcome;
    if (outcome.code != OutcomeCode::kDuplicate) return outcome;
    for (size_t i = 0; i < outcome.updates.size(); ++i) {
      const Update& update = message.change.updates[i];
      if (IsCheck(update)) outcome.updates[i] = {Get(update.key).version(), Get(update.key).now().balance};
    }
    return outcome;
  }
  outcome.code = OutcomeCode::kIdReused;
  outcome.sequence = seen->second.sequence;
  return outcome;
}

void ReferenceModel::Consume(const Message& message, Outcome* outcome) {
  if (outcome->code != OutcomeCode::kApplied) ++sequence_;  // the cursor's move is an entry too
  if (outcome->code != OutcomeCode::kDuplicate) outcome->sequence = sequence_;
  Seen seen{message.identity, message.meaning, sequence_, *outcome};
  if (outcome->code == OutcomeCode::kApplied) seen.outcome.code = OutcomeCode::kDuplicate;
  ModelSource& source = sources_[message.change.source->name];
  const uint64_t position = message.change.source->position;
  source.seen.emplace(position, std::move(seen));
  if (source.blocked && *source.blocked <= position) source.blocked.reset();
}

// ---- One change

Outcome ReferenceModel::Decide(const Message& message) {
  if (!IsValid(message.change)) {
    Outcome outcome;
    outcome.code = OutcomeCode::kInvalid;
    return outcome;
  }
  std::vector<Verdict> verdicts;
  for (const Update& update : message.change.updates) verdicts.push_back(Judge(message, update));
  return Combine(message, verdicts);
}

ReferenceModel::Verdict ReferenceModel::Judge(const Message& message, const Update& update) const {
  const ModelEntity& entity = Get(update.key);
  const uint64_t version = entity.version();
  if (IsCheck(update)) {
    if (update.expect_balance) return {*update.expect_balance == entity.now().balance ? 'c' : 'f'};
    return {*update.expect_version > version ? 'G' : *update.expect_version == version ? 'c' : 'f'};
  }
  Found found{std::nullopt, true};
  const bool since_ahead = update.since && *update.since > version;
  if (update.since && !since_ahead) {
    found = Find(entity, message.identity, *update.since, options_.balance_lookback);
  } else if (update.expect_balance) {
    found = Find(entity, message.identity, 0, options_.balance_lookback);
  }
  if (update.expect_version) return JudgeVersion(message, update, found);
  if (update.newer) return JudgeStamp(message, update);
  if (update.expect_balance) {
    if (found.row) return {'D', *found.row};
    if (since_ahead) return {'G'};
    if (!found.whole && (!message.change.source || update.since)) return {'O'};
    return {*update.expect_balance == entity.now().balance ? 'M' : 'B'};
  }
  if (!update.since) return {'N'};
  if (since_ahead) return {'G'};
  if (found.row) return {'D', *found.row};
  return {found.whole ? 'M' : 'O'};
}

ReferenceModel::Verdict ReferenceModel::JudgeVersion(const Message& message, const Update& update,
                                                     const Found& found) const {
  const ModelEntity& entity = Get(update.key);
  const uint64_t expected = *update.expect_version;
  if (expected < entity.version()) {
    const Row& taker = entity.rows[expected];
    if (taker.identity == message.identity) return {'D', taker};
    if (found.row) return {'D', *found.row};
    return {found.whole ? 'T' : 'O'};
  }
  if (found.row) return {'D', *found.row};
  if (expected > entity.version()) return {found.whole ? 'G' : 'O'};
  if (!entity.rows.empty() && entity.rows.back().identity == message.identity) return {'D', entity.rows.back()};
  return {found.whole ? 'M' : 'O'};
}

ReferenceModel::Verdict ReferenceModel::JudgeStamp(const Message& message, const Update& update) const {
  const ModelEntity& entity = Get(update.key);
  if (!entity.stamp || *update.newer > *entity.stamp) return {'M'};
  if (*update.newer < *entity.stamp) return {'S'};
  if (entity.stamp_row.identity == message.identity) return {'D', entity.stamp_row};
  bool pure = true;
  for (const Update& other : message.change.updates) pure &= other.newer || IsCheck(other);
  if (pure && entity.stamp_row.meaning == message.meaning) return {'D', entity.stamp_row};
  return {'T'};
}

ReferenceModel::Found ReferenceModel::Find(const ModelEntity& entity, const std::string& identity, uint64_t after,
                                           uint64_t limit) {
  uint64_t read = 0;
  for (uint64_t version = entity.version(); version > after; --version, ++read) {
    if (read == limit) return {std::nullopt, false};
    if (entity.rows[version - 1].identity == identity) return {entity.rows[version - 1], true};
  }
  return {std::nullopt, true};
}

Outcome ReferenceModel::Combine(const Message& message, const std::vector<Verdict>& verdicts) {
  std::string letters;
  for (const Verdict& verdict : verdicts) {
    letters += verdict.letter;
    if (verdict.letter == 'D' && verdict.row.meaning == message.meaning) return DuplicateOf(message, verdict.row);
  }
  const auto any = [&](const char* wanted) { return letters.find_first_of(wanted) != std::string::npos; };
  if (any("D")) return Refuse(message, OutcomeCode::kIdReused, Conflict::kNone, Rule::kNone);
  if (any("O")) return Refuse(message, OutcomeCode::kIndeterminate, Conflict::kNone, Rule::kNone);
  if (any("S") && any("MGTB")) {
    return Refuse(message, OutcomeCode::kConflict, Conflict::kPartlySuperseded, Rule::kNone);
  }
  if (any("S")) return Refuse(message, OutcomeCode::kSuperseded, Conflict::kNone, Rule::kNone);
  if (any("T")) return Refuse(message, OutcomeCode::kConflict, Conflict::kTaken, Rule::kNone);
  if (any("B")) return Refuse(message, OutcomeCode::kConflict, Conflict::kBalanceDiffers, Rule::kNone);
  if (any("G")) return Refuse(message, OutcomeCode::kEarly, Conflict::kNone, Rule::kNone);
  if (any("f")) return Refuse(message, OutcomeCode::kConflict, Conflict::kCheckFailed, Rule::kNone);
  const Rule broken = BrokenRule(message.change);
  if (broken != Rule::kNone) return Refuse(message, OutcomeCode::kRejected, Conflict::kNone, broken);
  return Commit(message);
}

// With the result of the entry that made `row`; what only checks shows its present state.
Outcome ReferenceModel::DuplicateOf(const Message& message, const Row& row) const {
  Outcome outcome;
  outcome.code = OutcomeCode::kDuplicate;
  outcome.sequence = row.sequence;
  for (const Update& update : message.change.updates) {
    const ModelEntity& entity = Get(update.key);
    const auto made = std::find_if(entity.rows.begin(), entity.rows.end(),
                                   [&](const Row& candidate) { return candidate.sequence == row.sequence; });
    const Row shown = made == entity.rows.end() ? entity.now() : *made;
    outcome.updates.push_back({shown.version, shown.balance});
  }
  return outcome;
}

Outcome ReferenceModel::Refuse(const Message& message, OutcomeCode code, Conflict conflict, Rule rule) const {
  Outcome outcome;
  outcome.code = code;
  outcome.conflict = conflict;
  outcome.rule = rule;
  if (code != OutcomeCode::kConflict && code != OutcomeCode::kRejected && code != OutcomeCode::kEarly) return outcome;
  for (const Update& update : message.change.updates) {
    outcome.updates.push_back({Get(update.key).version(), Get(update.key).now().balance});
  }
  return outcome;
}

Outcome ReferenceModel::Commit(const Message& message) {
  Outcome outcome;
  outcome.code = OutcomeCode::kApplied;
  outcome.sequence = ++sequence_;
  for (const Update& update : message.change.updates) {
    if (!IsCheck(update)) {
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
    outcome.updates.push_back({Get(update.key).version(), Get(update.key).now().balance});
  }
  return outcome;
}

// ---- The rules of entities

Rule ReferenceModel::BrokenRule(const Change& change) const {
  for (const Update& update : change.updates) {
    const Rule broken = IsCheck(update) ? Rule::kNone : BrokenBy(update);
    if (broken != Rule::kNone) return broken;
  }
  return change.balanced && Unbalanced(change) ? Rule::kUnbalanced : Rule::kNone;
}

Rule ReferenceModel::BrokenBy(const Update& update) const {
  const Row now = Get(update.key).now();
  if (now.deleted && !update.expect_version && !update.newer) return Rule::kDeleted;
  if (now.policy.closed.value_or(false) && update.action != Action::kSetPolicy) return Rule::kClosed;
  if (update.action == Action::kAdd) {
    if (!update.asset.empty() && now.policy.asset.value_or("") != update.asset) return Rule::kAssetMismatch;
    const bool overflow = update.amount > 0 ? now.balance > kMax - update.amount : now.balance < kMin - update.amount;
    if (overflow) return Rule::kOverflow;
    if (!Admits(now.policy, now.balance + update.amount)) return Rule::kBalanceLimit;
    if (options_.explicit_entities && now.version == 0) return Rule::kNoSuchEntity;
  }
  if (update.action == Action::kDelete) {
    if (now.balance != 0) return Rule::kNotZero;
    if (now.version == 0 || now.deleted) return Rule::kNothingToDelete;
  }
  if (update.action == Action::kSetPolicy) {
    const Policy policy = Overlay(now.policy, update.policy);
    if (now.policy.asset && policy.asset != now.policy.asset) return Rule::kAssetImmutable;
    if (!Admits(policy, now.balance)) return Rule::kPolicyBalance;
  }
  return Rule::kNone;
}

bool ReferenceModel::Unbalanced(const Change& change) const {
  std::map<std::string, std::vector<Amount>> amounts;
  for (const Update& update : change.updates) {
    if (update.action != Action::kAdd) continue;
    amounts[Get(update.key).now().policy.asset.value_or("")].push_back(update.amount);
  }
  return !std::all_of(amounts.begin(), amounts.end(), [](const auto& asset) { return SumsToZero(asset.second); });
}

// ---- Reading

const ReferenceModel::ModelEntity& ReferenceModel::Get(std::string_view key) const {
  static const ModelEntity* const kNone = new ModelEntity;
  const auto found = entities_.find(key);
  return found == entities_.end() ? *kNone : found->second;
}

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

std::optional<SourceCursor> ReferenceModel::SourceAsOf(std::string_view name, uint64_t sequence) const {
  const auto source = sources_.find(name);
  if (source == sources_.end()) return std::nullopt;
  SourceCursor cursor;
  cursor.name = name;
  cursor.incarnation = source->second.incarnation;
  cursor.chained = source->second.chained;
  for (const auto& [position, seen] : source->second.seen) {
    if (seen.sequence > sequence) break;
    cursor.position = position;
    ++cursor.consumed;
  }
  if (cursor.consumed == 0) return std::nullopt;
  return cursor;
}

}  // namespace semel::testing
