// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/validate.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "engine/base/strings.h"
#include "engine/rules/text.h"

namespace semel::internal {
namespace {

// What an advancing update contributes to the anchoring rule.
struct Anchors {
  bool exact = false;          // some update demands an exact position of its entity
  bool stamped = false;        // some update carries `newer`
  bool unconditional = false;  // some update demands nothing
};

std::string TooLong(std::string_view what, size_t size, size_t limit) {
  return absl::StrCat(ToAbsl(what), " has ", size, " bytes; at most ", limit, " are allowed");
}

bool HasPosition(const Update& update) { return update.expect_version || update.expect_balance || update.since; }

// The operands of other actions than the update's own are ignored.
size_t OperandBytes(const Update& update) {
  switch (update.action) {
    case Action::kAdd:
      return update.asset.size();
    case Action::kPut:
      return update.value.size();
    case Action::kSetPolicy:
      return update.policy.asset ? update.policy.asset->size() : 0;
    case Action::kNone:
    case Action::kDelete:
    case Action::kCheck:
      return 0;
  }
  return 0;
}

std::string WhyOperandInvalid(const Update& update) {
  switch (update.action) {
    case Action::kAdd:
      return update.asset.size() > kMaxAssetBytes ? TooLong("asset", update.asset.size(), kMaxAssetBytes) : "";
    case Action::kPut:
      return update.value.size() > kMaxValueBytes ? TooLong("value", update.value.size(), kMaxValueBytes) : "";
    case Action::kSetPolicy:
      if (!update.policy.asset) return "";
      if (update.policy.asset->empty()) return "the asset is empty; leave it out or name it";
      return update.policy.asset->size() > kMaxAssetBytes
                 ? TooLong("asset", update.policy.asset->size(), kMaxAssetBytes)
                 : "";
    case Action::kDelete:
    case Action::kCheck:
      return "";
    case Action::kNone:
      break;
  }
  return "no action; give exactly one of add, put, delete, check, set_policy";
}

std::string WhyPreconditionInvalid(const Update& update) {
  const Action action = update.action;
  if (update.expect_version.has_value() + update.expect_balance.has_value() + update.newer.has_value() > 1) {
    return "expect_version, expect_balance and newer exclude each other; keep one";
  }
  if (update.newer && update.since) return "since and newer exclude each other; keep one";
  if (update.newer && action != Action::kPut && action != Action::kDelete) {
    return "newer goes with put and delete only; use expect_version, expect_balance or since";
  }
  if (action == Action::kCheck && !update.expect_version && !update.expect_balance) {
    return "a check needs something to check; give expect_version or expect_balance";
  }
  if (update.since && action != Action::kAdd && !(update.expect_version && action != Action::kCheck)) {
    return "since goes with add, or beside expect_version with an update that is not a check";
  }
  if (update.since && update.expect_version && *update.since > *update.expect_version) {
    return "since is above expect_version; it is the version that the first attempt saw";
  }
  return "";
}

std::string WhyUpdateInvalid(const Update& update) {
  if (std::string why = WhyOperandInvalid(update); !why.empty()) return why;
  return WhyPreconditionInvalid(update);
}

std::string WhyKeyInvalid(const Change& change, size_t i) {
  const size_t size = change.updates[i].key.size();
  if (size == 0) return absl::StrCat("update ", i, ": the key is empty; name the entity");
  if (size > kMaxKeyBytes) return TooLong(ToStd(absl::StrCat("update ", i, ": the key")), size, kMaxKeyBytes);
  return "";
}

// A key that stands twice, or empty.
std::string_view RepeatedKey(const Change& change) {
  absl::InlinedVector<std::string_view, 8> keys;
  for (const Update& update : change.updates) keys.push_back(update.key);
  std::sort(keys.begin(), keys.end());
  const auto repeated = std::adjacent_find(keys.begin(), keys.end());
  return repeated == keys.end() ? std::string_view() : *repeated;
}

std::string WhySizeInvalid(const Change& change) {
  if (change.updates.empty()) return "the change has no updates; give at least one";
  if (change.updates.size() > kMaxUpdatesPerChange) {
    return absl::StrCat("the change has ", change.updates.size(), " updates; at most ", kMaxUpdatesPerChange,
                        " are allowed: split it");
  }
  if (change.id.size() > kMaxIdBytes) return TooLong("the id", change.id.size(), kMaxIdBytes);
  size_t total = change.id.size();
  if (change.source) total += change.source->name.size() + change.source->incarnation.size();
  for (const Update& update : change.updates) total += update.key.size() + OperandBytes(update);
  return total > kMaxChangeBytes ? TooLong("the change", total, kMaxChangeBytes) : "";
}

Anchors AnchorsOf(const Change& change) {
  Anchors anchors;
  for (const Update& update : change.updates) {
    if (update.action == Action::kCheck) continue;  // it moves nothing, so it tells no redelivery from the first
    anchors.exact |= HasPosition(update);
    anchors.stamped |= update.newer.has_value();
    anchors.unconditional |= !HasPosition(update) && !update.newer;
  }
  return anchors;
}

std::string WhyNotAnchored(const Change& change) {
  if (change.id.empty() && !change.source) return "the change has neither id nor source; give it an id";
  const Anchors anchors = AnchorsOf(change);
  if (!anchors.exact && !anchors.stamped && !change.source) {
    return "not anchored: nothing could tell a redelivery from a new change; give one update that advances "
           "expect_version, since or expect_balance, or give the change a source position";
  }
  if (anchors.stamped && anchors.unconditional && !anchors.exact) {
    return "newer guards only its own update; give the updates without precondition one of their own, or anchor the "
           "change by expect_version, since or expect_balance";
  }
  return "";
}

}  // namespace

std::string WhyInvalid(const Change& change) {
  if (!change.undecodable.empty()) return change.undecodable;
  if (std::string why = WhySizeInvalid(change); !why.empty()) return why;
  for (size_t i = 0; i < change.updates.size(); ++i) {
    if (std::string why = WhyKeyInvalid(change, i); !why.empty()) return why;
    if (std::string why = WhyUpdateInvalid(change.updates[i]); !why.empty()) {
      return absl::StrCat(ShowKey(change.updates[i].key), ": ", why);
    }
  }
  if (const std::string_view key = RepeatedKey(change); !key.empty()) {
    return absl::StrCat(ShowKey(key), ": the key stands twice; make one update of them");
  }
  return WhyNotAnchored(change);
}

std::string WhySourceMalformed(const SourcePosition& source) {
  if (source.name.empty()) return "source: the name is empty; name the stream";
  if (source.name.size() > kMaxSourceNameBytes) {
    return TooLong("source: the name", source.name.size(), kMaxSourceNameBytes);
  }
  if (source.incarnation.size() > kMaxIncarnationBytes) {
    return TooLong("source: the incarnation", source.incarnation.size(), kMaxIncarnationBytes);
  }
  if (source.window > kMaxSourceWindow) {
    return absl::StrCat("source: window ", source.window, " is above the limit of ", kMaxSourceWindow);
  }
  if (source.window != 0 && (source.position == 0 || source.previous.has_value())) {
    return "source: the positions of a windowed source begin at 1, have no gaps and name no previous one";
  }
  if (source.previous && *source.previous >= source.position) {
    return absl::StrCat("source: previous ", *source.previous, " is not below position ", source.position);
  }
  return "";
}

}  // namespace semel::internal
