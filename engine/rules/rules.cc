// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/rules.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "absl/container/inlined_vector.h"

namespace semel::internal {
namespace {

constexpr Amount kAmountMin = std::numeric_limits<Amount>::min();
constexpr Amount kAmountMax = std::numeric_limits<Amount>::max();

// Only who names the tombstone's version, or a stamp above its own, means to re-create a deleted entity (H17).
bool MayRecreate(const Update& update) { return update.expect_version.has_value() || update.newer.has_value(); }

bool SumOverflows(Amount a, Amount b) { return b > 0 ? a > kAmountMax - b : a < kAmountMin - b; }

bool Within(Amount balance, const Policy& policy) {
  return balance >= policy.min_balance.value_or(kAmountMin) && balance <= policy.max_balance.value_or(kAmountMax);
}

// The fields that `fields` gives, over those of `base`.
Policy Merged(const Policy& base, const Policy& fields) {
  Policy merged = base;
  if (fields.asset) merged.asset = fields.asset;
  if (fields.min_balance) merged.min_balance = fields.min_balance;
  if (fields.max_balance) merged.max_balance = fields.max_balance;
  if (fields.closed) merged.closed = fields.closed;
  return merged;
}

Rule CheckAdd(const Update& update, const Head& head, const DecidingOptions& options) {
  const Policy& policy = head.GetPolicy();
  if (!update.asset.empty() && policy.asset != update.asset) return Rule::kAssetMismatch;
  if (SumOverflows(head.balance, update.amount)) return Rule::kOverflow;
  if (!Within(head.balance + update.amount, policy)) return Rule::kBalanceLimit;
  if (options.explicit_entities && head.version == 0) return Rule::kNoSuchEntity;
  return Rule::kNone;
}

Rule CheckDelete(const Head& head) {
  if (head.balance != 0) return Rule::kNotZero;
  return head.version == 0 || head.deleted ? Rule::kNothingToDelete : Rule::kNone;
}

Rule CheckSetPolicy(const Update& update, const Head& head) {
  const Policy& present = head.GetPolicy();
  const Policy merged = Merged(present, update.policy);
  if (present.asset && merged.asset != present.asset) return Rule::kAssetImmutable;
  return Within(head.balance, merged) ? Rule::kNone : Rule::kPolicyBalance;
}

Rule CheckUpdate(const Update& update, const Head& head, const DecidingOptions& options) {
  if (head.deleted && !MayRecreate(update)) return Rule::kDeleted;
  if (head.GetPolicy().closed.value_or(false) && update.action != Action::kSetPolicy) return Rule::kClosed;
  switch (update.action) {
    case Action::kAdd:
      return CheckAdd(update, head, options);
    case Action::kDelete:
      return CheckDelete(head);
    case Action::kSetPolicy:
      return CheckSetPolicy(update, head);
    case Action::kNone:
    case Action::kPut:
    case Action::kCheck:
      break;
  }
  return Rule::kNone;
}

// A sum of amounts that cannot overflow: the high and the low 64 bits of each are summed apart. Good for 2^62 amounts.
class WideSum {
 public:
  void Add(Amount amount) {
    high_ += absl::Int128High64(amount);
    low_ += absl::Int128Low64(amount);
  }
  bool IsZero() const {
    return absl::Uint128Low64(low_) == 0 && high_ + static_cast<Amount>(absl::Uint128High64(low_)) == 0;
  }

 private:
  absl::int128 high_ = 0;
  absl::uint128 low_ = 0;
};

struct AssetAmount {
  std::string_view asset;
  Amount amount;
};

// Whether the adds of each asset sum to zero. Entities without an asset count as of one asset.
bool IsBalanced(const Change& change, absl::Span<const Head* const> heads) {
  absl::InlinedVector<AssetAmount, 4> adds;
  for (size_t i = 0; i < change.updates.size(); ++i) {
    if (change.updates[i].action != Action::kAdd) continue;
    const Policy& policy = heads[i]->GetPolicy();
    adds.push_back({policy.asset ? std::string_view(*policy.asset) : std::string_view(), change.updates[i].amount});
  }
  std::sort(adds.begin(), adds.end(), [](const AssetAmount& a, const AssetAmount& b) { return a.asset < b.asset; });
  WideSum sum;
  for (size_t i = 0; i < adds.size(); ++i) {
    sum.Add(adds[i].amount);
    const bool last_of_asset = i + 1 == adds.size() || adds[i + 1].asset != adds[i].asset;
    if (last_of_asset && !sum.IsZero()) return false;  // else it goes on from zero
  }
  return true;
}

}  // namespace

RuleVerdict CheckRules(const Change& change, absl::Span<const Head* const> heads, const DecidingOptions& options) {
  for (size_t i = 0; i < change.updates.size(); ++i) {
    if (change.updates[i].action == Action::kCheck) continue;
    const Rule rule = CheckUpdate(change.updates[i], *heads[i], options);
    if (rule != Rule::kNone) return {rule, i};
  }
  if (change.balanced && !IsBalanced(change, heads)) return {Rule::kUnbalanced, 0};
  return {};
}

Effect EffectOf(const Update& update, const Head& head) {
  Effect effect = NextEffect(Table::kEntities, update.key, head);
  effect.action = update.action;
  effect.balance = head.balance;
  effect.stamp = update.newer;
  switch (update.action) {
    case Action::kAdd:
      effect.amount = update.amount;
      effect.balance += update.amount;
      break;
    case Action::kPut:
      effect.value = update.value;
      effect.value_lsn.reset();  // set here
      break;
    case Action::kDelete:
      effect.deleted = true;
      effect.value_lsn.reset();  // gone
      break;
    case Action::kSetPolicy:
      effect.policy = Merged(head.GetPolicy(), update.policy);
      effect.policy_lsn.reset();  // set here
      effect.deleted = head.deleted;
      break;
    case Action::kNone:
    case Action::kCheck:
      break;
  }
  return effect;
}

}  // namespace semel::internal
