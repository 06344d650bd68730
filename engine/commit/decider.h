// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Deciding the changes of one frame, one after the other: each sees what those before it did. Decided changes with
// effects, and refusals that consume a source position, become entries of the frame. After each applied change the
// parked ones that its entities concern are decided again, before the next is looked at.

#ifndef SEMEL_ENGINE_COMMIT_DECIDER_H_
#define SEMEL_ENGINE_COMMIT_DECIDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "engine/commit/head_table.h"
#include "engine/commit/history.h"
#include "engine/commit/parking_lot.h"
#include "engine/commit/records.h"
#include "engine/commit/retired_prefixes.h"
#include "engine/commit/source_memories.h"
#include "engine/journal/frame.h"
#include "engine/rules/classify.h"
#include "semel/change.h"
#include "semel/entity.h"
#include "semel/outcome.h"

namespace semel::internal {

// Of the ledger, what deciding needs to know.
struct DeciderOptions {
  Seeds seeds;
  uint64_t epoch = 0;
  bool tamper_evident = false;
  uint64_t max_dead_letters = UINT64_MAX;  // parked changes counted with them
  uint64_t max_dead_letter_bytes = UINT64_MAX;
  std::function<void(std::string_view)> log;  // may be empty
};

// A change with all that can be said of it without any state; made by the caller's thread, before the queue.
struct PreparedChange {
  const Change* change = nullptr;
  Identity identity;
  std::unique_ptr<std::string> stream_fault;  // why it is kInvalid and consumes nothing; null: not so, as nearly always
  std::unique_ptr<std::string> fault;         // why it is kInvalid whatever the state; null: it is not
  size_t entry_bytes_max = 0;                 // its entry is about this large at most

  // Only these can be looked up: what is malformed may hold keys of any size.
  bool has_source() const { return change->source.has_value() && stream_fault == nullptr; }
  bool has_updates() const { return fault == nullptr; }
};
PreparedChange Prepare(const Change& change, const DeciderOptions& options);

// The keys whose heads `Decide` needs: those of the updates, then the source's.
void AppendKeys(const PreparedChange& prepared, std::vector<HeadKey>* keys);

// The committer's alone. An error of any step leaves the frame as it was.
class Decider {
 public:
  Decider(HeadTable* heads, JournalReader* journal, const DeciderOptions& options);

  // Reads what is parked and what is retired from the tables. Once, before the first frame.
  absl::Status Recover();

  // Starts the frame that continues `tip`.
  void Begin(const JournalTip& tip, int64_t now_us, const DecidingOptions& options);

  // Decides one change. `nodes` are those of AppendKeys, in that order. `park`: an early one may be parked.
  absl::Status Decide(const PreparedChange& prepared, absl::Span<HeadTable::Node* const> nodes, bool park,
                      Outcome* outcome);

  // A change is answered with an error, and was not decided: nothing of its source behind it may pass.
  void NoteUndecided(const SourcePosition& source);

  // What operators do; see semel::Ledger.
  absl::Status DiscardParked(uint64_t sequence, Outcome* outcome);
  absl::Status RetryLetter(uint64_t sequence, Outcome* outcome);
  absl::Status DiscardLetter(uint64_t sequence);
  absl::Status SetSource(const SourceCursor& cursor);
  absl::Status Retire(std::string_view prefix);
  // An entry that is no change and has no effects of its own.
  absl::Status Add(Entry* entry);

  FrameBuilder& frame() { return frame_; }

  // The parked changes that were decided in this frame.
  const std::vector<std::pair<Change, Outcome>>& unparked() const { return unparked_; }

  // The frame is durable: what was remembered of sources holds. Or it is not: then the positions that it consumed are
  // undecided again, and nothing of their sources behind them may pass.
  void Publish();
  void Discard();

 private:
  // One change under way.
  struct Case {
    const PreparedChange& prepared;
    absl::Span<HeadTable::Node* const> nodes;  // of the updates
    Outcome* outcome;
    HeadTable::Node* source = nullptr;  // null: the change has no (usable) source, or its position is consumed already
    bool park = false;                  // it may be parked
    uint64_t parked = 0;                // it comes from the lot: its sequence there
    uint64_t letter = 0;                // it is a dead letter: its sequence
    std::optional<KeptMessage> message = std::nullopt;  // of one from the lot
    const ParkingLot::Parked* twin = nullptr;           // the parked change with this id
    absl::InlinedVector<const Head*, 4> heads = {};

    const Change& change() const { return *prepared.change; }
  };

  // A change that was kept, with all that deciding it takes. Not to be moved.
  struct Kept {
    std::string record;
    KeptMessage message;
    Change change;
    PreparedChange prepared;
    std::vector<HeadTable::Node*> nodes;
  };

  absl::Status DecideNew(Case& c);
  absl::Status Accept(Case& c);
  absl::Status Refuse(Case& c, const Decision& decision);
  absl::Status AnswerEarly(Case& c);
  absl::Status AnswerConsumed(Case& c);
  absl::StatusOr<bool> AnswerFromPosition(Case& c);
  absl::Status AnswerRecorded(Case& c, const Entry& entry);
  absl::Status AnswerOriginal(Case& c, Lsn lsn, uint64_t sequence);
  void AnswerFromEntry(Case& c, const Entry& entry);
  void AnswerFromHeads(Case& c, Lsn lsn);
  bool IsOther(const Case& c, const EntryRef& entry) const;
  void AddPresent(Case& c) const;

  absl::Status Record(Case& c, std::optional<Lsn> original, bool parks = false);
  absl::Status CheckRoomForLetter(const KeptMessage& message);
  absl::Status AddEntry(Case& c, Entry* entry);
  void ApplyChecked(HeadTable::Node* node, const Effect& effect, const EntryRef& ref);
  void AddSourceEffect(const Case& c, Entry* entry) const;
  absl::Status LoadRecordNodes(const std::vector<RecordChange>& changes, std::vector<HeadTable::Node*>* nodes);
  void MoveLot(const Case& c, const Entry& entry);

  void AddDue(const Change& applied, std::set<uint64_t>* due) const;
  void Cascade(std::set<uint64_t> due);
  absl::Status DecideParked(uint64_t sequence, std::set<uint64_t>* due);
  absl::StatusOr<std::string> ReadRecord(Table table, uint64_t sequence);
  absl::Status Unpack(Kept* kept);
  absl::Status UnpackParked(uint64_t sequence, Kept* kept);

  Lsn floor() const { return journal_->floor(); }

  HeadTable* const heads_;
  JournalReader* const journal_;
  const DeciderOptions options_;
  DecidingOptions deciding_;
  FrameBuilder frame_;
  UnfinishedJournal entries_;
  ChainPaths paths_;
  ParkingLot lot_;
  RetiredPrefixes retired_;
  std::optional<RetiredPrefixes> retired_before_;  // the frame, if it retires something
  std::vector<std::pair<Change, Outcome>> unparked_;
  SourceMemories memories_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_DECIDER_H_
