// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/commit/decider.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/journal/change_coding.h"
#include "engine/rules/rules.h"
#include "engine/rules/source.h"
#include "engine/rules/text.h"
#include "engine/rules/validate.h"

namespace semel::internal {
namespace {

// What an entry takes beside the bytes of its change, generously: see engine/journal/entry.h.
constexpr size_t kEntryOverheadMax = 1024;
constexpr size_t kEffectOverheadMax = 512;

size_t EntryBytesMax(const Change& change) {
  size_t bytes = kEntryOverheadMax + change.original.size();
  for (const Update& update : change.updates) {
    // Twice, as the message may be kept beside its effects.
    bytes += 2 * (kEffectOverheadMax + update.key.size() + (update.action == Action::kPut ? update.value.size() : 0));
  }
  return bytes;
}

std::unique_ptr<std::string> NullIfEmpty(std::string text) {
  return text.empty() ? nullptr : std::make_unique<std::string>(std::move(text));
}

void Answer(OutcomeCode code, std::string reason, Outcome* outcome) {
  outcome->code = code;
  outcome->reason = std::move(reason);
}

// The id as the journal keeps it. Only a change that is refused for it has a longer one.
std::string_view RecordedId(const Change& change) { return std::string_view(change.id).substr(0, kMaxIdBytes); }

bool Advances(const Update& update) { return update.action != Action::kCheck; }

SettledPosition PositionOf(const SourcePosition& source) { return {source.name, source.incarnation, source.position}; }

std::string WhyWrongStream(const Change& change, uint64_t epoch) {
  if (change.epoch.has_value() && *change.epoch != epoch) {
    return absl::StrCat("the change is meant for epoch ", *change.epoch, ", the ledger is at epoch ", epoch,
                        ": it was restored from a backup; look at what it holds before sending this again");
  }
  return change.source.has_value() ? WhySourceMalformed(*change.source) : "";
}

// The message of a change as it is kept. `bytes` holds what the result points into.
KeptMessage MessageOf(const Change& change, std::string* bytes) {
  KeptMessage message;
  if (change.undecodable.empty()) *bytes = EncodeChange(change);
  const bool keeps_change = bytes->size() <= kMaxKeptBytes;
  if (keeps_change) message.change = *bytes;
  if (!keeps_change && change.original.empty()) *bytes = ToProto(change);
  const std::string& original = !keeps_change && change.original.empty() ? *bytes : change.original;
  message.original = std::string_view(original).substr(0, kMaxKeptBytes);
  message.original_bytes = original.size();
  return message;
}

}  // namespace

PreparedChange Prepare(const Change& change, const DeciderOptions& options) {
  PreparedChange prepared;
  prepared.change = &change;
  prepared.stream_fault = NullIfEmpty(WhyWrongStream(change, options.epoch));
  prepared.fault = NullIfEmpty(WhyInvalid(change));
  prepared.identity = IdentityOf(change, options.seeds.ids);
  if (change.id.size() > kMaxIdBytes) prepared.identity.id = MakeIdTag(RecordedId(change), options.seeds.ids);
  prepared.entry_bytes_max = EntryBytesMax(change);
  return prepared;
}

void AppendKeys(const PreparedChange& prepared, std::vector<HeadKey>* keys) {
  if (prepared.has_updates()) {
    for (const Update& update : prepared.change->updates) keys->push_back({Table::kEntities, update.key});
  }
  if (prepared.has_source()) keys->push_back({Table::kSources, prepared.change->source->name});
}

Decider::Decider(HeadTable* heads, JournalReader* journal, const DeciderOptions& options)
    : heads_(heads),
      journal_(journal),
      options_(options),
      frame_(options.seeds.checks, options.tamper_evident),
      entries_(journal, &frame_, options.seeds.checks) {}

absl::Status Decider::Recover() {
  SEMEL_RETURN_IF_ERROR(heads_->VisitRecords(Table::kRetired, [&](std::string_view prefix, std::string_view) {
    retired_.Add(prefix);
    return absl::OkStatus();
  }));
  SEMEL_RETURN_IF_ERROR(heads_->VisitRecords(Table::kParked, [&](std::string_view, std::string_view bytes) {
    SEMEL_ASSIGN_OR_RETURN(const ParkedRecord record, DecodeParked(bytes));
    SEMEL_ASSIGN_OR_RETURN(const Change change, DecodeChange(record.message.change));
    const Identity identity{record.entry.id, record.entry.fingerprint};
    const size_t size = record.message.change.size() + record.message.original.size();
    lot_.Add(ParkingLot::Describe(record.entry.sequence, identity, change, size));
    return absl::OkStatus();
  }));
  lot_.Publish();
  return absl::OkStatus();
}

void Decider::Begin(const JournalTip& tip, int64_t now_us, const DecidingOptions& options) {
  deciding_ = options;
  frame_.Begin(tip, now_us);
  paths_.Clear();
  unparked_.clear();
}

absl::Status Decider::Decide(const PreparedChange& prepared, absl::Span<HeadTable::Node* const> nodes, bool park,
                             Outcome* outcome) {
  Case c{prepared, nodes, outcome};
  c.park = park;
  if (prepared.stream_fault != nullptr) {
    Answer(OutcomeCode::kInvalid, *prepared.stream_fault, outcome);
    return absl::OkStatus();
  }
  if (prepared.has_source()) {
    c.source = nodes.back();
    c.nodes.remove_suffix(1);
    const SourcePosition& source = *c.change().source;
    const Head& head = heads_->Current(c.source);
    SourceJudgement judgement = JudgeSource(source, head, memories_.Find(source.name));
    if (head.version == 0) memories_.NoteFirstSight(source);
    switch (judgement.step) {
      case SourceStep::kStreamFault:
        Answer(OutcomeCode::kInvalid, std::move(judgement.reason), outcome);
        return absl::OkStatus();
      case SourceStep::kEarly:
        Answer(OutcomeCode::kEarly, std::move(judgement.reason), outcome);
        return absl::OkStatus();
      case SourceStep::kConsumedBefore:
        return AnswerConsumed(c);
      case SourceStep::kDecide:
        break;
    }
  }
  SEMEL_RETURN_IF_ERROR(DecideNew(c));
  if (outcome->applied() && !lot_.empty()) {
    std::set<uint64_t> due;
    AddDue(c.change(), &due);
    Cascade(std::move(due));
  }
  return absl::OkStatus();
}

void Decider::NoteUndecided(const SourcePosition& source) {
  memories_.NoteFirstSight(source);
  memories_.NoteUndecided(source);
}

// ---- A change whose position, if it has one, is the next of its source; or one that was kept.

absl::Status Decider::DecideNew(Case& c) {
  if (!c.prepared.has_updates()) {
    Answer(OutcomeCode::kInvalid, *c.prepared.fault, c.outcome);
    return Record(c, std::nullopt);
  }
  for (const Update& update : c.change().updates) {
    if (!retired_.Covers(update.key)) continue;
    Answer(OutcomeCode::kIndeterminate, ShowKey(update.key) + " was retired: nothing is known of it any more",
           c.outcome);
    return Record(c, std::nullopt);
  }
  if (c.parked == 0 && c.letter == 0) c.twin = lot_.Find(c.prepared.identity.id);
  if (c.twin != nullptr && c.twin->fingerprint != c.prepared.identity.fingerprint) {
    Answer(OutcomeCode::kIdReused, absl::StrCat("differs from the parked change of this id, ", c.twin->sequence),
           c.outcome);
    return Record(c, std::nullopt);
  }
  for (HeadTable::Node* node : c.nodes) c.heads.push_back(&heads_->Current(node));
  ChainHistory history(&entries_, &paths_, options_.seeds.ids, floor(), c.change(), c.heads);
  SEMEL_ASSIGN_OR_RETURN(const Decision decision,
                         Classify(c.change(), c.prepared.identity, c.heads, deciding_, history));
  return decision.code == OutcomeCode::kApplied ? Accept(c) : Refuse(c, decision);
}

absl::Status Decider::Accept(Case& c) {
  Entry entry;
  entry.outcome = OutcomeCode::kApplied;
  const std::vector<Update>& updates = c.change().updates;
  for (size_t i = 0; i < updates.size(); ++i) {
    if (Advances(updates[i])) entry.effects.push_back(EffectOf(updates[i], *c.heads[i]));
  }
  SEMEL_RETURN_IF_ERROR(AddEntry(c, &entry));
  c.outcome->code = OutcomeCode::kApplied;
  AddPresent(c);
  return absl::OkStatus();
}

// Whatever is not applied. If it came through a source it consumes its position, except when it is early.
absl::Status Decider::Refuse(Case& c, const Decision& decision) {
  Outcome* outcome = c.outcome;
  outcome->code = decision.code;
  outcome->rule = decision.rule;
  outcome->conflict = decision.conflict;
  outcome->reason = Explain(decision, c.change(), c.heads);
  switch (decision.code) {
    case OutcomeCode::kDuplicate:
      SEMEL_RETURN_IF_ERROR(AnswerOriginal(c, decision.evidence->lsn, decision.evidence->sequence));
      return Record(c, decision.evidence->lsn);
    case OutcomeCode::kEarly:
      AddPresent(c);
      return AnswerEarly(c);
    case OutcomeCode::kConflict:
    case OutcomeCode::kRejected:
      AddPresent(c);
      return Record(c, std::nullopt);
    default:
      return Record(c, std::nullopt);
  }
}

// Parks the change, if it may be and is not parked already.
absl::Status Decider::AnswerEarly(Case& c) {
  if (c.parked != 0 || c.letter != 0) return absl::OkStatus();  // it stays what it is
  if (c.twin != nullptr) {
    Answer(OutcomeCode::kParked, absl::StrCat("parked already, as ", c.twin->sequence), c.outcome);
    return Record(c, std::nullopt);
  }
  if (c.park) {
    std::string bytes;
    const KeptMessage message = MessageOf(c.change(), &bytes);
    const size_t size = message.change.size() + message.original.size();
    if (lot_.HasRoom(c.change(), size, deciding_) && CheckRoomForLetter(message).ok()) {
      c.outcome->code = OutcomeCode::kParked;
      return Record(c, std::nullopt, /*parks=*/true);
    }
    c.outcome->reason += "; the parking lot is full";
  }
  if (c.source != nullptr) memories_.NoteUndecided(*c.change().source);  // and nothing of its source behind it may pass
  return absl::OkStatus();
}

// The entities as they are now, as the outcome's updates.
void Decider::AddPresent(Case& c) const {
  for (const HeadTable::Node* node : c.nodes) {
    const Head& head = heads_->Current(node);
    c.outcome->updates.push_back({head.version, head.balance});
  }
}

// ---- Entries.

// The entry of a change that was not applied, if it needs one: because it consumes a position, is parked or leaves the
// lot, or is a dead letter that is settled.
absl::Status Decider::Record(Case& c, std::optional<Lsn> original, bool parks) {
  const Outcome& outcome = *c.outcome;
  const bool refused = outcome.refused();
  if (c.letter != 0 && refused) return absl::OkStatus();  // it stays as it was
  const bool settles_twin = c.twin != nullptr && outcome.code == OutcomeCode::kDuplicate;
  if (c.source == nullptr && c.parked == 0 && c.letter == 0 && !parks && !settles_twin) return absl::OkStatus();

  Entry entry;
  entry.outcome = outcome.code;
  entry.rule = outcome.rule;
  entry.conflict = outcome.conflict;
  entry.reason = outcome.reason;
  entry.original = original;
  if (!original.has_value()) entry.results = outcome.updates;
  std::string bytes;
  if (refused || parks) {
    entry.message = c.message.has_value() ? *c.message : MessageOf(c.change(), &bytes);
    if (c.parked == 0) SEMEL_RETURN_IF_ERROR(CheckRoomForLetter(*entry.message));  // one from the lot has its room
  }
  return AddEntry(c, &entry);
}

absl::Status Decider::CheckRoomForLetter(const KeptMessage& message) {
  const HeadTable::Totals letters = heads_->PendingTotalsOf(Table::kLetters);
  const HeadTable::Totals parked = heads_->PendingTotalsOf(Table::kParked);
  const uint64_t records = letters.records + parked.records;
  const uint64_t bytes = letters.bytes + parked.bytes + message.change.size() + message.original.size();
  if (records < options_.max_dead_letters && bytes <= options_.max_dead_letter_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "the dead letters are full: ", letters.records, " of ", letters.bytes, " bytes, and ", parked.records,
      " parked changes; look at them with semel dead-letters, retry or discard some, or raise "
      "max_dead_letters or max_dead_letter_bytes"));
}

// Appends the entry to the frame and applies what it does to the batch-local heads.
absl::Status Decider::AddEntry(Case& c, Entry* entry) {
  const Change& change = c.change();
  entry->id = RecordedId(change);
  entry->fingerprint = c.prepared.identity.fingerprint;
  entry->balanced = change.balanced;
  entry->parked = c.parked;
  entry->letter = c.letter;
  if ((c.parked != 0 || c.letter != 0) && change.source.has_value()) entry->settles = PositionOf(*change.source);
  const bool settled = entry->outcome == OutcomeCode::kApplied || entry->outcome == OutcomeCode::kDuplicate;
  if (c.twin != nullptr && settled) {  // another attempt of a parked change: it leaves the lot
    entry->parked = c.twin->sequence;
    if (c.twin->source.has_value()) entry->settles = PositionOf(*c.twin->source);
  }
  AddSourceEffect(c, entry);

  frame_.Place(entry);
  std::vector<RecordChange> changes;
  std::vector<HeadTable::Node*> record_nodes;
  AppendRecordChanges(*entry, options_.seeds.ids, &changes);
  if (!changes.empty()) SEMEL_RETURN_IF_ERROR(LoadRecordNodes(changes, &record_nodes));
  frame_.Add(entry);

  const EntryRef ref{c.prepared.identity.id, entry->fingerprint, entry->lsn, entry->sequence};
  size_t effect = 0;
  for (size_t i = 0; entry->outcome == OutcomeCode::kApplied && i < c.nodes.size(); ++i) {
    if (Advances(change.updates[i])) ApplyChecked(c.nodes[i], entry->effects[effect++], ref);
  }
  if (c.source != nullptr) {
    ApplyChecked(c.source, entry->effects[effect++], ref);
    memories_.NoteConsumed(*change.source);
  }
  SEMEL_CHECK(effect == entry->effects.size());
  for (size_t i = 0; i < changes.size(); ++i) heads_->Apply(record_nodes[i], changes[i]);
  MoveLot(c, *entry);

  if (entry->original.has_value()) return absl::OkStatus();  // the answer names the original's
  c.outcome->lsn = entry->lsn;
  c.outcome->sequence = entry->sequence;
  return absl::OkStatus();
}

// The effect was made from this very head a moment ago; if it does not fit, the frame is already wrong.
void Decider::ApplyChecked(HeadTable::Node* node, const Effect& effect, const EntryRef& ref) {
  SEMEL_CHECK(heads_->Apply(node, effect, ref).ok());
}

void Decider::AddSourceEffect(const Case& c, Entry* entry) const {
  if (c.source == nullptr) return;
  const SourcePosition& source = *c.change().source;
  const Head& head = heads_->Current(c.source);
  const SourceState* state = head.version == 0 ? nullptr : &*head.Extras().source;
  Effect effect = NextEffect(Table::kSources, source.name, head);
  effect.position = source.position;
  effect.incarnation = source.incarnation;
  effect.chained = state == nullptr ? memories_.Find(source.name)->chained : state->chained;
  effect.window = source.window;
  effect.settles = !IsRefusal(entry->outcome) && entry->outcome != OutcomeCode::kParked;
  if (state != nullptr) effect.settled_before = state->settled;
  entry->effects.push_back(std::move(effect));
}

absl::Status Decider::LoadRecordNodes(const std::vector<RecordChange>& changes, std::vector<HeadTable::Node*>* nodes) {
  std::vector<HeadKey> keys;
  for (const RecordChange& change : changes) keys.push_back({change.table, change.key});
  return heads_->Load(keys, nodes);
}

// The lot's index follows the table.
void Decider::MoveLot(const Case& c, const Entry& entry) {
  if (entry.parked != 0) lot_.Remove(entry.parked);
  if (entry.outcome != OutcomeCode::kParked || !entry.message.has_value()) return;
  const size_t bytes = entry.message->change.size() + entry.message->original.size();
  lot_.Add(ParkingLot::Describe(entry.sequence, c.prepared.identity, c.change(), bytes));
}

// ---- Parked changes.

// Adds the parked changes that touch what an applied change has moved.
void Decider::AddDue(const Change& applied, std::set<uint64_t>* due) const {
  for (const Update& update : applied.updates) {
    if (Advances(update)) lot_.Touching(update.key, due);
  }
}

// Decides the parked changes `due`, oldest first, and those that become due by it.
void Decider::Cascade(std::set<uint64_t> due) {
  while (!due.empty()) {
    const uint64_t sequence = *due.begin();
    due.erase(due.begin());
    if (absl::Status status = DecideParked(sequence, &due); !status.ok() && options_.log) {
      options_.log(
          absl::StrCat("the parked change ", sequence, " could not be decided and stays parked: ", status.ToString()));
    }
  }
}

absl::Status Decider::DecideParked(uint64_t sequence, std::set<uint64_t>* due) {
  if (lot_.Get(sequence) == nullptr) return absl::OkStatus();  // it left the lot meanwhile
  Kept kept;
  SEMEL_RETURN_IF_ERROR(UnpackParked(sequence, &kept));
  Outcome outcome;
  Case c{kept.prepared, kept.nodes, &outcome};
  c.parked = sequence;
  c.message = kept.message;
  SEMEL_RETURN_IF_ERROR(DecideNew(c));
  if (outcome.early()) return absl::OkStatus();
  if (outcome.applied()) AddDue(kept.change, due);
  unparked_.emplace_back(std::move(kept.change), std::move(outcome));
  return absl::OkStatus();
}

absl::StatusOr<std::string> Decider::ReadRecord(Table table, uint64_t sequence) {
  const std::string key = SequenceKey(sequence);
  const HeadKey head_key{table, key};
  std::vector<HeadTable::Node*> nodes;
  SEMEL_RETURN_IF_ERROR(heads_->Load({&head_key, 1}, &nodes));
  const Head& head = heads_->Current(nodes[0]);
  if (head.version == 0) {
    return absl::NotFoundError(
        absl::StrCat(table == Table::kParked ? "no parked change " : "no dead letter ", sequence));
  }
  return *head.Extras().value;
}

// Fills all but the record and the message, of the message.
absl::Status Decider::Unpack(Kept* kept) {
  SEMEL_ASSIGN_OR_RETURN(kept->change, DecodeChange(kept->message.change));
  kept->prepared = Prepare(kept->change, options_);
  std::vector<HeadKey> keys;
  if (kept->prepared.has_updates()) {
    for (const Update& update : kept->change.updates) keys.push_back({Table::kEntities, update.key});
  }
  return heads_->Load(keys, &kept->nodes);
}

absl::Status Decider::UnpackParked(uint64_t sequence, Kept* kept) {
  SEMEL_ASSIGN_OR_RETURN(kept->record, ReadRecord(Table::kParked, sequence));
  SEMEL_ASSIGN_OR_RETURN(const ParkedRecord record, DecodeParked(kept->record));
  kept->message = record.message;
  return Unpack(kept);
}

// ---- Operators.

absl::Status Decider::DiscardParked(uint64_t sequence, Outcome* outcome) {
  Kept kept;
  SEMEL_RETURN_IF_ERROR(UnpackParked(sequence, &kept));
  Case c{kept.prepared, kept.nodes, outcome};
  c.parked = sequence;
  c.message = kept.message;
  Answer(OutcomeCode::kConflict, "it was parked, and an operator discarded it", outcome);
  outcome->conflict = Conflict::kDiscarded;
  AddPresent(c);
  return Record(c, std::nullopt);
}

absl::Status Decider::RetryLetter(uint64_t sequence, Outcome* outcome) {
  Kept kept;
  SEMEL_ASSIGN_OR_RETURN(kept.record, ReadRecord(Table::kLetters, sequence));
  SEMEL_ASSIGN_OR_RETURN(const LetterRecord record, DecodeLetter(kept.record));
  if (record.message.change.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("the dead letter ", sequence,
                                                      " could not be decoded: export it, send what was meant as a new "
                                                      "change, and discard the letter"));
  }
  kept.message = record.message;
  SEMEL_RETURN_IF_ERROR(Unpack(&kept));
  Case c{kept.prepared, kept.nodes, outcome};
  c.letter = sequence;
  SEMEL_RETURN_IF_ERROR(DecideNew(c));
  if (!outcome->applied()) return absl::OkStatus();
  std::set<uint64_t> due;
  AddDue(kept.change, &due);
  Cascade(std::move(due));
  return absl::OkStatus();
}

absl::Status Decider::DiscardLetter(uint64_t sequence) {
  SEMEL_RETURN_IF_ERROR(ReadRecord(Table::kLetters, sequence).status());
  Entry entry;
  entry.kind = EntryKind::kDiscardLetter;
  entry.letter = sequence;
  return Add(&entry);
}

absl::Status Decider::SetSource(const SourceCursor& cursor) {
  SourcePosition position;
  position.name = cursor.name;
  position.position = std::max<uint64_t>(cursor.position, 1);
  position.incarnation = cursor.incarnation;
  position.window = cursor.window;
  if (std::string why = WhySourceMalformed(position); !why.empty()) return absl::InvalidArgumentError(why);
  const HeadKey key{Table::kSources, cursor.name};
  std::vector<HeadTable::Node*> nodes;
  SEMEL_RETURN_IF_ERROR(heads_->Load({&key, 1}, &nodes));
  const Head& head = heads_->Current(nodes[0]);
  const SourceState* state = head.version == 0 ? nullptr : &*head.Extras().source;
  if (state != nullptr && state->incarnation == cursor.incarnation && cursor.position < state->cursor) {
    return absl::InvalidArgumentError(absl::StrCat(
        "source ", cursor.name, " is at ", state->cursor, ", which lies beyond ", cursor.position,
        "; going back would apply changes twice. If positions have started anew, name the new incarnation"));
  }
  const bool is_there = state != nullptr && state->incarnation == cursor.incarnation &&
                        state->cursor == cursor.position && state->window == cursor.window && state->ahead.empty();
  if (is_there) return absl::OkStatus();
  Entry entry;
  entry.kind = EntryKind::kSetSource;
  Effect effect = NextEffect(Table::kSources, cursor.name, head);
  effect.position = cursor.position;
  effect.incarnation = cursor.incarnation;
  effect.chained = state != nullptr && state->chained;
  effect.window = cursor.window;
  effect.sets_cursor = true;
  if (state != nullptr) effect.settled_before = state->settled;
  entry.effects.push_back(std::move(effect));
  frame_.Add(&entry);
  ApplyChecked(nodes[0], entry.effects[0], RefOf(entry, options_.seeds.ids));
  memories_.NoteCursorSet(cursor.name);
  return absl::OkStatus();
}

absl::Status Decider::Retire(std::string_view prefix) {
  if (prefix.empty() || prefix.size() > kMaxKeyBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a prefix of 1 to ", kMaxKeyBytes, " bytes can be retired"));
  }
  if (retired_.Covers(prefix)) return absl::OkStatus();
  Entry entry;
  entry.kind = EntryKind::kRetire;
  entry.prefix = prefix;
  SEMEL_RETURN_IF_ERROR(Add(&entry));
  retired_before_ = retired_;
  retired_.Add(prefix);
  std::set<uint64_t> due;
  lot_.TouchingPrefix(prefix, &due);
  Cascade(std::move(due));
  return absl::OkStatus();
}

absl::Status Decider::Add(Entry* entry) {
  frame_.Place(entry);
  std::vector<RecordChange> changes;
  std::vector<HeadTable::Node*> nodes;
  AppendRecordChanges(*entry, options_.seeds.ids, &changes);
  SEMEL_RETURN_IF_ERROR(LoadRecordNodes(changes, &nodes));
  frame_.Add(entry);
  for (size_t i = 0; i < changes.size(); ++i) heads_->Apply(nodes[i], changes[i]);
  return absl::OkStatus();
}

// ---- Answers from the record.

// The position was consumed before: the entry that did so answers, if this is the message that it decided; or what was
// noted of the position since.
absl::Status Decider::AnswerConsumed(Case& c) {
  SEMEL_ASSIGN_OR_RETURN(const bool answered, AnswerFromPosition(c));
  if (answered) return absl::OkStatus();

  const SourcePosition& source = *c.change().source;
  const Head& head = heads_->Current(c.source);
  const ChainStart start{Table::kSources, source.name, &head};
  SEMEL_ASSIGN_OR_RETURN(const PositionSearch search, FindPosition(&entries_, start, source.position, floor()));
  if (!search.lsn.has_value()) {
    const bool trimmed = !search.skipped && search.settled.has_value() && source.position <= *search.settled;
    if (trimmed) {
      Answer(OutcomeCode::kDuplicate, "source: position consumed; its entry was trimmed", c.outcome);
    } else {
      Answer(OutcomeCode::kInvalid, "source: this position was skipped, never seen; is the stream out of order?",
             c.outcome);
    }
    return absl::OkStatus();
  }
  EntryBuffer buffer;
  Entry entry;
  SEMEL_RETURN_IF_ERROR(entries_.ReadEntry(*search.lsn, /*with_frame=*/true, &buffer, &entry));
  if (IsOther(c, RefOf(entry, options_.seeds.ids))) return absl::OkStatus();
  return AnswerRecorded(c, entry);
}

// Answers kIdReused if `entry` is of another message.
bool Decider::IsOther(const Case& c, const EntryRef& entry) const {
  if (entry.id == c.prepared.identity.id && entry.fingerprint == c.prepared.identity.fingerprint) return false;
  Answer(OutcomeCode::kIdReused, "source: another message has this position", c.outcome);
  c.outcome->lsn = entry.lsn;
  c.outcome->sequence = entry.sequence;
  return true;
}

// What the table of positions knows; false: nothing, as of nearly all.
absl::StatusOr<bool> Decider::AnswerFromPosition(Case& c) {
  if (heads_->PendingTotalsOf(Table::kPositions).records == 0) return false;
  const SourcePosition& source = *c.change().source;
  const std::string key = PositionKey(source.name, source.incarnation, source.position);
  const HeadKey head_key{Table::kPositions, key};
  std::vector<HeadTable::Node*> nodes;
  SEMEL_RETURN_IF_ERROR(heads_->Load({&head_key, 1}, &nodes));
  const Head& head = heads_->Current(nodes[0]);
  if (head.version == 0) return false;
  SEMEL_ASSIGN_OR_RETURN(PositionRecord record, DecodePosition(*head.Extras().value));
  if (IsOther(c, record.entry)) return true;
  if (record.outcome.code == OutcomeCode::kDuplicate) {
    Answer(OutcomeCode::kDuplicate, "source: position consumed", c.outcome);
    const bool own = record.original == record.entry.lsn;
    SEMEL_RETURN_IF_ERROR(AnswerOriginal(c, record.original, own ? record.entry.sequence : 0));
    return true;
  }
  *c.outcome = std::move(record.outcome);
  return true;
}

absl::Status Decider::AnswerRecorded(Case& c, const Entry& entry) {
  Outcome* outcome = c.outcome;
  if (entry.outcome == OutcomeCode::kApplied || entry.outcome == OutcomeCode::kDuplicate) {
    Answer(OutcomeCode::kDuplicate, "source: position consumed", outcome);
    if (entry.original.has_value()) return AnswerOriginal(c, *entry.original, 0);
    AnswerFromEntry(c, entry);
    return absl::OkStatus();
  }
  Answer(entry.outcome, std::string(entry.reason), outcome);
  outcome->rule = entry.rule;
  outcome->conflict = entry.conflict;
  outcome->updates = entry.results;
  outcome->lsn = entry.lsn;
  outcome->sequence = entry.sequence;
  return absl::OkStatus();
}

// The result of the entry at `lsn`, whose sequence is given if it is known (else 0).
absl::Status Decider::AnswerOriginal(Case& c, Lsn lsn, uint64_t sequence) {
  c.outcome->lsn = lsn;
  c.outcome->sequence = sequence;
  // The commonest redelivery, the latest change of an entity: its head has the whole answer.
  const Head* only = c.nodes.size() == 1 ? &heads_->Current(c.nodes[0]) : nullptr;
  const bool in_head = only != nullptr && only->last.lsn == lsn && sequence != 0;
  if (in_head || lsn < floor()) {
    AnswerFromHeads(c, lsn);
    return absl::OkStatus();
  }
  EntryBuffer buffer;
  Entry entry;
  SEMEL_RETURN_IF_ERROR(entries_.ReadEntry(lsn, /*with_frame=*/true, &buffer, &entry));
  AnswerFromEntry(c, entry);
  return absl::OkStatus();
}

// As much of the result as the heads remember: of all updates or of none.
void Decider::AnswerFromHeads(Case& c, Lsn lsn) {
  for (size_t i = 0; i < c.nodes.size(); ++i) {
    const Head& head = heads_->Current(c.nodes[i]);
    const std::optional<Stamp>& stamp = head.Extras().stamp;
    if (head.last.lsn == lsn) c.outcome->sequence = head.last.sequence;
    if (head.last.lsn == lsn || !Advances(c.change().updates[i])) {
      c.outcome->updates.push_back({head.version, head.balance});
    } else if (stamp.has_value() && stamp->setter.lsn == lsn) {
      c.outcome->updates.push_back(stamp->result);
      c.outcome->sequence = stamp->setter.sequence;
    } else {
      c.outcome->updates.clear();
      return;
    }
  }
}

// The result that `entry` recorded, in the order of the change's updates.
void Decider::AnswerFromEntry(Case& c, const Entry& entry) {
  c.outcome->lsn = entry.lsn;
  c.outcome->sequence = entry.sequence;
  for (size_t i = 0; i < c.nodes.size(); ++i) {
    const Effect* effect = FindEffect(entry, Table::kEntities, c.change().updates[i].key);
    if (effect != nullptr) {
      c.outcome->updates.push_back({effect->version, effect->balance});
    } else {
      const Head& head = heads_->Current(c.nodes[i]);
      c.outcome->updates.push_back({head.version, head.balance});
    }
  }
}

void Decider::Publish() {
  memories_.Publish();
  retired_before_.reset();
  lot_.Publish();
}

void Decider::Discard() {
  lot_.Discard();
  if (retired_before_.has_value()) retired_ = *std::move(retired_before_);
  retired_before_.reset();
  memories_.Discard();
}

}  // namespace semel::internal
