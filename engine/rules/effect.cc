// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/rules/effect.h"

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/rules/source.h"
#include "engine/rules/text.h"

namespace semel::internal {
namespace {

// The extras of `head`, to be changed: its own, or a copy of those that it shares.
HeadExtras* OwnExtras(Head* head) {
  if (head->extras == nullptr) {
    head->extras = std::make_shared<HeadExtras>();
  } else if (head->extras.use_count() > 1) {
    head->extras = std::make_shared<HeadExtras>(*head->extras);
  } else {
    // use_count() orders nothing. Taking and dropping a reference does: what another thread read before it dropped the
    // last copy has been read before the changes that follow here.
    std::shared_ptr<const HeadExtras>(head->extras).reset();
  }
  return const_cast<HeadExtras*>(head->extras.get());  // created as non-const above
}

bool ChangesExtras(const Effect& effect, const Head& head) {
  return effect.action == Action::kPut || effect.action == Action::kSetPolicy || effect.stamp.has_value() ||
         (effect.action == Action::kDelete && head.Extras().value.has_value());
}

void ApplyToEntity(const Effect& effect, const EntryRef& entry, Head* head) {
  head->balance = effect.balance;
  head->deleted = effect.deleted;
  if (!ChangesExtras(effect, *head)) return;
  HeadExtras* extras = OwnExtras(head);
  if (effect.action == Action::kPut) {
    extras->value.emplace(effect.value);
    extras->value_lsn = entry.lsn;
  } else if (effect.action == Action::kDelete) {
    extras->value.reset();
    extras->value_lsn = 0;
  } else if (effect.action == Action::kSetPolicy) {
    extras->policy = effect.policy;
    extras->policy_lsn = entry.lsn;
  }
  if (effect.stamp) extras->stamp = Stamp{*effect.stamp, entry, {effect.version, effect.balance}};
}

void Settle(uint64_t position, SourceState* source) {
  if (source->window == 0) source->settled = std::max(source->settled.value_or(position), position);
}

void ApplyToSource(const Effect& effect, Head* head) {
  HeadExtras* extras = OwnExtras(head);
  if (!extras->source) extras->source.emplace();
  SourceState& source = *extras->source;
  if (effect.sets_cursor) {
    const bool anew = effect.window != 0 || effect.incarnation != source.incarnation;
    if (anew) source.first_version = effect.version + 1;
    source.ahead.clear();
  }
  source.incarnation = effect.incarnation;
  source.chained = effect.chained;
  source.window = effect.window;
  if (effect.window == 0 || effect.sets_cursor) {
    source.cursor = effect.position;
  } else {
    ConsumeInWindow(effect.position, &source);
  }
  if (effect.settles) Settle(effect.position, &source);
}

}  // namespace

void SettlePosition(uint64_t position, Head* head) { Settle(position, &*OwnExtras(head)->source); }

Effect NextEffect(Table table, std::string_view key, const Head& head) {
  Effect effect;
  effect.table = table;
  effect.key = key;
  effect.version = head.version + 1;
  effect.pointers = head.chain.PointersFor(effect.version);
  const HeadExtras& extras = head.Extras();
  if (extras.value) effect.value_lsn = extras.value_lsn;
  if (extras.policy) effect.policy_lsn = extras.policy_lsn;
  return effect;
}

absl::Status ApplyEffect(const Effect& effect, const EntryRef& entry, Head* head) {
  if (effect.version == 0 || effect.version - 1 != head->version) {
    return absl::DataLossError(absl::StrCat("the entry at LSN ", entry.lsn, " makes version ", effect.version, " of ",
                                            ShowKey(effect.key), ", which is at version ", head->version,
                                            ": the files contradict each other; run semel verify"));
  }
  if (effect.table == Table::kEntities) {
    ApplyToEntity(effect, entry, head);
  } else {
    ApplyToSource(effect, head);
  }
  head->version = effect.version;
  head->last = entry;
  head->chain.Push(effect.version, entry.lsn);
  return absl::OkStatus();
}

}  // namespace semel::internal
