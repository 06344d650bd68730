// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/journal_entry.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/strings.h"

namespace semel::internal {
namespace {

JournalEffect ToJournalEffect(const Effect& effect) {
  JournalEffect out;
  out.key = std::string(effect.key);
  out.action = effect.action;
  out.version = effect.version;
  out.balance = effect.balance;
  out.amount = effect.amount;
  if (effect.action == Action::kPut) out.value = std::string(effect.value);
  out.policy = effect.policy;
  out.stamp = effect.stamp;
  out.deleted = effect.deleted;
  return out;
}

std::string OnOrOff(bool on) { return on ? "on" : "off"; }

// What an entry that is no change records, in words.
std::string Describe(const Entry& entry) {
  switch (entry.kind) {
    case EntryKind::kChange:
      break;
    case EntryKind::kOptions:
      return absl::StrCat("options: balance_lookback ", entry.options.balance_lookback, ", explicit_entities ",
                          OnOrOff(entry.options.explicit_entities), ", parking ", OnOrOff(entry.options.parking));
    case EntryKind::kSetSource:
      return absl::StrCat("cursor of source ", ToAbsl(entry.effects[0].key), " set to ", entry.effects[0].position);
    case EntryKind::kRetire:
      return absl::StrCat("prefix retired: ", ToAbsl(entry.prefix));
    case EntryKind::kErase:
      return absl::StrCat(entry.erased.size(), " ", TableName(entry.erased_table), " erased");
    case EntryKind::kFloor:
      return absl::StrCat("trimmed before LSN ", entry.floor);
    case EntryKind::kDiscardLetter:
      return absl::StrCat("dead letter ", entry.letter, " discarded");
  }
  return "";
}

}  // namespace

JournalEntry ToJournalEntry(const Entry& entry) {
  JournalEntry out;
  out.lsn = entry.lsn;
  out.next_lsn = entry.next_lsn;
  out.sequence = entry.sequence;
  out.commit_time_us = entry.commit_time_us;
  out.parked = entry.parked;
  out.letter = entry.letter;
  if (entry.kind != EntryKind::kChange) {
    out.reason = Describe(entry);
    return out;
  }
  out.outcome = entry.outcome;
  out.reason = std::string(entry.reason);
  out.id = std::string(entry.id);
  out.fingerprint = entry.fingerprint;
  out.balanced = entry.balanced;
  for (const Effect& effect : entry.effects) {
    if (effect.table == Table::kEntities) {
      out.effects.push_back(ToJournalEffect(effect));
    } else {
      out.source.emplace();
      out.source->name = std::string(effect.key);
      out.source->position = effect.position;
      out.source->incarnation = std::string(effect.incarnation);
    }
  }
  return out;
}

}  // namespace semel::internal
