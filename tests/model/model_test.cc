// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The reference model against the executable specification, outcome by outcome and state by state.

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/model/operation.h"
#include "tests/model/random_changes.h"
#include "tests/model/random_operations.h"
#include "tests/model/reference_model.h"

namespace semel::testing {
namespace {

using nlohmann::json;

// The state in the specification's words, as run_specification.py shows it.
json StateJson(const ReferenceModel& model) {
  json state = {{"parked", json::array()}, {"dead", json::object()}, {"sources", json::object()}};
  for (const auto& [sequence, parked] : model.ParkedChanges()) {
    state["parked"].push_back(SpecificationIdentity(parked.change));
  }
  for (const auto& [sequence, letter] : model.Letters()) {
    if (!letter.replaced) state["dead"][letter.name] = ToString(letter.outcome.code);
  }
  for (const std::string& name : model.Sources()) {
    const std::optional<SourceCursor> cursor = model.LatestSource(name);
    if (cursor) state["sources"][name] = {{"cursor", cursor->position}, {"ahead", model.ConsumedAhead(name)}};
  }
  return state;
}

json EntitiesJson(const ReferenceModel& model) {
  json entities = json::object();
  for (const std::string& key : model.Keys()) {
    const Entity entity = model.Latest(key);
    entities[key] = {{"version", entity.version},
                     {"balance", AmountToString(entity.balance)},
                     {"value", entity.value ? json(*entity.value) : json()},
                     {"deleted", entity.deleted},
                     {"stamp", entity.stamp ? json(*entity.stamp) : json()},
                     {"policy", SpecificationJson(entity.policy)}};
  }
  return entities;
}

// One line of a stream, and what the model made of it.
struct Line {
  json text;
  std::vector<Change> changes;    // that are answered
  std::vector<Outcome> outcomes;  // one a change
  std::vector<ModelEvent> events;
  json state;
};

// Some changes make a batch together; now and then a look at all entities.
std::vector<Line> RunModel(uint64_t seed, size_t operations, const RandomOperationsOptions& options) {
  Random random(seed + 3);
  ReferenceModel model;
  RandomOperations stream(seed, options);
  std::vector<Line> lines;
  json batch = json::array();
  for (size_t i = 0; i < operations; ++i) {
    const Operation operation = stream.Next(model);
    if (batch.empty() || operation.kind != Operation::Kind::kApply) {
      batch.clear();
      lines.emplace_back();
    }
    Line& line = lines.back();
    const std::optional<Outcome> outcome = Run(operation, &model);
    if (outcome) {
      line.changes.push_back(operation.change);
      line.outcomes.push_back(*outcome);
    }
    for (ModelEvent& event : model.TakeEvents()) {
      stream.Observe(event);
      line.events.push_back(std::move(event));
    }
    line.state = StateJson(model);
    line.text = SpecificationJson(operation);
    if (operation.kind == Operation::Kind::kApply) {
      batch.push_back(line.text);
      line.text = {{"op", "batch"}, {"changes", batch}};
      if (random.OneIn(2)) batch.clear();
    }
    if (i % 100 == 0 || i + 1 == operations) {
      batch.clear();
      lines.push_back({.text = {{"op", "state"}}, .state = StateJson(model)});
      lines.back().state["entities"] = EntitiesJson(model);
    }
  }
  return lines;
}

// The specification's answers to the lines, one each.
std::vector<json> RunSpecification(const std::vector<Line>& lines) {
  const std::string path = ::testing::TempDir() + "semel_model_" + std::to_string(getpid()) + ".jsonl";
  std::ofstream file(path);
  for (const Line& line : lines) file << line.text << "\n";
  file.close();
  const std::string command =
      "'" SEMEL_PYTHON "' -B '" SEMEL_SOURCE_DIR "/tests/model/run_specification.py' '" + path + "'";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> chunk;
  while (const size_t size = std::fread(chunk.data(), 1, chunk.size(), pipe)) output.append(chunk.data(), size);
  EXPECT_EQ(pclose(pipe), 0);
  std::remove(path.c_str());
  std::vector<json> answers;
  std::istringstream answered(output);
  for (std::string answer; std::getline(answered, answer);) answers.push_back(json::parse(answer));
  return answers;
}

// The specification numbers entries in its own way: which entry of the model is its entry n?
using Numbers = std::map<uint64_t, uint64_t>;

// What both say of an applied change: who it is, and new versions and balances.
void ExpectSameEffects(const Change& change, const Outcome& outcome, const json& applied) {
  EXPECT_EQ(SpecificationIdentity(change), applied["id"]);
  json moved = json::array();
  for (size_t i = 0; i < change.updates.size(); ++i) {
    if (change.updates[i].action == Action::kCheck) continue;
    const UpdateResult& result = outcome.updates[i];
    moved.push_back(
        {{"key", change.updates[i].key}, {"version", result.version}, {"balance", AmountToString(result.balance)}});
  }
  EXPECT_EQ(moved, applied["updates"]);
}

// All that was applied, by parking and retries too, in order.
void ExpectSameEvents(const Line& line, const json& answer, Numbers* numbers) {
  size_t i = 0;
  for (const ModelEvent& event : line.events) {
    if (!event.outcome.applied()) continue;
    ASSERT_LT(i, answer["applied"].size());
    const json& applied = answer["applied"][i++];
    ExpectSameEffects(event.change, event.outcome, applied);
    numbers->emplace(applied["sequence"], event.outcome.sequence);
  }
  EXPECT_EQ(i, answer["applied"].size());
}

void ExpectSameAnswers(const Line& line, const json& answer, Numbers* numbers) {
  ExpectSameEvents(line, answer, numbers);
  ASSERT_EQ(line.outcomes.size(), answer["outcomes"].size());
  for (size_t i = 0; i < line.outcomes.size(); ++i) {
    const Outcome& outcome = line.outcomes[i];
    const json& wanted = answer["outcomes"][i];
    ASSERT_EQ(ToString(outcome.code), wanted["outcome"]) << wanted << "\n" << SpecificationJson(line.changes[i]);
    if (outcome.applied()) ExpectSameEffects(line.changes[i], outcome, wanted);
    const uint64_t sequence = wanted["sequence"];
    const bool settled = outcome.applied() || outcome.code == OutcomeCode::kDuplicate;
    if (settled && sequence != 0) {
      EXPECT_EQ(outcome.sequence, numbers->at(sequence));
    }
  }
  for (const auto& [name, part] : line.state.items()) EXPECT_EQ(part, answer[name]) << name;
}

void CompareStream(uint64_t seed, size_t operations, const RandomOperationsOptions& options) {
  const std::vector<Line> lines = RunModel(seed, operations, options);
  const std::vector<json> answers = RunSpecification(lines);
  ASSERT_EQ(answers.size(), lines.size());
  Numbers numbers;
  for (size_t i = 0; i < lines.size() && !::testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE("SEMEL_TEST_SEED=" + std::to_string(seed) + ", line " + std::to_string(i) + ": " +
                 lines[i].text.dump());
    ExpectSameAnswers(lines[i], answers[i], &numbers);
  }
}

TEST(ReferenceModel, RandomStreams_AnswerAndEndAsTheSpecificationDoes) {
  constexpr uint64_t kStreams = 40;
  constexpr size_t kOperations = 1500;
  const uint64_t seed = TestSeed();
  for (uint64_t i = seed; i < seed + kStreams && !HasFailure(); ++i) {
    RandomOperationsOptions options;
    options.changes.keys = 2 + static_cast<int>(i % 3);
    options.changes.wrong_assets = false;
    options.options_vary = true;
    options.entity_trims = i % 2 == 0;
    CompareStream(i, kOperations, options);
  }
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
