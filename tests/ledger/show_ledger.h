// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// All that a ledger shows, as text, for comparing. An error of any read is the result: these may be called on ledgers
// that are damaged.

#ifndef SEMEL_TESTS_LEDGER_SHOW_LEDGER_H_
#define SEMEL_TESTS_LEDGER_SHOW_LEDGER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/status_macros.h"
#include "semel/ledger.h"

namespace semel::testing {

// All entities, deleted ones too, in key order.
inline absl::StatusOr<std::vector<Entity>> AllEntities(Ledger* ledger) {
  std::vector<Entity> entities;
  ScanOptions scan;
  scan.include_deleted = true;
  scan.fresh = true;
  const auto take = [&](const Entity& entity) {
    entities.push_back(entity);
    return true;
  };
  SEMEL_RETURN_IF_ERROR(ledger->Scan(scan, take).status());
  return entities;
}

// All that a ledger can be asked, line by line, each JSON: entities, their histories and pasts, sources, what is held,
// retired prefixes, the journal.
inline absl::StatusOr<std::vector<std::string>> ShowAll(Ledger* ledger) {
  std::vector<std::string> lines;
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Entity> entities, AllEntities(ledger));
  for (const Entity& entity : entities) {
    lines.push_back(ToJson(entity));
    SEMEL_ASSIGN_OR_RETURN(const Entity alone, ledger->Get(entity.key));
    lines.push_back(ToJson(alone));
    SEMEL_ASSIGN_OR_RETURN(const std::vector<HistoryLine> history, ledger->History(entity.key, {.limit = 0}));
    for (const HistoryLine& line : history) lines.push_back(ToJson(line));
    SEMEL_ASSIGN_OR_RETURN(const Answerable answerable, ledger->AnswerableSince(entity.key));
    lines.push_back(
        absl::StrFormat("{\"since_version\": %d, \"floor_lsn\": %d}", answerable.since_version, answerable.floor_lsn));
    if (history.empty()) continue;
    SEMEL_ASSIGN_OR_RETURN(const Entity past, ledger->Get(entity.key, AsOf::Lsn(history.back().lsn)));
    lines.push_back(ToJson(past));
  }
  SEMEL_ASSIGN_OR_RETURN(const auto sources, ledger->ListSources());
  SEMEL_ASSIGN_OR_RETURN(const auto parked, ledger->ListParked({0, 0, ""}));
  SEMEL_ASSIGN_OR_RETURN(const auto letters, ledger->ListDeadLetters({0, 0, ""}));
  SEMEL_ASSIGN_OR_RETURN(const auto retired, ledger->ListRetired());
  for (const SourceCursor& source : sources) lines.push_back(ToJson(source));
  for (const ParkedChange& change : parked) lines.push_back(ToJson(change));
  for (const DeadLetter& letter : letters) lines.push_back(ToJson(letter));
  for (const std::string& prefix : retired) lines.push_back(absl::StrFormat("{\"retired\": \"%s\"}", prefix));
  SEMEL_ASSIGN_OR_RETURN(const uint64_t end, ledger->ReadJournal(0, [&](const JournalEntry& entry) {
    lines.push_back(ToJson(entry));
    return true;
  }));
  SEMEL_ASSIGN_OR_RETURN(const Stats stats, ledger->GetStats());
  lines.push_back(absl::StrFormat("{\"sequence\": %d, \"floor_lsn\": %d, \"durable_lsn\": %d}", stats.sequence,
                                  stats.floor_lsn, end));
  return lines;
}

// Version, balance and value of each entity.
inline absl::StatusOr<std::vector<std::string>> ShowEntities(Ledger* ledger) {
  std::vector<std::string> lines;
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Entity> entities, AllEntities(ledger));
  for (const Entity& entity : entities) {
    lines.push_back(absl::StrCat(entity.key, " ", entity.version, " ", AmountToString(entity.balance), " ",
                                 entity.value.value_or("")));
  }
  return lines;
}

// What each change is answered when it is sent again.
inline absl::StatusOr<std::vector<std::string>> Redeliver(Ledger* ledger, const std::vector<Change>& changes) {
  std::vector<std::string> lines;
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Outcome> outcomes, ledger->ApplyBatch(changes));
  for (size_t i = 0; i < changes.size(); ++i) lines.push_back(ToJson(changes[i], outcomes[i]));
  return lines;
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LEDGER_SHOW_LEDGER_H_
