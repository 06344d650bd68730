// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/reads.h"

#include <algorithm>
#include <utility>

#include "absl/numeric/bits.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/commit/history.h"
#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/journal_entry.h"
#include "engine/ledger/journal_head.h"

namespace semel::internal {
namespace {

constexpr int64_t kScanTimeUs = 60'000'000;  // a scan holds a read transaction for at most this long
constexpr uint64_t kClockEvery = 1024;       // records between two looks at the clock

Entity ToEntity(std::string_view key, const Head& head) {
  Entity entity;
  entity.key = std::string(key);
  entity.version = head.version;
  entity.balance = head.balance;
  entity.deleted = head.deleted;
  const HeadExtras& extras = head.Extras();
  entity.value = extras.value;
  entity.policy = head.GetPolicy();
  if (extras.stamp.has_value()) entity.stamp = extras.stamp->value;
  return entity;
}

SourceCursor ToCursor(std::string_view name, const Head& head) {
  const SourceState& state = *head.Extras().source;
  SourceCursor cursor;
  cursor.name = std::string(name);
  cursor.position = state.cursor;
  cursor.incarnation = state.incarnation;
  cursor.chained = state.chained;
  cursor.consumed = head.version + 1 - state.first_version;
  cursor.window = state.window;
  for (const char byte : state.ahead) cursor.ahead += absl::popcount(static_cast<uint8_t>(byte));
  return cursor;
}

HistoryLine ToLine(const Entry& entry, const Effect& effect) {
  HistoryLine line;
  line.version = effect.version;
  line.sequence = entry.sequence;
  line.lsn = entry.lsn;
  line.commit_time_us = entry.commit_time_us;
  line.id = std::string(entry.id);
  line.action = effect.action;
  line.amount = effect.amount;
  line.balance = effect.balance;
  if (effect.action == Action::kPut) line.value = std::string(effect.value);
  line.deleted = effect.deleted;
  return line;
}

// What one entry did to one entity, and the bytes that it lies in.
class PastEffect {
 public:
  absl::Status Read(JournalReader* journal, std::string_view key, Lsn lsn) {
    SEMEL_RETURN_IF_ERROR(journal->ReadEntry(lsn, /*with_frame=*/false, &buffer_, &entry_));
    effect_ = FindEffect(entry_, Table::kEntities, key);
    if (effect_ != nullptr) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("the entry at ", lsn, " is not of this entity"));
  }
  const Effect& effect() const { return *effect_; }

 private:
  EntryBuffer buffer_;
  Entry entry_;
  const Effect* effect_ = nullptr;
};

void TakeValue(const Effect& effect, Entity* entity) {
  if (effect.action == Action::kPut) entity->value = std::string(effect.value);
}

void TakePolicy(const Effect& effect, Entity* entity) {
  if (effect.policy.has_value()) entity->policy = *effect.policy;
}

absl::Status NotYet(absl::string_view what, uint64_t asked, uint64_t present) {
  return absl::OutOfRangeError(absl::StrCat(what, " ", asked, " is not reached yet; the latest is ", present));
}

absl::Status RetiredError() { return absl::OutOfRangeError("the key was retired: nothing is known of it any more"); }

Entity RetiredEntity(std::string_view key) {
  Entity entity;
  entity.key = std::string(key);
  entity.retired = true;
  return entity;
}

absl::Status CheckKey(std::string_view key) {
  if (!key.empty() && key.size() <= kMaxKeyBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a key has 1 to ", kMaxKeyBytes, " bytes, this one ", key.size()));
}

}  // namespace

Reads::Reads(const Manifest& manifest, HeadTable* heads, StateStore* store, JournalReader* journal, Clock* clock,
             FileSystem* files, const std::string& directory)
    : manifest_(manifest),
      heads_(heads),
      store_(store),
      journal_(journal),
      clock_(clock),
      files_(files),
      directory_(directory) {}

absl::StatusOr<Entity> Reads::Get(std::string_view key, const AsOf& as_of) const {
  if (as_of.version.has_value() + as_of.lsn.has_value() + as_of.time_us.has_value() > 1) {
    return absl::InvalidArgumentError("as of a version, an LSN or a time: give one of them");
  }
  SEMEL_RETURN_IF_ERROR(CheckKey(key));
  // Asked of the moment at which the head was read: the journal may be a frame further already.
  const HeadKey head_key{Table::kEntities, key};
  JournalTip tip;
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Head> heads, heads_->ReadMany({&head_key, 1}, &tip));
  const Head& head = heads[0];
  if (head.version == 0) {
    SEMEL_ASSIGN_OR_RETURN(const bool retired, IsRetired(key));
    const bool past = as_of.version.has_value() || as_of.lsn.has_value() || as_of.time_us.has_value();
    if (retired && past) return RetiredError();
    if (retired) return RetiredEntity(key);
  }
  if (as_of.version.has_value()) {
    if (*as_of.version > head.version) return NotYet("version", *as_of.version, head.version);
    if (*as_of.version == 0) return ToEntity(key, Head());
    const ChainStart start{Table::kEntities, key, &head};
    ChainPath path;
    SEMEL_ASSIGN_OR_RETURN(const std::optional<Lsn> lsn,
                           FindVersion(journal_, start, *as_of.version, journal_->floor(), &path));
    if (!lsn.has_value()) return absl::OutOfRangeError("this version lies before the retained history");
    return ReadPast(key, head, *lsn);
  }
  if (as_of.lsn.has_value()) {
    if (*as_of.lsn > tip.lsn) return NotYet("LSN", *as_of.lsn, tip.lsn);
    return GetAtLsn(key, head, *as_of.lsn);
  }
  if (as_of.time_us.has_value()) {
    SEMEL_ASSIGN_OR_RETURN(const Lsn lsn, LsnAtTime(*as_of.time_us));
    return GetAtLsn(key, head, lsn);
  }
  return ToEntity(key, head);
}

absl::StatusOr<uint64_t> Reads::LsnAtTime(int64_t time_us) const {
  const Lsn shown = heads_->tip().lsn;  // the journal may be a frame further already
  SEMEL_ASSIGN_OR_RETURN(const Lsn end, journal_->LsnAtTime(time_us));
  return std::max<Lsn>(std::min(end, shown), 1) - 1;
}

absl::StatusOr<Entity> Reads::GetAtLsn(std::string_view key, const Head& head, Lsn lsn) const {
  if (head.version == 0) return ToEntity(key, head);
  const ChainStart start{Table::kEntities, key, &head};
  SEMEL_ASSIGN_OR_RETURN(const VersionAtLsn at, FindAtLsn(journal_, start, lsn, journal_->floor()));
  if (!at.readable) return absl::OutOfRangeError("this moment lies before the retained history");
  return at.version == 0 ? ToEntity(key, Head()) : ReadPast(key, head, at.lsn);
}

// The entity as the entry at `lsn` left it: the entry has the balance, and says where the value and the policy were
// set. If they were not set again since, they are `head`'s, even if that entry was trimmed.
absl::StatusOr<Entity> Reads::ReadPast(std::string_view key, const Head& head, Lsn lsn) const {
  PastEffect past;
  SEMEL_RETURN_IF_ERROR(past.Read(journal_, key, lsn));
  Entity entity;
  entity.key = std::string(key);
  entity.version = past.effect().version;
  entity.balance = past.effect().balance;
  entity.deleted = past.effect().deleted;

  const std::optional<Lsn> value_lsn = past.effect().value_lsn;
  const std::optional<Lsn> policy_lsn = past.effect().policy_lsn;
  TakeValue(past.effect(), &entity);
  TakePolicy(past.effect(), &entity);
  const HeadExtras& present = head.Extras();
  if (value_lsn.has_value() && present.value.has_value() && present.value_lsn == *value_lsn) {
    entity.value = present.value;
  } else if (value_lsn.has_value()) {
    SEMEL_RETURN_IF_ERROR(past.Read(journal_, key, *value_lsn));
    TakeValue(past.effect(), &entity);
  }
  if (policy_lsn.has_value() && present.policy.has_value() && present.policy_lsn == *policy_lsn) {
    entity.policy = *present.policy;
  } else if (policy_lsn.has_value()) {
    SEMEL_RETURN_IF_ERROR(past.Read(journal_, key, *policy_lsn));
    TakePolicy(past.effect(), &entity);
  }
  return entity;
}

absl::StatusOr<ManyEntities> Reads::GetMany(absl::Span<const std::string> keys) const {
  std::vector<HeadKey> head_keys;
  for (const std::string& key : keys) {
    SEMEL_RETURN_IF_ERROR(CheckKey(key));
    head_keys.push_back({Table::kEntities, key});
  }
  JournalTip tip;
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Head> heads, heads_->ReadMany(head_keys, &tip));
  ManyEntities many;
  many.lsn = tip.lsn;
  for (size_t i = 0; i < keys.size(); ++i) {
    bool retired = false;
    if (heads[i].version == 0) {
      SEMEL_ASSIGN_OR_RETURN(retired, IsRetired(keys[i]));
    }
    many.entities.push_back(retired ? RetiredEntity(keys[i]) : ToEntity(keys[i], heads[i]));
  }
  return many;
}

absl::StatusOr<std::vector<HistoryLine>> Reads::History(std::string_view key, const HistoryOptions& options) const {
  SEMEL_RETURN_IF_ERROR(CheckKey(key));
  SEMEL_ASSIGN_OR_RETURN(const Head head, heads_->Read({Table::kEntities, key}));
  if (head.version == 0) {
    SEMEL_ASSIGN_OR_RETURN(const bool retired, IsRetired(key));
    if (retired) return RetiredError();
  }
  std::vector<HistoryLine> lines;
  uint64_t after = options.after_version;
  if (options.oldest_first && head.version != 0) {  // begins where it can be read
    const ChainStart start{Table::kEntities, key, &head};
    SEMEL_ASSIGN_OR_RETURN(const uint64_t oldest, OldestReadable(journal_, start, journal_->floor()));
    after = std::max(after, oldest - 1);
  }
  const uint64_t up_to = std::min(head.version, options.up_to_version);
  if (up_to <= after) return lines;
  const uint64_t limit = options.limit == 0 ? up_to - after : std::min(options.limit, up_to - after);
  const uint64_t newest = options.oldest_first ? after + limit : up_to;
  const ChainStart start{Table::kEntities, key, &head};
  SEMEL_RETURN_IF_ERROR(WalkBack(
      journal_, start, newest, after, limit, journal_->floor(), /*with_frame=*/true,
      [&](const Entry& entry, const Effect& effect) {
        lines.push_back(ToLine(entry, effect));
        return true;
      },
      nullptr));
  if (options.oldest_first) std::reverse(lines.begin(), lines.end());
  return lines;
}

absl::StatusOr<uint64_t> Reads::Scan(const ScanOptions& options, bool dirty,
                                     const std::function<bool(const Entity&)>& visit) const {
  const std::string& start = std::max(options.prefix, options.start_after);
  HeadTable::Overlay overlay;
  if (dirty) {
    SEMEL_ASSIGN_OR_RETURN(overlay, heads_->ReadOverlay(Table::kEntities, start));
  } else {
    overlay.table = Table::kEntities;
    overlay.start = start;
    SEMEL_ASSIGN_OR_RETURN(overlay.snapshot, store_->Snapshot());
    overlay.tip = overlay.snapshot->info().tip;
  }

  const int64_t deadline = clock_->MonotonicUs() + kScanTimeUs;
  uint64_t records = 0;
  uint64_t visited = 0;
  bool expired = false;
  auto visit_head = [&](std::string_view key, const Head& head) {
    if (key.substr(0, options.prefix.size()) != options.prefix) return false;
    if (++records % kClockEvery == 0 && clock_->MonotonicUs() > deadline) {
      expired = true;
      return false;
    }
    if (key <= options.start_after || (head.deleted && !options.include_deleted)) return true;
    return visit(ToEntity(key, head)) && ++visited != options.limit;
  };
  SEMEL_RETURN_IF_ERROR(overlay.Visit(visit_head));
  if (expired) return absl::AbortedError("the scan took more than a minute; go on with start_after");
  return overlay.tip.lsn;
}

absl::StatusOr<std::optional<SourceCursor>> Reads::GetSource(std::string_view name) const {
  if (name.empty() || name.size() > kMaxSourceNameBytes) return std::nullopt;  // no source is called that
  SEMEL_ASSIGN_OR_RETURN(const Head head, heads_->Read({Table::kSources, name}));
  if (head.version == 0) return std::nullopt;
  return ToCursor(name, head);
}

absl::StatusOr<std::vector<SourceCursor>> Reads::ListSources() const {
  SEMEL_ASSIGN_OR_RETURN(const HeadTable::Overlay overlay, heads_->ReadOverlay(Table::kSources, ""));
  std::vector<SourceCursor> cursors;
  SEMEL_RETURN_IF_ERROR(overlay.Visit([&](std::string_view name, const Head& head) {
    cursors.push_back(ToCursor(name, head));
    return true;
  }));
  return cursors;
}

absl::StatusOr<Answerable> Reads::AnswerableSince(std::string_view key) const {
  SEMEL_RETURN_IF_ERROR(CheckKey(key));
  SEMEL_ASSIGN_OR_RETURN(const Head head, heads_->Read({Table::kEntities, key}));
  Answerable answerable;
  answerable.version = head.version;
  answerable.floor_lsn = journal_->floor();
  if (head.version == 0) {
    SEMEL_ASSIGN_OR_RETURN(answerable.retired, IsRetired(key));
    return answerable;
  }
  const ChainStart start{Table::kEntities, key, &head};
  SEMEL_ASSIGN_OR_RETURN(const uint64_t oldest, OldestReadable(journal_, start, answerable.floor_lsn));
  answerable.since_version = std::min(oldest, head.version) - 1;  // the head itself remembers its newest entry
  return answerable;
}

// Whether some beginning of the key was retired.
absl::StatusOr<bool> Reads::IsRetired(std::string_view key) const {
  if (heads_->TotalsOf(Table::kRetired).records == 0) return false;
  std::vector<HeadKey> prefixes;
  for (size_t size = 1; size <= key.size(); ++size) prefixes.push_back({Table::kRetired, key.substr(0, size)});
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Head> records, heads_->ReadMany(prefixes, nullptr));
  return std::any_of(records.begin(), records.end(), [](const Head& record) { return record.version != 0; });
}

absl::StatusOr<uint64_t> Reads::ReadJournal(uint64_t from,
                                            const std::function<bool(const JournalEntry&)>& visit) const {
  const Lsn end = journal_->durable_lsn();
  if (from > end) return NotYet("LSN", from, end);
  if (from == 0) from = journal_->floor();
  if (from < journal_->floor()) {
    return absl::OutOfRangeError(absl::StrCat("the journal before LSN ", journal_->floor(), " was trimmed"));
  }
  if (from == end) return end;

  // `from` is where a frame begins, or an entry in one.
  Lsn frame_lsn = from;
  absl::StatusOr<FrameHeader> header = journal_->ReadFrameHeader(frame_lsn);
  if (!header.ok()) {
    EntryBuffer buffer;
    Entry entry;
    if (!journal_->ReadEntry(from, /*with_frame=*/false, &buffer, &entry).ok()) {
      return absl::OutOfRangeError(absl::StrCat("no entry begins at LSN ", from, "; use 0 or a next_lsn seen before"));
    }
    frame_lsn = entry.frame_lsn;
    header = journal_->ReadFrameHeader(frame_lsn);
    if (!header.ok()) return header.status();
  }

  const JournalTip begin = TipBefore(*header);
  const uint64_t seed = SeedsOf(manifest_.uuid, manifest_.epoch).checks;
  Lsn next = from;
  auto visit_frame = [&](const FrameHeader& frame, std::string_view entries) -> absl::StatusOr<bool> {
    bool going = true;
    SEMEL_RETURN_IF_ERROR(VisitEntries(frame, entries, seed, [&](const Entry& entry) -> absl::StatusOr<bool> {
      if (entry.lsn < from) return true;
      next = entry.next_lsn;
      going = visit(ToJournalEntry(entry));
      return going;
    }));
    return going;
  };
  SEMEL_RETURN_IF_ERROR(journal_->VisitFrames(begin, end, visit_frame));
  return next;
}

absl::StatusOr<JournalHead> Reads::GetHead() const {
  if (manifest_.tamper_evident) return HeadAt(heads_->tip(), manifest_);
  return absl::FailedPreconditionError(
      "this ledger was created without tamper evidence, so its history has no hash; see Options::tamper_evident");
}

absl::StatusOr<Stats> Reads::GetStats() const {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, store_->Snapshot());
  SEMEL_ASSIGN_OR_RETURN(const StateStats state, store_->GetStats());
  const CheckpointInfo& info = snapshot->info();
  const JournalTip tip = heads_->tip();
  Stats stats;
  stats.uuid = absl::BytesToHexString(manifest_.uuid);
  stats.epoch = manifest_.epoch;
  stats.format_version = manifest_.format;
  stats.sequence = tip.next_sequence - 1;
  stats.durable_lsn = tip.lsn;
  stats.checkpoint_lsn = info.tip.lsn;
  stats.floor_lsn = journal_->floor();
  stats.commit_time_us = tip.commit_time_us;
  stats.entities = info.RecordsOf(Table::kEntities);
  stats.sources = info.RecordsOf(Table::kSources);
  const HeadTable::Totals parked = heads_->TotalsOf(Table::kParked);
  stats.parked = parked.records;
  stats.parked_bytes = parked.bytes;
  const HeadTable::Totals letters = heads_->TotalsOf(Table::kLetters);
  stats.dead_letters = letters.records;
  stats.dead_letter_bytes = letters.bytes;
  stats.retired_prefixes = heads_->TotalsOf(Table::kRetired).records;
  SEMEL_ASSIGN_OR_RETURN(stats.journal_bytes, journal_->FileBytes());
  stats.journal_segments = journal_->segment_count();
  stats.state_bytes = state.file_bytes;
  stats.state_free_bytes = state.free_bytes;
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Lsn> bases, ListBases(files_, directory_));
  if (!bases.empty()) {
    stats.base_lsn = bases.back();
    SEMEL_ASSIGN_OR_RETURN(stats.base_bytes, BaseBytes(files_, directory_, bases.back()));
  }
  stats.cached_entities = heads_->node_count();
  stats.dirty_bytes = heads_->pinned_bytes();
  stats.active_readers = state.active_readers;
  stats.oldest_reader_age_us = state.oldest_reader_age_us;
  stats.state_digest = absl::StrFormat("%016x%016x", info.digest.high, info.digest.low);
  return stats;
}

}  // namespace semel::internal
