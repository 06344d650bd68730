// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/commit/decider.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/rules/rules.h"
#include "engine/rules/validate.h"

namespace semel::internal {
namespace {

// What an entry takes beside the bytes of its change, generously: see engine/journal/entry.h.
constexpr size_t kEntryOverheadMax = 1024;
constexpr size_t kEffectOverheadMax = 512;

size_t EntryBytesMax(const Change& change) {
  size_t bytes = kEntryOverheadMax;
  for (const Update& update : change.updates) {
    bytes += kEffectOverheadMax + 2 * update.key.size() + (update.action == Action::kPut ? update.value.size() : 0);
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

}  // namespace

PreparedChange Prepare(const Change& change, uint64_t seed) {
  PreparedChange prepared;
  prepared.change = &change;
  if (change.source.has_value()) prepared.source_fault = NullIfEmpty(WhySourceMalformed(*change.source));
  prepared.fault = NullIfEmpty(WhyInvalid(change));
  prepared.identity = IdentityOf(change, seed);
  if (change.id.size() > kMaxIdBytes) prepared.identity.id = MakeIdTag(RecordedId(change), seed);
  prepared.entry_bytes_max = EntryBytesMax(change);
  return prepared;
}

void AppendKeys(const PreparedChange& prepared, std::vector<HeadKey>* keys) {
  if (prepared.has_updates()) {
    for (const Update& update : prepared.change->updates) keys->push_back({Table::kEntities, update.key});
  }
  if (prepared.has_source()) keys->push_back({Table::kSources, prepared.change->source->name});
}

Decider::Decider(HeadTable* heads, JournalReader* journal, uint64_t seed)
    : heads_(heads), seed_(seed), frame_(seed), entries_(journal, &frame_, seed) {}

void Decider::Begin(const JournalTip& tip, const DecidingOptions& options) {
  options_ = options;
  frame_.Begin(tip);
}

absl::Status Decider::Decide(const PreparedChange& prepared, absl::Span<HeadTable::Node* const> nodes,
                             Outcome* outcome) {
  Case c{prepared, nodes, nullptr, {}, outcome};
  if (prepared.source_fault != nullptr) {
    Answer(OutcomeCode::kInvalid, *prepared.source_fault, outcome);
    return absl::OkStatus();
  }
  if (prepared.has_source()) {
    c.source = nodes.back();
    c.nodes.remove_suffix(1);
    const SourcePosition& source = *c.change().source;
    SourceJudgement judgement = JudgeSource(source, heads_->Current(c.source), Memory(source.name));
    NoteFirstSight(source);
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
  absl::Status status = DecideNew(c);
  if (!status.ok() && c.source != nullptr) NoteEarly(*c.change().source);  // undecided as well
  return status;
}

// ---- A change whose position, if it has one, is the next of its source.

absl::Status Decider::DecideNew(Case& c) {
  if (!c.prepared.has_updates()) {
    Answer(OutcomeCode::kInvalid, *c.prepared.fault, c.outcome);
    Record(c, std::nullopt);
    return absl::OkStatus();
  }
  for (HeadTable::Node* node : c.nodes) c.heads.push_back(&heads_->Current(node));
  ChainHistory history(&entries_, seed_, c.change(), c.heads);
  SEMEL_ASSIGN_OR_RETURN(const Decision decision,
                         Classify(c.change(), c.prepared.identity, c.heads, options_, history));
  if (decision.code == OutcomeCode::kApplied) {
    Accept(c);
    return absl::OkStatus();
  }

  return Refuse(c, decision);
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
      SEMEL_RETURN_IF_ERROR(AnswerDuplicate(c, *decision.evidence));
      Record(c, decision.evidence->lsn);
      break;
    case OutcomeCode::kEarly:  // and nothing of its source behind it may pass
      AddPresent(c);
      if (c.source != nullptr) NoteEarly(*c.change().source);
      break;
    case OutcomeCode::kConflict:
    case OutcomeCode::kRejected:
      AddPresent(c);
      Record(c, std::nullopt);
      break;
    default:
      Record(c, std::nullopt);
      break;
  }
  return absl::OkStatus();
}

void Decider::Accept(Case& c) {
  Entry entry;
  entry.outcome = OutcomeCode::kApplied;
  const std::vector<Update>& updates = c.change().updates;
  for (size_t i = 0; i < updates.size(); ++i) {
    if (Advances(updates[i])) entry.effects.push_back(EffectOf(updates[i], *c.heads[i]));
  }
  AddEntry(c, &entry);

  c.outcome->code = OutcomeCode::kApplied;
  AddPresent(c);
}

// The entities as they are now, as the outcome's updates.
void Decider::AddPresent(Case& c) const {
  for (const HeadTable::Node* node : c.nodes) {
    const Head& head = heads_->Current(node);
    c.outcome->updates.push_back({head.version, head.balance});
  }
}

// The entry that consumes the position, if there is one.
void Decider::Record(Case& c, std::optional<Lsn> original) {
  if (c.source == nullptr) return;
  const Outcome& outcome = *c.outcome;
  Entry entry;
  entry.outcome = outcome.code;
  entry.rule = outcome.rule;
  entry.conflict = outcome.conflict;
  entry.reason = outcome.reason;
  entry.original = original;
  if (!original.has_value()) entry.results = outcome.updates;
  AddEntry(c, &entry);
}

// Appends the entry to the frame and applies its effects to the batch-local heads.
void Decider::AddEntry(Case& c, Entry* entry) {
  const Change& change = c.change();
  entry->id = RecordedId(change);
  entry->fingerprint = c.prepared.identity.fingerprint;
  entry->balanced = change.balanced;
  AddSourceEffect(c, &entry->effects);
  frame_.Add(entry);

  const EntryRef ref{c.prepared.identity.id, entry->fingerprint, entry->lsn, entry->sequence};
  size_t effect = 0;
  for (size_t i = 0; entry->outcome == OutcomeCode::kApplied && i < c.nodes.size(); ++i) {
    if (Advances(change.updates[i])) ApplyChecked(c.nodes[i], entry->effects[effect++], ref);
  }
  if (c.source != nullptr) {
    ApplyChecked(c.source, entry->effects[effect++], ref);
    NoteConsumed(*change.source);
  }
  SEMEL_CHECK(effect == entry->effects.size());
  if (entry->original.has_value()) return;  // the answer names the original's
  c.outcome->lsn = entry->lsn;
  c.outcome->sequence = entry->sequence;
}

// The effect was made from this very head a moment ago; if it does not fit, the frame is already wrong.
void Decider::ApplyChecked(HeadTable::Node* node, const Effect& effect, const EntryRef& ref) {
  SEMEL_CHECK(heads_->Apply(node, effect, ref).ok());
}

void Decider::AddSourceEffect(const Case& c, Effects* effects) const {
  if (c.source == nullptr) return;
  const SourcePosition& source = *c.change().source;
  const Head& head = heads_->Current(c.source);
  Effect effect = NextEffect(Table::kSources, source.name, head);
  effect.position = source.position;
  effect.incarnation = source.incarnation;
  effect.chained = head.version == 0 ? Memory(source.name)->chained : head.Extras().source->chained;
  effects->push_back(std::move(effect));
}

// ---- Answers from the record.

// The position was consumed before: the entry that did so answers, if this is the message that it decided.
absl::Status Decider::AnswerConsumed(Case& c) {
  const SourcePosition& source = *c.change().source;
  const Head& head = heads_->Current(c.source);
  const ChainStart start{Table::kSources, source.name, &head};
  SEMEL_ASSIGN_OR_RETURN(const std::optional<Lsn> lsn, FindPosition(&entries_, start, source.position, kFloor));
  if (!lsn.has_value()) {
    Answer(OutcomeCode::kInvalid, "source: this position was skipped, never seen; is the stream out of order?",
           c.outcome);
    return absl::OkStatus();
  }
  EntryBuffer buffer;
  Entry entry;
  SEMEL_RETURN_IF_ERROR(entries_.ReadEntry(*lsn, /*with_frame=*/true, &buffer, &entry));
  const EntryRef ref = RefOf(entry, seed_);
  if (ref.id != c.prepared.identity.id || ref.fingerprint != c.prepared.identity.fingerprint) {
    Answer(OutcomeCode::kIdReused, "source: another message has this position", c.outcome);
    c.outcome->lsn = entry.lsn;
    c.outcome->sequence = entry.sequence;
    return absl::OkStatus();
  }
  return AnswerRecorded(c, entry);
}

absl::Status Decider::AnswerRecorded(Case& c, const Entry& entry) {
  Outcome* outcome = c.outcome;
  const bool applied = entry.outcome == OutcomeCode::kApplied || entry.outcome == OutcomeCode::kDuplicate;
  if (applied) {
    Answer(OutcomeCode::kDuplicate, "source: position consumed", outcome);
    if (!entry.original.has_value()) {
      AnswerFromEntry(c, entry);
      return absl::OkStatus();
    }
    EntryBuffer buffer;
    Entry original;
    SEMEL_RETURN_IF_ERROR(entries_.ReadEntry(*entry.original, /*with_frame=*/true, &buffer, &original));
    AnswerFromEntry(c, original);
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

absl::Status Decider::AnswerDuplicate(Case& c, const EntryRef& evidence) {
  // The commonest redelivery, the latest change of an entity: its head has the whole answer.
  if (c.heads.size() == 1 && c.heads[0]->last.lsn == evidence.lsn && evidence.sequence != 0) {
    c.outcome->updates.push_back({c.heads[0]->version, c.heads[0]->balance});
    c.outcome->lsn = evidence.lsn;
    c.outcome->sequence = evidence.sequence;
    return absl::OkStatus();
  }
  EntryBuffer buffer;
  Entry entry;
  SEMEL_RETURN_IF_ERROR(entries_.ReadEntry(evidence.lsn, /*with_frame=*/true, &buffer, &entry));
  AnswerFromEntry(c, entry);
  return absl::OkStatus();
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

// ---- What is remembered of sources.

const SourceMemory* Decider::Memory(const std::string& source) const {
  if (auto found = frame_memory_.find(source); found != frame_memory_.end()) return &found->second;
  if (auto found = memory_.find(source); found != memory_.end()) return &found->second;
  return nullptr;
}

SourceMemory& Decider::MutableMemory(const std::string& source) {
  const SourceMemory* known = Memory(source);
  return frame_memory_.emplace(source, known == nullptr ? SourceMemory() : *known).first->second;
}

void Decider::NoteFirstSight(const SourcePosition& source) {
  if (Memory(source.name) != nullptr) return;
  SourceMemory& memory = MutableMemory(source.name);
  memory.incarnation = source.incarnation;
  memory.chained = source.previous.has_value();
}

void Decider::NoteEarly(const SourcePosition& source) {
  SourceMemory& memory = MutableMemory(source.name);
  memory.blocked = std::min(memory.blocked.value_or(source.position), source.position);
}

void Decider::NoteConsumed(const SourcePosition& source) {
  frame_consumed_.try_emplace(source.name, source.position);
  const SourceMemory* memory = Memory(source.name);
  if (memory->blocked.has_value() && *memory->blocked <= source.position) MutableMemory(source.name).blocked.reset();
}

void Decider::Publish() {
  for (auto& [source, memory] : frame_memory_) memory_[source] = std::move(memory);
  frame_memory_.clear();
  frame_consumed_.clear();
}

void Decider::Discard() {
  for (const auto& [source, position] : frame_consumed_) {
    std::optional<uint64_t>& blocked = MutableMemory(source).blocked;
    blocked = std::min(blocked.value_or(position), position);
  }
  Publish();
}

}  // namespace semel::internal
