// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/faults/script.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/show_ledger.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

constexpr uint64_t kBanks = 4;

std::string Bank(uint64_t i) { return absl::StrCat("bank/", i); }

// Makes changes each of which is answered the same in any life that has seen those before it.
class ScriptMaker {
 public:
  ScriptMaker(uint64_t seed, const ScriptOptions& options) : random_(seed), options_(options) {}

  Script Make() {
    MakeOptions();
    MakePolicies();
    while (script_.changes.size() < options_.changes) {
      MakeChanges();
      if (random_.OneIn(4)) MakeUpkeep();
    }
    SettleRefused();
    return std::move(script_);
  }

 private:
  void MakeOptions() {
    Options& options = script_.options;
    options.create_if_missing = true;
    options.parking = true;
    options.segment_bytes = size_t{4096} << random_.Below(2);
    options.state_map_bytes = size_t{8} << 20;
    options.cache_bytes = size_t{4096} << random_.Below(8);
    options.journal_cache_bytes = size_t{1} << 20;
    if (options_.upkeep && random_.OneIn(3)) {
      options.keep_journal_bytes = random_.Between(1, 4) * options.segment_bytes;  // checkpoints and trims by itself
      script_.trims = true;
    }
  }

  void MakePolicies() {
    Policy policy;
    policy.min_balance = 0;
    for (int i = 0; i < kPoor; ++i) Add(PolicyAt(NextId(), Poor(i), versions_[Poor(i)]++, policy));
    Flush(Act::kBatch);
  }

  void MakeChanges() {
    if (options_.threads && random_.OneIn(3)) {
      MakeThreads();
      return;
    }
    const uint64_t count = random_.Between(1, 8);
    for (uint64_t i = 0; i < count; ++i) MakeChange();
    constexpr Act kActs[] = {Act::kApply, Act::kApply, Act::kBatch, Act::kAsync};
    Flush(kActs[random_.Below(4)]);
  }

  void MakeChange() {
    const std::string account = absl::StrCat("account/", random_.Below(4));
    switch (random_.Below(9)) {
      case 0:
        Add(AddAt(NextId(), account, versions_[account]++, static_cast<Amount>(random_.Below(100))));
        return;
      case 1:
      case 2:
        MakeTransfer();
        return;
      case 3:
        ++versions_[account];
        Add(AddFrom(NextId(), "source", NextPosition(), account, 1));
        return;
      case 4: {
        const std::string key = absl::StrCat("document/", random_.Below(3));
        const uint64_t version = versions_[key]++;
        const bool deletes = version % 4 == 3;
        // Sometimes more than a segment holds.
        const size_t size = random_.OneIn(12) ? 9000 : random_.Below(700);
        Add(deletes ? DeleteAt(NextId(), key, version) : PutAt(NextId(), key, version, random_.Bytes(size)));
        return;
      }
      case 5:  // refused: a dead letter
        Add(AddFrom(NextId(), "source", NextPosition(), Poor(random_.Below(kPoor)), -5));
        return;
      case 6:  // early, then its predecessors
        MakeLate(absl::StrCat("late/", script_.changes.size()));
        return;
      case 7:  // taken
        if (versions_[account] > 0) Add(AddAt(NextId(), account, versions_[account] - 1, 7));
        return;
      default:  // a redelivery
        Add(Change(script_.changes[random_.Below(script_.changes.size())]));
        return;
    }
  }

  void MakeTransfer() {
    const uint64_t from = random_.Below(kBanks);
    const uint64_t to = (from + random_.Between(1, kBanks - 1)) % kBanks;
    Add(Transfer(NextId(), Bank(from), Bank(to), static_cast<Amount>(random_.Below(1000))));
  }

  void MakeLate(const std::string& key) {
    Add(AddAt(NextId(), key, 2, 1));
    Add(AddAt(NextId(), key, 1, 1));
    if (!random_.OneIn(4)) Add(AddAt(NextId(), key, 0, 1));  // otherwise they stay parked
  }

  // Each thread has keys and a source of its own; what they share they only add to.
  void MakeThreads() {
    const int count = static_cast<int>(random_.Between(2, 6)) * kScriptThreads;
    for (int i = 0; i < count; ++i) {
      const std::string own = absl::StrCat("thread/", i % kScriptThreads);
      const std::string source = absl::StrCat("source-", i % kScriptThreads);
      switch (random_.Below(3)) {
        case 0:
          Add(AddAt(NextId(), own, versions_[own]++, 3));
          break;
        case 1:
          MakeTransfer();
          break;
        default:
          ++versions_[own];
          Add(AddFrom(NextId(), source, ++positions_[source], own, 1));
          break;
      }
    }
    Flush(Act::kThreads);
  }

  void MakeUpkeep() {
    switch (random_.Below(options_.upkeep ? 5 : 2)) {
      case 0:
        script_.steps.push_back({Act::kReopen});
        return;
      case 1:
      case 2:
        script_.steps.push_back({Act::kCheckpoint});
        return;
      case 3:
        script_.steps.push_back({Act::kTrim});
        script_.trims = true;
        return;
      default:
        script_.steps.push_back({Act::kBackup});
        return;
    }
  }

  // Money comes in, so that what was refused for want of it holds when it is tried again.
  void SettleRefused() {
    for (int i = 0; i < kPoor; ++i) Add(AddAt(NextId(), Poor(i), versions_[Poor(i)]++, 1'000'000));
    Flush(Act::kApply);
    script_.steps.push_back({Act::kRetryLetters});
    script_.steps.push_back({Act::kCheckpoint});
  }

  void Add(Change change) { script_.changes.push_back(std::move(change)); }
  void Flush(Act act) {
    script_.steps.push_back({act, flushed_, script_.changes.size()});
    flushed_ = script_.changes.size();
  }

  std::string NextId() { return absl::StrCat("change-", script_.changes.size()); }
  uint64_t NextPosition() { return positions_["source"] += random_.Between(1, 3); }
  std::string Poor(uint64_t i) { return absl::StrCat("poor/", i); }

  static constexpr int kPoor = 3;

  Random random_;
  const ScriptOptions options_;
  Script script_;
  std::map<std::string, uint64_t> versions_;
  std::map<std::string, uint64_t> positions_;
  size_t flushed_ = 0;
};

// The ledger without files decides as one with files does, and nothing disturbs it.
void AddWhatMustCome(Script* script) {
  Options options = script->options;
  options.keep_journal_bytes = 0;
  const std::unique_ptr<Ledger> ledger = Ledger::OpenInMemory(options).value();
  for (const Change& change : script->changes) script->outcomes.push_back(ledger->Apply(change).value().code);
  SEMEL_CHECK(RetryLetters(ledger.get()).ok());
  script->end_state = ShowState(ledger.get()).value();
}

}  // namespace

Script MakeScript(uint64_t seed, const ScriptOptions& options) {
  ScriptOptions cut = options;
  cut.changes = Steps(options.changes);
  Script script = ScriptMaker(seed, cut).Make();
  AddWhatMustCome(&script);
  return script;
}

std::string JudgeAnswer(const Script& script, size_t change, OutcomeCode before, OutcomeCode now, bool after_an_error) {
  const OutcomeCode undisturbed = script.outcomes[change];
  const bool was_answered = before != OutcomeCode::kUnspecified;
  // What was applied, parked or sent a second time, and then was trimmed, or not.
  const bool is_known = now == OutcomeCode::kDuplicate || (now == OutcomeCode::kIndeterminate && script.trims);
  bool right = is_known;
  if (undisturbed == OutcomeCode::kApplied) {
    right = is_known || (now == OutcomeCode::kApplied && !was_answered);
  } else if (undisturbed == OutcomeCode::kConflict) {
    right = now == undisturbed || (is_known && now != OutcomeCode::kDuplicate);
  } else {
    right = is_known || now == undisturbed;
  }
  // What an error refused comes again later: when what it waits for has been applied, or behind its own copy. That the
  // two were not both applied shows in the end state.
  const bool waits_or_repeats = undisturbed == OutcomeCode::kParked || undisturbed == OutcomeCode::kDuplicate;
  if (after_an_error && waits_or_repeats && now == OutcomeCode::kApplied && !was_answered) right = true;
  if (right) return "";
  return absl::StrCat("change ", change, " is ", std::string(ToString(now)), ", was ", std::string(ToString(before)),
                      " before, and is ", std::string(ToString(undisturbed)), " in a run that nothing disturbs");
}

absl::StatusOr<std::vector<std::string>> ShowState(Ledger* ledger) {
  std::vector<std::string> lines;
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Entity> entities, AllEntities(ledger));
  for (const Entity& entity : entities) lines.push_back(ToJson(entity));
  SEMEL_ASSIGN_OR_RETURN(const auto sources, ledger->ListSources());
  for (const SourceCursor& source : sources) lines.push_back(ToJson(source));
  SEMEL_ASSIGN_OR_RETURN(const auto parked, ledger->ListParked({.limit = 0}));
  for (const ParkedChange& change : parked) lines.push_back("parked " + ToJson(change.change));
  SEMEL_ASSIGN_OR_RETURN(const auto letters, ledger->ListDeadLetters({.limit = 0}));
  for (const DeadLetter& letter : letters) lines.push_back("letter " + letter.id);
  return lines;
}

absl::StatusOr<Amount> SumOfBank(Ledger* ledger) {
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < kBanks; ++i) keys.push_back(Bank(i));
  SEMEL_ASSIGN_OR_RETURN(const ManyEntities found, ledger->GetMany(keys));
  Amount sum = 0;
  for (const Entity& entity : found.entities) sum += entity.balance;
  return sum;
}

absl::Status RetryLetters(Ledger* ledger) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<DeadLetter> letters, ledger->ListDeadLetters({.limit = 0}));
  for (const DeadLetter& letter : letters) SEMEL_RETURN_IF_ERROR(ledger->RetryDeadLetter(letter.sequence).status());
  return absl::OkStatus();
}

}  // namespace semel::testing
