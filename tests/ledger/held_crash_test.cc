// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rule R39 on the simulator: parked changes and dead letters survive a power loss at whichever call exactly as they
// were acknowledged, and so do retries, discards and retired prefixes.

#include <functional>
#include <string>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

constexpr const char* kNotThere = "not there";

// What somebody does to the ledger, and the answer. Doing it again is harmless.
using Step = std::function<absl::StatusOr<std::string>(Ledger&)>;

Step Send(Change change) {
  return [change](Ledger& ledger) -> absl::StatusOr<std::string> {
    const auto outcome = ledger.Apply(change);
    if (!outcome.ok()) return outcome.status();
    return std::string(ToString(outcome->code));
  };
}

absl::StatusOr<std::string> AnswerOf(const absl::StatusOr<Outcome>& outcome) {
  if (absl::IsNotFound(outcome.status())) return kNotThere;
  if (!outcome.ok()) return outcome.status();
  return std::string(ToString(outcome->code));
}

absl::StatusOr<uint64_t> LetterOf(Ledger& ledger, const std::string& id) {
  const auto letters = ledger.ListDeadLetters({0, 0, ""});
  if (!letters.ok()) return letters.status();
  for (const DeadLetter& letter : *letters) {
    if (letter.id == id) return letter.sequence;
  }
  return absl::NotFoundError(id);
}

Step Retry(std::string id) {
  return [id](Ledger& ledger) -> absl::StatusOr<std::string> {
    const auto letter = LetterOf(ledger, id);
    return AnswerOf(letter.ok() ? ledger.RetryDeadLetter(*letter) : letter.status());
  };
}

Step Discard(std::string id) {
  return [id](Ledger& ledger) -> absl::StatusOr<std::string> {
    const auto letter = LetterOf(ledger, id);
    const absl::Status status = letter.ok() ? ledger.DiscardDeadLetter(*letter) : letter.status();
    if (absl::IsNotFound(status)) return kNotThere;
    if (!status.ok()) return status;
    return "discarded";
  };
}

Step Retire(std::string prefix) {
  return [prefix](Ledger& ledger) -> absl::StatusOr<std::string> {
    const auto report = ledger.Retire(prefix);
    if (!report.ok()) return report.status();
    return "retired";
  };
}

Step SetCursor(std::string name, uint64_t position) {
  return [=](Ledger& ledger) -> absl::StatusOr<std::string> {
    SourceCursor cursor;
    cursor.name = name;
    cursor.position = position;
    const absl::Status status = ledger.SetSource(cursor);
    if (!status.ok() && !absl::IsInvalidArgument(status)) return status;  // it may be further already
    return "set";
  };
}

Change Windowed(uint64_t position) {
  Change change = AddFrom("w" + std::to_string(position), "window", position, "w", 1);
  change.source->window = 4;
  return change;
}

std::vector<Step> Story() {
  Policy policy;
  policy.min_balance = 0;
  return {Send(PolicyAt("policy", "a", 0, policy)),
          Send(At(AddAt("p2", "a", 3, 1), "s", 1)),
          Send(AddAt("p3", "a", 4, 1)),
          Send(At(AddFrom("poor", "s", 2, "a", -50), "s", 2)),
          Send(AddAt("ten", "a", 1, 10)),
          Send(At(AddAt("lost", "a", 0, 1), "s", 3)),
          Send(AddAt("hundred", "a", 2, 100)),  // decides p2 and p3
          Retry("poor"),
          Discard("lost"),
          Send(PutAt("doc", "doc/1", 0, "v")),
          Send(PutAt("doc2", "doc/1", 5, "v")),  // parked
          Retire("doc/"),
          Send(Windowed(3)),
          Send(Windowed(1)),
          SetCursor("other", 40),
          Send(AddFrom("forty-one", "other", 41, "b", 1)),
          Send(Windowed(2))};
}

// A range of a temporary would be gone before its first element is looked at.
template <typename T>
T Copy(absl::StatusOr<T> list) {
  return *std::move(list);
}

// Everything that should be the same in the end.
std::string Describe(Ledger& ledger) {
  std::string text;
  for (const char* key : {"a", "b", "w", "doc/1"}) text += ToJson(ledger.Get(key).value()) + "\n";
  for (const ParkedChange& parked : Copy(ledger.ListParked())) text += "parked " + parked.change.id + "\n";
  for (const DeadLetter& letter : Copy(ledger.ListDeadLetters())) {
    text += "letter " + letter.id + " " + std::string(ToString(letter.outcome.code)) + "\n";
  }
  for (const SourceCursor& cursor : Copy(ledger.ListSources())) text += ToJson(cursor) + "\n";
  for (const std::string& prefix : Copy(ledger.ListRetired())) text += "retired " + prefix + "\n";
  return text;
}

Options ParkingOptions() {
  Options options;
  options.parking = true;
  options.max_dirty_bytes = 8192;  // checkpoints all along
  return options;
}

std::string Undisturbed(const std::vector<Step>& story) {
  SimDisk disk;
  auto ledger = OpenSim(&disk, ParkingOptions());
  for (const Step& step : story) EXPECT_TRUE(step(**ledger).ok());
  return Describe(**ledger);
}

// What an acknowledged answer may have become after the power came back.
bool Holds(const std::string& before, const std::string& again) {
  if (before == "APPLIED" || before == "DUPLICATE") {
    return again == "DUPLICATE" || again == kNotThere || again == "INDETERMINATE";  // a retried letter is gone; retired
  }
  if (before == "PARKED") return again == "PARKED" || again == "DUPLICATE" || again == "INDETERMINATE";
  if (before == "discarded") return again == kNotThere;
  return before == again || again == "DUPLICATE";  // a refusal, as it was; or its letter was retried since
}

TEST(HeldCrash, R39_PowerLossAtEveryCall_LosesNothingAcknowledged_AndTheStoryGoesOn) {
  const uint64_t seed = TestSeed();
  const std::vector<Step> story = Story();
  const std::string expected = Undisturbed(story);
  EXPECT_NE(expected.find("retired doc/"), std::string::npos);
  uint64_t call = 0;
  for (bool more = true; more;) {
    ++call;
    SimDisk disk;
    disk.files.InjectFault(call, Fault::kCrash);
    std::vector<std::string> answers;
    if (auto ledger = OpenSim(&disk, ParkingOptions()); ledger.ok()) {
      for (const Step& step : story) {
        const auto answer = step(**ledger);
        if (!answer.ok()) break;
        answers.push_back(*answer);
      }
    }
    more = disk.files.crashed();
    disk.files.Crash(seed + call);

    auto ledger = OpenSim(&disk, ParkingOptions());
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    for (size_t i = 0; i < story.size(); ++i) {
      const auto again = story[i](**ledger);
      ASSERT_TRUE(again.ok()) << again.status();
      if (i < answers.size()) {
        ASSERT_TRUE(Holds(answers[i], *again))
            << "step " << i << ": " << answers[i] << ", then " << *again << ", power loss in call " << call;
      }
    }
    ASSERT_EQ(Describe(**ledger), expected) << "power loss in call " << call;
    ASSERT_EQ((*ledger)->Verify()->fault, "");
  }
  std::printf("%llu power losses\n", static_cast<unsigned long long>(call - 1));
  EXPECT_GT(call, 50u);
}

}  // namespace
}  // namespace semel::testing
