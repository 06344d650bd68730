// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The drive loop over a broker in memory: whatever is lost or repeated, each message counts once.

#include "api/streams/runner.h"

#include <gtest/gtest.h>

#include <string>

#include "api/streams/decoder.h"
#include "tests/streams/fake_broker.h"

namespace semel::streams {
namespace {

// Anchored by a document of its own: fit for a queue.
std::string Payment(int number, int cents = 1) {
  return R"({"id":"p-)" + std::to_string(number) + R"(","updates":[{"key":"payment/)" + std::to_string(number) +
         R"(","expect_version":0,"put":""},{"key":"account","add":)" + std::to_string(cents) + "}]}";
}

// Anchored by its place in the stream only.
std::string Add(int number) {
  return R"({"id":"a-)" + std::to_string(number) + R"(","updates":[{"key":"account","add":1}]})";
}

std::string Step(int version) {
  return R"({"id":"s-)" + std::to_string(version) + R"(","updates":[{"key":"order","expect_version":)" +
         std::to_string(version) + R"(,"add":1}]})";
}

class RunnerTest : public testing::Test {
 protected:
  void SetUp() override { ledger_ = Ledger::OpenInMemory().value(); }

  absl::Status Run(RunOptions options = {}) {
    options.name = "fake";
    options.until_end = true;
    if (options.batch == 1000) options.batch = 7;
    OneLedger ledgers(ledger_.get());
    Runner runner(&ledgers, broker_.connect(), MakeDecoder(), std::move(options));
    absl::Status status = runner.Run();
    counts_ = runner.counts();
    return status;
  }

  uint64_t Count(OutcomeCode code) const { return counts_.by_code[static_cast<size_t>(code)]; }
  Amount Balance(const std::string& key = "account") { return ledger_->Get(key)->balance; }

  FakeBroker broker_;
  std::unique_ptr<Ledger> ledger_;
  RunCounts counts_;
};

TEST_F(RunnerTest, AcknowledgesWhatIsDurable) {
  for (int i = 0; i < 100; ++i) broker_.stored.push_back(Payment(i));
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(100, Balance());
  EXPECT_EQ(100u, broker_.acknowledged.size());
  EXPECT_EQ(100u, Count(OutcomeCode::kApplied));
}

TEST_F(RunnerTest, AppliesOnceWhereTheConnectionIsLostBetweenCommitAndAcknowledgement) {
  for (int i = 0; i < 100; ++i) broker_.stored.push_back(Payment(i));
  for (int at = 1; at <= 15; ++at) {
    ledger_ = Ledger::OpenInMemory().value();
    broker_.acknowledged.clear();
    broker_.lose_at_commit = at;
    ASSERT_TRUE(Run().ok());
    EXPECT_EQ(100, Balance()) << at;
    EXPECT_EQ(1u, counts_.reconnects);
    EXPECT_GT(Count(OutcomeCode::kDuplicate), 0u);
  }
}

TEST_F(RunnerTest, AQueueMayRedeliverInAnyOrder) {
  for (int i = 0; i < 50; ++i) broker_.stored.push_back(Payment(i));
  broker_.lose_at_commit = 3;
  broker_.shuffled = true;
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(50, Balance());
}

TEST_F(RunnerTest, ALogGoesOnBehindTheLedgersCursor) {
  broker_.positions = true;
  for (int i = 0; i < 50; ++i) broker_.stored.push_back(Add(i));
  broker_.lose_at_commit = 2;
  broker_.lose_at_poll = 5;
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(50, Balance());
  EXPECT_EQ(50u, broker_.deliveries) << "nothing that the ledger has is asked for again";
}

TEST_F(RunnerTest, RefusesALogThatWasMadeAnew) {
  broker_.positions = true;
  for (int i = 0; i < 5; ++i) broker_.stored.push_back(Add(i));
  ASSERT_TRUE(Run().ok());
  broker_.stored.resize(2);
  EXPECT_EQ(absl::StatusCode::kFailedPrecondition, Run().code());
}

TEST_F(RunnerTest, RefusesALogThatHasLostWhatWasNotConsumed) {
  broker_.positions = true;
  for (int i = 0; i < 5; ++i) broker_.stored.push_back(Add(i));
  ASSERT_TRUE(Run().ok());
  for (int i = 5; i < 9; ++i) broker_.stored.push_back(Add(i));
  broker_.deleted = 6;
  EXPECT_EQ(absl::StatusCode::kFailedPrecondition, Run().code());
  broker_.deleted = 5;
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(9, Balance());
}

TEST_F(RunnerTest, EarlyMessagesComeAgain) {
  for (int version : {2, 1, 0}) broker_.stored.push_back(Step(version));
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(3, Balance("order"));
  EXPECT_GT(Count(OutcomeCode::kEarly), 0u);
}

TEST_F(RunnerTest, EarlyMessagesAreParkedOnRequest) {
  for (int version : {2, 1, 0}) broker_.stored.push_back(Step(version));
  RunOptions options;
  options.park = true;
  ASSERT_TRUE(Run(options).ok());
  EXPECT_EQ(3, Balance("order"));
  EXPECT_EQ(2u, Count(OutcomeCode::kParked));
  EXPECT_EQ(3u, broker_.deliveries);
}

TEST_F(RunnerTest, AnEarlyMessageOfALogStopsWhatIsBehindIt) {
  broker_.positions = true;
  broker_.stored = {Step(1), Add(1), Add(2)};
  RunOptions options;
  int polls = 0;
  options.on_progress = [&polls](const RunCounts&, std::optional<uint64_t>) { ++polls; };
  options.stop = [&polls] { return polls == 2; };
  ASSERT_TRUE(Run(options).ok());
  EXPECT_EQ(0, Balance());
  EXPECT_EQ(6u, Count(OutcomeCode::kEarly));
}

TEST_F(RunnerTest, PoisonOfALogIsADeadLetterOfItsPosition) {
  broker_.positions = true;
  broker_.stored = {Add(1), "{poison", Add(2)};
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(2, Balance());
  const std::vector<DeadLetter> letters = ledger_->ListDeadLetters().value();
  ASSERT_EQ(1u, letters.size());
  EXPECT_EQ("{poison", letters[0].original);
  EXPECT_EQ("fake", letters[0].source->name);
}

TEST_F(RunnerTest, PoisonOfAQueueIsKeptTooAndThenRefused) {
  broker_.stored = {Payment(1), "{poison", R"({"id":"x","updates":[{"key":"account","add":5}]})", Payment(2)};
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(2, Balance()) << "a change that nothing anchors is not applied by being kept";
  const std::vector<DeadLetter> letters = ledger_->ListDeadLetters().value();
  ASSERT_EQ(2u, letters.size());
  EXPECT_EQ("refused:fake", letters[0].source->name);
  EXPECT_EQ("{poison", letters[0].original);
  EXPECT_EQ(2u, broker_.refused.size());
  EXPECT_EQ(4u, broker_.acknowledged.size());
}

TEST_F(RunnerTest, RefusedMessagesAreSentOnBeforeTheyAreSettled) {
  broker_.stored = {"{poison"};
  RunOptions options;
  options.forward_refused = [](const std::vector<Message>&) { return absl::AbortedError("no room"); };
  EXPECT_EQ(absl::StatusCode::kAborted, Run(options).code());
  EXPECT_TRUE(broker_.acknowledged.empty());
}

TEST_F(RunnerTest, TombstonesArePassedBy) {
  broker_.positions = true;
  broker_.stored = {Add(1), "", Add(2)};
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(2, Balance());
  EXPECT_EQ(1u, counts_.passed);
}

// A consumer that was thought dead still holds messages which its successor has consumed.
TEST_F(RunnerTest, AZombieDoesNoHarm) {
  broker_.positions = true;
  for (int i = 0; i < 20; ++i) broker_.stored.push_back(Add(i));
  const Cursors cursors = [this](std::string_view source) { return ledger_->GetSource(source); };
  FakeBroker zombies_view = broker_;
  ASSERT_TRUE(Run().ok());
  const Connect from_the_beginning = [&](const Cursors&) -> absl::StatusOr<std::unique_ptr<Consumer>> {
    return std::make_unique<FakeConsumer>(&zombies_view, 0);
  };
  RunOptions options;
  options.name = "fake";
  options.until_end = true;
  OneLedger ledgers(ledger_.get());
  Runner zombie(&ledgers, from_the_beginning, MakeDecoder(), options);
  ASSERT_TRUE(zombie.Run().ok());
  EXPECT_EQ(20, Balance());
  EXPECT_EQ(20u, zombie.counts().by_code[static_cast<size_t>(OutcomeCode::kDuplicate)]);
}

TEST_F(RunnerTest, AFullStoreOfLettersStopsIntakeAndAcknowledgesNothing) {
  Options options;
  options.max_dead_letters = 1;
  ledger_ = Ledger::OpenInMemory(options).value();
  broker_.positions = true;
  broker_.stored = {"{poison", "{poison too"};
  EXPECT_EQ(absl::StatusCode::kResourceExhausted, Run().code());
  EXPECT_TRUE(broker_.acknowledged.empty());
}

TEST_F(RunnerTest, EndsAfterTheLimit) {
  for (int i = 0; i < 20; ++i) broker_.stored.push_back(Payment(i));
  RunOptions options;
  options.max_messages = 10;
  ASSERT_TRUE(Run(options).ok());
  EXPECT_EQ(10, Balance());
}

TEST_F(RunnerTest, GivesUpConnectingWhenToldTo) {
  int attempts = 0;
  const Connect never = [&attempts](const Cursors&) -> absl::StatusOr<std::unique_ptr<Consumer>> {
    ++attempts;
    return absl::UnavailableError("no broker");
  };
  RunOptions options;
  options.give_up_after = std::chrono::milliseconds(300);
  OneLedger ledgers(ledger_.get());
  Runner runner(&ledgers, never, MakeDecoder(), options);
  EXPECT_EQ(absl::StatusCode::kUnavailable, runner.Run().code());
  EXPECT_GT(attempts, 1);
}

}  // namespace
}  // namespace semel::streams
