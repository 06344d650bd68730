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
#include <string>
#include <string_view>
#include <vector>

#include "semel/change.h"
#include "semel/entity.h"
#include "semel/outcome.h"

namespace semel::testing {

struct ModelOptions {
  uint64_t balance_lookback = 4096;
  bool explicit_entities = false;
};

// Copyable: a copy is a snapshot of the whole ledger.
class ReferenceModel {
 public:
  explicit ReferenceModel(ModelOptions options = {}) : options_(options) {}

  // The outcome as the engine must give it, but for lsn and reason, which are left empty.
  Outcome Apply(const Change& change);

  // What a ledger forgets when it is closed: which positions were early, and sources of which none was consumed.
  void Reopen();

  // Entries so far: applied changes, and refused ones that consumed a position.
  uint64_t sequence() const { return sequence_; }

  // Keys and sources that exist or existed, in order.
  std::vector<std::string> Keys() const;
  std::vector<std::string> Sources() const;

  // As of the newest entry, and as of an older one (0: the beginning). The stamp is filled in the latest state only.
  Entity Latest(std::string_view key) const;
  Entity AsOf(std::string_view key, uint64_t sequence) const;

  // The source as of an entry; nothing if none of its positions had been consumed.
  std::optional<SourceCursor> LatestSource(std::string_view name) const { return SourceAsOf(name, sequence_); }
  std::optional<SourceCursor> SourceAsOf(std::string_view name, uint64_t sequence) const;

 private:
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
    std::optional<uint64_t> stamp;
    Row stamp_row;  // that set the stamp

    uint64_t version() const { return rows.size(); }
    Row now() const { return rows.empty() ? Row() : rows.back(); }
  };
  // What became of one position of a source.
  struct Seen {
    std::string identity;
    std::string meaning;
    uint64_t sequence = 0;  // of the entry that consumed it
    Outcome outcome;        // that redelivery is answered with
  };
  struct ModelSource {
    std::string incarnation;
    bool chained = false;
    std::map<uint64_t, Seen> seen;    // by position; the last one is the cursor
    std::optional<uint64_t> blocked;  // the lowest position that was early

    std::optional<uint64_t> cursor() const {
      return seen.empty() ? std::nullopt : std::optional<uint64_t>(seen.rbegin()->first);
    }
  };
  // Who a change is and what it means, as text.
  struct Message {
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

  bool SourceFault(const SourcePosition& source);
  std::optional<Outcome> JudgeSource(const Message& message);
  Outcome ConsumedBefore(const ModelSource& source, const Message& message) const;
  void Consume(const Message& message, Outcome* outcome);

  Outcome Decide(const Message& message);
  Outcome Combine(const Message& message, const std::vector<Verdict>& verdicts);
  Outcome DuplicateOf(const Message& message, const Row& row) const;
  Outcome Refuse(const Message& message, OutcomeCode code, Conflict conflict, Rule rule) const;
  Outcome Commit(const Message& message);
  Rule BrokenRule(const Change& change) const;
  Rule BrokenBy(const Update& update) const;
  bool Unbalanced(const Change& change) const;

  Verdict Judge(const Message& message, const Update& update) const;
  Verdict JudgeVersion(const Message& message, const Update& update, const Found& found) const;
  Verdict JudgeStamp(const Message& message, const Update& update) const;
  static Found Find(const ModelEntity& entity, const std::string& identity, uint64_t after, uint64_t limit);
  const ModelEntity& Get(std::string_view key) const;

  ModelOptions options_;
  uint64_t sequence_ = 0;
  std::map<std::string, ModelEntity, std::less<>> entities_;
  std::map<std::string, ModelSource, std::less<>> sources_;
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_MODEL_REFERENCE_MODEL_H_
