// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/power_loss/scenario.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

constexpr char kDone[] = "done";
constexpr char kNotThere[] = "not there";  // any more: it was done before
const HeldOptions kAllHeld = {0, 0, ""};

// Makes the deeds one by one, each of what the ledger holds then.
class ScenarioMaker {
 public:
  ScenarioMaker(uint64_t seed, const Options& options) : random_(seed), options_(options) {}

  Scenario Make(size_t deeds) {
    SimDisk disk;
    ledger_ = *OpenSim(&disk, options_);
    Policy no_overdraft;
    no_overdraft.min_balance = 0;
    Do(Of(PolicyAt(NewId(), "purse", 0, no_overdraft)));
    Do(Of(PolicyAt(NewId(), "upstream", 0, no_overdraft)));
    while (scenario_.deeds.size() < deeds) DoSomething();
    scenario_.keys.assign(keys_.begin(), keys_.end());
    ledger_.reset();
    ShowAfterEachDeed();
    return std::move(scenario_);
  }

 private:
  void DoSomething() {
    const uint64_t pick = random_.Below(100);
    if (pick < 30) {
      Do(Of(SomeChange()));
    } else if (pick < 50) {
      DoTogether(random_.Between(2, 6), /*async=*/random_.OneIn(2));
    } else if (pick < 56) {
      DoUpstream();
    } else if (pick < 64) {
      Do({.kind = Deed::Kind::kCheckpoint});
    } else if (pick < 73) {
      Do({.kind = Deed::Kind::kTrim, .number = 4096 * random_.Below(3)});
    } else if (pick < 79) {
      Do({.kind = Deed::Kind::kBackup});
    } else if (pick < 92) {
      DoSomethingHeld();
    } else if (pick < 96) {
      Do({.kind = Deed::Kind::kRetire, .name = Period()});
      ++period_;
    } else {
      Do({.kind = Deed::Kind::kSetSource, .name = "by-hand", .number = by_hand_ += random_.Between(1, 9)});
    }
  }

  void DoTogether(size_t count, bool async) {
    const size_t first = scenario_.deeds.size();
    for (size_t i = 0; i < count; ++i) Do(Of(SomeChange()));
    scenario_.deeds[first].together = count;
    scenario_.deeds[first].async = async;
  }

  // The next changes of an entity whose producer numbers them, in any order; some with a source, some too large.
  void DoUpstream() {
    const uint64_t present = VersionOf("upstream");
    std::vector<Change> burst;
    for (uint64_t i = 0; i < random_.Between(2, 4); ++i) {
      Change change = AddAt(NewId(), "upstream", present + i, random_.OneIn(4) ? -1000 : 5);
      if (random_.OneIn(2)) change = At(std::move(change), "numbered", ++numbered_);
      burst.insert(burst.begin() + static_cast<ptrdiff_t>(random_.Below(burst.size() + 1)), std::move(change));
    }
    // A source's positions rise as they are sent.
    std::vector<uint64_t> positions;
    for (const Change& change : burst) {
      if (change.source.has_value()) positions.push_back(change.source->position);
    }
    std::sort(positions.begin(), positions.end());
    auto position = positions.begin();
    for (Change& change : burst) {
      if (change.source.has_value()) change.source->position = *position++;
      Do(Of(std::move(change)));
    }
  }

  // Retries and discards letters, first with funds so that it may help; gives parked changes up.
  void DoSomethingHeld() {
    const auto letters = *ledger_->ListDeadLetters(kAllHeld);
    const auto parked = *ledger_->ListParked(kAllHeld);
    if (!parked.empty() && random_.OneIn(3)) {
      const Change& change = parked[random_.Below(parked.size())].change;
      if (change.source.has_value()) Do({.kind = Deed::Kind::kDiscardParked, .name = change.id});
    } else if (!letters.empty()) {
      const std::string id = letters[random_.Below(letters.size())].id;
      if (random_.OneIn(2)) Do(Of(AddFrom(NewId(), "funds", ++funds_, "purse", 500)));
      Do({.kind = random_.OneIn(3) ? Deed::Kind::kDiscardLetter : Deed::Kind::kRetryLetter, .name = id});
    }
  }

  // A change whose redelivery, at any time, is no news: it is applied, or held, or refused for good.
  Change SomeChange() {
    const std::string account = absl::StrCat("account/", random_.Below(3));
    const uint64_t version = VersionOf(account);
    switch (random_.Below(12)) {
      case 0:
        return AddAt(NewId(), account, version, 10);
      case 1:
        return AddAt(NewId(), account, version == 0 ? 0 : version - 1, 10);  // most come too late
      case 2:
        return Transfer(NewId(), "hot", account, 7);
      case 3: {
        Change change(NewId());
        change.AddUpdate(account).Since(version).Add(3);
        return change;
      }
      case 4: {  // where a message says what it found
        Change change(NewId());
        change.AddUpdate(account).ExpectBalance(ledger_->Get(account)->balance).Add(-2);
        return At(std::move(change), "balances", ++balances_);
      }
      case 5:
        return At(Transfer(NewId(), "purse", account, static_cast<Amount>(random_.Below(300))), "debits",
                  debits_ += random_.Between(1, 3));
      case 6: {
        Change change = AddFrom(NewId(), "chained", chained_ + 1, "hot", 1);
        change.source->previous = chained_++;
        return change;
      }
      case 7:
        return Windowed();
      case 8: {
        Change change(NewId());
        change.AddUpdate("row").Newer(stamp_ + random_.Below(5)).Put(NewId());
        stamp_ += random_.Below(3);
        return change;
      }
      case 9: {
        const std::string key = absl::StrCat("document/", random_.Below(2));
        const Entity document = *ledger_->Get(key);
        return document.exists() && random_.OneIn(2) ? DeleteAt(NewId(), key, document.version)
                                                     : PutAt(NewId(), key, document.version, NewId());
      }
      case 10:
        return AddFrom(random_.OneIn(3) ? "" : NewId(), "by-hand", ++by_hand_, "hot", 1);
      default: {
        const std::string period = period_ > 0 && random_.OneIn(4) ? "period-0/" : Period();
        return PutAt(NewId(), absl::StrCat(period, NewId()), 0, "record");
      }
    }
  }

  // Positions from 1 on, out of order within the window.
  Change Windowed() {
    if (window_.empty()) {
      for (uint64_t i = 0; i < 4; ++i) {
        const size_t place = random_.Below(window_.size() + 1);
        window_.insert(window_.begin() + static_cast<ptrdiff_t>(place), ++windowed_);
      }
    }
    Change change = AddFrom(NewId(), "windowed", window_.back(), "hot", 1);
    change.source->window = 8;
    window_.pop_back();
    return change;
  }

  static Deed Of(Change change) {
    Deed deed;
    deed.change = std::move(change);
    return deed;
  }

  void Do(Deed deed) {
    for (const Update& update : deed.change.updates) keys_.insert(update.key);
    auto answer = DoDeed(ledger_.get(), deed, "/backup");
    SEMEL_CHECK(answer.ok());
    deed.answer = *std::move(answer);
    scenario_.deeds.push_back(std::move(deed));
  }

  // Once more from the beginning, now that all keys are known.
  void ShowAfterEachDeed() {
    SimDisk disk;
    const auto ledger = *OpenSim(&disk, options_);
    scenario_.shown.push_back(*Show(ledger.get(), scenario_.keys));
    for (const Deed& deed : scenario_.deeds) {
      SEMEL_CHECK(IsSameAnswer(*DoDeed(ledger.get(), deed, "/backup"), deed.answer));
      scenario_.shown.push_back(*Show(ledger.get(), scenario_.keys));
    }
  }

  std::string NewId() { return absl::StrCat("id-", ++ids_); }
  std::string Period() const { return absl::StrCat("period-", period_, "/"); }
  uint64_t VersionOf(const std::string& key) { return ledger_->Get(key)->version; }

  Random random_;
  const Options options_;
  std::unique_ptr<Ledger> ledger_;
  Scenario scenario_;
  std::set<std::string> keys_;
  std::vector<uint64_t> window_;
  uint64_t ids_ = 0, period_ = 0, stamp_ = 1;
  uint64_t numbered_ = 0, funds_ = 0, balances_ = 0, debits_ = 0, chained_ = 0, windowed_ = 0,
           by_hand_ = 0;  // positions
};

// The number of what is held under an id. NotFound if nothing is.
absl::StatusOr<uint64_t> LetterOf(Ledger* ledger, const std::string& id) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<DeadLetter> letters, ledger->ListDeadLetters(kAllHeld));
  for (const DeadLetter& letter : letters) {
    if (letter.id == id) return letter.sequence;
  }
  return absl::NotFoundError(id);
}

absl::StatusOr<uint64_t> ParkedOf(Ledger* ledger, const std::string& id) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<ParkedChange> parked, ledger->ListParked(kAllHeld));
  for (const ParkedChange& change : parked) {
    if (change.change.id == id) return change.sequence;
  }
  return absl::NotFoundError(id);
}

absl::StatusOr<std::string> AnswerOf(const absl::StatusOr<Outcome>& outcome) {
  if (!outcome.ok()) return outcome.status();
  return AnswerText(*outcome);
}

absl::StatusOr<std::string> AnswerOf(const absl::Status& status) {
  if (!status.ok()) return status;
  return kDone;
}

absl::StatusOr<std::string> WithNumber(const absl::StatusOr<uint64_t>& number,
                                       const std::function<absl::StatusOr<std::string>(uint64_t)>& act) {
  if (absl::IsNotFound(number.status())) return kNotThere;
  SEMEL_RETURN_IF_ERROR(number.status());
  return act(*number);
}

// A version was taken: by whom can be told or not, depending on where the last trim ended.
bool IsTooLate(const std::string& answer) {
  return absl::StartsWith(answer, "CONFLICT 0 1") || absl::StartsWith(answer, "INDETERMINATE");
}

}  // namespace

Scenario MakeScenario(uint64_t seed, size_t deeds, const Options& options) {
  return ScenarioMaker(seed, options).Make(deeds);
}

absl::StatusOr<std::string> DoDeed(Ledger* ledger, const Deed& deed, const std::string& backup_directory) {
  switch (deed.kind) {
    case Deed::Kind::kChange:
      return AnswerOf(ledger->Apply(deed.change));
    case Deed::Kind::kRetryLetter:
      return WithNumber(LetterOf(ledger, deed.name),
                        [&](uint64_t number) { return AnswerOf(ledger->RetryDeadLetter(number)); });
    case Deed::Kind::kDiscardLetter:
      return WithNumber(LetterOf(ledger, deed.name),
                        [&](uint64_t number) { return AnswerOf(ledger->DiscardDeadLetter(number)); });
    case Deed::Kind::kDiscardParked:
      return WithNumber(ParkedOf(ledger, deed.name),
                        [&](uint64_t number) { return AnswerOf(ledger->DiscardParked(number)); });
    case Deed::Kind::kRetire:
      return AnswerOf(ledger->Retire(deed.name).status());
    case Deed::Kind::kSetSource: {
      SourceCursor cursor;
      cursor.name = deed.name;
      cursor.position = deed.number;
      return AnswerOf(ledger->SetSource(cursor));
    }
    case Deed::Kind::kCheckpoint:
      return AnswerOf(ledger->Checkpoint());
    case Deed::Kind::kTrim: {
      TrimOptions options;
      options.keep_bytes = deed.number;
      options.seal = true;
      return AnswerOf(ledger->Trim(options).status());
    }
    case Deed::Kind::kBackup:
      return AnswerOf(ledger->Backup(backup_directory).status());
  }
  return absl::InternalError("no such deed");
}

std::string AnswerText(const Outcome& outcome) {
  std::string text = absl::StrCat(internal::ToAbsl(ToString(outcome.code)), " ", static_cast<int>(outcome.rule), " ",
                                  static_cast<int>(outcome.conflict));
  for (const UpdateResult& update : outcome.updates) {
    absl::StrAppend(&text, " ", update.version, ":", static_cast<int64_t>(update.balance));
  }
  return text;
}

bool IsSameAnswer(const std::string& a, const std::string& b) { return a == b || (IsTooLate(a) && IsTooLate(b)); }

absl::StatusOr<std::string> Show(Ledger* ledger, const std::vector<std::string>& keys) {
  SEMEL_ASSIGN_OR_RETURN(const ManyEntities many, ledger->GetMany(keys));
  SEMEL_ASSIGN_OR_RETURN(const std::vector<SourceCursor> sources, ledger->ListSources());
  SEMEL_ASSIGN_OR_RETURN(const std::vector<ParkedChange> parked, ledger->ListParked(kAllHeld));
  SEMEL_ASSIGN_OR_RETURN(const std::vector<DeadLetter> letters, ledger->ListDeadLetters(kAllHeld));
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> retired, ledger->ListRetired());
  std::string text;
  for (const Entity& entity : many.entities) {
    if (entity.version > 0 || entity.retired) absl::StrAppend(&text, ToJson(entity), "\n");
  }
  for (const SourceCursor& source : sources) absl::StrAppend(&text, ToJson(source), "\n");
  for (const ParkedChange& change : parked) absl::StrAppend(&text, "parked ", change.change.id, "\n");
  for (const DeadLetter& letter : letters) {
    const std::string answer = AnswerText(letter.outcome);
    absl::StrAppend(&text, "letter ", letter.id, " ", IsTooLate(answer) ? "too late" : answer, "\n");
  }
  for (const std::string& prefix : retired) absl::StrAppend(&text, "retired ", prefix, "\n");
  return text;
}

bool MayFollow(const std::string& first, const Outcome& again) {
  const std::string results = first.substr(first.find(' '));
  switch (again.code) {
    case OutcomeCode::kDuplicate:  // with the results of the first time, where these are kept
      return !absl::StartsWith(first, "APPLIED") || again.updates.empty() || absl::EndsWith(AnswerText(again), results);
    case OutcomeCode::kIndeterminate:  // the evidence was trimmed or retired
      return true;
    case OutcomeCode::kSuperseded:  // a newer one came since
      return absl::StartsWith(first, "APPLIED") || absl::StartsWith(first, "SUPERSEDED") ||
             absl::StartsWith(first, "CONFLICT");
    case OutcomeCode::kConflict:  // the version that it was pinned to was taken since
      return absl::StartsWith(first, "CONFLICT") || absl::StartsWith(first, "PARKED") ||
             absl::StartsWith(first, "REJECTED");
    case OutcomeCode::kRejected:
      return absl::StartsWith(first, "REJECTED") || absl::StartsWith(first, "PARKED");
    case OutcomeCode::kParked:
      return absl::StartsWith(first, "PARKED");
    default:
      return absl::StartsWith(first, internal::ToAbsl(ToString(again.code))) && !again.applied();
  }
}

}  // namespace semel::testing
