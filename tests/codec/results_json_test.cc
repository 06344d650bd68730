// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The JSON forms of answers: outcomes, entities, history, cursors, journal entries.

#include <nlohmann/json.hpp>
#include <string>

#include "gtest/gtest.h"
#include "semel/change.h"
#include "semel/entity.h"
#include "semel/journal.h"
#include "semel/outcome.h"

namespace semel {
namespace {

Change Transfer() {
  Change change("T-1");
  change.AddUpdate("transfer/T-1").ExpectVersion(0).Put("{}");
  change.AddUpdate("account/alice").Add(-100);
  change.AddUpdate("limit").ExpectVersion(3).Check();
  return change;
}

Outcome Answer(OutcomeCode code) {
  Outcome outcome;
  outcome.code = code;
  outcome.updates = {{1, 0}, {8, -100}, {3, 5}};
  return outcome;
}

TEST(OutcomeJson, AppliedShowsWhatAdvanced) {
  Outcome outcome = Answer(OutcomeCode::kApplied);
  outcome.sequence = 17;
  outcome.lsn = 40960;
  EXPECT_EQ(ToJson(Transfer(), outcome), R"({"id":"T-1","outcome":"APPLIED","sequence":"17","lsn":"40960","updates":[)"
                                         R"({"key":"transfer/T-1","version":"1","balance":"0"},)"
                                         R"({"key":"account/alice","version":"8","balance":"-100"}],"reason":""})");
}

TEST(OutcomeJson, ARefusalShowsChecksAndItsKind) {
  Outcome outcome = Answer(OutcomeCode::kConflict);
  outcome.conflict = Conflict::kCheckFailed;
  outcome.reason = "limit \"x\"";
  const auto json = nlohmann::json::parse(ToJson(Transfer(), outcome));
  EXPECT_EQ(json["updates"].size(), 3u);
  EXPECT_EQ(json["updates"][2]["balance"], "5");
  EXPECT_EQ(json["conflict"], std::string(ToString(Conflict::kCheckFailed)));
  EXPECT_EQ(json["reason"], "limit \"x\"");
  EXPECT_FALSE(json.contains("rule"));
}

TEST(OutcomeJson, ARejectionNamesItsRule) {
  Outcome outcome = Answer(OutcomeCode::kRejected);
  outcome.rule = Rule::kBalanceLimit;
  const auto json = nlohmann::json::parse(ToJson(Transfer(), outcome));
  EXPECT_EQ(json["rule"], std::string(ToString(Rule::kBalanceLimit)));
  EXPECT_FALSE(json.contains("conflict"));
}

TEST(OutcomeJson, WithoutResultsTheListIsEmpty) {
  Outcome outcome;
  outcome.code = OutcomeCode::kInvalid;
  outcome.reason = "bad";
  EXPECT_EQ(ToJson(Change(), outcome),
            R"({"id":"","outcome":"INVALID","sequence":"0","lsn":"0","updates":[],"reason":"bad"})");
}

TEST(EntityJson, WithoutPolicyHasNoLimits) {
  Entity entity;
  entity.key = "k\x80";
  entity.version = 3;
  entity.balance = absl::Int128Min();
  EXPECT_EQ(ToJson(entity),
            "{\"key\":\"k\xEF\xBF\xBD\",\"version\":\"3\",\"balance\":\"-170141183460469231731687303715884105728\","
            "\"asset\":\"\",\"value\":null,\"deleted\":false}");
}

TEST(EntityJson, ShowsPolicyValueAndStamp) {
  Entity entity;
  entity.key = "k";
  entity.value = "";
  entity.deleted = true;
  entity.policy = {"EUR", -5, 7, false};
  entity.stamp = UINT64_MAX;
  EXPECT_EQ(ToJson(entity), R"({"key":"k","version":"0","balance":"0","asset":"EUR","value":"","deleted":true,)"
                            R"("min_balance":"-5","max_balance":"7","closed":false,"stamp":"18446744073709551615"})");
}

TEST(HistoryJson, ShowsTheOperandOfItsAction) {
  HistoryLine line;
  line.version = 2;
  line.sequence = 9;
  line.lsn = 100;
  line.commit_time_us = -1;
  line.id = "T";
  line.action = Action::kAdd;
  line.amount = -3;
  line.balance = 4;
  EXPECT_EQ(ToJson(line), R"({"version":"2","sequence":"9","lsn":"100","commit_time_us":"-1","id":"T",)"
                          R"("action":"add","amount":"-3","balance":"4","deleted":false})");
  line.action = Action::kPut;
  line.value = "\xFF";
  EXPECT_EQ(ToJson(line), R"({"version":"2","sequence":"9","lsn":"100","commit_time_us":"-1","id":"T",)"
                          R"("action":"put","balance":"4","value":"/w==","deleted":false})");
}

TEST(SourceCursorJson, ShowsEveryField) {
  EXPECT_EQ(ToJson(SourceCursor{"s", 5, "i", true, 4}),
            R"({"name":"s","position":"5","incarnation":"i","chained":true,"consumed":"4"})");
}

TEST(JournalJson, ShowsAnEntryWithItsEffects) {
  JournalEntry entry;
  entry.lsn = 1;
  entry.next_lsn = 2;
  entry.sequence = 3;
  entry.commit_time_us = 4;
  entry.outcome = OutcomeCode::kApplied;
  entry.id = "T";
  entry.fingerprint = {1, 2};
  entry.source = SourcePosition{"s", 6, {}, "", 0};
  entry.effects.resize(2);
  entry.effects[0] = {"a", Action::kAdd, 7, 8, 9, {}, {}, {}, false};
  entry.effects[1] = {"b", Action::kSetPolicy, 1, 0, 0, {}, Policy{"EUR", {}, {}, {}}, 5, true};
  EXPECT_EQ(ToJson(entry),
            R"({"lsn":"1","next_lsn":"2","sequence":"3","commit_time_us":"4","outcome":"APPLIED","reason":"",)"
            R"("id":"T","fingerprint":"00000000000000010000000000000002","source":{"name":"s","position":"6"},)"
            R"("balanced":false,"effects":[)"
            R"({"key":"a","action":"add","version":"7","balance":"8","amount":"9","deleted":false},)"
            R"({"key":"b","action":"set_policy","version":"1","balance":"0","policy":{"asset":"EUR"},"stamp":"5",)"
            R"("deleted":true}]})");
}

TEST(ActionName, EveryActionHasAName) {
  EXPECT_EQ(ToString(Action::kNone), "none");
  EXPECT_EQ(ToString(Action::kPut), "put");
  EXPECT_EQ(ToString(Action::kDelete), "delete");
  EXPECT_EQ(ToString(Action::kCheck), "check");
  EXPECT_EQ(ToString(static_cast<Action>(99)), "unknown");
}

}  // namespace
}  // namespace semel
