// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/change_coding.h"

#include <cstdint>

#include "absl/status/status.h"

namespace semel::internal {
namespace {

// Flags of a policy.
constexpr uint8_t kHasAsset = 1 << 0;
constexpr uint8_t kHasMinBalance = 1 << 1;
constexpr uint8_t kHasMaxBalance = 1 << 2;
constexpr uint8_t kHasClosed = 1 << 3;
constexpr uint8_t kClosed = 1 << 4;
constexpr uint8_t kPolicyFlags = kHasAsset | kHasMinBalance | kHasMaxBalance | kHasClosed | kClosed;

// Flags of a change.
constexpr uint8_t kHasSource = 1 << 0;
constexpr uint8_t kBalanced = 1 << 1;
constexpr uint8_t kHasEpoch = 1 << 2;
constexpr uint8_t kChangeFlags = kHasSource | kBalanced | kHasEpoch;

// Flags of a source.
constexpr uint8_t kHasPrevious = 1 << 0;

// Flags of an update.
constexpr uint8_t kActionMask = 7;
constexpr uint8_t kHasExpectVersion = 1 << 3;
constexpr uint8_t kHasSince = 1 << 4;
constexpr uint8_t kHasExpectBalance = 1 << 5;
constexpr uint8_t kHasNewer = 1 << 6;
constexpr uint8_t kMaxAction = static_cast<uint8_t>(Action::kSetPolicy);

// A change that was refused for its size is kept too.
constexpr size_t kMaxBytes = size_t{16} << 20;
constexpr size_t kMaxUpdates = size_t{1} << 20;

void PutByte(std::string* out, uint8_t v) { out->push_back(static_cast<char>(v)); }
uint8_t FlagIf(bool condition, uint8_t flag) { return condition ? flag : 0; }

bool GetString(Decoder* in, std::string* text) {
  std::string_view bytes;
  if (!in->GetBytes(kMaxBytes, &bytes)) return false;
  text->assign(bytes);
  return true;
}

void PutSource(std::string* out, const SourcePosition& source) {
  PutByte(out, FlagIf(source.previous.has_value(), kHasPrevious));
  PutBytes(out, source.name);
  PutVarint(out, source.position);
  if (source.previous) PutVarint(out, *source.previous);
  PutBytes(out, source.incarnation);
  PutVarint(out, source.window);
}

bool GetSource(Decoder* in, SourcePosition* source) {
  uint8_t flags = 0;
  if (!in->GetByte(&flags) || (flags & ~kHasPrevious) != 0) return false;
  if (!GetString(in, &source->name) || !in->GetVarint(&source->position)) return false;
  if (flags != 0 && !in->GetVarint(&source->previous.emplace())) return false;
  return GetString(in, &source->incarnation) && in->GetVarint32(&source->window);
}

void PutUpdate(std::string* out, const Update& update) {
  PutByte(out, static_cast<uint8_t>(update.action) | FlagIf(update.expect_version.has_value(), kHasExpectVersion) |
                   FlagIf(update.since.has_value(), kHasSince) |
                   FlagIf(update.expect_balance.has_value(), kHasExpectBalance) |
                   FlagIf(update.newer.has_value(), kHasNewer));
  PutBytes(out, update.key);
  if (update.expect_version) PutVarint(out, *update.expect_version);
  if (update.since) PutVarint(out, *update.since);
  if (update.expect_balance) PutSignedVarint128(out, *update.expect_balance);
  if (update.newer) PutVarint(out, *update.newer);
  if (update.action == Action::kAdd) {
    PutSignedVarint128(out, update.amount);
    PutBytes(out, update.asset);
  } else if (update.action == Action::kPut) {
    PutBytes(out, update.value);
  } else if (update.action == Action::kSetPolicy) {
    PutPolicy(out, update.policy);
  }
}

bool GetOperand(Decoder* in, Update* update) {
  switch (update->action) {
    case Action::kAdd:
      return in->GetSignedVarint128(&update->amount) && GetString(in, &update->asset);
    case Action::kPut:
      return GetString(in, &update->value);
    case Action::kSetPolicy:
      return GetPolicy(in, &update->policy);
    case Action::kNone:
    case Action::kDelete:
    case Action::kCheck:
      break;
  }
  return true;
}

bool GetUpdate(Decoder* in, Update* update) {
  uint8_t flags = 0;
  if (!in->GetByte(&flags) || (flags & kActionMask) > kMaxAction || flags >> 7 != 0) return false;
  update->action = static_cast<Action>(flags & kActionMask);
  if (!GetString(in, &update->key)) return false;
  if ((flags & kHasExpectVersion) != 0 && !in->GetVarint(&update->expect_version.emplace())) return false;
  if ((flags & kHasSince) != 0 && !in->GetVarint(&update->since.emplace())) return false;
  if ((flags & kHasExpectBalance) != 0 && !in->GetSignedVarint128(&update->expect_balance.emplace())) return false;
  if ((flags & kHasNewer) != 0 && !in->GetVarint(&update->newer.emplace())) return false;
  return GetOperand(in, update);
}

bool GetChange(Decoder* in, Change* change) {
  uint8_t flags = 0;
  uint64_t updates = 0;
  if (!in->GetByte(&flags) || (flags & ~kChangeFlags) != 0 || !GetString(in, &change->id)) return false;
  change->balanced = (flags & kBalanced) != 0;
  if ((flags & kHasEpoch) != 0 && !in->GetVarint(&change->epoch.emplace())) return false;
  if ((flags & kHasSource) != 0 && !GetSource(in, &change->source.emplace())) return false;
  if (!in->GetVarint(&updates) || updates > kMaxUpdates) return false;
  for (; updates > 0; --updates) {
    if (!GetUpdate(in, &change->updates.emplace_back())) return false;
  }
  return in->done();
}

}  // namespace

std::string EncodeChange(const Change& change) {
  std::string out;
  PutByte(&out, FlagIf(change.source.has_value(), kHasSource) | FlagIf(change.balanced, kBalanced) |
                    FlagIf(change.epoch.has_value(), kHasEpoch));
  PutBytes(&out, change.id);
  if (change.epoch) PutVarint(&out, *change.epoch);
  if (change.source) PutSource(&out, *change.source);
  PutVarint(&out, change.updates.size());
  for (const Update& update : change.updates) PutUpdate(&out, update);
  return out;
}

absl::StatusOr<Change> DecodeChange(std::string_view bytes) {
  Change change;
  Decoder in(bytes);
  if (!GetChange(&in, &change)) return absl::DataLossError("a kept change is malformed");
  return change;
}

void PutPolicy(std::string* out, const Policy& policy) {
  PutByte(out, FlagIf(policy.asset.has_value(), kHasAsset) | FlagIf(policy.min_balance.has_value(), kHasMinBalance) |
                   FlagIf(policy.max_balance.has_value(), kHasMaxBalance) |
                   FlagIf(policy.closed.has_value(), kHasClosed) | FlagIf(policy.closed.value_or(false), kClosed));
  if (policy.asset) PutBytes(out, *policy.asset);
  if (policy.min_balance) PutSignedVarint128(out, *policy.min_balance);
  if (policy.max_balance) PutSignedVarint128(out, *policy.max_balance);
}

bool GetPolicy(Decoder* in, Policy* policy) {
  uint8_t flags = 0;
  if (!in->GetByte(&flags) || (flags & ~kPolicyFlags) != 0) return false;
  if ((flags & kClosed) != 0 && (flags & kHasClosed) == 0) return false;
  if ((flags & kHasClosed) != 0) policy->closed = (flags & kClosed) != 0;
  if ((flags & kHasAsset) != 0 && !GetString(in, &policy->asset.emplace())) return false;
  if ((flags & kHasMinBalance) != 0 && !in->GetSignedVarint128(&policy->min_balance.emplace())) return false;
  return (flags & kHasMaxBalance) == 0 || in->GetSignedVarint128(&policy->max_balance.emplace());
}

}  // namespace semel::internal
