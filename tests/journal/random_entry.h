// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Random entries, their description for comparing, and bodies with a right check.

#ifndef SEMEL_TESTS_JOURNAL_RANDOM_ENTRY_H_
#define SEMEL_TESTS_JOURNAL_RANDOM_ENTRY_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "engine/journal/entry.h"
#include "tests/sim/random.h"

namespace semel::testing {

using namespace internal;  // NOLINT: tests of internals

// Any entry that can be encoded, at an address of its own. Owns the bytes that `entry` points into.
class RandomEntry {
 public:
  explicit RandomEntry(uint64_t seed) : random_(seed) {
    entry.lsn = 64 + Number() / 2;
    entry.frame_lsn = entry.lsn - 64 - random_.Below(entry.lsn - 63);
    entry.index = static_cast<uint32_t>(Number());
    if (random_.OneIn(5)) {
      entry.kind = static_cast<EntryKind>(random_.Between(32, 37));
      FillOther();
      return;
    }
    FillChange();
    const uint64_t effects = random_.OneIn(20) ? random_.Below(50) : random_.Below(4);
    for (uint64_t i = 0; i < effects; ++i) AddEffect();
  }

  Entry entry;

 private:
  uint64_t Number() { return random_.Next() >> random_.Below(64); }
  Amount SomeAmount() {
    const absl::uint128 bits = absl::MakeUint128(random_.Next(), random_.Next());
    return static_cast<Amount>(bits) >> static_cast<int>(random_.Below(128));
  }
  std::string_view Bytes(size_t low, size_t high) {
    return texts_.emplace_back(random_.Bytes(random_.Between(low, high)));
  }
  Lsn Earlier() { return random_.Between(1, entry.lsn - 1); }

  void FillChange() {
    static constexpr uint8_t kOutcomes[] = {1, 2, 3, 4, 6, 7, 8, 9, 10};
    entry.outcome = static_cast<OutcomeCode>(kOutcomes[random_.Below(sizeof kOutcomes)]);
    if (!random_.OneIn(4)) entry.id = Bytes(1, kMaxIdBytes);
    entry.fingerprint = {random_.Next(), random_.Next()};
    entry.balanced = random_.OneIn(3);
    if (entry.outcome == OutcomeCode::kRejected) entry.rule = static_cast<Rule>(random_.Between(1, 11));
    if (entry.outcome == OutcomeCode::kConflict) entry.conflict = static_cast<Conflict>(random_.Between(1, 5));
    if (random_.OneIn(3)) entry.reason = Bytes(1, 200);
    if (random_.OneIn(3)) entry.results.resize(random_.Below(4));
    for (UpdateResult& result : entry.results) result = {Number(), SomeAmount()};
    if (random_.OneIn(3)) entry.original = Earlier();
    if (random_.OneIn(5)) entry.parked = 1 + Number() / 2;
    if (random_.OneIn(5)) entry.letter = 1 + Number() / 2;
    if (random_.OneIn(5)) entry.settles = {Bytes(1, kMaxSourceNameBytes), Bytes(0, kMaxIncarnationBytes), Number()};
    if (random_.OneIn(5)) {
      entry.message = {Bytes(0, 200), Bytes(0, 200), 0};
      entry.message->original_bytes = entry.message->original.size() + random_.Below(3);
    }
  }

  void FillOther() {
    switch (entry.kind) {
      case EntryKind::kChange:
        break;
      case EntryKind::kOptions:
        entry.options = {static_cast<uint32_t>(Number()),
                         random_.OneIn(2),
                         random_.OneIn(2),
                         Number(),
                         Number(),
                         Number(),
                         Number()};
        break;
      case EntryKind::kSetSource:
        FillSourceEffect(&entry.effects.emplace_back());
        entry.effects.back().sets_cursor = true;
        break;
      case EntryKind::kRetire:
        entry.prefix = Bytes(1, kMaxKeyBytes);
        break;
      case EntryKind::kErase:
        entry.erased_table = random_.OneIn(2) ? Table::kEntities : Table::kPositions;
        for (uint64_t i = random_.Below(4); i > 0; --i) entry.erased.push_back(Bytes(1, kMaxKeyBytes));
        break;
      case EntryKind::kFloor:
        entry.floor = random_.Between(0, entry.frame_lsn);
        break;
      case EntryKind::kDiscardLetter:
        entry.letter = 1 + Number() / 2;
        break;
    }
  }

  void AddEffect() {
    Effect& effect = entry.effects.emplace_back();
    if (random_.OneIn(5)) effect.table = Table::kSources;
    effect.key = Bytes(1, effect.table == Table::kSources ? kMaxSourceNameBytes : kMaxKeyBytes);
    effect.version = 1 + Number() / 2;
    effect.pointers.resize(ChainTargetsOf(effect.version).size());
    for (Lsn& pointer : effect.pointers) pointer = Earlier();
    if (effect.table == Table::kSources) {
      FillSourcePart(&effect);
    } else {
      FillEntityEffect(&effect);
    }
  }

  void FillSourceEffect(Effect* effect) {
    effect->table = Table::kSources;
    effect->key = Bytes(1, kMaxSourceNameBytes);
    effect->version = 1;
    FillSourcePart(effect);
  }

  void FillSourcePart(Effect* effect) {
    effect->position = Number();
    effect->chained = random_.OneIn(2);
    if (random_.OneIn(2)) effect->incarnation = Bytes(1, kMaxIncarnationBytes);
    if (random_.OneIn(3)) effect->window = static_cast<uint32_t>(random_.Between(1, kMaxSourceWindow));
    effect->settles = random_.OneIn(2);
    effect->sets_cursor = random_.OneIn(5);
    if (random_.OneIn(2)) effect->settled_before = Number();
  }

  void FillEntityEffect(Effect* effect) {
    effect->action = static_cast<Action>(random_.Below(6));
    effect->balance = SomeAmount();
    if (effect->action == Action::kAdd) effect->amount = SomeAmount();
    if (effect->action == Action::kPut) effect->value = Bytes(0, 300);
    if (effect->action == Action::kSetPolicy) effect->policy = SomePolicy();
    if (random_.OneIn(3)) effect->stamp = Number();
    effect->deleted = random_.OneIn(3);
    if (random_.OneIn(3)) effect->value_lsn = Earlier();
    if (random_.OneIn(3)) effect->policy_lsn = Earlier();
  }

  Policy SomePolicy() {
    Policy policy;
    if (random_.OneIn(2)) policy.asset = std::string(Bytes(1, kMaxAssetBytes));
    if (random_.OneIn(2)) policy.min_balance = SomeAmount();
    if (random_.OneIn(2)) policy.max_balance = SomeAmount();
    if (random_.OneIn(2)) policy.closed = random_.OneIn(2);
    return policy;
  }

  Random random_;
  std::deque<std::string> texts_;
};

inline std::string DescribeAmount(const std::optional<Amount>& amount) {
  return amount.has_value() ? AmountToString(*amount) : "-";
}

inline std::string Describe(const Effect& effect) {
  std::string text = absl::StrCat(effect.table == Table::kSources ? "source " : "entity ", std::string(effect.key),
                                  " v", effect.version, " pointers");
  for (const Lsn pointer : effect.pointers) absl::StrAppend(&text, " ", pointer);
  absl::StrAppend(&text, " action ", static_cast<int>(effect.action), " balance ", AmountToString(effect.balance),
                  " amount ", AmountToString(effect.amount), " value ", std::string(effect.value), " deleted ",
                  effect.deleted);
  if (effect.policy) {
    absl::StrAppend(&text, " policy ", effect.policy->asset.value_or("-"), " ",
                    DescribeAmount(effect.policy->min_balance), " ", DescribeAmount(effect.policy->max_balance), " ",
                    effect.policy->closed.has_value() ? absl::StrCat(*effect.policy->closed) : "-");
  }
  if (effect.stamp) absl::StrAppend(&text, " stamp ", *effect.stamp);
  if (effect.value_lsn) absl::StrAppend(&text, " value at ", *effect.value_lsn);
  if (effect.policy_lsn) absl::StrAppend(&text, " policy at ", *effect.policy_lsn);
  absl::StrAppend(&text, " position ", effect.position, " incarnation ", std::string(effect.incarnation), " chained ",
                  effect.chained, " window ", effect.window, " settles ", effect.settles, " sets ", effect.sets_cursor);
  if (effect.settled_before) absl::StrAppend(&text, " settled ", *effect.settled_before);
  return text;
}

// Everything that an encoding keeps.
inline std::string Describe(const Entry& entry) {
  std::string text = absl::StrCat("at ", entry.lsn, " in ", entry.frame_lsn, " index ", entry.index);
  absl::StrAppend(&text, " kind ", static_cast<int>(entry.kind), " lookback ", entry.options.balance_lookback,
                  " explicit ", entry.options.explicit_entities, " parking ", entry.options.parking, " ",
                  entry.options.parking_changes, " ", entry.options.parking_bytes, " ",
                  entry.options.parking_changes_per_entity, " ", entry.options.parking_bytes_per_entity, " prefix ",
                  std::string(entry.prefix), " erased ", static_cast<int>(entry.erased_table), " floor ", entry.floor,
                  " parked ", entry.parked, " letter ", entry.letter);
  for (const std::string_view key : entry.erased) absl::StrAppend(&text, " ", std::string(key));
  if (entry.settles) {
    absl::StrAppend(&text, " settles ", std::string(entry.settles->source), " ",
                    std::string(entry.settles->incarnation), " ", entry.settles->position);
  }
  if (entry.message) {
    absl::StrAppend(&text, " message ", std::string(entry.message->change), " ", std::string(entry.message->original),
                    " ", entry.message->original_bytes);
  }
  absl::StrAppend(&text, " outcome ", static_cast<int>(entry.outcome), " id ", std::string(entry.id), " fingerprint ",
                  ToHex(entry.fingerprint), " balanced ", entry.balanced, " rule ", static_cast<int>(entry.rule),
                  " conflict ", static_cast<int>(entry.conflict), " reason ", std::string(entry.reason));
  for (const UpdateResult& result : entry.results) {
    absl::StrAppend(&text, " result ", result.version, " ", AmountToString(result.balance));
  }
  if (entry.original) absl::StrAppend(&text, " original ", *entry.original);
  for (const Effect& effect : entry.effects) absl::StrAppend(&text, "\n", Describe(effect));
  return text;
}

// `body` as an entry whose check and length are right.
inline std::string WithCheck(std::string_view body, Lsn lsn, uint64_t seed) {
  std::string checked;
  PutVarint(&checked, body.size());
  checked += body;
  std::string bytes;
  PutFixed32(&bytes, static_cast<uint32_t>(Checksum64(checked, MixSeed(seed, lsn))));
  return bytes + checked;
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_JOURNAL_RANDOM_ENTRY_H_
