// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The reference model against the executable specification, outcome by outcome.

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/model/random_changes.h"
#include "tests/model/reference_model.h"

namespace semel::testing {
namespace {

using nlohmann::json;

// ---- The specification's dialect: values as plain text, amounts as decimal text.

json PolicyJson(const Policy& policy) {
  json out = json::object();
  if (policy.asset) out["asset"] = *policy.asset;
  if (policy.min_balance) out["min_balance"] = AmountToString(*policy.min_balance);
  if (policy.max_balance) out["max_balance"] = AmountToString(*policy.max_balance);
  if (policy.closed) out["closed"] = *policy.closed;
  return out;
}

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
  if (update.action == Action::kSetPolicy) out["set_policy"] = PolicyJson(update.policy);
  return out;
}

json SourceJson(const SourcePosition& source) {
  json out = {{"name", source.name}, {"position", source.position}};
  if (source.previous) out["previous"] = *source.previous;
  if (!source.incarnation.empty()) out["incarnation"] = source.incarnation;
  return out;
}

json ChangeJson(const Change& change) {
  json out = {{"updates", json::array()}};
  if (!change.id.empty()) out["id"] = change.id;
  if (change.source) out["source"] = SourceJson(*change.source);
  for (const Update& update : change.updates) out["updates"].push_back(UpdateJson(update));
  if (change.balanced) out["balanced"] = true;
  return out;
}

// Answers of the specification to the stream in `path`, one a change.
std::vector<json> RunSpecification(const std::string& path) {
  const std::string specification = SEMEL_SOURCE_DIR "/tests/spec/semel_model.py";
  const std::string command = "'" SEMEL_PYTHON "' -B '" + specification + "' apply '" + path + "'";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> chunk;
  while (const size_t size = std::fread(chunk.data(), 1, chunk.size(), pipe)) output.append(chunk.data(), size);
  EXPECT_EQ(pclose(pipe), 0);
  std::vector<json> answers;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) answers.push_back(json::parse(line));
  return answers;
}

struct Step {
  Change change;
  Outcome outcome;
};

std::vector<Step> RunModel(uint64_t seed, size_t changes, ModelOptions options) {
  ReferenceModel model(options);
  RandomChanges stream(seed, {.keys = 2 + static_cast<int>(seed % 3), .wrong_assets = false});
  std::vector<Step> steps;
  for (size_t i = 0; i < changes; ++i) {
    Change change = stream.Next(model);
    Outcome outcome = model.Apply(change);
    steps.push_back({std::move(change), std::move(outcome)});
  }
  return steps;
}

// What both say of a change: the outcome, the entry where the specification names one, and new versions and balances.
void ExpectSameAnswer(const Step& step, const json& answer) {
  const std::string name(ToString(step.outcome.code));
  ASSERT_EQ(name, answer["outcome"]) << answer["reason"];
  const std::string sequence = answer["sequence"];
  if (name == "APPLIED" || (name == "DUPLICATE" && sequence != "0")) {
    EXPECT_EQ(std::to_string(step.outcome.sequence), sequence);
  }
  if (name != "APPLIED") return;
  json moved = json::array();
  for (size_t i = 0; i < step.change.updates.size(); ++i) {
    if (step.change.updates[i].action == Action::kCheck) continue;
    const UpdateResult& result = step.outcome.updates[i];
    moved.push_back({{"key", step.change.updates[i].key},
                     {"version", result.version},
                     {"balance", AmountToString(result.balance)}});
  }
  EXPECT_EQ(moved, answer["updates"]);
}

void CompareStream(uint64_t seed, size_t changes) {
  constexpr std::array<uint64_t, 3> kLookbacks = {3, 20, 4096};
  ModelOptions options;
  options.balance_lookback = kLookbacks[seed % kLookbacks.size()];
  const std::vector<Step> steps = RunModel(seed, changes, options);

  const std::string path = ::testing::TempDir() + "semel_model_" + std::to_string(getpid()) + ".jsonl";
  std::ofstream file(path);
  file << json{{"op", "lookback"}, {"n", options.balance_lookback}} << "\n";
  for (const Step& step : steps) file << ChangeJson(step.change) << "\n";
  file.close();
  const std::vector<json> answers = RunSpecification(path);
  std::remove(path.c_str());

  ASSERT_EQ(answers.size(), steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", change " + std::to_string(i) + ": " +
                 ChangeJson(steps[i].change).dump());
    ExpectSameAnswer(steps[i], answers[i]);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(ReferenceModel, RandomStreams_AnswerAsTheSpecificationDoes) {
  constexpr uint64_t kStreams = 40;
  constexpr size_t kChanges = 1500;
  const uint64_t seed = TestSeed();
  for (uint64_t i = 0; i < kStreams && !HasFailure(); ++i) CompareStream(seed + i, kChanges);
}

// A stream that meets only some outcomes would prove little: this one must meet them all.
TEST(RandomChanges, FixedSeeds_MeetEveryOutcomeConflictAndRule) {
  std::set<std::string_view> met;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    ReferenceModel model({.balance_lookback = seed % 2 == 0 ? 3u : 4096u, .explicit_entities = seed % 3 == 0});
    RandomChanges stream(seed, {.keys = 2 + static_cast<int>(seed % 3)});
    for (int i = 0; i < 2000; ++i) {
      const Outcome outcome = model.Apply(stream.Next(model));
      met.insert(ToString(outcome.code));
      met.insert(ToString(outcome.conflict));
      met.insert(ToString(outcome.rule));
    }
  }
  for (int code = 1; code < kOutcomeCodeCount; ++code) {
    if (code == static_cast<int>(OutcomeCode::kParked)) continue;  // reserved
    EXPECT_TRUE(met.count(ToString(static_cast<OutcomeCode>(code)))) << ToString(static_cast<OutcomeCode>(code));
  }
  for (int conflict = 1; conflict <= static_cast<int>(Conflict::kPartlySuperseded); ++conflict) {
    EXPECT_TRUE(met.count(ToString(static_cast<Conflict>(conflict)))) << ToString(static_cast<Conflict>(conflict));
  }
  for (int rule = 1; rule <= static_cast<int>(Rule::kUnbalanced); ++rule) {
    EXPECT_TRUE(met.count(ToString(static_cast<Rule>(rule)))) << ToString(static_cast<Rule>(rule));
  }
}

TEST(ReferenceModel, AsOf_GivesTheStateAfterEachEntry) {
  ReferenceModel model;
  Change create("a");
  create.AddUpdate("k").ExpectVersion(0).Add(5);
  Change consume("b");
  consume.source.emplace();
  consume.source->name = "s";
  consume.source->position = 7;
  consume.AddUpdate("k").Add(3);
  Change remove("c");
  remove.AddUpdate("k").ExpectVersion(2).Add(-8);
  ASSERT_TRUE(model.Apply(create).applied());
  ASSERT_TRUE(model.Apply(consume).applied());
  ASSERT_TRUE(model.Apply(remove).applied());

  EXPECT_EQ(model.AsOf("k", 0).version, 0u);
  EXPECT_EQ(model.AsOf("k", 1).balance, 5);
  EXPECT_EQ(model.AsOf("k", 2).balance, 8);
  EXPECT_EQ(model.Latest("k").balance, 0);
  EXPECT_FALSE(model.SourceAsOf("s", 1).has_value());
  ASSERT_TRUE(model.SourceAsOf("s", 2).has_value());
  EXPECT_EQ(model.SourceAsOf("s", 2)->position, 7u);
}

TEST(ReferenceModel, Reopen_ForgetsWhichPositionsWereEarly) {
  ReferenceModel model;
  Change early("a");
  early.source.emplace();
  early.source->name = "s";
  early.source->position = 1;
  early.AddUpdate("k").ExpectVersion(1).Add(5);
  Change later = early;
  later.id = "b";
  later.source->position = 2;
  later.updates[0].expect_version = 0;
  ASSERT_TRUE(model.Apply(early).early());
  ASSERT_TRUE(model.Apply(later).early());
  model.Reopen();
  EXPECT_TRUE(model.Apply(later).applied());
}

}  // namespace
}  // namespace semel::testing
