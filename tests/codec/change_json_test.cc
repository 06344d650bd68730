// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <ostream>
#include <string>

#include "engine/codec/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semel/change.h"

namespace semel {
namespace {

using ::testing::HasSubstr;
using ::testing::TestWithParam;
using ::testing::ValuesIn;

std::string InUpdate(const std::string& members) { return R"({"id":"T","updates":[{"key":"k",)" + members + "}]}"; }
std::string InSource(const std::string& members) { return R"({"source":{"name":"s",)" + members + "}}"; }

Update ParseUpdate(const std::string& members) {
  const absl::StatusOr<Change> change = ParseChangeJson(InUpdate(members));
  EXPECT_TRUE(change.ok()) << change.status() << "\n" << members;
  return change.ok() ? change->updates.at(0) : Update();
}

void ExpectRefused(const std::string& json, const std::string& why) {
  const absl::StatusOr<Change> change = ParseChangeJson(json);
  ASSERT_FALSE(change.ok()) << json.substr(0, 200);
  EXPECT_EQ(change.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(change.status().message()), HasSubstr(why)) << json.substr(0, 200);
}

// ---- What is read

TEST(ChangeJson, ReadsEveryMember) {
  const absl::StatusOr<Change> change = ParseChangeJson(R"({
    "id": "T-1", "balanced": true, "metadata": {"trace": "x"},
    "source": {"name": "s", "position": 18446744073709551615, "previous": "3", "incarnation": "i", "window": 9},
    "updates": [
      {"key": "a", "expect_version": 7, "since": "5", "asset": "EUR",
       "add": "-170141183460469231731687303715884105728"},
      {"key": "b", "expectBalance": 170141183460469231731687303715884105727, "check": true},
      {"key": "c", "newer": 9, "put": "AAE="},
      {"key": "d", "delete": true},
      {"key": "e", "setPolicy": {"asset": "X", "minBalance": "-1", "max_balance": 2, "closed": true}}]})");
  ASSERT_TRUE(change.ok()) << change.status();
  EXPECT_EQ(change->id, "T-1");
  EXPECT_TRUE(change->balanced);
  EXPECT_EQ(change->source->name, "s");
  EXPECT_EQ(change->source->position, UINT64_MAX);
  EXPECT_EQ(change->source->previous, 3u);
  EXPECT_EQ(change->source->incarnation, "i");
  EXPECT_EQ(change->source->window, 9u);
  ASSERT_EQ(change->updates.size(), 5u);
  EXPECT_EQ(change->updates[0].expect_version, 7u);
  EXPECT_EQ(change->updates[0].since, 5u);
  EXPECT_EQ(change->updates[0].action, Action::kAdd);
  EXPECT_EQ(change->updates[0].amount, absl::Int128Min());
  EXPECT_EQ(change->updates[0].asset, "EUR");
  EXPECT_EQ(change->updates[1].expect_balance, absl::Int128Max());
  EXPECT_EQ(change->updates[1].action, Action::kCheck);
  EXPECT_EQ(change->updates[2].newer, 9u);
  EXPECT_EQ(change->updates[2].action, Action::kPut);
  EXPECT_EQ(change->updates[2].value, std::string("\0\1", 2));
  EXPECT_EQ(change->updates[3].action, Action::kDelete);
  EXPECT_EQ(change->updates[4].action, Action::kSetPolicy);
  EXPECT_EQ(change->updates[4].policy.asset, "X");
  EXPECT_EQ(change->updates[4].policy.min_balance, Amount{-1});
  EXPECT_EQ(change->updates[4].policy.max_balance, Amount{2});
  EXPECT_EQ(change->updates[4].policy.closed, true);
}

TEST(ChangeJson, AmountsAreIntegersOrStringsOfAnySizeThatFits) {
  EXPECT_EQ(ParseUpdate(R"("add": 12)").amount, 12);
  EXPECT_EQ(ParseUpdate(R"("add": -0)").amount, 0);
  EXPECT_EQ(ParseUpdate(R"("add": "+12")").amount, 12);
  EXPECT_EQ(ParseUpdate(R"("add": 18446744073709551616)").amount, absl::MakeInt128(1, 0));
  EXPECT_EQ(ParseUpdate(R"("add": -18446744073709551616)").amount, absl::MakeInt128(-1, 0));
}

TEST(ChangeJson, AnIncarnationMayBeAnInteger) {
  EXPECT_EQ(ParseChangeJson(InSource(R"("incarnation": 12)"))->source->incarnation, "12");
  EXPECT_EQ(ParseChangeJson(InSource(R"("incarnation": -1)"))->source->incarnation, "-1");
  EXPECT_EQ(ParseChangeJson(InSource(R"("incarnation": 99999999999999999999)"))->source->incarnation,
            "99999999999999999999");
}

TEST(ChangeJson, NullIsAbsent) {
  const Update update = ParseUpdate(R"("expect_version": null, "add": null, "put": "", "set_policy": null)");
  EXPECT_FALSE(update.expect_version.has_value());
  EXPECT_EQ(update.action, Action::kPut);
  EXPECT_FALSE(ParseChangeJson(R"({"source": null})")->source.has_value());
}

TEST(ChangeJson, KeysHoldAnyCharacter) {
  const absl::StatusOr<Change> change = ParseChangeJson(R"({"updates":[{"key":"a\u0000\n\ud83d\ude00"}]})");
  ASSERT_TRUE(change.ok()) << change.status();
  EXPECT_EQ(change->updates[0].key, std::string("a\0\n\xF0\x9F\x98\x80", 7));
}

TEST(ChangeJson, LeavesToValidationWhatAChangeCanExpress) {
  EXPECT_EQ(ParseChangeJson("{}")->updates.size(), 0u);
  EXPECT_EQ(ParseUpdate(R"("expect_version": 1)").action, Action::kNone);
  EXPECT_EQ(ParseUpdate(R"("add":1,"expect_version": 1, "newer": 2)").newer, 2u);
}

// ---- What is refused

struct Malformed {
  std::string json;
  std::string why;  // part of the message
};
std::ostream& operator<<(std::ostream& out, const Malformed& row) { return out << row.why; }

class ChangeJsonMalformed : public TestWithParam<Malformed> {};

TEST_P(ChangeJsonMalformed, IsRefusedWithItsPlace) { ExpectRefused(GetParam().json, GetParam().why); }

const Malformed kNotJson[] = {
    {"", "not valid JSON at byte"},
    {"{", "not valid JSON at byte 2: while parsing object key"},
    {R"({"id":"T"} x)", "not valid JSON at byte 12"},
    {R"({"id":tru})", "invalid literal"},
    {"{\"id\":\"\xFF\"}", "ill-formed UTF-8"},
    {"{\"id\":\"\xC0\x80\"}", "ill-formed UTF-8"},
    {"{\"id\":\"\xED\xA0\x80\"}", "ill-formed UTF-8"},
    {R"({"id":"\ud800"})", "surrogate"},
    {"{\"id\":\"a\nb\"}", "control character"},
    {R"({"a":1e999})", "too large"},
    {"[]", "the message: expected an object"},
    {"null", "the message: expected an object"},
};
INSTANTIATE_TEST_SUITE_P(NotJson, ChangeJsonMalformed, ValuesIn(kNotJson));

const Malformed kNames[] = {
    {R"({"id":"a","id":"b"})", R"(member "id" stands twice)"},
    {R"({"metadata":{"x":1,"y":2,"x":3}})", R"(member "x" stands twice)"},
    {InUpdate(R"("expect_version":1,"expectVersion":1)"), "updates[0].expect_version: stands twice"},
    {InUpdate(R"("expected_version":1)"),
     R"(unknown member "expected_version" in updates[0]: did you mean expect_version?)"},
    {InUpdate(R"("expectedBalance":1)"), "did you mean expect_balance?"},
    {InUpdate(R"("Add":1)"), "did you mean add?"},
    {InUpdate(R"("completely_other":1)"), R"(unknown member "completely_other" in updates[0];)"},
    {InUpdate(R"("a\nb":1)"), R"(unknown member "a\nb" in)"},
    {InSource(R"("posit\u0131on":1)"), "unknown member"},
    {InSource(R"("postion":1)"), R"(unknown member "postion" in source: did you mean position?)"},
    {InUpdate(R"("set_policy":{"min":1})"), R"(unknown member "min" in updates[0].set_policy)"},
    {InUpdate(R"("set_policy":{"minbalance":1})"), "did you mean min_balance?"},
};
INSTANTIATE_TEST_SUITE_P(Names, ChangeJsonMalformed, ValuesIn(kNames));

const Malformed kNumbers[] = {
    {InUpdate(R"("expect_version":-1)"), "updates[0].expect_version: must not be negative"},
    {InUpdate(R"("expect_version":"-1")"), "must not be negative"},
    {InUpdate(R"("expect_version":5.0)"), "updates[0].expect_version: expected a whole number"},
    {InUpdate(R"("expect_version":5e0)"), "expected a whole number"},
    {InUpdate(R"("since":"5 ")"), "updates[0].since: expected a whole number"},
    {InUpdate(R"("since":"")"), "expected a whole number"},
    {InUpdate(R"("since":"+5")"), "expected a whole number"},
    {InUpdate(R"("since":"0x5")"), "expected a whole number"},
    {InUpdate(R"("since":true)"), "expected a whole number"},
    {InUpdate(R"("newer":18446744073709551616)"), "updates[0].newer: does not fit in 64 bits"},
    {InUpdate(R"("newer":"99999999999999999999")"), "does not fit in 64 bits"},
    {InSource(R"("position":[])"), "source.position: expected a whole number"},
    {InSource(R"("window":4294967296)"), "source.window: does not fit in 32 bits"},
    {InSource(R"("incarnation":1.5)"), "source.incarnation: expected a string or a whole number"},
    {InUpdate(R"("add":1.0)"), "updates[0].add: "},
    {InUpdate(R"("add":"1.0")"), "updates[0].add: "},
    {InUpdate(R"("add":1e3)"), "updates[0].add: "},
    {InUpdate(R"("add":"")"), "updates[0].add: "},
    {InUpdate(R"("add":{})"), "updates[0].add: expected a whole number"},
    {InUpdate(R"("add":170141183460469231731687303715884105728)"), "updates[0].add: "},
    {InUpdate(R"("expect_balance":"-170141183460469231731687303715884105729")"), "updates[0].expect_balance: "},
    {InUpdate(R"("set_policy":{"min_balance":"x"})"), "updates[0].set_policy.min_balance: "},
};
INSTANTIATE_TEST_SUITE_P(Numbers, ChangeJsonMalformed, ValuesIn(kNumbers));

const Malformed kShapes[] = {
    {R"({"id":7})", "id: expected a string"},
    {R"({"balanced":"true"})", "balanced: expected true or false"},
    {R"({"metadata":"x"})", "metadata: expected an object"},
    {R"({"source":"x"})", "source: expected an object"},
    {R"({"updates":{}})", "updates: expected an array"},
    {R"({"updates":[{"key":"k","add":1},null]})", "updates[1]: expected an object"},
    {R"({"updates":[{"key":"k","add":1},{"key":5}]})", "updates[1].key: expected a string"},
    {InUpdate(R"("delete":false)"), "updates[0].delete: must be true"},
    {InUpdate(R"("check":1)"), "updates[0].check: must be true"},
    {InUpdate(R"("add":1,"put":"")"), "updates[0].put: is a second action"},
    {InUpdate(R"("put":5)"), "updates[0].put: expected a string in base64"},
    {InUpdate(R"("put":"a")"), "updates[0].put: is not base64"},
    {InUpdate(R"("put":"{}")"), "updates[0].put: is not base64"},
    {InUpdate(R"("set_policy":{"closed":0})"), "updates[0].set_policy.closed: expected true or false"},
};
INSTANTIATE_TEST_SUITE_P(Shapes, ChangeJsonMalformed, ValuesIn(kShapes));

TEST(ChangeJson, ErrorsDoNotShowTheInput) {
  const absl::Status status = ParseChangeJson(R"({"id":"secret\q"})").status();
  EXPECT_EQ(std::string(status.message()).find("secret"), std::string::npos) << status;
}

// ---- Limits

std::string WithUpdates(size_t count) {
  std::string json = R"({"updates":[)";
  for (size_t i = 0; i < count; ++i) json += R"({"key":"k"},)";
  if (count > 0) json.pop_back();
  return json + "]}";
}

TEST(ChangeJson, AsManyUpdatesAsAChangeMayHold) {
  EXPECT_EQ(ParseChangeJson(WithUpdates(kMaxUpdatesPerChange - 1))->updates.size(), kMaxUpdatesPerChange - 1);
  EXPECT_EQ(ParseChangeJson(WithUpdates(kMaxUpdatesPerChange))->updates.size(), kMaxUpdatesPerChange);
  ExpectRefused(WithUpdates(kMaxUpdatesPerChange + 1), "updates: 1025 updates; a change holds at most 1024");
}

std::string OfSize(size_t size) {
  const std::string json = R"({"x":""})";
  return R"({"x":")" + std::string(size - json.size(), 'y') + R"("})";
}

TEST(ChangeJson, AsManyBytesAsAMessageMayHave) {
  EXPECT_TRUE(ParseChangeJson(OfSize(internal::kMaxMessageBytes - 1)).ok());
  EXPECT_TRUE(ParseChangeJson(OfSize(internal::kMaxMessageBytes)).ok());
  ExpectRefused(OfSize(internal::kMaxMessageBytes + 1), "bytes; at most");
}

std::string Nested(size_t depth) {
  return R"({"x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

TEST(ChangeJson, AsDeepAsAMessageMayBe) {
  EXPECT_TRUE(ParseChangeJson(Nested(internal::kMaxJsonDepth - 1)).ok());
  EXPECT_TRUE(ParseChangeJson(Nested(internal::kMaxJsonDepth)).ok());
  ExpectRefused(Nested(internal::kMaxJsonDepth + 1), "nested deeper than 32 levels");
}

TEST(ChangeJson, ADepthBombIsRefused) {
  ExpectRefused(R"({"x":)" + std::string(size_t{1} << 20, '['), "nested deeper");
  ExpectRefused(std::string(size_t{1} << 20, '['), "nested deeper");
}

// The object and the array count as values too.
std::string WithValues(size_t count) {
  std::string json = R"({"x":[)";
  for (size_t i = 2; i < count; ++i) json += "0,";
  json.pop_back();
  return json + "]}";
}

TEST(ChangeJson, AsManyValuesAsAMessageMayHave) {
  EXPECT_TRUE(ParseChangeJson(WithValues(internal::kMaxMessageParts - 1)).ok());
  EXPECT_TRUE(ParseChangeJson(WithValues(internal::kMaxMessageParts)).ok());
  ExpectRefused(WithValues(internal::kMaxMessageParts + 1), "more than 65536 values");
}

TEST(ChangeJson, AValueOfTheLargestSizeFits) {
  Change change("T");
  for (int i = 0; i < 4; ++i) change.AddUpdate("k" + std::to_string(i)).Put(std::string(kMaxValueBytes, 'v'));
  const absl::StatusOr<Change> read = ParseChangeJson(ToJson(change));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->updates[3].value.size(), kMaxValueBytes);
}

}  // namespace
}  // namespace semel
