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

ModelOptions OptionsOf(uint64_t seed) {
  constexpr uint64_t kLookbacks[] = {3, 20, 4096};
  ModelOptions options;
  options.balance_lookback = kLookbacks[seed % 3];
  options.explicit_entities = seed % 5 == 0;
  return options;
}

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

ModelRun::ModelRun(uint64_t seed)
    : random_(seed + 1),
      options_(OptionsOf(seed)),
      model_(options_),
      stream_(seed, {.keys = 1 + static_cast<int>(seed % 4)}),
      before_(model_) {}

Options ModelRun::DecidingOptions() const {
  Options options;
  options.create_if_missing = true;
  options.balance_lookback = static_cast<uint32_t>(options_.balance_lookback);
  options.explicit_entities = options_.explicit_entities;
  return options;
}

// ---- Applying

absl::Status ModelRun::Apply(Ledger* ledger, uint64_t most) {
  before_ = model_;
  MakeSteps(random_.Between(1, most));
  answers_ = Submit(ledger);
  changes_ += answers_.outcomes.size();
  return answers_.status;
}

void ModelRun::MakeSteps(uint64_t count) {
  std::vector<Change> changes = std::exchange(redelivered_, {});
  count = std::max<uint64_t>(count, changes.size());
  steps_.clear();
  for (size_t i = 0; i < count; ++i) {
    Step step;
    step.change = i < changes.size() ? std::move(changes[i]) : stream_.Next(model_);
    const uint64_t sequence = model_.sequence();
    step.wanted = model_.Apply(step.change);
    step.sequence_after = model_.sequence();
    if (step.sequence_after > sequence) ExpectEntry(step);
    steps_.push_back(std::move(step));
  }
}

// The entry that the change must have left in the journal.
void ModelRun::ExpectEntry(const Step& step) {
  JournalEntry entry;
  entry.sequence = step.sequence_after;
  entry.outcome = step.wanted.code;
  entry.id = step.change.id;
  entry.fingerprint = FingerprintOf(step.change);
  entry.source = step.change.source;
  if (entry.source) entry.source->previous.reset();
  entry.balanced = step.change.balanced;
  for (const Update& update : step.change.updates) {
    if (!step.wanted.applied() || update.action == Action::kCheck) continue;
    const Entity entity = model_.Latest(update.key);
    JournalEffect effect;
    effect.key = update.key;
    effect.action = update.action;
    effect.version = entity.version;
    effect.balance = entity.balance;
    effect.amount = update.amount;
    if (update.action == Action::kPut) effect.value = update.value;
    if (update.action == Action::kSetPolicy) effect.policy = entity.policy;
    effect.stamp = update.newer;
    effect.deleted = entity.deleted;
    versions_[update.key].push_back(entry.sequence);
    entry.effects.push_back(std::move(effect));
  }
  expected_.push_back(std::move(entry));
}

ModelRun::Answers ModelRun::Submit(Ledger* ledger) {
  switch (random_.Below(4)) {
    case 0:
      return SubmitOneByOne(ledger);
    case 1:
      return SubmitAsync(ledger);
    default:
      return SubmitBatch(ledger);
  }
}

ModelRun::Answers ModelRun::SubmitBatch(Ledger* ledger) const {
  std::vector<Change> changes;
  for (const Step& step : steps_) changes.push_back(step.change);
  Answers answers;
  answers.attempted = changes.size();
  answers.one_frame = true;
  auto outcomes = ledger->ApplyBatch(changes);
  answers.status = outcomes.status();
  if (outcomes.ok()) answers.outcomes = *std::move(outcomes);
  return answers;
}

ModelRun::Answers ModelRun::SubmitOneByOne(Ledger* ledger) const {
  Answers answers;
  for (size_t i = 0; i < steps_.size() && answers.status.ok(); ++i) {
    auto outcome = ledger->Apply(steps_[i].change);
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
    ledger->ApplyAsync(steps_[i].change, [&, i](absl::StatusOr<Outcome> outcome) {
      const std::lock_guard<std::mutex> lock(mutex);
      EXPECT_EQ(answered, i) << "answers come in the order of the calls";
      ++answered;
      const bool failed = !answers.status.ok();
      EXPECT_FALSE(failed && outcome.ok() && outcome->applied()) << "applied after " << answers.status;
      answers.status.Update(outcome.status());
      if (answers.status.ok()) answers.outcomes.push_back(*std::move(outcome));
      changed.notify_all();
    });
  }
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [&] { return answered == steps_.size(); });
  return answers;
}

// ---- Opening again

void ModelRun::Reopened(Ledger* ledger) {
  const auto stats = ledger->GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  GoBackTo(stats->sequence);
  if (::testing::Test::HasFailure()) return;
  CompareAnswers(ledger);
  if (random_.OneIn(2)) RedeliverLater();
  model_.Reopen();
  before_ = model_;
  steps_.clear();
  answers_ = Answers();
  std::fill(std::begin(answered_), std::end(answered_), 0);
}

void ModelRun::RedeliverLater() {
  for (Step& step : steps_) redelivered_.push_back(std::move(step.change));
}

// The model at the prefix of the last call that made `sequence` entries.
void ModelRun::GoBackTo(uint64_t sequence) {
  const size_t acknowledged = answers_.outcomes.size();
  const auto sequence_after = [&](size_t changes) {
    return changes == 0 ? before_.sequence() : steps_[changes - 1].sequence_after;
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
  for (size_t i = 0; i < acknowledged || model_.sequence() < sequence; ++i) model_.Apply(steps_[i].change);
  ASSERT_EQ(model_.sequence(), sequence);
  expected_.resize(sequence);
  for (auto& [key, sequences] : versions_) {
    while (!sequences.empty() && sequences.back() > sequence) sequences.pop_back();
  }
}

// ---- Comparing

// Goes on reading where it ended before, and compares.
void ModelRun::ReadJournalOn(Ledger* ledger) {
  const auto end = ledger->ReadJournal(journal_end_, [&](const JournalEntry& entry) {
    const size_t i = journal_.size();
    EXPECT_LT(i, expected_.size());
    if (::testing::Test::HasFailure()) return false;
    EXPECT_GE(entry.lsn, journal_end_);
    EXPECT_NE(entry.lsn, 0u);
    EXPECT_GT(entry.next_lsn, entry.lsn);
    if (i > 0) {
      EXPECT_GE(entry.commit_time_us, journal_.back().commit_time_us);
    }
    JournalEntry& wanted = expected_[i];
    wanted.lsn = entry.lsn;
    wanted.next_lsn = entry.next_lsn;
    wanted.commit_time_us = entry.commit_time_us;
    wanted.reason = entry.reason;
    ExpectSame(entry, wanted);
    journal_.push_back(entry);
    journal_end_ = entry.next_lsn;
    return true;
  });
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(journal_.size(), expected_.size());
  EXPECT_EQ(*end, journal_end_);
}

void ModelRun::CompareAnswers(Ledger* ledger) {
  ReadJournalOn(ledger);
  for (size_t i = 0; i < answers_.outcomes.size() && !::testing::Test::HasFailure(); ++i) {
    const Outcome& outcome = answers_.outcomes[i];
    Outcome& wanted = steps_[i].wanted;
    if (wanted.sequence != 0) wanted.lsn = journal_.at(wanted.sequence - 1).lsn;
    EXPECT_EQ(Text(outcome), Text(wanted))
        << "change " << i << " of " << steps_.size() << ": " << ToJson(steps_[i].change) << "\n"
        << outcome.reason;
    EXPECT_EQ(outcome.applied(), outcome.reason.empty());
    ++answered_[static_cast<int>(outcome.code)];
  }
}

void ModelRun::CompareSomething(Ledger* ledger) {
  if (::testing::Test::HasFailure()) return;
  CompareEntities(ledger);
  CompareSources(ledger);

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
  for (const std::string& key : model_.Keys()) CompareHistory(ledger, key, {.limit = 0, .oldest_first = true});
  CompareStats(ledger);

  const auto report = ledger->Verify();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->fault, "");
  EXPECT_EQ(report->entries, model_.sequence());
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
    if (line.version > options.after_version && line.version <= options.up_to_version) wanted.push_back(line);
  }
  if (!options.oldest_first) std::reverse(wanted.begin(), wanted.end());
  if (options.limit != 0 && wanted.size() > options.limit) wanted.resize(options.limit);
  const auto lines = ledger->History(key, options);
  ASSERT_TRUE(lines.ok()) << lines.status();
  ExpectSame(*lines, wanted);
}

void ModelRun::CompareAsOfVersion(Ledger* ledger, const std::string& key) {
  const std::vector<uint64_t>& sequences = versions_[key];
  const uint64_t version = random_.Below(sequences.size() + 2);
  const auto entity = ledger->Get(key, AsOf::Version(version));
  if (version > sequences.size()) {
    EXPECT_TRUE(absl::IsOutOfRange(entity.status())) << entity.status();
    return;
  }
  ASSERT_TRUE(entity.ok()) << entity.status();
  ExpectSame(*entity, model_.AsOf(key, version == 0 ? 0 : sequences[version - 1]));
}

void ModelRun::CompareAsOfLsn(Ledger* ledger, const std::string& key) {
  uint64_t lsn = random_.Below(journal_end_ + 1);
  if (!journal_.empty() && random_.OneIn(2)) lsn = journal_[random_.Below(journal_.size())].lsn - random_.Below(2);
  const auto entity = ledger->Get(key, AsOf::Lsn(lsn));
  ASSERT_TRUE(entity.ok()) << entity.status();
  ExpectSame(*entity, model_.AsOf(key, EntriesUpToLsn(lsn)));
  EXPECT_TRUE(absl::IsOutOfRange(ledger->Get(key, AsOf::Lsn(journal_end_ + 1)).status()));
}

void ModelRun::CompareAsOfTime(Ledger* ledger, const std::string& key) {
  int64_t time_us = 0;
  if (!journal_.empty()) time_us = journal_[random_.Below(journal_.size())].commit_time_us;
  time_us += static_cast<int64_t>(random_.Below(3)) - 1;
  const auto entity = ledger->Get(key, AsOf::TimeUs(time_us));
  ASSERT_TRUE(entity.ok()) << entity.status();
  ExpectSame(*entity, model_.AsOf(key, EntriesUpToTime(time_us)));
  const auto lsn = ledger->LsnAtTime(time_us);
  ASSERT_TRUE(lsn.ok()) << lsn.status();
  EXPECT_EQ(EntriesUpToLsn(*lsn), EntriesUpToTime(time_us));
}

void ModelRun::CompareStats(Ledger* ledger) {
  const auto stats = ledger->GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->sequence, model_.sequence());
  EXPECT_EQ(stats->durable_lsn, journal_end_);
  EXPECT_EQ(stats->checkpoint_lsn, journal_end_);  // there was a fresh scan just before
  EXPECT_EQ(stats->entities, model_.Keys().size());
  for (int code = 0; code < kOutcomeCodeCount; ++code) EXPECT_EQ(stats->outcomes[code], answered_[code]) << code;
}

// A key of the model; rarely one that never was.
std::string ModelRun::SomeKey() {
  const std::vector<std::string> keys = model_.Keys();
  if (keys.empty() || random_.OneIn(20)) return "never";
  if (random_.OneIn(2)) return "K0";  // with a long history
  return keys[random_.Below(keys.size())];
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
