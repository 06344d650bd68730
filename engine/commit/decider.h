// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Deciding the changes of one frame, one after the other: each sees what those before it did. Decided changes with
// effects, and refusals that consume a source position, become entries of the frame.

#ifndef SEMEL_ENGINE_COMMIT_DECIDER_H_
#define SEMEL_ENGINE_COMMIT_DECIDER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "engine/commit/head_table.h"
#include "engine/commit/history.h"
#include "engine/journal/frame.h"
#include "engine/rules/classify.h"
#include "engine/rules/source.h"
#include "semel/change.h"
#include "semel/outcome.h"

namespace semel::internal {

// A change with all that can be said of it without any state; made by the caller's thread, before the queue.
struct PreparedChange {
  const Change* change = nullptr;
  Identity identity;
  std::unique_ptr<std::string> source_fault;  // null: none, as nearly always
  std::unique_ptr<std::string> fault;         // why it is kInvalid whatever the state; null: it is not
  size_t entry_bytes_max = 0;                 // its entry is not larger than this

  // Only these can be looked up: what is malformed may hold keys of any size.
  bool has_source() const { return change->source.has_value() && source_fault == nullptr; }
  bool has_updates() const { return fault == nullptr; }
};
PreparedChange Prepare(const Change& change, uint64_t seed);

// The keys whose heads `Decide` needs: those of the updates, then the source's.
void AppendKeys(const PreparedChange& prepared, std::vector<HeadKey>* keys);

// The committer's alone.
class Decider {
 public:
  Decider(HeadTable* heads, JournalReader* journal, uint64_t seed);

  // Starts the frame that continues `tip`.
  void Begin(const JournalTip& tip, const DecidingOptions& options);

  // Decides one change. `nodes` are those of AppendKeys, in that order. An error leaves the frame as it was.
  absl::Status Decide(const PreparedChange& prepared, absl::Span<HeadTable::Node* const> nodes, Outcome* outcome);

  FrameBuilder& frame() { return frame_; }

  // The frame is durable: what was remembered of sources holds. Or it is not: then the positions that it consumed are
  // undecided again, and nothing of their sources behind them may pass.
  void Publish();
  void Discard();

 private:
  // One change under way.
  struct Case {
    const PreparedChange& prepared;
    absl::Span<HeadTable::Node* const> nodes;  // of the updates
    HeadTable::Node* source;                   // null: the change has no (usable) source
    absl::InlinedVector<const Head*, 4> heads;
    Outcome* outcome;

    const Change& change() const { return *prepared.change; }
  };

  absl::Status DecideNew(Case& c);
  absl::Status AnswerConsumed(Case& c);
  absl::Status AnswerRecorded(Case& c, const Entry& entry);
  absl::Status AnswerDuplicate(Case& c, const EntryRef& evidence);
  void AnswerFromEntry(Case& c, const Entry& entry);
  void Accept(Case& c);
  absl::Status Refuse(Case& c, const Decision& decision);
  void AddPresent(Case& c) const;
  void Record(Case& c, std::optional<Lsn> original);
  void AddEntry(Case& c, Entry* entry);
  void ApplyChecked(HeadTable::Node* node, const Effect& effect, const EntryRef& ref);
  void AddSourceEffect(const Case& c, Effects* effects) const;

  const SourceMemory* Memory(const std::string& source) const;
  SourceMemory& MutableMemory(const std::string& source);
  void NoteFirstSight(const SourcePosition& source);
  void NoteEarly(const SourcePosition& source);
  void NoteConsumed(const SourcePosition& source);

  HeadTable* const heads_;
  const uint64_t seed_;
  DecidingOptions options_;
  FrameBuilder frame_;
  UnfinishedJournal entries_;
  std::map<std::string, SourceMemory> memory_;        // as of the last published frame
  std::map<std::string, SourceMemory> frame_memory_;  // what this frame changes of it
  std::map<std::string, uint64_t> frame_consumed_;    // of each source the first position that this frame consumed
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_DECIDER_H_
