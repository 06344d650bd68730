// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/model/operation.h"

namespace semel::testing {
namespace {

using nlohmann::json;

json UpdateJson(const Update& update) {
  json out = {{"key", update.key}};
  if (update.expect_version) out["expect_version"] = *update.expect_version;
  if (update.expect_balance) out["expect_balance"] = AmountToString(*update.expect_balance);
  if (update.since) out["since"] = *update.since;
  if (update.newer) out["newer"] = *update.newer;
  if (update.action == Action::kAdd) out["add"] = AmountToString(update.amount);
  if (update.action == Action::kPut) out["put"] = update.value;
  if (update.action == Action::kDelete) out["delete"] = true;
  if (update.action == Action::kCheck) out["check"] = true;
  if (update.action == Action::kSetPolicy) out["set_policy"] = SpecificationJson(update.policy);
  return out;
}

json SourceJson(const SourcePosition& source) {
  json out = {{"name", source.name}, {"position", source.position}};
  if (source.previous) out["previous"] = *source.previous;
  if (!source.incarnation.empty()) out["incarnation"] = source.incarnation;
  if (source.window != 0) out["window"] = source.window;
  return out;
}

}  // namespace

json SpecificationJson(const Policy& policy) {
  json out = json::object();
  if (policy.asset) out["asset"] = *policy.asset;
  if (policy.min_balance) out["min_balance"] = AmountToString(*policy.min_balance);
  if (policy.max_balance) out["max_balance"] = AmountToString(*policy.max_balance);
  if (policy.closed) out["closed"] = *policy.closed;
  return out;
}

json SpecificationJson(const Change& change) {
  json out = {{"updates", json::array()}};
  if (!change.id.empty()) out["id"] = change.id;
  if (change.source) out["source"] = SourceJson(*change.source);
  for (const Update& update : change.updates) out["updates"].push_back(UpdateJson(update));
  if (change.balanced) out["balanced"] = true;
  return out;
}

json SpecificationJson(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::kApply:
      return SpecificationJson(operation.change);
    case Operation::Kind::kRetry:
      return {{"op", "retry"}, {"dead", operation.name}};
    case Operation::Kind::kDiscard:
      return {{"op", "discard"}, {"dead", operation.name}};
    case Operation::Kind::kDiscardParked:
      return {{"op", "discard_parked"}, {"id", SpecificationIdentity(operation.change)}};
    case Operation::Kind::kTrim:
      return {{"op", "trim"}};
    case Operation::Kind::kTrimEntity:
      return {{"op", "trim"}, {"key", operation.name}};
    case Operation::Kind::kParkMax:
      return {{"op", "park"}, {"max", operation.number}};
    case Operation::Kind::kLookback:
      return {{"op", "lookback"}, {"n", operation.number}};
    case Operation::Kind::kReopen:
      break;
  }
  return {{"op", "reopen"}};
}

std::string SpecificationIdentity(const Change& change) {
  if (!change.id.empty()) return change.id;
  if (!change.source) return "";
  const SourcePosition& source = *change.source;
  std::string identity(1, '\0');
  identity += source.name + '\0' + (source.incarnation.empty() ? "None" : source.incarnation);
  return identity + '\0' + std::to_string(source.position);
}

std::optional<Outcome> Run(const Operation& operation, ReferenceModel* model) {
  ModelOptions options = model->options();
  switch (operation.kind) {
    case Operation::Kind::kApply:
      return model->Apply(operation.change, operation.park);
    case Operation::Kind::kRetry:
      return model->Retry(operation.number);
    case Operation::Kind::kDiscard:
      return model->Discard(operation.number);
    case Operation::Kind::kDiscardParked:
      model->DiscardParked(operation.number);
      break;
    case Operation::Kind::kTrim:
      model->Trim(model->sequence());
      break;
    case Operation::Kind::kTrimEntity:
      model->TrimEntity(operation.name);
      break;
    case Operation::Kind::kParkMax:
      options.park_max = operation.number;
      model->SetOptions(options);
      break;
    case Operation::Kind::kLookback:
      options.balance_lookback = operation.number;
      model->SetOptions(options);
      break;
    case Operation::Kind::kReopen:
      model->Reopen();
  }
  return std::nullopt;
}

}  // namespace semel::testing
