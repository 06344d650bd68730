// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The comparing half of the model run.

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/ledger/model_run.h"

namespace semel::testing {
namespace {

template <typename T>
void ExpectSame(const T& shown, const T& wanted) {
  EXPECT_EQ(ToJson(shown), ToJson(wanted));
}

template <typename T>
void ExpectSame(const std::vector<T>& shown, const std::vector<T>& wanted) {
  ASSERT_EQ(shown.size(), wanted.size());
  for (size_t i = 0; i < shown.size(); ++i) ExpectSame(shown[i], wanted[i]);
}

std::string Text(const Outcome& outcome) {
  std::string text = std::string(ToString(outcome.code)) + " " + std::string(ToString(outcome.rule)) + " " +
                     std::string(ToString(outcome.conflict)) + ", sequence " + std::to_string(outcome.sequence) +
                     " at " + std::to_string(outcome.lsn);
  for (const UpdateResult& update : outcome.updates) {
    text += ", version " + std::to_string(update.version) + " balance " + AmountToString(update.balance);
  }
  return text;
}

std::string Text(const Change& change, const Outcome& outcome) { return ToJson(change) + ": " + Text(outcome); }

const JournalEffect& EffectOn(const JournalEntry& entry, const std::string& key) {
  return *std::find_if(entry.effects.begin(), entry.effects.end(),
                       [&](const JournalEffect& effect) { return effect.key == key; });
}

HistoryLine LineOf(const JournalEntry& entry, const std::string& key) {
  const JournalEffect& effect = EffectOn(entry, key);
  HistoryLine line;
  line.version = effect.version;
  line.sequence = entry.sequence;
  line.lsn = entry.lsn;
  line.commit_time_us = entry.commit_time_us;
  line.id = entry.id;
  line.action = effect.action;
  line.amount = effect.amount;
  line.balance = effect.balance;
  line.value = effect.value;
  line.deleted = effect.deleted;
  return line;
}

}  // namespace

// ---- Answers, and what they left in the journal

void ModelRun::CompareAnswers(Ledger* ledger) {
  ReadJournalOn(ledger);
  for (size_t i = 0; i < answers_.outcomes.size() && !::testing::Test::HasFailure(); ++i) {
    const Outcome& outcome = answers_.outcomes[i];
    const Operation& operation = steps_[i].operation;
    if (operation.kind == Operation::Kind::kDiscard) continue;  // has no answer
    const Outcome wanted = AsFarAsKnown(operation.change, AsLedger(steps_[i].wanted), outcome);
    EXPECT_EQ(Text(outcome), Text(wanted))
        << "step " << i << " of " << steps_.size() << ": " << SpecificationJson(operation) << "\n"
        << ToJson(operation.change) << "\n"
        << outcome.reason;
    EXPECT_EQ(outcome.applied(), outcome.reason.empty());
    if (operation.kind == Operation::Kind::kApply) ++answered_[static_cast<int>(outcome.code)];
  }
  CompareUnparked();
}

// What is wanted, but for what a ledger may forget, or not yet have forgotten, of entries below its floor.
Outcome ModelRun::AsFarAsKnown(const Change& change, Outcome wanted, const Outcome& shown) const {
  const bool was_applied = wanted.code == OutcomeCode::kDuplicate;
  // The number of an original is known only if some entity remembers it.
  if (was_applied && wanted.lsn < floor_lsn_ && shown.sequence == 0) wanted.sequence = 0;
  // A trim that is not finished may have left what is known of a position whose entries are below the floor.
  const bool left_over = shown.lsn != 0 && shown.lsn < floor_lsn_;
  if (trimming_ && was_applied && wanted.lsn == 0 && left_over) return shown;
  // A position that was skipped, its neighbours below the floor, one above it settled since by a retry or from the lot:
  // the ledger takes it for consumed. The model does so after the next trim, as both do of any position.
  const bool skipped = wanted.code == OutcomeCode::kInvalid && shown.code == OutcomeCode::kDuplicate;
  if (skipped && shown.lsn == 0 && floor_lsn_ != 0 && IsBelowSettledLater(change)) return shown;
  return wanted;
}

bool ModelRun::IsBelowSettledLater(const Change& change) const {
  const auto source = settled_later_.find(change.source->name);
  if (source == settled_later_.end()) return false;
  const uint64_t below_floor = EntriesUpToLsn(floor_lsn_ - 1);
  return std::any_of(source->second.begin(), source->second.end(), [&](const auto& settled) {
    return settled.first > change.source->position && settled.second > below_floor;
  });
}

// Goes on reading where it ended before, and compares.
void ModelRun::ReadJournalOn(Ledger* ledger) {
  const auto end = ledger->ReadJournal(journal_end_, [&](const JournalEntry& entry) {
    EXPECT_EQ(entry.sequence, ++journal_count_);
    EXPECT_GE(entry.lsn, journal_end_);
    EXPECT_NE(entry.lsn, 0u);
    EXPECT_GT(entry.next_lsn, entry.lsn);
    if (!journal_.empty()) {
      EXPECT_GE(entry.commit_time_us, journal_.back().commit_time_us);
    }
    CompareEntry(entry);
    journal_end_ = entry.next_lsn;
    return !::testing::Test::HasFailure();
  });
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(journal_.size(), expected_.size());
  EXPECT_EQ(*end, journal_end_);
}

void ModelRun::CompareEntry(const JournalEntry& entry) {
  EXPECT_NE(entry.reason.empty(), entry.outcome != OutcomeCode::kApplied) << ToJson(entry);
  if (IsOperators(entry)) return;
  ASSERT_LT(journal_.size(), expected_.size()) << ToJson(entry);
  JournalEntry wanted = expected_[journal_.size()];
  wanted.sequence = entry.sequence;
  wanted.lsn = entry.lsn;
  wanted.next_lsn = entry.next_lsn;
  wanted.commit_time_us = entry.commit_time_us;
  wanted.reason = entry.reason;
  wanted.parked = LedgerNumber(wanted.parked);
  wanted.letter = LedgerNumber(wanted.letter);
  ExpectSame(entry, wanted);
  journal_.push_back(entry);
}

// What was told of parked changes that were decided.
void ModelRun::CompareUnparked() {
  unparked_total_ += unparked_.size();
  const std::vector<Unparked> told = std::exchange(unparked_, {});
  const std::vector<Unparked> wanted = std::exchange(unparked_wanted_, {});
  ASSERT_EQ(told.size(), wanted.size());
  for (size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(Text(told[i].change, told[i].outcome), Text(wanted[i].change, AsLedger(wanted[i].outcome)));
    ++answered_[static_cast<int>(told[i].outcome.code)];
  }
}

// ---- The present, and the past

void ModelRun::CompareSomething(Ledger* ledger) {
  if (::testing::Test::HasFailure()) return;
  CompareEntities(ledger);
  CompareSources(ledger);
  CompareHeld(ledger);
  CompareAnswerable(ledger, SomeKey());

  ScanOptions scan;
  constexpr const char* kPrefixes[] = {"", "", "K", "K1", "transfer/", "transfer/i1"};
  scan.prefix = kPrefixes[random_.Below(std::size(kPrefixes))];
  if (random_.OneIn(3)) scan.start_after = SomeKey();
  scan.limit = random_.OneIn(3) ? random_.Between(1, 5) : 0;
  scan.include_deleted = random_.OneIn(2);
  scan.fresh = random_.OneIn(2);
  CompareScan(ledger, scan);

  HistoryOptions history;
  history.limit = random_.OneIn(10) ? 0 : random_.Between(1, 12);
  history.oldest_first = random_.OneIn(2);
  const std::string historic = SomeKey();
  if (random_.OneIn(2)) history.after_version = random_.Below(versions_[historic].size() + 2);
  if (random_.OneIn(2)) history.up_to_version = random_.Below(versions_[historic].size() + 2);
  CompareHistory(ledger, historic, history);

  CompareAsOfVersion(ledger, SomeKey());
  CompareAsOfLsn(ledger, SomeKey());
  CompareAsOfTime(ledger, SomeKey());
}

void ModelRun::CompareEverything(Ledger* ledger) {
  if (::testing::Test::HasFailure()) return;
  CompareEntities(ledger);
  CompareSources(ledger);
  ScanOptions scan;
  scan.include_deleted = true;
  scan.fresh = true;
  CompareScan(ledger, scan);
  CompareHeld(ledger);
  for (const std::string& key : model_.Keys()) {
    CompareHistory(ledger, key, {.limit = 0, .oldest_first = true});
    CompareAnswerable(ledger, key);
  }
  CompareStats(ledger);

  const auto report = ledger->Verify();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->fault, "");
  if (floor_lsn_ == 0) {
    EXPECT_EQ(report->entries, journal_count_);
  }
  EXPECT_EQ(report->entities, model_.Keys().size());
  EXPECT_EQ(report->lsn, journal_end_);
}

// All entities and one that never was, at one moment and one by one.
void ModelRun::CompareEntities(Ledger* ledger) {
  std::vector<std::string> keys = model_.Keys();
  keys.push_back("never");
  for (size_t i = keys.size(); i > 1; --i) std::swap(keys[i - 1], keys[random_.Below(i)]);
  keys.push_back(keys.front());
  const auto many = ledger->GetMany(keys);
  ASSERT_TRUE(many.ok()) << many.status();
  EXPECT_EQ(many->lsn, journal_end_);
  std::vector<Entity> wanted;
  for (const std::string& key : keys) wanted.push_back(model_.Latest(key));
  ExpectSame(many->entities, wanted);

  const size_t some = random_.Below(keys.size());
  const auto entity = ledger->Get(keys[some]);
  ASSERT_TRUE(entity.ok()) << entity.status();
  ExpectSame(*entity, wanted[some]);
}

void ModelRun::CompareSources(Ledger* ledger) {
  std::vector<SourceCursor> wanted;
  for (const std::string& name : model_.Sources()) {
    const std::optional<SourceCursor> cursor = model_.LatestSource(name);
    if (cursor) wanted.push_back(*cursor);
    const auto shown = ledger->GetSource(name);
    ASSERT_TRUE(shown.ok()) << shown.status();
    ASSERT_EQ(shown->has_value(), cursor.has_value()) << name;
    if (cursor) ExpectSame(**shown, *cursor);
  }
  const auto cursors = ledger->ListSources();
  ASSERT_TRUE(cursors.ok()) << cursors.status();
  ExpectSame(*cursors, wanted);
}

// A scan shows the moment that its LSN names, which a checkpoint chose; a fresh one nothing older than the call.
void ModelRun::CompareScan(Ledger* ledger, const ScanOptions& options) {
  const uint64_t sequence_before = model_.sequence();
  std::vector<Entity> shown;
  const auto end = ledger->Scan(options, [&](const Entity& entity) {
    shown.push_back(entity);
    return true;
  });
  ASSERT_TRUE(end.ok()) << end.status();
  ASSERT_LE(*end, journal_end_);
  const uint64_t sequence = *end == 0 ? 0 : EntriesUpToLsn(*end - 1);
  const bool latest = sequence == model_.sequence();
  if (options.fresh) {
    EXPECT_GE(sequence, sequence_before);
  }

  std::vector<Entity> wanted;
  for (const std::string& key : model_.Keys()) {
    if (key.compare(0, options.prefix.size(), options.prefix) != 0 || key <= options.start_after) continue;
    const Entity entity = latest ? model_.Latest(key) : model_.AsOf(key, sequence);
    if (entity.version == 0 || (entity.deleted && !options.include_deleted)) continue;
    wanted.push_back(entity);
    if (wanted.size() == options.limit) break;
  }
  for (Entity& entity : shown) {
    if (!latest) entity.stamp.reset();  // the model keeps stamps of the latest state only
  }
  ExpectSame(shown, wanted);
}

void ModelRun::CompareHistory(Ledger* ledger, const std::string& key, const HistoryOptions& options) {
  std::vector<HistoryLine> wanted;
  for (const uint64_t sequence : versions_[key]) {
    const HistoryLine line = LineOf(journal_.at(sequence - 1), key);
    const bool in_range = line.version > options.after_version && line.version <= options.up_to_version;
    if (in_range && CanRead(key, line.version)) wanted.push_back(line);
  }
  if (!options.oldest_first) std::reverse(wanted.begin(), wanted.end());
  if (options.limit != 0 && wanted.size() > options.limit) wanted.resize(options.limit);
  const auto lines = ledger->History(key, options);
  ASSERT_TRUE(lines.ok()) << lines.status();
  ExpectSame(*lines, wanted);
}

// `told`: whether it lies within what can be read.
void ModelRun::ComparePast(const absl::StatusOr<Entity>& shown, bool told, const Entity& wanted) {
  if (!told) {
    EXPECT_TRUE(absl::IsOutOfRange(shown.status())) << shown.status();
    return;
  }
  ASSERT_TRUE(shown.ok()) << shown.status() << ": " << ToJson(wanted);
  ExpectSame(*shown, wanted);
}

void ModelRun::CompareAsOfVersion(Ledger* ledger, const std::string& key) {
  const std::vector<uint64_t>& sequences = versions_[key];
  const uint64_t version = random_.Below(sequences.size() + 2);
  const auto entity = ledger->Get(key, AsOf::Version(version));
  const bool told = version == 0 || (version <= sequences.size() && CanTell(key, version));
  ComparePast(entity, told, model_.AsOf(key, told && version > 0 ? sequences[version - 1] : 0));
}

void ModelRun::CompareAsOfLsn(Ledger* ledger, const std::string& key) {
  uint64_t lsn = random_.Below(journal_end_ + 1);
  if (!journal_.empty() && random_.OneIn(2)) lsn = journal_[random_.Below(journal_.size())].lsn - random_.Below(2);
  const uint64_t sequence = EntriesUpToLsn(lsn);
  ComparePast(ledger->Get(key, AsOf::Lsn(lsn)), CanTellAt(key, sequence), model_.AsOf(key, sequence));
  EXPECT_TRUE(absl::IsOutOfRange(ledger->Get(key, AsOf::Lsn(journal_end_ + 1)).status()));
}

void ModelRun::CompareAsOfTime(Ledger* ledger, const std::string& key) {
  int64_t time_us = 0;
  if (!journal_.empty()) time_us = journal_[random_.Below(journal_.size())].commit_time_us;
  time_us += static_cast<int64_t>(random_.Below(3)) - 1;
  const uint64_t sequence = EntriesUpToTime(time_us);
  ComparePast(ledger->Get(key, AsOf::TimeUs(time_us)), CanTellAt(key, sequence), model_.AsOf(key, sequence));
  const auto lsn = ledger->LsnAtTime(time_us);
  ASSERT_TRUE(lsn.ok()) << lsn.status();
  const uint64_t below_floor = floor_lsn_ == 0 ? 0 : EntriesUpToLsn(floor_lsn_ - 1);
  EXPECT_EQ(EntriesUpToLsn(*lsn), std::max(sequence, below_floor));
}

void ModelRun::CompareStats(Ledger* ledger) {
  const auto stats = ledger->GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->sequence, journal_count_);
  EXPECT_EQ(stats->durable_lsn, journal_end_);
  EXPECT_EQ(stats->checkpoint_lsn, journal_end_);  // there was a fresh scan just before
  EXPECT_EQ(stats->floor_lsn, floor_lsn_);
  EXPECT_EQ(stats->entities, model_.Keys().size());
  EXPECT_EQ(stats->parked, model_.ParkedChanges().size());
  EXPECT_EQ(stats->dead_letters, model_.Letters().size());
  for (int code = 0; code < kOutcomeCodeCount; ++code) EXPECT_EQ(stats->outcomes[code], answered_[code]) << code;
}

// From where on the entity can be read: what the newest entry was is always known.
void ModelRun::CompareAnswerable(Ledger* ledger, const std::string& key) {
  const auto shown = ledger->AnswerableSince(key);
  ASSERT_TRUE(shown.ok()) << shown.status();
  const uint64_t version = versions_[key].size();
  uint64_t since = 0;
  while (since + 1 < version && !CanRead(key, since + 1)) ++since;
  EXPECT_EQ(shown->version, version) << key;
  EXPECT_EQ(shown->since_version, since) << key;
  EXPECT_FALSE(shown->retired);
}

// ---- What is held

void ModelRun::CompareHeld(Ledger* ledger) {
  CompareParked(ledger, {.limit = 0});
  CompareLetters(ledger, {.limit = 0});
  CompareParked(ledger, SomePage());
  CompareLetters(ledger, SomePage());
}

HeldOptions ModelRun::SomePage() {
  constexpr const char* kSources[] = {"", "", "plain", "windowed", "never"};
  HeldOptions page;
  page.after_sequence = random_.Below(journal_count_ + 2);
  page.limit = random_.Below(4);
  page.source = kSources[random_.Below(std::size(kSources))];
  return page;
}

bool ModelRun::IsOnPage(uint64_t sequence, const Change& change, const HeldOptions& page) const {
  const std::string source = change.source ? change.source->name : "";
  return LedgerNumber(sequence) > page.after_sequence && (page.source.empty() || source == page.source);
}

void ModelRun::CompareParked(Ledger* ledger, const HeldOptions& page) {
  const auto shown = ledger->ListParked(page);
  ASSERT_TRUE(shown.ok()) << shown.status();
  std::vector<ParkedChange> wanted;
  for (const auto& [sequence, parked] : model_.ParkedChanges()) {
    if (!IsOnPage(sequence, parked.change, page) || (page.limit != 0 && wanted.size() == page.limit)) continue;
    ParkedChange& change = wanted.emplace_back();
    change.sequence = LedgerNumber(sequence);
    change.parked_us = journal_.at(sequence - 1).commit_time_us;
    change.change = parked.change;
    for (const Update& update : parked.change.updates) {
      const uint64_t version = update.expect_version.value_or(update.since.value_or(0));
      const uint64_t present = model_.Latest(update.key).version;
      if (version > present) change.waits.push_back({update.key, version, present});
    }
  }
  ExpectSame(*shown, wanted);
}

void ModelRun::CompareLetters(Ledger* ledger, const HeldOptions& page) {
  const auto shown = ledger->ListDeadLetters(page);
  ASSERT_TRUE(shown.ok()) << shown.status();
  std::vector<DeadLetter> wanted;
  for (const auto& [sequence, refused] : model_.Letters()) {
    if (!IsOnPage(sequence, refused.change, page) || (page.limit != 0 && wanted.size() == page.limit)) continue;
    DeadLetter& letter = wanted.emplace_back();
    letter.sequence = LedgerNumber(sequence);
    letter.refused_us = journal_.at(sequence - 1).commit_time_us;
    letter.outcome = AsLedger(refused.outcome);
    letter.id = refused.change.id;
    if (refused.change.source) {
      letter.source.emplace();
      letter.source->name = refused.change.source->name;
      letter.source->position = refused.change.source->position;
      letter.source->incarnation = refused.change.source->incarnation;
    }
    letter.original = ToProto(refused.change);
    letter.original_bytes = letter.original.size();
    letter.change = refused.change;
  }
  ASSERT_EQ(shown->size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NE((*shown)[i].outcome.reason, "");
    wanted[i].outcome.reason = (*shown)[i].outcome.reason;
    ExpectSame((*shown)[i], wanted[i]);
  }
}

// ---- The model's words and the ledger's

// A key of the model; rarely one that never was.
std::string ModelRun::SomeKey() {
  const std::vector<std::string> keys = model_.Keys();
  if (keys.empty() || random_.OneIn(20)) return "never";
  if (random_.OneIn(2)) return "K0";  // with a long history
  return keys[random_.Below(keys.size())];
}

// Whether the entry is of an operator, and of nothing that the model knows.
bool ModelRun::IsOperators(const JournalEntry& entry) {
  return entry.outcome == OutcomeCode::kUnspecified && entry.letter == 0;
}

// The ledger's number of the model's entry `sequence`; 0 of none.
uint64_t ModelRun::LedgerNumber(uint64_t sequence) const {
  return sequence == 0 ? 0 : journal_.at(sequence - 1).sequence;
}

Outcome ModelRun::AsLedger(Outcome wanted) const {
  if (wanted.sequence == 0) return wanted;
  wanted.lsn = journal_.at(wanted.sequence - 1).lsn;
  wanted.sequence = LedgerNumber(wanted.sequence);
  return wanted;
}

// Whether the entry that made the version is above the floor.
bool ModelRun::CanRead(const std::string& key, uint64_t version) const {
  return journal_.at(versions_.at(key)[version - 1] - 1).lsn >= floor_lsn_;
}

// Whether all that the entity was in that version is known: also the entries that set its value and its policy can be
// read, or these are still the present ones.
bool ModelRun::CanTell(const std::string& key, uint64_t version) const {
  if (!CanRead(key, version)) return false;
  for (const Action action : {Action::kPut, Action::kSetPolicy}) {
    const uint64_t set = SetBy(key, version, action);
    if (set != 0 && !CanRead(key, set) && SetBy(key, versions_.at(key).size(), action) != set) return false;
  }
  return true;
}

bool ModelRun::CanTellAt(const std::string& key, uint64_t sequence) {
  const std::vector<uint64_t>& sequences = versions_[key];
  const auto end = std::upper_bound(sequences.begin(), sequences.end(), sequence);
  const auto version = static_cast<uint64_t>(end - sequences.begin());
  if (version > 0) return CanTell(key, version);
  return sequences.empty() || CanRead(key, 1);
}

// The version that set what the entity had in `version` of value (kPut) or policy; 0: it had none.
uint64_t ModelRun::SetBy(const std::string& key, uint64_t version, Action action) const {
  for (; version > 0; --version) {
    const Action made = EffectOn(journal_.at(versions_.at(key)[version - 1] - 1), key).action;
    if (made == action) return version;
    if (action == Action::kPut && made == Action::kDelete) return 0;
  }
  return 0;
}

uint64_t ModelRun::EntriesUpToLsn(uint64_t lsn) const {
  const auto end = std::partition_point(journal_.begin(), journal_.end(),
                                        [&](const JournalEntry& entry) { return entry.lsn <= lsn; });
  return static_cast<uint64_t>(end - journal_.begin());
}

uint64_t ModelRun::EntriesUpToTime(int64_t time_us) const {
  const auto end = std::partition_point(journal_.begin(), journal_.end(),
                                        [&](const JournalEntry& entry) { return entry.commit_time_us <= time_us; });
  return static_cast<uint64_t>(end - journal_.begin());
}

}  // namespace semel::testing
