// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The outcomes of a whole ledger in plain C++: a port of tests/spec/semel_model.py, simple and slow, that shares no
// decision with the engine. It keeps every version of every entity, so past states can be compared too. Not modelled:
// size limits, files, epochs.

#ifndef SEMEL_TESTS_MODEL_REFERENCE_MODEL_H_
#define SEMEL_TESTS_MODEL_REFERENCE_MODEL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "semel/change.h"
#include "semel/entity.h"
#include "semel/outcome.h"

namespace semel::testing {

struct ModelOptions {
  uint64_t balance_lookback = 4096;
  bool explicit_entities = false;
  bool parking = true;
  uint64_t park_max = 0;  // how many changes may be parked at a time
};

// One thing that became of a change. Each makes an entry; the numbers of entries rise by one. Only a parked change that
// another attempt of its id ends has no entry of its own: it shares that of the attempt, which comes before it.
struct ModelEvent {
  enum class Kind {
    kMessage,          // it was applied, parked, or its position consumed
    kParkedDecided,    // parked before, it was decided by itself or because another attempt of its id was
    kParkedDiscarded,  // parked before, it was given up
    kLetterRetried,    // a dead letter before, it was settled
    kLetterDiscarded,  // a dead letter before, its bytes were given up
  };
  Kind kind;
  Change change;
  Outcome outcome;
  uint64_t sequence;  // of the entry
  uint64_t held;      // what the parked change or the letter was called; 0: it was neither
};

// Named by the entry that parked it.
struct ModelParked {
  Change change;
  std::string identity;
  std::string meaning;
};

// Named by the entry that refused it.
struct ModelLetter {
  Change change;
  Outcome outcome;   // why it is a dead letter
  std::string name;  // what the specification calls it: "source:position" or, without a source, "parked:id"
  bool replaced;     // by a younger one of its name: the specification does not know it any more
};

// Copyable: a copy is a snapshot of the whole ledger.
class ReferenceModel {
 public:
  explicit ReferenceModel(ModelOptions options = {}) : options_(options) {}

  // The outcome as the engine must give it, but for lsn and reason, which are left empty. `park`: whether the change
  // may be parked; absent: as the option says.
  Outcome Apply(const Change& change, std::optional<bool> park = std::nullopt);

  // Decides a dead letter again, drops its bytes, gives up a parked change. It must be there.
  Outcome Retry(uint64_t letter);
  Outcome Discard(uint64_t letter);
  Outcome DiscardParked(uint64_t parked);

  // Puts the entries up to `sequence` below the floor; or those of one entity, which no journal can.
  void Trim(uint64_t sequence);
  void TrimEntity(const std::string& key);

  const ModelOptions& options() const { return options_; }
  void SetOptions(const ModelOptions& options) { options_ = options; }

  // What a ledger forgets when it is closed: which positions were early, and sources of which none was consumed.
  void Reopen();

  // What became of changes since the last call, in order.
  std::vector<ModelEvent> TakeEvents();

  // Entries so far.
  uint64_t sequence() const { return sequence_; }

  // Keys and sources that exist or existed, in order.
  std::vector<std::string> Keys() const;
  std::vector<std::string> Sources() const;

  // As of the newest entry, and as of an older one (0: the beginning). The stamp is filled in the latest state only.
  Entity Latest(std::string_view key) const;
  Entity AsOf(std::string_view key, uint64_t sequence) const;

  // Of a source of which some position was consumed.
  std::optional<SourceCursor> LatestSource(std::string_view name) const;
  // Of a windowed source: the consumed positions above its cursor.
  std::set<uint64_t> ConsumedAhead(std::string_view name) const;

  // Parked changes and dead letters, by name: the oldest first.
  const std::map<uint64_t, ModelParked>& ParkedChanges() const { return parked_; }
  const std::map<uint64_t, ModelLetter>& Letters() const { return letters_; }

 private:
  using ParkingLot = std::map<uint64_t, ModelParked>;
  // One version of an entity, and the change that made it.
  struct Row {
    uint64_t version = 0;
    uint64_t sequence = 0;
    std::string identity;
    std::string meaning;
    Amount balance = 0;
    std::optional<std::string> value;
    Policy policy;
    bool deleted = false;
  };
  struct ModelEntity {
    std::vector<Row> rows;  // rows[v - 1] made version v
    uint64_t floor = 0;     // rows of entries up to this one cannot be read, but for the newest row
    std::optional<uint64_t> stamp;
    Row stamp_row;  // that set the stamp

    uint64_t version() const { return rows.size(); }
    Row now() const { return rows.empty() ? Row() : rows.back(); }
    const Row* Readable(uint64_t version) const {
      const Row& row = rows[version - 1];
      return row.sequence > floor || version == rows.size() ? &row : nullptr;
    }
  };
  // What became of one position of a source.
  struct Seen {
    std::string identity;
    std::string meaning;
    uint64_t sequence = 0;  // of the entry that said so
    Outcome outcome;        // that redelivery is answered with
  };
  struct ModelSource {
    std::string incarnation;
    uint32_t window = 0;
    bool chained = false;
    std::optional<uint64_t> cursor;
    std::set<uint64_t> ahead;         // consumed positions above the cursor of a windowed source
    uint64_t consumed = 0;            // how many positions were
    std::map<uint64_t, Seen> seen;    // by position; a trim leaves what was refused or is parked
    std::optional<uint64_t> trimmed;  // the highest position that a trim took from `seen`
    std::optional<uint64_t> blocked;  // the lowest position that was early

    bool Consumed(uint64_t position) const { return (cursor && position <= *cursor) || ahead.count(position) != 0; }
  };
  // Who a change is and what it means, as text.
  struct Message {
    explicit Message(const Change& change);
    const Change& change;
    std::string identity;
    std::string meaning;
  };
  // Of one update; the letters are those of tests/spec: M D T O G S N, c and f for checks, and B for a balance that
  // differs (there a T).
  struct Verdict {
    char letter;
    Row row = {};  // D
  };
  struct Found {
    std::optional<Row> row;
    bool whole;
  };

  // reference_model.cc
  bool SourceFault(const SourcePosition& source);
  std::optional<Outcome> JudgeSource(const Message& message);
  Outcome ConsumedBefore(const ModelSource& source, const Message& message) const;
  void Block(const SourcePosition& at);
  void Consume(const Message& message, const Outcome& outcome);
  static void MoveCursor(uint64_t position, ModelSource* source);
  void Remember(const Message& message, const Outcome& outcome);

  Outcome DecideFresh(const Message& message, ParkingLot::const_iterator twin, bool park);
  Outcome DecideAgain(const Message& message);
  Outcome Commit(const Message& message);
  void Advance(const Message& message, const Update& update);
  void Note(ModelEvent::Kind kind, const Change& change, uint64_t held, Outcome* outcome);

  ParkingLot::const_iterator FindTwin(const Message& message) const;
  void EndTwin(ParkingLot::const_iterator twin, uint64_t sequence);
  void Resolve(ParkingLot::const_iterator parked, ModelEvent::Kind kind, Outcome* outcome);
  void Cascade(const Change& applied);

  // reference_classify.cc
  Outcome Classify(const Message& message) const;
  Outcome DuplicateOf(const Message& message, uint64_t sequence) const;
  Outcome Refuse(const Message& message, OutcomeCode code, Conflict conflict = Conflict::kNone,
                 Rule rule = Rule::kNone) const;
  Rule BrokenRule(const Change& change) const;
  Rule BrokenBy(const Update& update) const;
  bool Unbalanced(const Change& change) const;
  Verdict Judge(const Message& message, const Update& update) const;
  Verdict JudgeVersion(const Message& message, const Update& update, const Found& found) const;
  Verdict JudgeStamp(const Message& message, const Update& update) const;
  static Found Find(const ModelEntity& entity, const std::string& identity, uint64_t after, uint64_t limit);
  static Policy Overlay(Policy policy, const Policy& fields);
  const ModelEntity& Get(std::string_view key) const;

  ModelOptions options_;
  uint64_t sequence_ = 0;
  uint64_t floor_ = 0;  // entries up to this one cannot be read
  std::map<std::string, ModelEntity, std::less<>> entities_;
  std::map<std::string, ModelSource, std::less<>> sources_;
  ParkingLot parked_;
  std::map<uint64_t, ModelLetter> letters_;
  std::vector<ModelEvent> events_;
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_MODEL_REFERENCE_MODEL_H_
