// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A consumer that does not wait: it hands over a source's messages one after the other, and one of them gets an error
// that passes (the next segment cannot be created). The cursor must not jump over it, or its redelivery would be taken
// for a position that was skipped.

#include <algorithm>
#include <string>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"

namespace semel::testing {
namespace {

constexpr uint64_t kBeforeRoll = 100;  // the first segment holds more than these
constexpr uint64_t kMessages = 165;    // and fewer than these

Change Message(uint64_t position) { return AddFrom("T-" + std::to_string(position), "feed", position, "a", 1); }

// Outcomes, or the error's name, of positions `first` to `last`.
std::vector<std::string> Deliver(Ledger* ledger, uint64_t first, uint64_t last) {
  std::vector<std::string> answers;
  for (uint64_t position = first; position <= last; ++position) {
    ledger->ApplyAsync(Message(position), [&](absl::StatusOr<Outcome> outcome) {
      answers.emplace_back(outcome.ok() ? std::string(ToString(outcome->code))
                                        : absl::StatusCodeToString(outcome.status().code()));
    });
  }
  return answers;
}

TEST(UndecidedPosition, AfterAnErrorThatPasses_LaterPositionsAreEarlyUntilItIsDelivered) {
  SimDisk calm;
  auto undisturbed = OpenSim(&calm);
  ASSERT_TRUE(undisturbed.ok());
  Deliver(undisturbed->get(), 1, kBeforeRoll);
  const uint64_t first_call = calm.files.calls() + 1;
  Deliver(undisturbed->get(), kBeforeRoll + 1, kMessages);
  const uint64_t last_call = calm.files.calls();

  uint64_t passed = 0;
  for (uint64_t call = first_call; call <= last_call; ++call) {
    SCOPED_TRACE("no space in call " + std::to_string(call));
    SimDisk disk;
    disk.files.InjectFault(call, Fault::kNoSpace);
    auto ledger = OpenSim(&disk);
    ASSERT_TRUE(ledger.ok());
    const std::vector<std::string> answers = Deliver(ledger->get(), 1, kMessages);
    const auto failed = std::find(answers.begin(), answers.end(), "RESOURCE_EXHAUSTED");
    if (failed == answers.end() || !(*ledger)->GetStats().ok()) continue;  // no roll was hit, or it is poisoned
    ++passed;
    for (auto later = failed + 1; later != answers.end(); ++later) ASSERT_EQ(*later, "EARLY");

    const uint64_t undecided = static_cast<uint64_t>(failed - answers.begin()) + 1;
    for (const std::string& answer : Deliver(ledger->get(), undecided, kMessages)) ASSERT_EQ(answer, "APPLIED");
    EXPECT_EQ((*ledger)->Get("a")->balance, kMessages);
  }
  EXPECT_GT(passed, 0u);
}

// A batch of several frames, one of which fails: the messages behind it were not even looked at.
TEST(UndecidedPosition, BehindAFrameThatFailed_LaterPositionsAreEarlyUntilTheyAreDelivered) {
  constexpr uint64_t kOthers = 5;
  std::vector<Change> batch;
  for (uint64_t position = 1; position <= kMessages; ++position) batch.push_back(Message(position));
  const auto other = [](uint64_t position) {
    return AddFrom("O-" + std::to_string(position), "other", position, "b", 1);
  };
  for (uint64_t position = 1; position <= kOthers; ++position) batch.push_back(other(position));
  Options options;
  options.max_frame_bytes = 4096;

  SimDisk calm;
  auto undisturbed = OpenSim(&calm, options);
  ASSERT_TRUE(undisturbed.ok());
  const uint64_t first_call = calm.files.calls() + 1;
  ASSERT_TRUE((*undisturbed)->ApplyBatch(batch).ok());
  const uint64_t last_call = calm.files.calls();

  uint64_t passed = 0;
  for (uint64_t call = first_call; call <= last_call; ++call) {
    SCOPED_TRACE("no space in call " + std::to_string(call));
    SimDisk disk;
    disk.files.InjectFault(call, Fault::kNoSpace);
    auto ledger = OpenSim(&disk, options);
    ASSERT_TRUE(ledger.ok());
    if ((*ledger)->ApplyBatch(batch).ok() || !(*ledger)->GetStats().ok()) continue;
    ++passed;
    const auto later = (*ledger)->Apply(other(kOthers + 1));
    ASSERT_TRUE(later.ok()) << later.status();
    EXPECT_EQ(later->code, OutcomeCode::kEarly);
    batch.push_back(other(kOthers + 1));
    ASSERT_TRUE((*ledger)->ApplyBatch(batch).ok());
    batch.pop_back();
    EXPECT_EQ((*ledger)->Get("a")->balance, kMessages);
    EXPECT_EQ((*ledger)->Get("b")->balance, kOthers + 1);
    EXPECT_EQ((*ledger)->Apply(other(kOthers + 2))->code, OutcomeCode::kApplied);
  }
  EXPECT_GT(passed, 0u);
}

}  // namespace
}  // namespace semel::testing
