// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/ledger/model_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace semel::testing {
namespace {

ModelOptions SomeOptions(Random* random) {
  constexpr uint64_t kLookbacks[] = {3, 20, 4096};
  constexpr uint64_t kParkMaxima[] = {1, 3, 8, 100};
  ModelOptions options;
  options.balance_lookback = kLookbacks[random->Below(std::size(kLookbacks))];
  options.explicit_entities = random->OneIn(5);
  options.parking = !random->OneIn(3);
  options.park_max = kParkMaxima[random->Below(std::size(kParkMaxima))];
  return options;
}

RandomOperationsOptions StreamOptions(uint64_t seed) {
  RandomOperationsOptions options;
  options.changes.keys = 1 + static_cast<int>(seed % 4);
  options.trims = false;  // the run has its own
  return options;
}

}  // namespace

ModelRun::ModelRun(uint64_t seed)
    : random_(seed + 1),
      options_(SomeOptions(&random_)),
      model_(options_),
      stream_(seed, StreamOptions(seed)),
      before_(model_) {}

Options ModelRun::DecidingOptions() {
  if (random_.OneIn(3)) options_ = SomeOptions(&random_);
  Options options;
  options.create_if_missing = true;
  options.balance_lookback = static_cast<uint32_t>(options_.balance_lookback);
  options.explicit_entities = options_.explicit_entities;
  options.parking = options_.parking;
  options.parking_changes = options_.park_max;
  options.on_unparked = [this](const Change& change, const Outcome& outcome) {
    unparked_.push_back({change, outcome});
  };
  return options;
}

// ---- Applying

absl::Status ModelRun::Apply(Ledger* ledger, uint64_t most) {
  FollowFloor(ledger);
  before_ = model_;
  MakeSteps(random_.Between(1, most));
  answers_ = Submit(ledger);
  changes_ += answers_.outcomes.size();
  return answers_.status;
}

// Changes, to be handed over by one kind of calls; or one operation.
void ModelRun::MakeSteps(uint64_t count) {
  std::vector<Change> changes = std::exchange(redelivered_, {});
  count = std::max<uint64_t>(count, changes.size());
  std::optional<bool> park;
  if (random_.OneIn(8)) park = random_.OneIn(2);
  steps_.clear();
  unparked_wanted_.clear();
  while (steps_.size() < count) {
    Operation operation;
    if (steps_.size() < changes.size()) {
      operation.change = std::move(changes[steps_.size()]);
    } else {
      operation = NextOperation();
    }
    const bool is_change = operation.kind == Operation::Kind::kApply;
    if (!is_change && !steps_.empty()) {
      postponed_ = std::move(operation);
      break;
    }
    operation.park = park;
    MakeStep(std::move(operation));
    if (!is_change) break;
  }
}

Operation ModelRun::NextOperation() {
  if (postponed_) return *std::exchange(postponed_, std::nullopt);
  return stream_.Next(model_);
}

void ModelRun::MakeStep(Operation operation) {
  Step step;
  const uint64_t letters = model_.Letters().size();
  const std::optional<Outcome> outcome = Run(operation, &model_);
  if (operation.kind == Operation::Kind::kRetry) retried_ += letters - model_.Letters().size();
  const std::vector<ModelEvent> events = model_.TakeEvents();
  for (const ModelEvent& event : events) {
    stream_.Observe(event);
    ExpectEvent(event);
  }
  step.wanted = outcome ? *outcome : events.front().outcome;
  step.operation = std::move(operation);
  step.sequence_after = model_.sequence();
  steps_.push_back(std::move(step));
}

// What the event must leave in the journal, and what must be told of it.
void ModelRun::ExpectEvent(const ModelEvent& event) {
  if (event.held != 0 && event.outcome.settled() && event.change.source) {
    settled_later_[event.change.source->name][event.change.source->position] = event.sequence;
  }
  if (event.sequence == expected_.size()) {  // shares the entry of another attempt
    expected_.back().parked = event.held;
    return;
  }
  if (event.kind == ModelEvent::Kind::kParkedDecided) unparked_wanted_.push_back({event.change, event.outcome});
  expected_.push_back(EntryOf(event));
  for (const JournalEffect& effect : expected_.back().effects) versions_[effect.key].push_back(event.sequence);
}

// As the journal shows it, but in the model's numbers.
JournalEntry ModelRun::EntryOf(const ModelEvent& event) const {
  JournalEntry entry;
  switch (event.kind) {
    case ModelEvent::Kind::kMessage:
      if (event.change.source) {
        const SourcePosition& source = *event.change.source;
        entry.source = SourcePosition{source.name, source.position, std::nullopt, source.incarnation, 0};
      }
      break;
    case ModelEvent::Kind::kParkedDecided:
    case ModelEvent::Kind::kParkedDiscarded:
      entry.parked = event.held;
      break;
    case ModelEvent::Kind::kLetterRetried:
      entry.letter = event.held;
      break;
    case ModelEvent::Kind::kLetterDiscarded:
      entry.letter = event.held;
      return entry;
  }
  entry.outcome = event.outcome.code;
  entry.id = event.change.id;
  entry.fingerprint = FingerprintOf(event.change);
  entry.balanced = event.change.balanced;
  for (const Update& update : event.change.updates) {
    if (!event.outcome.applied() || update.action == Action::kCheck) continue;
    const Entity entity = model_.AsOf(update.key, event.sequence);
    JournalEffect& effect = entry.effects.emplace_back();
    effect.key = update.key;
    effect.action = update.action;
    effect.version = entity.version;
    effect.balance = entity.balance;
    effect.amount = update.amount;
    if (update.action == Action::kPut) effect.value = update.value;
    if (update.action == Action::kSetPolicy) effect.policy = entity.policy;
    effect.stamp = update.newer;
    effect.deleted = entity.deleted;
  }
  return entry;
}

ModelRun::Answers ModelRun::Submit(Ledger* ledger) {
  if (steps_[0].operation.kind != Operation::Kind::kApply) return SubmitOperation(ledger, steps_[0]);
  switch (random_.Below(4)) {
    case 0:
      return SubmitOneByOne(ledger);
    case 1:
      return SubmitAsync(ledger);
    default:
      return SubmitBatch(ledger);
  }
}

ModelRun::Answers ModelRun::SubmitOperation(Ledger* ledger, const Step& step) const {
  Answers answers;
  answers.attempted = 1;
  answers.one_frame = true;
  const uint64_t number = LedgerNumber(step.operation.number);
  absl::StatusOr<Outcome> outcome = step.wanted;
  if (step.operation.kind == Operation::Kind::kRetry) {
    outcome = ledger->RetryDeadLetter(number);
  } else if (step.operation.kind == Operation::Kind::kDiscardParked) {
    outcome = ledger->DiscardParked(number);
  } else {
    answers.status = ledger->DiscardDeadLetter(number);
  }
  answers.status.Update(outcome.status());
  if (answers.status.ok()) answers.outcomes.push_back(*std::move(outcome));
  return answers;
}

ModelRun::Answers ModelRun::SubmitBatch(Ledger* ledger) const {
  std::vector<Change> changes;
  for (const Step& step : steps_) changes.push_back(step.operation.change);
  Answers answers;
  answers.attempted = changes.size();
  answers.one_frame = true;
  auto outcomes = ledger->ApplyBatch(changes, {steps_[0].operation.park});
  answers.status = outcomes.status();
  if (outcomes.ok()) answers.outcomes = *std::move(outcomes);
  return answers;
}

ModelRun::Answers ModelRun::SubmitOneByOne(Ledger* ledger) const {
  Answers answers;
  for (size_t i = 0; i < steps_.size() && answers.status.ok(); ++i) {
    auto outcome = ledger->Apply(steps_[i].operation.change, {steps_[0].operation.park});
    ++answers.attempted;
    answers.status = outcome.status();
    if (outcome.ok()) answers.outcomes.push_back(*std::move(outcome));
  }
  return answers;
}

ModelRun::Answers ModelRun::SubmitAsync(Ledger* ledger) const {
  std::mutex mutex;
  std::condition_variable changed;
  size_t answered = 0;
  Answers answers;
  answers.attempted = steps_.size();
  for (size_t i = 0; i < steps_.size(); ++i) {
    const auto done = [&, i](absl::StatusOr<Outcome> outcome) {
      const std::lock_guard<std::mutex> lock(mutex);
      EXPECT_EQ(answered, i) << "answers come in the order of the calls";
      ++answered;
      const bool failed = !answers.status.ok();
      EXPECT_FALSE(failed && outcome.ok() && outcome->applied()) << "applied after " << answers.status;
      answers.status.Update(outcome.status());
      if (answers.status.ok()) answers.outcomes.push_back(*std::move(outcome));
      changed.notify_all();
    };
    ledger->ApplyAsync(steps_[i].operation.change, done, {steps_[0].operation.park});
  }
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [&] { return answered == steps_.size(); });
  return answers;
}

// ---- Trimming

absl::Status ModelRun::Trim(Ledger* ledger) {
  trimming_ = true;
  floor_before_trim_ = floor_lsn_;
  trim_ = ledger->Trim(SomeTrim());
  return trim_.status();
}

void ModelRun::CompareTrim(Ledger* ledger) {
  ReadJournalOn(ledger);
  FollowFloor(ledger);
  ASSERT_TRUE(trim_.ok());
  EXPECT_EQ(trim_->floor_lsn, floor_lsn_);
  EXPECT_EQ(trim_->held_by, "");
  if (floor_lsn_ > floor_before_trim_) {
    trimming_ = false;
    ++trimmed_;
  }
  stream_.RedeliverAnything(random_.Below(24));
}

// Of everything, up to some entry or time, or of all but so many bytes.
TrimOptions ModelRun::SomeTrim() {
  TrimOptions options;
  options.seal = random_.OneIn(2);
  const bool something = !journal_.empty();
  switch (random_.Below(4)) {
    case 0:
      options.keep_bytes = random_.Below(journal_end_ + 1);
      break;
    case 1:
      options.before_lsn = something ? journal_[random_.Below(journal_.size())].lsn + random_.Below(2) : 0;
      break;
    case 2:
      options.before_time_us = something ? journal_[random_.Below(journal_.size())].commit_time_us : 0;
      break;
    default:
      options.before_lsn = journal_end_;
  }
  return options;
}

// What the ledger has trimmed is below the model's floor, too.
void ModelRun::FollowFloor(Ledger* ledger) {
  const auto answerable = ledger->AnswerableSince("never");
  ASSERT_TRUE(answerable.ok()) << answerable.status();
  EXPECT_GE(answerable->floor_lsn, floor_lsn_) << "the floor fell";
  floor_lsn_ = answerable->floor_lsn;
  if (floor_lsn_ == 0) return;
  model_.Trim(EntriesUpToLsn(floor_lsn_ - 1));
}

// ---- Opening again

void ModelRun::Reopened(Ledger* ledger) {
  GoBackTo(CountEntries(ledger));
  if (::testing::Test::HasFailure()) return;
  unparked_wanted_.clear();  // what was to be told may have been lost with the process
  unparked_.clear();
  CompareAnswers(ledger);
  FollowFloor(ledger);
  if (random_.OneIn(2)) RedeliverLater();
  model_.SetOptions(options_);
  model_.Reopen();
  before_ = model_;
  steps_.clear();
  postponed_.reset();
  answers_ = Answers();
  std::fill(std::begin(answered_), std::end(answered_), 0);
}

void ModelRun::RedeliverLater() {
  for (Step& step : steps_) {
    if (step.operation.kind == Operation::Kind::kApply) redelivered_.push_back(std::move(step.operation.change));
  }
}

// Of the model, that the journal holds.
uint64_t ModelRun::CountEntries(Ledger* ledger) const {
  uint64_t count = journal_.size();
  const auto end = ledger->ReadJournal(journal_end_, [&](const JournalEntry& entry) {
    count += !IsOperators(entry);
    return true;
  });
  EXPECT_TRUE(end.ok()) << end.status();
  return count;
}

// The model at the prefix of the last call that made `sequence` entries.
void ModelRun::GoBackTo(uint64_t sequence) {
  const size_t acknowledged = answers_.outcomes.size();
  const auto sequence_after = [&](size_t steps) {
    return steps == 0 ? before_.sequence() : steps_[steps - 1].sequence_after;
  };
  const uint64_t least = sequence_after(acknowledged);
  const uint64_t most = sequence_after(answers_.attempted);
  ASSERT_GE(sequence, least) << "something acknowledged is lost";
  ASSERT_LE(sequence, most) << "something is there that was not asked for";
  ASSERT_GE(sequence, journal_.size()) << "something is lost that was read";
  if (answers_.one_frame) {
    ASSERT_TRUE(sequence == least || sequence == most) << "a frame is there in part";
  }
  if (!answers_.status.ok()) ++(sequence == least ? lost_ : kept_);

  model_ = before_;
  for (size_t i = 0; i < acknowledged || model_.sequence() < sequence; ++i) Run(steps_[i].operation, &model_);
  ASSERT_EQ(model_.sequence(), sequence);
  model_.TakeEvents();
  expected_.resize(sequence);
  for (auto& [key, sequences] : versions_) {
    while (!sequences.empty() && sequences.back() > sequence) sequences.pop_back();
  }
  for (auto& [source, settled] : settled_later_) {
    std::erase_if(settled, [&](const auto& position) { return position.second > sequence; });
  }
}

}  // namespace semel::testing
