// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rule R41: the scenarios of the specification give, through the API, the outcomes that their first lines name.
//
// A scenario file is a line "# H01 (A) title; repaired: OUTCOME OUTCOME ..." and then one JSON object a line: a change
// in the specification's dialect (values as plain text, limits as integers), a batch of changes, or another operation.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/ledger/ledger_testing.h"

namespace semel::testing {
namespace {

using nlohmann::json;

// ---- The dialect. An unknown member is an error: a precondition that is dropped would show nothing.

using Members = std::map<std::string, std::function<void(const json&)>>;

void ReadMembers(const json& object, const Members& members) {
  for (const auto& [name, value] : object.items()) {
    const auto member = members.find(name);
    ASSERT_NE(member, members.end()) << "unknown member " << name << " in " << object;
    member->second(value);
  }
}

Amount AmountOf(const json& value) {
  const auto amount = ParseAmount(value.is_string() ? value.get<std::string>() : value.dump());
  EXPECT_TRUE(amount.ok()) << value;
  return *amount;
}

Policy PolicyOf(const json& object) {
  Policy policy;
  ReadMembers(object, {{"asset", [&](const json& v) { policy.asset = v.get<std::string>(); }},
                       {"min_balance", [&](const json& v) { policy.min_balance = AmountOf(v); }},
                       {"max_balance", [&](const json& v) { policy.max_balance = AmountOf(v); }},
                       {"closed", [&](const json& v) { policy.closed = v.get<bool>(); }}});
  return policy;
}

void AddUpdate(const json& object, Change* change) {
  Update& update = change->AddUpdate("");
  ReadMembers(object, {{"key", [&](const json& v) { update.key = v.get<std::string>(); }},
                       {"expect_version", [&](const json& v) { update.ExpectVersion(v.get<uint64_t>()); }},
                       {"since", [&](const json& v) { update.Since(v.get<uint64_t>()); }},
                       {"expect_balance", [&](const json& v) { update.ExpectBalance(AmountOf(v)); }},
                       {"newer", [&](const json& v) { update.Newer(v.get<uint64_t>()); }},
                       {"add", [&](const json& v) { update.Add(AmountOf(v)); }},
                       {"put", [&](const json& v) { update.Put(v.get<std::string>()); }},
                       {"delete", [&](const json&) { update.Delete(); }},
                       {"check", [&](const json&) { update.Check(); }},
                       {"set_policy", [&](const json& v) { update.SetPolicy(PolicyOf(v)); }}});
}

SourcePosition SourceOf(const json& object) {
  SourcePosition source;
  ReadMembers(object, {{"name", [&](const json& v) { source.name = v.get<std::string>(); }},
                       {"position", [&](const json& v) { source.position = v.get<uint64_t>(); }},
                       {"previous", [&](const json& v) { source.previous = v.get<uint64_t>(); }},
                       {"incarnation", [&](const json& v) { source.incarnation = v.get<std::string>(); }},
                       {"window", [&](const json& v) { source.window = v.get<uint32_t>(); }}});
  return source;
}

Change ChangeOf(const json& object) {
  Change change;
  ReadMembers(object, {{"id", [&](const json& v) { change.id = v.get<std::string>(); }},
                       {"source", [&](const json& v) { change.source = SourceOf(v); }},
                       {"balanced", [&](const json& v) { change.balanced = v.get<bool>(); }},
                       {"updates", [&](const json& v) {
                          for (const json& update : v) AddUpdate(update, &change);
                        }}});
  return change;
}

// ---- Scenarios

// A line: changes that come together, or what somebody does to the ledger.
struct Line {
  std::string op = "batch";
  std::vector<Change> changes;  // batch
  std::string name;             // discard_parked: an id; retry, discard: "source:position"
};

struct Scenario {
  std::string name;
  std::vector<std::string> wanted;  // outcomes
  std::vector<Line> lines;
};

void AddLine(const json& object, Scenario* scenario) {
  Line& line = scenario->lines.emplace_back();
  line.op = object.value("op", "batch");
  if (line.op == "batch") {
    for (const json& change : object.value("changes", json::array({object}))) line.changes.push_back(ChangeOf(change));
  } else if (line.op == "discard_parked") {
    line.name = object.at("id").get<std::string>();
  } else if (line.op == "retry" || line.op == "discard") {
    line.name = object.at("dead").get<std::string>();
  } else {
    EXPECT_TRUE(line.op == "park" || line.op == "trim") << object;
    EXPECT_TRUE(line.op == "park" || !object.contains("key")) << "a journal is trimmed as a whole";
  }
}

Scenario ReadScenario(const std::filesystem::path& path) {
  Scenario scenario;
  scenario.name = path.filename().string();
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const std::string mark = "; repaired: ";
  EXPECT_NE(line.find(mark), std::string::npos) << path;
  std::istringstream outcomes(line.substr(line.find(mark) + mark.size()));
  for (std::string outcome; outcomes >> outcome;) scenario.wanted.push_back(outcome);
  while (std::getline(file, line)) {
    if (!line.empty()) AddLine(json::parse(line), &scenario);
  }
  return scenario;
}

std::vector<Scenario> ReadScenarios() {
  std::vector<std::filesystem::path> paths;
  for (const auto& file : std::filesystem::directory_iterator(SEMEL_SOURCE_DIR "/tests/spec/scenarios")) {
    paths.push_back(file.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Scenario> scenarios;
  for (const auto& path : paths) scenarios.push_back(ReadScenario(path));
  return scenarios;
}

// ---- Playing them

// A ledger for one scenario, and what happens to it between two lines.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual Ledger& ledger() = 0;
  virtual void BetweenLines() {}
};

class InMemory final : public Stage {
 public:
  InMemory() : ledger_(*Ledger::OpenInMemory()) {}
  Ledger& ledger() override { return *ledger_; }

 private:
  const std::unique_ptr<Ledger> ledger_;
};

enum class End { kClose, kCrash };

class OnDisk final : public Stage {
 public:
  explicit OnDisk(End end) : end_(end) { Open(); }
  Ledger& ledger() override { return *ledger_; }
  void BetweenLines() override {
    if (end_ == End::kClose) {
      EXPECT_TRUE(ledger_->Close().ok());
    }
    ledger_.reset();
    Open();
  }

 private:
  void Open() {
    Options options;
    options.create_if_missing = true;
    options.segment_bytes = 64 << 10;
    ledger_ = *Ledger::Open(directory_.path() + "/ledger", options);
  }

  const End end_;
  const TempDirectory directory_;
  std::unique_ptr<Ledger> ledger_;
};

// A range of a temporary would be gone before its first element is looked at.
template <typename T>
T Copy(absl::StatusOr<T> list) {
  return *std::move(list);
}

// The letter of a source's position; 0 if there is none.
uint64_t LetterAt(Ledger& ledger, const std::string& name) {
  for (const DeadLetter& letter : Copy(ledger.ListDeadLetters({0, 0, ""}))) {
    if (letter.source->name + ":" + std::to_string(letter.source->position) == name) return letter.sequence;
  }
  return 0;
}

// Plays lines one after the other and notes the outcomes.
class Player {
 public:
  std::vector<std::string> outcomes;

  void Play(const Line& line, Ledger& ledger) {
    if (line.op == "batch") {
      const auto answers = ledger.ApplyBatch(line.changes, {park_});
      ASSERT_TRUE(answers.ok()) << answers.status();
      for (const Outcome& answer : *answers) Note(answer);
    } else if (line.op == "park") {
      park_ = true;
    } else if (line.op == "trim") {
      TrimOptions everything;
      everything.before_lsn = ledger.GetStats()->durable_lsn;
      everything.seal = true;
      const auto report = ledger.Trim(everything);
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_EQ(report->floor_lsn, *everything.before_lsn);
    } else if (line.op == "retry") {
      Retry(LetterAt(ledger, line.name), ledger);
    } else if (line.op == "discard") {
      Discard(line.name, ledger);
    } else if (line.op == "discard_parked") {
      for (const ParkedChange& parked : Copy(ledger.ListParked())) {
        if (parked.change.id != line.name) continue;
        EXPECT_TRUE(ledger.DiscardParked(parked.sequence).ok());
      }
    }
  }

 private:
  void Note(const Outcome& outcome) { outcomes.emplace_back(ToString(outcome.code)); }

  // The specification has an outcome for a letter that is not there.
  void Retry(uint64_t letter, Ledger& ledger) {
    const auto answer = ledger.RetryDeadLetter(letter);
    if (absl::IsNotFound(answer.status())) {
      outcomes.emplace_back("INVALID");
    } else {
      ASSERT_TRUE(answer.ok()) << answer.status();
      Note(*answer);
    }
  }

  // The specification answers a discard with what the letter was refused for.
  void Discard(const std::string& name, Ledger& ledger) {
    const uint64_t sequence = LetterAt(ledger, name);
    const std::vector<DeadLetter> letters = ledger.ListDeadLetters({sequence - 1, 1, ""}).value();
    ASSERT_TRUE(ledger.DiscardDeadLetter(sequence).ok());
    Note(letters[0].outcome);
  }

  bool park_ = false;
};

void Play(const Scenario& scenario, Stage* stage) {
  SCOPED_TRACE(scenario.name);
  Player player;
  for (size_t i = 0; i < scenario.lines.size(); ++i) {
    if (i > 0) stage->BetweenLines();
    player.Play(scenario.lines[i], stage->ledger());
  }
  EXPECT_EQ(player.outcomes, scenario.wanted);
  const auto report = stage->ledger().Verify();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->fault, "");
}

// A number, so that none drops out unseen.
constexpr size_t kScenarios = 35;

std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> scenarios = ReadScenarios();
  EXPECT_EQ(scenarios.size(), kScenarios);
  return scenarios;
}

TEST(Scenarios, R41_LineByLineInMemory) {
  for (const Scenario& scenario : AllScenarios()) {
    InMemory stage;
    Play(scenario, &stage);
  }
}

// A later change sees what an earlier one of its batch did, as if each had come alone.
TEST(Scenarios, R41_NeighbouringLinesInOneBatch) {
  for (Scenario& scenario : AllScenarios()) {
    std::vector<Line> joined;
    for (Line& line : scenario.lines) {
      const bool joins = !joined.empty() && joined.back().op == "batch" && line.op == "batch";
      if (!joins) {
        joined.push_back(std::move(line));
      } else {
        joined.back().changes.insert(joined.back().changes.end(), line.changes.begin(), line.changes.end());
      }
    }
    scenario.lines = std::move(joined);
    InMemory stage;
    Play(scenario, &stage);
  }
}

// That a position was early is remembered while the ledger is open; after that a consumer seeks to the cursor, and the
// early message comes before any later one. A scenario in which it does not is no stream of such a consumer.
bool NeedsMemoryOfEarlyPosition(const Scenario& scenario) {
  if (scenario.name != "11_H07_A.jsonl") return false;
  std::printf("left out: %s (a later position right after reopening)\n", scenario.name.c_str());
  return true;
}

void PlayReopening(End end) {
  size_t played = 0;
  for (const Scenario& scenario : AllScenarios()) {
    if (NeedsMemoryOfEarlyPosition(scenario)) continue;
    OnDisk stage(end);
    Play(scenario, &stage);
    ++played;
  }
  EXPECT_EQ(played, kScenarios - 1);
}

TEST(Scenarios, R41_ClosedBetweenEveryTwoLines) { PlayReopening(End::kClose); }
TEST(Scenarios, R41_CrashedBetweenEveryTwoLines) { PlayReopening(End::kCrash); }

}  // namespace
}  // namespace semel::testing
