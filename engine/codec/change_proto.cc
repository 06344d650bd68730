// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// semel.v1.Change (api/proto/semel/v1/change.proto) <-> Change.

#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/codec/utf8.h"
#include "engine/codec/wire_scan.h"
#include "semel/change.h"
#include "semel/v1/change.pb.h"

namespace semel {
namespace internal {
namespace {

// ---- Reading

absl::Status Fail(size_t index, std::string_view member, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("updates[", index, "].", ToAbsl(member), ": ", ToAbsl(what)));
}

absl::Status ReadAmount(size_t index, std::string_view member, const std::string& text, Amount* amount) {
  absl::StatusOr<Amount> parsed = ParseAmount(text);
  if (!parsed.ok()) return Fail(index, member, ToStd(parsed.status().message()));
  *amount = *parsed;
  return absl::OkStatus();
}

absl::Status ReadPolicy(size_t index, const v1::Policy& from, Policy* policy) {
  if (from.has_asset()) policy->asset = from.asset();
  if (from.has_closed()) policy->closed = from.closed();
  if (from.has_min_balance()) {
    SEMEL_RETURN_IF_ERROR(
        ReadAmount(index, "set_policy.min_balance", from.min_balance(), &policy->min_balance.emplace()));
  }
  if (from.has_max_balance()) {
    SEMEL_RETURN_IF_ERROR(
        ReadAmount(index, "set_policy.max_balance", from.max_balance(), &policy->max_balance.emplace()));
  }
  return absl::OkStatus();
}

absl::Status ReadAction(size_t index, v1::Update* from, Update* update) {
  switch (from->action_case()) {
    case v1::Update::ACTION_NOT_SET:
      return absl::OkStatus();  // validation refuses it
    case v1::Update::kAdd:
      update->action = Action::kAdd;
      return ReadAmount(index, "add", from->add(), &update->amount);
    case v1::Update::kPut:
      update->action = Action::kPut;
      update->value = std::move(*from->mutable_put());
      return absl::OkStatus();
    case v1::Update::kDelete:
      update->action = Action::kDelete;
      return from->delete_() ? absl::OkStatus() : Fail(index, "delete", "must be true; leave it out otherwise");
    case v1::Update::kCheck:
      update->action = Action::kCheck;
      return from->check() ? absl::OkStatus() : Fail(index, "check", "must be true; leave it out otherwise");
    case v1::Update::kSetPolicy:
      update->action = Action::kSetPolicy;
      return ReadPolicy(index, from->set_policy(), &update->policy);
  }
  return absl::OkStatus();
}

absl::Status ReadUpdate(size_t index, v1::Update* from, Update* update) {
  update->key = std::move(*from->mutable_key());
  if (from->has_expect_version()) update->expect_version = from->expect_version();
  if (from->has_since()) update->since = from->since();
  if (from->has_newer()) update->newer = from->newer();
  if (from->has_expect_balance()) {
    SEMEL_RETURN_IF_ERROR(
        ReadAmount(index, "expect_balance", from->expect_balance(), &update->expect_balance.emplace()));
  }
  update->asset = std::move(*from->mutable_asset());
  return ReadAction(index, from, update);
}

SourcePosition ReadSource(const v1::Source& from) {
  SourcePosition source;
  source.name = from.name();
  source.position = from.position();
  if (from.has_previous()) source.previous = from.previous();
  source.incarnation = from.incarnation();
  source.window = from.window();
  return source;
}

// ---- Writing

// Protobuf's strings hold UTF-8 only.
std::string Text(const std::string& text) { return IsUtf8(text) ? text : ReplaceBadUtf8(text); }

void WritePolicy(const Policy& policy, v1::Policy* to) {
  if (policy.asset.has_value()) to->set_asset(Text(*policy.asset));
  if (policy.min_balance.has_value()) to->set_min_balance(AmountToString(*policy.min_balance));
  if (policy.max_balance.has_value()) to->set_max_balance(AmountToString(*policy.max_balance));
  if (policy.closed.has_value()) to->set_closed(*policy.closed);
}

void WriteAction(const Update& update, v1::Update* to) {
  switch (update.action) {
    case Action::kNone:
      break;
    case Action::kAdd:
      to->set_add(AmountToString(update.amount));
      break;
    case Action::kPut:
      to->set_put(update.value);
      break;
    case Action::kDelete:
      to->set_delete_(true);
      break;
    case Action::kCheck:
      to->set_check(true);
      break;
    case Action::kSetPolicy:
      WritePolicy(update.policy, to->mutable_set_policy());
      break;
  }
}

void WriteUpdate(const Update& update, v1::Update* to) {
  to->set_key(Text(update.key));
  if (update.expect_version.has_value()) to->set_expect_version(*update.expect_version);
  if (update.since.has_value()) to->set_since(*update.since);
  if (update.expect_balance.has_value()) to->set_expect_balance(AmountToString(*update.expect_balance));
  if (update.newer.has_value()) to->set_newer(*update.newer);
  WriteAction(update, to);
  to->set_asset(Text(update.asset));
}

void WriteSource(const SourcePosition& source, v1::Source* to) {
  to->set_name(Text(source.name));
  to->set_position(source.position);
  if (source.previous.has_value()) to->set_previous(*source.previous);
  to->set_incarnation(Text(source.incarnation));
  to->set_window(source.window);
}

}  // namespace
}  // namespace internal

absl::StatusOr<Change> ParseChangeProto(std::string_view bytes) {
  SEMEL_RETURN_IF_ERROR(internal::ScanChange(bytes));
  v1::Change from;
  if (!from.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("the message: not a Protobuf message of type semel.v1.Change");
  }
  Change change;
  change.id = std::move(*from.mutable_id());
  if (from.has_source()) change.source = internal::ReadSource(from.source());
  change.balanced = from.balanced();
  if (from.has_epoch()) change.epoch = from.epoch();
  change.updates.resize(static_cast<size_t>(from.updates_size()));
  for (size_t i = 0; i < change.updates.size(); ++i) {
    v1::Update* const update = from.mutable_updates(static_cast<int>(i));
    SEMEL_RETURN_IF_ERROR(internal::ReadUpdate(i, update, &change.updates[i]));
  }
  return change;
}

std::string ToProto(const Change& change) {
  v1::Change to;
  to.set_id(internal::Text(change.id));
  if (change.source.has_value()) internal::WriteSource(*change.source, to.mutable_source());
  for (const Update& update : change.updates) internal::WriteUpdate(update, to.add_updates());
  to.set_balanced(change.balanced);
  if (change.epoch.has_value()) to.set_epoch(*change.epoch);
  return to.SerializeAsString();
}

}  // namespace semel
