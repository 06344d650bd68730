// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/model/random_operations.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace semel::testing {
namespace {

constexpr size_t kSentMax = 500;      // changes that may be delivered again after anything
constexpr uint64_t kTrimEvery = 250;  // operations, on average

Operation Application(const Change& change) { return {.kind = Operation::Kind::kApply, .change = change}; }

bool MaySucceed(const ModelLetter& letter) {
  const Outcome& outcome = letter.outcome;
  return outcome.code == OutcomeCode::kRejected ||
         (outcome.code == OutcomeCode::kConflict && outcome.conflict != Conflict::kTaken);
}

// Whether what a planned operation is about is still to be had, by the specification too.
bool IsThere(const Operation& operation, const ReferenceModel& model) {
  const auto letter = model.Letters().find(operation.number);
  return letter != model.Letters().end() && !letter->second.replaced;
}

}  // namespace

RandomOperations::RandomOperations(uint64_t seed, RandomOperationsOptions options)
    : random_(seed + 2), options_(options), changes_(seed, options.changes) {}

Operation RandomOperations::Next(const ReferenceModel& model) {
  if (options_.trims && random_.OneIn(kTrimEvery)) return Trim(model);
  if (options_.options_vary && random_.OneIn(60)) return OtherOptions();
  if (random_.OneIn(80) && !model.ParkedChanges().empty()) return GiveUpParked(model);
  if (random_.OneIn(60) && !model.ParkedChanges().empty()) PlanOvertaking(model);
  if (next_.empty() && random_.Below(60) < model.Letters().size()) PlanLetter(model);
  while (!next_.empty() && !random_.OneIn(4)) {
    const Operation operation = std::move(next_.front());
    next_.pop_front();
    if (operation.kind == Operation::Kind::kApply || IsThere(operation, model)) return Sent(operation);
  }
  if (random_.OneIn(2)) RedeliverAnything(1);
  return Sent(Application(changes_.Next(model)));
}

void RandomOperations::Observe(const ModelEvent& event) {
  Keep(event.change, kSentMax / 10, &fates_[{event.kind, event.outcome.code}]);
}

// Keeps some of what is sent.
Operation RandomOperations::Sent(const Operation& operation) {
  if (operation.kind != Operation::Kind::kApply) return operation;
  Keep(operation.change, kSentMax, &sent_);
  return operation;
}

// Past `most`, in place of another.
void RandomOperations::Keep(const Change& change, size_t most, std::vector<Change>* changes) {
  if (changes->size() < most) {
    changes->push_back(change);
  } else {
    (*changes)[random_.Below(most)] = change;
  }
}

void RandomOperations::RedeliverAnything(uint64_t count) {
  for (; count > 0; --count) {
    const std::vector<Change>* changes = &sent_;
    if (!fates_.empty() && !random_.OneIn(3)) {
      changes = &std::next(fates_.begin(), static_cast<std::ptrdiff_t>(random_.Below(fates_.size())))->second;
    }
    if (!changes->empty()) next_.push_back(Application((*changes)[random_.Below(changes->size())]));
  }
}

// ---- Dead letters and parked changes

// Retries a letter, mostly after something that makes a difference, or discards it; then its message comes again.
void RandomOperations::PlanLetter(const ReferenceModel& model) {
  const auto& [sequence, letter] = SomeLetter(model);
  Operation operation;
  operation.kind = MaySucceed(letter) == random_.OneIn(4) ? Operation::Kind::kDiscard : Operation::Kind::kRetry;
  operation.change = letter.change;
  operation.number = sequence;
  operation.name = letter.name;
  if (letter.replaced) return;
  if (operation.kind == Operation::Kind::kRetry) PrepareRetry(letter.change, model);
  next_.push_back(operation);
  for (uint64_t times = random_.Below(4); times > 0; --times) next_.push_back(Application(operation.change));
}

// Funds for what was rejected; or newer state; or the owner of the letter sends its intent again, by another way.
void RandomOperations::PrepareRetry(const Change& letter, const ReferenceModel& model) {
  if (letter.updates.empty() || random_.OneIn(3)) return;
  if (letter.updates[0].key == kPurse) {
    next_.push_back(Application(changes_.Funds(model)));
    return;
  }
  Change attempt = letter;
  attempt.source.reset();
  FreshenVersions(model, true, &attempt);
  for (Update& update : attempt.updates) {
    if (update.expect_balance) update.expect_balance = model.Latest(update.key).balance;
    if (update.newer) {
      update.Newer(*update.newer + 2).Put("newer");
      attempt.id = letter.id + "'";
    }
  }
  next_.push_back(Application(attempt));
}

// One that may succeed, if there is such a one; else any.
std::pair<uint64_t, ModelLetter> RandomOperations::SomeLetter(const ReferenceModel& model) {
  const auto& letters = model.Letters();
  auto letter = std::next(letters.begin(), static_cast<std::ptrdiff_t>(random_.Below(letters.size())));
  if (random_.OneIn(2)) return *letter;
  for (size_t i = 0; i < letters.size() && !MaySucceed(letter->second); ++i) {
    if (++letter == letters.end()) letter = letters.begin();
  }
  return *letter;
}

std::pair<uint64_t, Change> RandomOperations::SomeParked(const ReferenceModel& model) {
  const auto& lot = model.ParkedChanges();
  const auto parked = std::next(lot.begin(), static_cast<std::ptrdiff_t>(random_.Below(lot.size())));
  return {parked->first, parked->second.change};
}

Operation RandomOperations::GiveUpParked(const ReferenceModel& model) {
  const auto [sequence, change] = SomeParked(model);
  next_.push_back(Application(change));
  return {.kind = Operation::Kind::kDiscardParked, .change = change, .number = sequence};
}

// Another attempt of a parked change comes, one that is not early; and then the parked one again.
void RandomOperations::PlanOvertaking(const ReferenceModel& model) {
  const Change parked = SomeParked(model).second;
  Change attempt = parked;
  attempt.source.reset();
  for (Update& update : attempt.updates) {
    const uint64_t version = model.Latest(update.key).version;
    if (update.expect_version) update.expect_version = version;
    if (update.since) update.since = std::min(*update.since, version);
  }
  next_.push_front(Application(parked));
  next_.push_front(Application(attempt));
}

// ---- Trims and options

Operation RandomOperations::Trim(const ReferenceModel& model) {
  RedeliverAnything(random_.Below(24));
  const std::vector<std::string> keys = model.Keys();
  if (!options_.entity_trims || keys.empty() || random_.OneIn(2)) return {.kind = Operation::Kind::kTrim};
  return {.kind = Operation::Kind::kTrimEntity, .name = keys[random_.Below(keys.size())]};
}

Operation RandomOperations::OtherOptions() {
  constexpr uint64_t kLookbacks[] = {2, 3, 5, 20, 4096};
  constexpr uint64_t kParkMaxima[] = {0, 3, 8, 30};
  switch (random_.Below(3)) {
    case 0:
      return {.kind = Operation::Kind::kLookback, .number = kLookbacks[random_.Below(std::size(kLookbacks))]};
    case 1:
      return {.kind = Operation::Kind::kParkMax, .number = kParkMaxima[random_.Below(std::size(kParkMaxima))]};
    default:
      return {.kind = Operation::Kind::kReopen};
  }
}

}  // namespace semel::testing
