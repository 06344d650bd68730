// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// JSON -> Change. The form is the Protobuf JSON mapping of semel.v1.Change:
//
//   {"id": "T-1",
//    "source": {"name": "payments-3", "position": "17", "previous": "16", "incarnation": "a", "window": 0},
//    "updates": [{"key": "account/alice",
//                 "expect_version": "7", "since": "5", "expect_balance": "100", "newer": "3",      preconditions
//                 "add": "-5", "asset": "EUR" | "put": "e30=" | "delete": true | "check": true |
//                 "set_policy": {"asset": "EUR", "min_balance": "0", "max_balance": "9", "closed": false}}],
//    "balanced": true,
//    "epoch": 1,
//    "metadata": {...}}
//
// A member that is null counts as absent.

#include <charconv>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/codec/base64.h"
#include "engine/codec/json_tree.h"
#include "engine/codec/member_names.h"
#include "semel/change.h"

namespace semel {
namespace internal {
namespace {

// Where a value stands, for errors only: "updates[1].add". Lives on the stack of the reader.
struct Place {
  const Place* parent = nullptr;
  std::string_view name;  // of a member; empty for the element of an array
  size_t index = 0;

  std::string ToString() const {
    if (parent == nullptr) return "";
    const std::string before = parent->ToString();
    if (name.empty()) return absl::StrCat(before, "[", index, "]");
    return absl::StrCat(before, before.empty() ? "" : ".", ToAbsl(name));
  }
};

// A value of the tree and its place.
struct Value {
  const JsonTree& tree;
  uint32_t at;
  const Place& place;

  const JsonNode& node() const { return tree[at]; }
};

std::string PlaceOf(const Value& value) {
  const std::string place = value.place.ToString();
  return place.empty() ? "the message" : place;
}

absl::Status Fail(const Value& value, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(PlaceOf(value), ": ", ToAbsl(what)));
}

absl::Status Expect(const Value& value, JsonKind kind, std::string_view what) {
  if (value.node().kind == kind) return absl::OkStatus();
  return Fail(value, absl::StrCat("expected ", ToAbsl(what)));
}

// One row of the table that describes an object: a member and how it is read into a T.
template <typename T>
struct Member {
  std::string_view name;
  absl::Status (*read)(const Value& value, T* target);
};

enum class Unknown { kIgnored, kRefused };

std::string UnknownMember(const Value& object, std::string_view given, const std::vector<std::string_view>& names) {
  const std::string shown = absl::CHexEscape(ToAbsl(given.substr(0, 40)));
  const std::string_view nearest = NearestName(given, names);
  const std::string hint = nearest.empty() ? "; see the documentation of the message for its members"
                                           : absl::StrCat(": did you mean ", ToAbsl(nearest), "?");
  return absl::StrCat("unknown member \"", shown, "\" in ", PlaceOf(object), hint);
}

template <typename T, size_t kCount>
absl::Status RefuseUnknown(const Value& object, std::string_view given, const Member<T> (&members)[kCount]) {
  std::vector<std::string_view> names;
  for (const Member<T>& member : members) names.push_back(member.name);
  return absl::InvalidArgumentError(UnknownMember(object, given, names));
}

// Reads the members of an object into `target`.
template <typename T, size_t kCount>
absl::Status ReadMembers(const Value& object, const Member<T> (&members)[kCount], Unknown unknown, T* target) {
  SEMEL_RETURN_IF_ERROR(Expect(object, JsonKind::kObject, "an object"));
  const JsonTree& tree = object.tree;
  bool seen[kCount] = {};
  for (uint32_t i = object.at + 1; i < object.node().end; i = tree[i].end) {
    size_t m = 0;
    while (m < kCount && !IsSpellingOf(tree[i].name, members[m].name)) ++m;
    if (m == kCount) {
      if (unknown == Unknown::kRefused) return RefuseUnknown(object, tree[i].name, members);
      continue;
    }
    const Place place{&object.place, members[m].name};
    const Value value{tree, i, place};
    if (std::exchange(seen[m], true)) return Fail(value, "stands twice, in snake_case and in camelCase");
    if (tree[i].kind != JsonKind::kNull) SEMEL_RETURN_IF_ERROR(members[m].read(value, target));
  }
  return absl::OkStatus();
}

// ---- Values

absl::Status ReadString(const Value& value, std::string* target) {
  SEMEL_RETURN_IF_ERROR(Expect(value, JsonKind::kString, "a string"));
  *target = value.node().text;
  return absl::OkStatus();
}

absl::Status ReadBool(const Value& value, bool* target) {
  SEMEL_RETURN_IF_ERROR(Expect(value, JsonKind::kBool, "true or false"));
  *target = value.node().boolean;
  return absl::OkStatus();
}

absl::Status ExpectNumber(const Value& value) {
  const JsonKind kind = value.node().kind;
  if (kind == JsonKind::kNumber || kind == JsonKind::kString) return absl::OkStatus();
  return Fail(value, "expected a whole number, as a JSON number or as a decimal string");
}

// Unsigned numbers of 32 and 64 bits.
template <typename T>
absl::Status ReadUnsigned(const Value& value, T* target) {
  SEMEL_RETURN_IF_ERROR(ExpectNumber(value));
  const std::string& text = value.node().text;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *target);
  if (error == std::errc() && stop == end) return absl::OkStatus();
  if (!text.empty() && text[0] == '-') return Fail(value, "must not be negative");
  if (error == std::errc::result_out_of_range) {
    return Fail(value, absl::StrCat("does not fit in ", sizeof(T) * 8, " bits"));
  }
  return Fail(value, "expected a whole number in decimal digits, without point or exponent");
}

absl::Status ReadOptional(const Value& value, std::optional<uint64_t>* target) {
  return ReadUnsigned(value, &target->emplace());
}

absl::Status ReadAmount(const Value& value, Amount* target) {
  SEMEL_RETURN_IF_ERROR(ExpectNumber(value));
  absl::StatusOr<Amount> amount = ParseAmount(value.node().text);
  if (!amount.ok()) return Fail(value, ToStd(amount.status().message()));
  *target = *amount;
  return absl::OkStatus();
}

absl::Status ReadOptional(const Value& value, std::optional<Amount>* target) {
  return ReadAmount(value, &target->emplace());
}

// ---- Objects, innermost first

constexpr Member<Policy> kPolicyMembers[] = {
    {"asset", [](const Value& v, Policy* p) { return ReadString(v, &p->asset.emplace()); }},
    {"min_balance", [](const Value& v, Policy* p) { return ReadOptional(v, &p->min_balance); }},
    {"max_balance", [](const Value& v, Policy* p) { return ReadOptional(v, &p->max_balance); }},
    {"closed", [](const Value& v, Policy* p) { return ReadBool(v, &p->closed.emplace()); }},
};

absl::Status ChooseAction(const Value& value, Action action, Update* update) {
  if (update->action != Action::kNone) {
    return Fail(value, "is a second action; an update has exactly one of add, put, delete, check, set_policy");
  }
  update->action = action;
  return absl::OkStatus();
}

absl::Status ReadAdd(const Value& value, Update* update) {
  SEMEL_RETURN_IF_ERROR(ChooseAction(value, Action::kAdd, update));
  return ReadAmount(value, &update->amount);
}

absl::Status ReadPut(const Value& value, Update* update) {
  SEMEL_RETURN_IF_ERROR(ChooseAction(value, Action::kPut, update));
  SEMEL_RETURN_IF_ERROR(Expect(value, JsonKind::kString, "a string in base64"));
  if (DecodeBase64(value.node().text, &update->value)) return absl::OkStatus();
  return Fail(value, "is not base64; `put` holds bytes, encoded as RFC 4648 says");
}

// delete and check: an action that is either there or not.
absl::Status ReadFlag(const Value& value, Action action, Update* update) {
  SEMEL_RETURN_IF_ERROR(ChooseAction(value, action, update));
  if (value.node().kind == JsonKind::kBool && value.node().boolean) return absl::OkStatus();
  return Fail(value, "must be true; leave it out otherwise");
}

absl::Status ReadSetPolicy(const Value& value, Update* update) {
  SEMEL_RETURN_IF_ERROR(ChooseAction(value, Action::kSetPolicy, update));
  return ReadMembers(value, kPolicyMembers, Unknown::kRefused, &update->policy);
}

constexpr Member<Update> kUpdateMembers[] = {
    {"key", [](const Value& v, Update* u) { return ReadString(v, &u->key); }},
    {"expect_version", [](const Value& v, Update* u) { return ReadOptional(v, &u->expect_version); }},
    {"since", [](const Value& v, Update* u) { return ReadOptional(v, &u->since); }},
    {"expect_balance", [](const Value& v, Update* u) { return ReadOptional(v, &u->expect_balance); }},
    {"newer", [](const Value& v, Update* u) { return ReadOptional(v, &u->newer); }},
    {"add", ReadAdd},
    {"put", ReadPut},
    {"delete", [](const Value& v, Update* u) { return ReadFlag(v, Action::kDelete, u); }},
    {"check", [](const Value& v, Update* u) { return ReadFlag(v, Action::kCheck, u); }},
    {"set_policy", ReadSetPolicy},
    {"asset", [](const Value& v, Update* u) { return ReadString(v, &u->asset); }},
};

// An integer stands for its decimal text: many streams number their incarnations.
absl::Status ReadIncarnation(const Value& value, SourcePosition* source) {
  const JsonNode& node = value.node();
  const bool integer =
      node.kind == JsonKind::kNumber && node.text.find_first_not_of("-0123456789") == std::string::npos;
  if (!integer) SEMEL_RETURN_IF_ERROR(Expect(value, JsonKind::kString, "a string or a whole number"));
  source->incarnation = node.text;
  return absl::OkStatus();
}

constexpr Member<SourcePosition> kSourceMembers[] = {
    {"name", [](const Value& v, SourcePosition* s) { return ReadString(v, &s->name); }},
    {"position", [](const Value& v, SourcePosition* s) { return ReadUnsigned(v, &s->position); }},
    {"previous", [](const Value& v, SourcePosition* s) { return ReadOptional(v, &s->previous); }},
    {"incarnation", ReadIncarnation},
    {"window", [](const Value& v, SourcePosition* s) { return ReadUnsigned(v, &s->window); }},
};

absl::Status ReadSource(const Value& value, Change* change) {
  return ReadMembers(value, kSourceMembers, Unknown::kRefused, &change->source.emplace());
}

size_t CountElements(const Value& array) {
  size_t count = 0;
  for (uint32_t i = array.at + 1; i < array.node().end; i = array.tree[i].end) ++count;
  return count;
}

absl::Status ReadUpdates(const Value& array, Change* change) {
  SEMEL_RETURN_IF_ERROR(Expect(array, JsonKind::kArray, "an array of updates"));
  const size_t count = CountElements(array);
  if (count > kMaxUpdatesPerChange) {
    return Fail(array, absl::StrCat(count, " updates; a change holds at most ", kMaxUpdatesPerChange));
  }
  change->updates.reserve(count);
  for (uint32_t i = array.at + 1; i < array.node().end; i = array.tree[i].end) {
    const Place place{&array.place, {}, change->updates.size()};
    Update& update = change->updates.emplace_back();
    SEMEL_RETURN_IF_ERROR(ReadMembers({array.tree, i, place}, kUpdateMembers, Unknown::kRefused, &update));
  }
  return absl::OkStatus();
}

constexpr Member<Change> kChangeMembers[] = {
    {"id", [](const Value& v, Change* c) { return ReadString(v, &c->id); }},
    {"source", ReadSource},
    {"updates", ReadUpdates},
    {"balanced", [](const Value& v, Change* c) { return ReadBool(v, &c->balanced); }},
    {"epoch", [](const Value& v, Change* c) { return ReadOptional(v, &c->epoch); }},
    {"metadata", [](const Value& v, Change*) { return Expect(v, JsonKind::kObject, "an object"); }},
};

}  // namespace
}  // namespace internal

absl::StatusOr<Change> ParseChangeJson(std::string_view json) {
  using namespace internal;  // NOLINT: the reader above
  SEMEL_ASSIGN_OR_RETURN(const JsonTree tree, ParseJsonTree(json));
  Change change;
  const Place top;
  SEMEL_RETURN_IF_ERROR(ReadMembers({tree, 0, top}, kChangeMembers, Unknown::kIgnored, &change));
  return change;
}

}  // namespace semel
