// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The pure half of the model, a port of tests/spec/semel_classify.py: who a change is, what it means, one verdict for
// each update, the table, the rules of entities.

#include <algorithm>
#include <limits>
#include <set>

#include "tests/model/reference_model.h"

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

bool Admits(const Policy& policy, Amount balance) {
  return policy.min_balance.value_or(kMin) <= balance && balance <= policy.max_balance.value_or(kMax);
}

}  // namespace

ReferenceModel::Message::Message(const Change& message)
    : change(message), identity(IdentityText(message)), meaning(MeaningText(message)) {}

// ---- One verdict for each update

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
    const Row* taker = entity.Readable(expected + 1);
    if (taker != nullptr && taker->identity == message.identity) return {'D', *taker};
    if (found.row) return {'D', *found.row};
    return {taker != nullptr && found.whole ? 'T' : 'O'};
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
    const Row* row = entity.Readable(version);
    if (read == limit || row == nullptr) return {std::nullopt, false};
    if (row->identity == identity) return {*row, true};
  }
  return {std::nullopt, true};
}

// ---- The table

// The first row that matches. kApplied: the change may be applied.
Outcome ReferenceModel::Classify(const Message& message) const {
  if (!IsValid(message.change)) return Refuse(message, OutcomeCode::kInvalid);
  std::string letters;
  for (const Update& update : message.change.updates) {
    const Verdict verdict = Judge(message, update);
    letters += verdict.letter;
    if (verdict.letter == 'D' && verdict.row.meaning == message.meaning)
      return DuplicateOf(message, verdict.row.sequence);
  }
  const auto any = [&](const char* wanted) { return letters.find_first_of(wanted) != std::string::npos; };
  if (any("D")) return Refuse(message, OutcomeCode::kIdReused);
  if (any("O")) return Refuse(message, OutcomeCode::kIndeterminate);
  if (any("S") && any("MGTB")) return Refuse(message, OutcomeCode::kConflict, Conflict::kPartlySuperseded);
  if (any("S")) return Refuse(message, OutcomeCode::kSuperseded);
  if (any("T")) return Refuse(message, OutcomeCode::kConflict, Conflict::kTaken);
  if (any("B")) return Refuse(message, OutcomeCode::kConflict, Conflict::kBalanceDiffers);
  if (any("G")) return Refuse(message, OutcomeCode::kEarly);
  if (any("f")) return Refuse(message, OutcomeCode::kConflict, Conflict::kCheckFailed);
  const Rule broken = BrokenRule(message.change);
  if (broken != Rule::kNone) return Refuse(message, OutcomeCode::kRejected, Conflict::kNone, broken);
  return Refuse(message, OutcomeCode::kApplied);
}

// With the result of the entry `sequence`; what only checks shows its present state. Of an entry below the floor it is
// what the entities remember: of all of them or of none.
Outcome ReferenceModel::DuplicateOf(const Message& message, uint64_t sequence) const {
  Outcome outcome;
  outcome.code = OutcomeCode::kDuplicate;
  outcome.sequence = sequence;
  for (const Update& update : message.change.updates) {
    const ModelEntity& entity = Get(update.key);
    const auto made =
        std::find_if(entity.rows.begin(), entity.rows.end(), [&](const Row& row) { return row.sequence == sequence; });
    const Row shown = made == entity.rows.end() ? entity.now() : *made;
    const bool remembered = shown.version == entity.version() || entity.stamp_row.sequence == sequence;
    if (sequence <= floor_ && !remembered) {
      outcome.updates.clear();
      return outcome;
    }
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

// ---- The rules of entities

Policy ReferenceModel::Overlay(Policy policy, const Policy& fields) {
  if (fields.asset) policy.asset = fields.asset;
  if (fields.min_balance) policy.min_balance = fields.min_balance;
  if (fields.max_balance) policy.max_balance = fields.max_balance;
  if (fields.closed) policy.closed = fields.closed;
  return policy;
}

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

const ReferenceModel::ModelEntity& ReferenceModel::Get(std::string_view key) const {
  static const ModelEntity* const kNone = new ModelEntity;
  const auto found = entities_.find(key);
  return found == entities_.end() ? *kNone : found->second;
}

}  // namespace semel::testing
