// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The body of an entry, continued from entry.h. "back" is a varint: the distance from this entry's LSN back to another
// address (at least 1; never as far as address 0, where no entry is). Numbers are varints, amounts zigzag varints,
// bytes are length and content. What a flag says is absent takes no bytes; an unknown flag is DataLoss.
//
//   kOptions:       flags (kExplicitEntities, kParking), balance_lookback, bounds of parking: changes, bytes, and of
//   one
//                   entity: changes, bytes
//   kSetSource:     one effect
//   kRetire:        prefix
//   kErase:         table 1, count, keys
//   kFloor:         LSN back; 0: its own frame. [base LSN back; of its records the SHA-256, 32]
//   kDiscardLetter: letter
//
//   a decided change (kind: the outcome code):
//     flags         kHasId .. kHasMessage
//     [id]
//     fingerprint   16 bytes, high then low
//     [rule 1: REJECTED]  [conflict 1: CONFLICT]  [reason]
//     [count, then of each result: version, balance]
//     [original     back]
//     [origin: flags 1, [parked]  [letter]  [settles: source, incarnation, position]]
//     [message: change, original, original bytes]
//     [count]       of effects, if it is not 1
//     effects, each:
//       flags       bits 0..2 the action, then kSource ..
//       key
//       version
//       pointers    back, as many as ChainTargetsOf(version)
//       of an entity: balance  [amount: add]  [value: put]  [policy: set_policy]  [stamp]  [value_lsn back]
//                     [policy_lsn back]
//       of a source:  position  [incarnation]  [window]  [settled before: position - it, zigzag]
//
//   policy: see change_coding.h

#include "engine/journal/entry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "engine/journal/change_coding.h"
#include "engine/journal/frame.h"

namespace semel::internal {
namespace {

constexpr size_t kMaxSizeVarintBytes = 5;
// More than any change within its limits can become.
constexpr size_t kMaxBodyBytes = size_t{32} << 20;
static_assert(kMaxBodyBytes > 2 * kMaxChangeBytes + kMaxUpdatesPerChange * 1024 + 2 * kMaxKeptBytes);

static_assert(static_cast<int>(EntryKind::kOptions) >= kOutcomeCodeCount);

// Flags of deciding options.
constexpr uint8_t kExplicitEntities = 1 << 0;
constexpr uint8_t kParking = 1 << 1;

// Flags of a decided change.
constexpr uint8_t kHasId = 1 << 0;
constexpr uint8_t kBalanced = 1 << 1;
constexpr uint8_t kHasReason = 1 << 2;
constexpr uint8_t kHasResults = 1 << 3;
constexpr uint8_t kHasOriginal = 1 << 4;
constexpr uint8_t kHasEffectCount = 1 << 5;
constexpr uint8_t kHasOrigin = 1 << 6;
constexpr uint8_t kHasMessage = 1 << 7;

// Flags of an origin.
constexpr uint8_t kHasParked = 1 << 0;
constexpr uint8_t kHasLetter = 1 << 1;
constexpr uint8_t kHasSettles = 1 << 2;
constexpr uint8_t kOriginFlags = kHasParked | kHasLetter | kHasSettles;

// Flags of an effect.
constexpr uint8_t kActionMask = 7;
constexpr uint8_t kSource = 1 << 3;
constexpr uint8_t kDeleted = 1 << 4;  // entities
constexpr uint8_t kHasStamp = 1 << 5;
constexpr uint8_t kHasValueLsn = 1 << 6;
constexpr uint8_t kHasPolicyLsn = 1 << 7;
constexpr uint8_t kHasWindow = 1 << 0;  // sources
constexpr uint8_t kSettles = 1 << 1;
constexpr uint8_t kSetsCursor = 1 << 2;
constexpr uint8_t kChained = 1 << 4;
constexpr uint8_t kHasIncarnation = 1 << 5;
constexpr uint8_t kHasSettledBefore = 1 << 6;
constexpr uint8_t kSourceFlags =
    kSource | kHasWindow | kSettles | kSetsCursor | kChained | kHasIncarnation | kHasSettledBefore;

constexpr size_t kMaxReasonBytes = 4096;                  // a longer one is cut
constexpr size_t kMaxEffects = kMaxUpdatesPerChange + 1;  // and the source
constexpr uint8_t kMaxAction = static_cast<uint8_t>(Action::kSetPolicy);
constexpr uint8_t kMaxRule = static_cast<uint8_t>(Rule::kUnbalanced);
constexpr uint8_t kMaxConflict = static_cast<uint8_t>(Conflict::kDiscarded);
constexpr size_t kMaxErased = size_t{1} << 16;
constexpr size_t kMaxErasedKeyBytes = 512;

uint8_t FlagIf(bool condition, uint8_t flag) { return condition ? flag : 0; }

void PutByte(std::string* out, uint8_t v) { out->push_back(static_cast<char>(v)); }

void PutBack(std::string* out, Lsn from, Lsn to) {
  SEMEL_CHECK(to > 0 && to < from);
  PutVarint(out, from - to);
}

bool GetBack(Decoder* in, Lsn from, Lsn* to) {
  uint64_t distance = 0;
  if (!in->GetVarint(&distance) || distance == 0 || distance >= from) return false;
  *to = from - distance;
  return true;
}

// Bytes that are there only if they are not empty.
bool GetSomeBytes(Decoder* in, size_t limit, std::string_view* bytes) {
  return in->GetBytes(limit, bytes) && !bytes->empty();
}

// A code from 1 to `max`.
template <typename Code>
bool GetCode(Decoder* in, uint8_t max, Code* code) {
  uint8_t byte = 0;
  if (!in->GetByte(&byte) || byte == 0 || byte > max) return false;
  *code = static_cast<Code>(byte);
  return true;
}

void EncodeEntityPart(const Effect& effect, Lsn lsn, std::string* out) {
  PutSignedVarint128(out, effect.balance);
  if (effect.action == Action::kAdd) PutSignedVarint128(out, effect.amount);
  if (effect.action == Action::kPut) PutBytes(out, effect.value);
  if (effect.action == Action::kSetPolicy) PutPolicy(out, effect.policy.value_or(Policy()));
  if (effect.stamp) PutVarint(out, *effect.stamp);
  if (effect.value_lsn) PutBack(out, lsn, *effect.value_lsn);
  if (effect.policy_lsn) PutBack(out, lsn, *effect.policy_lsn);
}

bool DecodeEntityPart(Decoder* in, uint8_t flags, Lsn lsn, Effect* effect) {
  const uint8_t action = flags & kActionMask;
  if (action > kMaxAction) return false;
  effect->action = static_cast<Action>(action);
  effect->deleted = (flags & kDeleted) != 0;
  if (!in->GetSignedVarint128(&effect->balance)) return false;
  if (effect->action == Action::kAdd && !in->GetSignedVarint128(&effect->amount)) return false;
  if (effect->action == Action::kPut && !in->GetBytes(kMaxValueBytes, &effect->value)) return false;
  if (effect->action == Action::kSetPolicy && !GetPolicy(in, &effect->policy.emplace())) return false;
  if ((flags & kHasStamp) != 0 && !in->GetVarint(&effect->stamp.emplace())) return false;
  if ((flags & kHasValueLsn) != 0 && !GetBack(in, lsn, &effect->value_lsn.emplace())) return false;
  return (flags & kHasPolicyLsn) == 0 || GetBack(in, lsn, &effect->policy_lsn.emplace());
}

void EncodeSourcePart(const Effect& effect, std::string* out) {
  PutVarint(out, effect.position);
  if (!effect.incarnation.empty()) PutBytes(out, effect.incarnation);
  if (effect.window != 0) PutVarint(out, effect.window);
  if (effect.settled_before)
    PutSignedVarint128(out, absl::int128(effect.position) - absl::int128(*effect.settled_before));
}

bool DecodeSourcePart(Decoder* in, uint8_t flags, Effect* effect) {
  if ((flags & ~kSourceFlags) != 0) return false;
  effect->chained = (flags & kChained) != 0;
  effect->settles = (flags & kSettles) != 0;
  effect->sets_cursor = (flags & kSetsCursor) != 0;
  if (!in->GetVarint(&effect->position)) return false;
  if ((flags & kHasIncarnation) != 0 && !GetSomeBytes(in, kMaxIncarnationBytes, &effect->incarnation)) return false;
  if ((flags & kHasWindow) != 0) {
    if (!in->GetVarint32(&effect->window) || effect->window == 0 || effect->window > kMaxSourceWindow) return false;
  }
  if ((flags & kHasSettledBefore) == 0) return true;
  absl::int128 distance = 0;
  if (!in->GetSignedVarint128(&distance)) return false;
  const absl::int128 settled = absl::int128(effect->position) - distance;
  if (settled < 0 || absl::Int128High64(settled) != 0) return false;
  effect->settled_before = absl::Int128Low64(settled);
  return true;
}

uint8_t FlagsOf(const Effect& effect) {
  if (effect.table == Table::kSources) {
    return kSource | FlagIf(effect.chained, kChained) | FlagIf(!effect.incarnation.empty(), kHasIncarnation) |
           FlagIf(effect.window != 0, kHasWindow) | FlagIf(effect.settles, kSettles) |
           FlagIf(effect.sets_cursor, kSetsCursor) | FlagIf(effect.settled_before.has_value(), kHasSettledBefore);
  }
  return static_cast<uint8_t>(effect.action) | FlagIf(effect.deleted, kDeleted) |
         FlagIf(effect.stamp.has_value(), kHasStamp) | FlagIf(effect.value_lsn.has_value(), kHasValueLsn) |
         FlagIf(effect.policy_lsn.has_value(), kHasPolicyLsn);
}

void EncodeEffect(const Effect& effect, Lsn lsn, std::string* out) {
  PutByte(out, FlagsOf(effect));
  PutBytes(out, effect.key);
  PutVarint(out, effect.version);
  SEMEL_DCHECK(effect.pointers.size() == ChainTargetsOf(effect.version).size());
  for (const Lsn pointer : effect.pointers) PutBack(out, lsn, pointer);
  if (effect.table == Table::kSources) {
    EncodeSourcePart(effect, out);
  } else {
    EncodeEntityPart(effect, lsn, out);
  }
}

bool DecodeEffect(Decoder* in, Lsn lsn, Effect* effect) {
  uint8_t flags = 0;
  if (!in->GetByte(&flags)) return false;
  const bool is_source = (flags & kSource) != 0;
  effect->table = is_source ? Table::kSources : Table::kEntities;
  if (!GetSomeBytes(in, is_source ? kMaxSourceNameBytes : kMaxKeyBytes, &effect->key)) return false;
  if (!in->GetVarint(&effect->version) || effect->version == 0) return false;
  effect->pointers.resize(ChainTargetsOf(effect->version).size());
  for (Lsn& pointer : effect->pointers) {
    if (!GetBack(in, lsn, &pointer)) return false;
  }
  return is_source ? DecodeSourcePart(in, flags, effect) : DecodeEntityPart(in, flags, lsn, effect);
}

void EncodeErased(const Entry& entry, std::string* out) {
  PutByte(out, static_cast<uint8_t>(entry.erased_table));
  PutVarint(out, entry.erased.size());
  for (const std::string_view key : entry.erased) PutBytes(out, key);
}

bool DecodeErased(Decoder* in, Entry* entry) {
  uint8_t table = 0;
  uint64_t count = 0;
  if (!in->GetByte(&table) || !in->GetVarint(&count) || count > kMaxErased) return false;
  entry->erased_table = Table{table};
  if (entry->erased_table != Table::kEntities && entry->erased_table != Table::kPositions) return false;
  for (; count > 0; --count) {
    if (!GetSomeBytes(in, kMaxErasedKeyBytes, &entry->erased.emplace_back())) return false;
  }
  return true;
}

// What is not a decided change.
void EncodeOther(const Entry& entry, std::string* out) {
  PutByte(out, static_cast<uint8_t>(entry.kind));
  switch (entry.kind) {
    case EntryKind::kChange:
      break;
    case EntryKind::kOptions:
      EncodeDecidingOptions(entry.options, out);
      break;
    case EntryKind::kSetSource:
      EncodeEffect(entry.effects.front(), entry.lsn, out);
      break;
    case EntryKind::kRetire:
      PutBytes(out, entry.prefix);
      break;
    case EntryKind::kErase:
      EncodeErased(entry, out);
      break;
    case EntryKind::kFloor:
      PutVarint(out, entry.frame_lsn - entry.floor);
      if (!entry.base.has_value()) break;
      PutVarint(out, entry.frame_lsn - entry.base->lsn);
      out->append(BytesOf(entry.base->records));
      break;
    case EntryKind::kDiscardLetter:
      PutVarint(out, entry.letter);
      break;
  }
}

bool GetBackFromFrame(Decoder* in, const Entry& entry, Lsn* lsn) {
  uint64_t back = 0;
  if (!in->GetVarint(&back) || back > entry.frame_lsn) return false;
  *lsn = entry.frame_lsn - back;
  return true;
}

bool DecodeFloor(Decoder* in, Entry* entry) {
  if (!GetBackFromFrame(in, *entry, &entry->floor)) return false;
  if (in->done()) return true;
  VouchedBase& base = entry->base.emplace();
  std::string_view records;
  if (!GetBackFromFrame(in, *entry, &base.lsn) || !in->GetRaw(kSha256Bytes, &records)) return false;
  std::copy(records.begin(), records.end(), base.records.begin());
  return true;
}

bool DecodeOther(Decoder* in, uint8_t kind, Entry* entry) {
  entry->kind = EntryKind{kind};
  switch (entry->kind) {
    case EntryKind::kChange:
      break;
    case EntryKind::kOptions:
      return DecodeDecidingOptions(in, &entry->options);
    case EntryKind::kSetSource:
      return DecodeEffect(in, entry->lsn, &entry->effects.emplace_back()) &&
             entry->effects.back().table == Table::kSources && entry->effects.back().sets_cursor;
    case EntryKind::kRetire:
      return GetSomeBytes(in, kMaxKeyBytes, &entry->prefix);
    case EntryKind::kErase:
      return DecodeErased(in, entry);
    case EntryKind::kFloor:
      return DecodeFloor(in, entry);
    case EntryKind::kDiscardLetter:
      return in->GetVarint(&entry->letter) && entry->letter != 0;
  }
  return false;
}

uint8_t FlagsOf(const Entry& entry) {
  return FlagIf(!entry.id.empty(), kHasId) | FlagIf(entry.balanced, kBalanced) |
         FlagIf(!entry.reason.empty(), kHasReason) | FlagIf(!entry.results.empty(), kHasResults) |
         FlagIf(entry.original.has_value(), kHasOriginal) | FlagIf(entry.effects.size() != 1, kHasEffectCount) |
         FlagIf(entry.parked != 0 || entry.letter != 0 || entry.settles.has_value(), kHasOrigin) |
         FlagIf(entry.message.has_value(), kHasMessage);
}

void EncodeOrigin(const Entry& entry, std::string* out) {
  PutByte(out, FlagIf(entry.parked != 0, kHasParked) | FlagIf(entry.letter != 0, kHasLetter) |
                   FlagIf(entry.settles.has_value(), kHasSettles));
  if (entry.parked != 0) PutVarint(out, entry.parked);
  if (entry.letter != 0) PutVarint(out, entry.letter);
  if (!entry.settles) return;
  PutBytes(out, entry.settles->source);
  PutBytes(out, entry.settles->incarnation);
  PutVarint(out, entry.settles->position);
}

bool DecodeOrigin(Decoder* in, Entry* entry) {
  uint8_t flags = 0;
  if (!in->GetByte(&flags) || flags == 0 || (flags & ~kOriginFlags) != 0) return false;
  if ((flags & kHasParked) != 0 && (!in->GetVarint(&entry->parked) || entry->parked == 0)) return false;
  if ((flags & kHasLetter) != 0 && (!in->GetVarint(&entry->letter) || entry->letter == 0)) return false;
  if ((flags & kHasSettles) == 0) return true;
  SettledPosition& settles = entry->settles.emplace();
  return GetSomeBytes(in, kMaxSourceNameBytes, &settles.source) &&
         in->GetBytes(kMaxIncarnationBytes, &settles.incarnation) && in->GetVarint(&settles.position);
}

void EncodeMessage(const KeptMessage& message, std::string* out) {
  PutBytes(out, message.change);
  PutBytes(out, message.original);
  PutVarint(out, message.original_bytes);
}

bool DecodeMessage(Decoder* in, KeptMessage* message) {
  return in->GetBytes(kMaxKeptBytes, &message->change) && in->GetBytes(kMaxKeptBytes, &message->original) &&
         in->GetVarint(&message->original_bytes) && message->original_bytes >= message->original.size();
}

void EncodeChange(const Entry& entry, std::string* out) {
  PutByte(out, static_cast<uint8_t>(entry.outcome));
  PutByte(out, FlagsOf(entry));
  if (!entry.id.empty()) PutBytes(out, entry.id);
  PutFixed64(out, entry.fingerprint.high);
  PutFixed64(out, entry.fingerprint.low);
  if (entry.outcome == OutcomeCode::kRejected) PutByte(out, static_cast<uint8_t>(entry.rule));
  if (entry.outcome == OutcomeCode::kConflict) PutByte(out, static_cast<uint8_t>(entry.conflict));
  if (!entry.reason.empty()) PutBytes(out, entry.reason.substr(0, kMaxReasonBytes));
  if (!entry.results.empty()) PutVarint(out, entry.results.size());
  for (const UpdateResult& result : entry.results) {
    PutVarint(out, result.version);
    PutSignedVarint128(out, result.balance);
  }
  if (entry.original) PutBack(out, entry.lsn, *entry.original);
  if ((FlagsOf(entry) & kHasOrigin) != 0) EncodeOrigin(entry, out);
  if (entry.message) EncodeMessage(*entry.message, out);
  if (entry.effects.size() != 1) PutVarint(out, entry.effects.size());
  for (const Effect& effect : entry.effects) EncodeEffect(effect, entry.lsn, out);
}

bool DecodeResults(Decoder* in, Entry* entry) {
  uint64_t count = 0;
  if (!in->GetVarint(&count) || count == 0 || count > kMaxUpdatesPerChange) return false;
  for (; count > 0; --count) {
    UpdateResult& result = entry->results.emplace_back();
    if (!in->GetVarint(&result.version) || !in->GetSignedVarint128(&result.balance)) return false;
  }
  return true;
}

bool DecodeEffects(Decoder* in, bool has_count, Entry* entry) {
  uint64_t count = 1;
  if (has_count && (!in->GetVarint(&count) || count == 1 || count > kMaxEffects)) return false;
  for (; count > 0; --count) {
    if (!DecodeEffect(in, entry->lsn, &entry->effects.emplace_back())) return false;
  }
  return true;
}

bool DecodeChange(Decoder* in, uint8_t kind, Entry* entry) {
  uint8_t flags = 0;
  if (!in->GetByte(&flags)) return false;
  entry->outcome = static_cast<OutcomeCode>(kind);
  if (kind == 0 || kind >= kOutcomeCodeCount || entry->outcome == OutcomeCode::kEarly) return false;
  entry->balanced = (flags & kBalanced) != 0;
  if ((flags & kHasId) != 0 && !GetSomeBytes(in, kMaxIdBytes, &entry->id)) return false;
  if (!in->GetFixed64(&entry->fingerprint.high) || !in->GetFixed64(&entry->fingerprint.low)) return false;
  if (entry->outcome == OutcomeCode::kRejected && !GetCode(in, kMaxRule, &entry->rule)) return false;
  if (entry->outcome == OutcomeCode::kConflict && !GetCode(in, kMaxConflict, &entry->conflict)) return false;
  if ((flags & kHasReason) != 0 && !GetSomeBytes(in, kMaxReasonBytes, &entry->reason)) return false;
  if ((flags & kHasResults) != 0 && !DecodeResults(in, entry)) return false;
  if ((flags & kHasOriginal) != 0 && !GetBack(in, entry->lsn, &entry->original.emplace())) return false;
  if ((flags & kHasOrigin) != 0 && !DecodeOrigin(in, entry)) return false;
  if ((flags & kHasMessage) != 0 && !DecodeMessage(in, &entry->message.emplace())) return false;
  return DecodeEffects(in, (flags & kHasEffectCount) != 0, entry);
}

bool DecodeBody(std::string_view body, Entry* entry) {
  Decoder in(body);
  uint64_t frame_back = 0;
  uint8_t kind = 0;
  if (!in.GetVarint(&frame_back) || frame_back < kFrameHeaderBytes || frame_back > entry->lsn) return false;
  entry->frame_lsn = entry->lsn - frame_back;
  if (!in.GetVarint32(&entry->index) || !in.GetByte(&kind)) return false;
  const bool decoded = kind < kOutcomeCodeCount ? DecodeChange(&in, kind, entry) : DecodeOther(&in, kind, entry);
  return decoded && in.done();
}

uint32_t CheckOf(std::string_view bytes, Lsn lsn, uint64_t seed) {
  return static_cast<uint32_t>(Checksum64(bytes, MixSeed(seed, lsn)));
}

}  // namespace

void EncodeEntry(const Entry& entry, uint64_t seed, std::string* out) {
  const size_t start = out->size();
  out->append(kEntryCheckBytes, '\0');
  PutVarint(out, entry.lsn - entry.frame_lsn);
  PutVarint(out, entry.index);
  if (entry.kind == EntryKind::kChange) {
    EncodeChange(entry, out);
  } else {
    EncodeOther(entry, out);
  }
  std::string body_bytes;
  PutVarint(&body_bytes, out->size() - start - kEntryCheckBytes);
  out->insert(start + kEntryCheckBytes, body_bytes);
  const uint32_t check = CheckOf(std::string_view(*out).substr(start + kEntryCheckBytes), entry.lsn, seed);
  std::memcpy(out->data() + start, &check, sizeof check);
}

size_t EncodedEntrySize(std::string_view bytes) {
  if (bytes.size() <= kEntryCheckBytes) return 0;
  const std::string_view size_bytes = bytes.substr(kEntryCheckBytes, kMaxSizeVarintBytes);
  Decoder in(size_bytes);
  uint32_t body_bytes = 0;
  if (!in.GetVarint32(&body_bytes) || body_bytes > kMaxBodyBytes) return 0;
  return kEntryCheckBytes + (size_bytes.size() - in.rest().size()) + body_bytes;
}

absl::Status DecodeEntry(std::string_view bytes, Lsn lsn, uint64_t seed, Entry* entry) {
  const size_t size = EncodedEntrySize(bytes);
  if (size == 0 || size > bytes.size()) {
    return absl::DataLossError(absl::StrCat("no entry at LSN ", lsn, ": its length is damaged"));
  }
  const std::string_view checked = bytes.substr(kEntryCheckBytes, size - kEntryCheckBytes);
  if (GetFixed32(bytes.data()) != CheckOf(checked, lsn, seed)) {
    return absl::DataLossError(absl::StrCat("no entry at LSN ", lsn, ": wrong check"));
  }
  *entry = Entry();
  entry->lsn = lsn;
  entry->next_lsn = lsn + size;
  uint64_t body_bytes = 0;
  Decoder in(checked);
  if (!in.GetVarint(&body_bytes) || !DecodeBody(in.rest(), entry)) {
    return absl::DataLossError(absl::StrCat("the entry at LSN ", lsn, " is malformed or of a newer format"));
  }
  return absl::OkStatus();
}

void EncodeDecidingOptions(const DecidingOptions& options, std::string* out) {
  PutByte(out, FlagIf(options.explicit_entities, kExplicitEntities) | FlagIf(options.parking, kParking));
  PutVarint(out, options.balance_lookback);
  PutVarint(out, options.parking_changes);
  PutVarint(out, options.parking_bytes);
  PutVarint(out, options.parking_changes_per_entity);
  PutVarint(out, options.parking_bytes_per_entity);
}

bool DecodeDecidingOptions(Decoder* in, DecidingOptions* options) {
  uint8_t flags = 0;
  if (!in->GetByte(&flags) || (flags & ~(kExplicitEntities | kParking)) != 0) return false;
  options->explicit_entities = (flags & kExplicitEntities) != 0;
  options->parking = (flags & kParking) != 0;
  return in->GetVarint32(&options->balance_lookback) && in->GetVarint(&options->parking_changes) &&
         in->GetVarint(&options->parking_bytes) && in->GetVarint(&options->parking_changes_per_entity) &&
         in->GetVarint(&options->parking_bytes_per_entity);
}

EntryRef RefOf(const Entry& entry, uint64_t seed) {
  EntryRef ref;
  ref.fingerprint = entry.fingerprint;
  ref.lsn = entry.lsn;
  ref.sequence = entry.sequence;
  if (!entry.id.empty()) {
    ref.id = MakeIdTag(entry.id, seed);
  } else if (const Effect* source = SourceEffect(entry); source != nullptr) {
    ref.id = MakePositionTag(source->key, source->incarnation, source->position, seed);
  } else if (entry.settles) {
    ref.id = MakePositionTag(entry.settles->source, entry.settles->incarnation, entry.settles->position, seed);
  }
  return ref;
}

const Effect* SourceEffect(const Entry& entry) {
  const bool has = !entry.effects.empty() && entry.effects.back().table == Table::kSources;
  return has ? &entry.effects.back() : nullptr;
}

const Effect* FindEffect(const Entry& entry, Table table, std::string_view key) {
  const auto found = std::find_if(entry.effects.begin(), entry.effects.end(),
                                  [&](const Effect& effect) { return effect.table == table && effect.key == key; });
  return found == entry.effects.end() ? nullptr : &*found;
}

}  // namespace semel::internal
