// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// That random streams are worth their time: what they must provoke, they provoke often.

#include "tests/model/random_operations.h"

#include <map>
#include <optional>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/model/operation.h"
#include "tests/model/reference_model.h"

namespace semel::testing {
namespace {

// What kind a message is, and what became of it so far. Names, because they serve to be counted only.
using Features = std::set<std::string>;
using Counts = std::map<std::string, uint64_t>;

Features KindsOf(const Change& change) {
  Features kinds;
  for (const Update& update : change.updates) {
    if (update.action == Action::kCheck) kinds.insert("with a check");
    if (update.expect_version) kinds.insert("with expect_version");
    if (update.since) kinds.insert("with since");
    if (update.expect_balance) kinds.insert("with expect_balance");
    if (update.newer) kinds.insert("with newer");
  }
  if (!change.source) return kinds;
  if (change.id.empty()) kinds.insert("identified by its position");
  kinds.insert(change.source->window != 0 ? "of a windowed source" : "of a source");
  return kinds;
}

std::string FateIn(const ModelEvent& event) {
  const std::string outcome(ToString(event.outcome.code));
  switch (event.kind) {
    case ModelEvent::Kind::kMessage:
      return outcome;
    case ModelEvent::Kind::kParkedDecided:
      return event.outcome.refused() ? "refused after parking" : outcome + " after parking";
    case ModelEvent::Kind::kParkedDiscarded:
      return "given up while parked";
    case ModelEvent::Kind::kLetterRetried:
      return outcome + " by a retry";
    case ModelEvent::Kind::kLetterDiscarded:
      return "discarded as a letter";
  }
  return "";
}

class Census {
 public:
  Census(Counts* outcomes, Counts* redelivered) : outcomes_(*outcomes), redelivered_(*redelivered) {}

  void Step(RandomOperations* stream, ReferenceModel* model) {
    const Operation operation = stream->Next(*model);
    const std::optional<Outcome> outcome = Run(operation, model);
    if (operation.kind == Operation::Kind::kApply) CountMessage(operation.change, *outcome);
    for (const ModelEvent& event : model->TakeEvents()) {
      stream->Observe(event);
      messages_.at(ToJson(event.change)).insert(FateIn(event));
    }
    if (operation.kind == Operation::Kind::kTrim) NoteTrim();
  }

 private:
  void CountMessage(const Change& change, const Outcome& outcome) {
    ++outcomes_[std::string(ToString(outcome.code))];
    const auto [message, first] = messages_.try_emplace(ToJson(change), KindsOf(change));
    Features& features = message->second;
    if (!first) {
      for (const std::string& feature : features) ++redelivered_[feature];
    }
    if (outcome.early()) features.insert("EARLY");
  }

  // All that was so far is below the floor from now on.
  void NoteTrim() {
    for (auto& [text, features] : messages_) {
      const Features before = features;
      for (const std::string& feature : before) {
        if (feature.find(", trimmed") == std::string::npos) features.insert(feature + ", trimmed");
      }
    }
  }

  std::map<std::string, Features> messages_;  // by their text
  Counts& outcomes_;
  Counts& redelivered_;  // by what was redelivered
};

void ExpectMany(const Counts& counts, const std::string& name, uint64_t least) {
  const auto found = counts.find(name);
  EXPECT_GE(found == counts.end() ? 0 : found->second, least) << name;
}

TEST(RandomOperations, FixedSeeds_MeetEverythingAndRedeliverItThousandsOfTimes) {
  constexpr uint64_t kStreams = 20;
  constexpr uint64_t kOperations = 5000;
  Counts outcomes, redelivered;
  for (uint64_t seed = 0; seed < kStreams; ++seed) {
    ReferenceModel model({.balance_lookback = seed % 2 == 0 ? 3u : 4096u, .park_max = seed % 3 == 0 ? 0u : 8u});
    RandomOperations stream(seed);
    Census census(&outcomes, &redelivered);
    for (uint64_t i = 0; i < kOperations; ++i) census.Step(&stream, &model);
  }

  for (int code = 1; code < kOutcomeCodeCount; ++code) {
    ExpectMany(outcomes, std::string(ToString(static_cast<OutcomeCode>(code))), 2000);
  }
  for (const char* kind : {"with a check", "with expect_version", "with since", "with expect_balance", "with newer",
                           "identified by its position", "of a source", "of a windowed source"}) {
    ExpectMany(redelivered, kind, 4000);
    ExpectMany(redelivered, std::string(kind) + ", trimmed", 2000);
  }
  for (const char* fate :
       {"APPLIED", "DUPLICATE", "SUPERSEDED", "PARKED", "EARLY", "CONFLICT", "ID_REUSED", "REJECTED", "INDETERMINATE",
        "INVALID", "APPLIED after parking", "DUPLICATE after parking", "refused after parking", "given up while parked",
        "APPLIED by a retry", "DUPLICATE by a retry", "SUPERSEDED by a retry", "discarded as a letter"}) {
    ExpectMany(redelivered, fate, 1000);
    ExpectMany(redelivered, std::string(fate) + ", trimmed", 700);
  }
}

}  // namespace
}  // namespace semel::testing
