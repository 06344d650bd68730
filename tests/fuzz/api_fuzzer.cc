// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A ledger beside the reference model, driven by bytes: changes new and delivered again, dead letters retried and
// discarded, parked changes given up, checkpoints, reopenings and power losses. Answers and states must be the model's.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "tests/ledger/sim_world.h"
#include "tests/model/reference_model.h"

namespace semel::testing {
namespace {

constexpr size_t kOperationsMax = 200;
const HeldOptions kAll = {.limit = 0};

// The input, byte by byte; zeros at its end.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool done() const { return at_ == size_; }
  uint8_t Byte() { return done() ? 0 : data_[at_++]; }
  uint64_t Below(uint64_t n) { return Byte() % n; }
  bool OneIn(uint64_t n) { return Below(n) == n - 1; }

 private:
  const uint8_t* const data_;
  const size_t size_;
  size_t at_ = 0;
};

Amount SomeAmount(Input* in) {
  constexpr Amount kMin = std::numeric_limits<Amount>::min();
  constexpr Amount kMax = std::numeric_limits<Amount>::max();
  const Amount amounts[] = {1, -1, 5, -5, 0, 100, -100, kMax, kMin, kMax - 4, Amount{1} << 64, -(Amount{1} << 63)};
  return amounts[in->Below(std::size(amounts))];
}

// A number near `present`, mostly.
uint64_t Near(uint64_t present, Input* in) {
  const uint64_t choice = in->Below(12);
  if (choice == 11) return std::numeric_limits<uint64_t>::max();
  if (choice >= 7) return present;
  return present + choice < 3 ? 0 : present + choice - 3;
}

Policy SomePolicy(Input* in) {
  Policy policy;
  if (in->OneIn(2)) policy.asset = in->OneIn(2) ? "EUR" : "USD";
  if (in->OneIn(2)) policy.min_balance = SomeAmount(in);
  if (in->OneIn(4)) policy.max_balance = SomeAmount(in);
  if (in->OneIn(4)) policy.closed = in->OneIn(2);
  return policy;
}

void AddUpdate(const ReferenceModel& model, Input* in, Change* change) {
  Update& update = change->AddUpdate("k" + std::to_string(in->Below(4)));
  const Entity entity = model.Latest(update.key);
  const uint8_t demands = in->Byte();
  if ((demands & 3) == 1) update.ExpectVersion(Near(entity.version, in));
  if ((demands & 3) == 2) update.ExpectBalance(in->OneIn(4) ? SomeAmount(in) : entity.balance);
  if ((demands & 15) == 15) update.Newer(in->Below(8));
  if ((demands & 48) == 48) update.Since(Near(entity.version, in));
  switch (in->Below(10)) {
    case 0:
      update.Delete();
      break;
    case 1:
      update.Check();
      break;
    case 2:
      update.SetPolicy(SomePolicy(in));
      break;
    case 3:
    case 4:
      update.Put(std::string(in->Below(3), 'v'));
      break;
    case 5:
      break;  // no action
    default:
      update.Add(SomeAmount(in));
  }
}

SourcePosition SomeSource(const ReferenceModel& model, Input* in) {
  SourcePosition source;
  source.name = "s" + std::to_string(in->Below(3));
  const std::optional<SourceCursor> cursor = model.LatestSource(source.name);
  source.position = Near(cursor.has_value() ? cursor->position + 1 : 1, in);
  if (source.name == "s1" && in->Below(8) != 0) source.previous = source.position - 1;
  if (source.name == "s2" && in->Below(8) != 0) source.window = 8;
  if (in->OneIn(16)) source.incarnation = "b";
  return source;
}

Change SomeChange(const ReferenceModel& model, Input* in) {
  const uint64_t id = in->Below(24);
  Change change(id == 0 ? "" : "i" + std::to_string(id));
  if (in->OneIn(3)) change.source = SomeSource(model, in);
  change.balanced = in->OneIn(6);
  for (uint64_t count = 1 + in->Below(8) / 3; count > 0; --count) AddUpdate(model, in, &change);
  return change;
}

class Run {
 public:
  explicit Run(Input* in) : in_(in), model_(TakeOptions()) { Open(); }

  void Step() {
    const uint64_t choice = in_->Below(20);
    if (choice < 12) {
      Deliver(SomeChange(model_, in_));
    } else if (choice < 15) {
      if (!sent_.empty()) Deliver(sent_[in_->Below(sent_.size())]);
    } else if (choice == 15) {
      RetryLetter();
    } else if (choice == 16) {
      DiscardLetter();
    } else if (choice == 17) {
      DiscardParked();
    } else if (choice == 18) {
      SEMEL_CHECK(ledger_->Checkpoint().ok());
    } else {
      Reopen();
    }
    CheckUnparked();
  }

  void CheckEverything() {
    for (const std::string& key : model_.Keys()) {
      const Entity wanted = model_.Latest(key);
      const Entity shown = ledger_->Get(key).value();
      SEMEL_CHECK(shown.version == wanted.version && shown.balance == wanted.balance);
      SEMEL_CHECK(shown.value == wanted.value && shown.deleted == wanted.deleted && shown.policy == wanted.policy);
    }
    for (const std::string& name : model_.Sources()) {
      const auto wanted = model_.LatestSource(name);
      const auto shown = ledger_->GetSource(name).value();
      SEMEL_CHECK(shown.has_value() == wanted.has_value());
      SEMEL_CHECK(!wanted.has_value() || (shown->position == wanted->position && shown->window == wanted->window));
    }
    SEMEL_CHECK(ledger_->ListParked(kAll).value().size() == model_.ParkedChanges().size());
    SEMEL_CHECK(ledger_->ListDeadLetters(kAll).value().size() == model_.Letters().size());
    SEMEL_CHECK(ledger_->Verify().value().fault.empty());
  }

 private:
  ModelOptions TakeOptions() {
    ModelOptions options;
    options.balance_lookback = in_->OneIn(3) ? 3 : 4096;
    options.explicit_entities = in_->OneIn(5);
    options.parking = in_->OneIn(2);
    options.park_max = 1 + in_->Below(4);
    return options;
  }

  void Open() {
    Options options;
    options.balance_lookback = static_cast<uint32_t>(model_.options().balance_lookback);
    options.explicit_entities = model_.options().explicit_entities;
    options.parking = model_.options().parking;
    options.parking_changes = model_.options().park_max;
    options.on_unparked = [this](const Change&, const Outcome& outcome) { unparked_.push_back(outcome); };
    auto opened = OpenSim(&disk_, options);
    SEMEL_CHECK(opened.ok());
    ledger_ = *std::move(opened);
  }

  // Closed, left as by a killed process, or after a power loss; nothing is in flight, so nothing may be lost.
  void Reopen() {
    const uint64_t how = in_->Below(3);
    if (how == 0) SEMEL_CHECK(ledger_->Close().ok());
    ledger_.reset();
    if (how == 2) disk_.files.Crash(in_->Byte());
    Open();
    model_.Reopen();
    CheckEverything();
  }

  void Deliver(const Change& change) {
    std::optional<bool> park;
    if (in_->OneIn(6)) park = in_->OneIn(2);
    const auto shown = ledger_->Apply(change, {park});
    SEMEL_CHECK(shown.ok());
    CheckSame(*shown, model_.Apply(change, park));
    if (sent_.size() < 64) sent_.push_back(change);
  }

  void RetryLetter() {
    if (model_.Letters().empty()) return;
    const uint64_t i = in_->Below(model_.Letters().size());
    const auto shown = ledger_->RetryDeadLetter(ledger_->ListDeadLetters(kAll).value()[i].sequence);
    SEMEL_CHECK(shown.ok());
    CheckSame(*shown, model_.Retry(std::next(model_.Letters().begin(), static_cast<ptrdiff_t>(i))->first));
  }

  void DiscardLetter() {
    if (model_.Letters().empty()) return;
    const uint64_t i = in_->Below(model_.Letters().size());
    SEMEL_CHECK(ledger_->DiscardDeadLetter(ledger_->ListDeadLetters(kAll).value()[i].sequence).ok());
    model_.Discard(std::next(model_.Letters().begin(), static_cast<ptrdiff_t>(i))->first);
  }

  void DiscardParked() {
    if (model_.ParkedChanges().empty()) return;
    const uint64_t i = in_->Below(model_.ParkedChanges().size());
    const auto shown = ledger_->DiscardParked(ledger_->ListParked(kAll).value()[i].sequence);
    SEMEL_CHECK(shown.ok());
    CheckSame(*shown,
              model_.DiscardParked(std::next(model_.ParkedChanges().begin(), static_cast<ptrdiff_t>(i))->first));
  }

  // What was parked and decided by the step, in order.
  void CheckUnparked() {
    std::vector<Outcome> wanted;
    uint64_t last = 0;
    for (const ModelEvent& event : model_.TakeEvents()) {
      const bool has_entry_of_its_own = event.sequence != std::exchange(last, event.sequence);
      if (event.kind == ModelEvent::Kind::kParkedDecided && has_entry_of_its_own) wanted.push_back(event.outcome);
    }
    SEMEL_CHECK(unparked_.size() == wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) CheckSame(unparked_[i], wanted[i]);
    unparked_.clear();
  }

  // The ledger numbers more entries than the model, as what operators do has some; one number must always mean the
  // same.
  void CheckSame(const Outcome& shown, const Outcome& wanted) {
    SEMEL_CHECK(shown.code == wanted.code && shown.rule == wanted.rule && shown.conflict == wanted.conflict);
    SEMEL_CHECK(shown.updates.size() == wanted.updates.size());
    for (size_t i = 0; i < wanted.updates.size(); ++i) {
      SEMEL_CHECK(shown.updates[i].version == wanted.updates[i].version);
      SEMEL_CHECK(shown.updates[i].balance == wanted.updates[i].balance);
    }
    SEMEL_CHECK((shown.sequence == 0) == (wanted.sequence == 0));
    SEMEL_CHECK(sequences_.try_emplace(wanted.sequence, shown.sequence).first->second == shown.sequence);
  }

  Input* const in_;
  ReferenceModel model_;
  SimDisk disk_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<Change> sent_;
  std::vector<Outcome> unparked_;           // as the ledger called, since the last step
  std::map<uint64_t, uint64_t> sequences_;  // the model's numbers of entries, and the ledger's
};

}  // namespace
}  // namespace semel::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  semel::testing::Input in(data, size);
  semel::testing::Run run(&in);
  for (size_t i = 0; i < semel::testing::kOperationsMax && !in.done(); ++i) run.Step();
  run.CheckEverything();
  return 0;
}
