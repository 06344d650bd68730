// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The record of a head. Numbers are varints unless said otherwise; "back" is a distance back from the last entry's LSN
// or sequence; distances are short, so a young account takes about 60 bytes, nearly all of them its last id and
// fingerprint.
//
//   flags        1   kDeleted, kValue, kPolicy, kStamp, kStampIsLast, kSource; the other bits are 0
//   version          > 0
//   balance          zigzag, up to 128 bits
//   last id          kind (1 byte), then as many bytes as it has
//   last fingerprint 16   high, low, little-endian
//   last LSN
//   last sequence
//   levels           for each chain level above 0: the distance back from the level below; 0 exactly if both levels
//                    stand for one version
//   kValue           value LSN (back), bytes
//   kPolicy          fields (1 byte), policy LSN (back), then asset (bytes), min_balance, max_balance (zigzag) as given
//   kStamp           stamp; then, unless kStampIsLast, of the entry that set it: id, fingerprint, LSN (back),
//                    sequence (back), version, balance
//   kSource          flags (1 byte: kChained, kWindowed, kSettled), cursor, incarnation (bytes), first version;
//                    kWindowed: window, ahead (bytes); kSettled: settled
//
// kStampIsLast stands exactly if the last entry set the stamp and the head is still as that entry left it.

#include "engine/state/record.h"

#include <cstring>
#include <memory>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/coding.h"

namespace semel::internal {
namespace {

enum HeadFlag : uint8_t {
  kDeleted = 1 << 0,
  kValue = 1 << 1,
  kPolicy = 1 << 2,
  kStamp = 1 << 3,
  kStampIsLast = 1 << 4,
  kSource = 1 << 5,
  kAllHeadFlags = (1 << 6) - 1,
};
constexpr uint8_t kHasExtras = kValue | kPolicy | kStamp | kSource;

enum PolicyField : uint8_t {
  kAsset = 1 << 0,
  kMinBalance = 1 << 1,
  kMaxBalance = 1 << 2,
  kClosedGiven = 1 << 3,
  kClosed = 1 << 4,  // only with kClosedGiven
  kAllPolicyFields = (1 << 5) - 1,
};

enum SourceFlag : uint8_t {
  kChained = 1 << 0,
  kWindowed = 1 << 1,
  kSettled = 1 << 2,
  kAllSourceFlags = (1 << 3) - 1,
};

bool SameRef(const EntryRef& a, const EntryRef& b) {
  return a.id == b.id && a.fingerprint == b.fingerprint && a.lsn == b.lsn && a.sequence == b.sequence;
}

// How many bytes of a tag are stored; -1 if there is no such kind.
int TagBytes(uint8_t kind) {
  if (kind == IdTag::kLong || kind == IdTag::kPosition) return sizeof(IdTag::bytes);
  return kind <= sizeof(IdTag::bytes) ? kind : -1;
}

bool SetByLast(const Stamp& stamp, const Head& head) {
  return SameRef(stamp.setter, head.last) && stamp.result.version == head.version &&
         stamp.result.balance == head.balance;
}

uint8_t FlagsOf(const Head& head) {
  const HeadExtras& extras = head.Extras();
  uint8_t flags = 0;
  if (head.deleted) flags |= kDeleted;
  if (extras.value) flags |= kValue;
  if (extras.policy) flags |= kPolicy;
  if (extras.stamp) flags |= kStamp;
  if (extras.stamp && SetByLast(*extras.stamp, head)) flags |= kStampIsLast;
  if (extras.source) flags |= kSource;
  return flags;
}

void PutByte(std::string* out, uint8_t byte) { out->push_back(static_cast<char>(byte)); }

// A distance back from `from` to `to`, which must not lie after it.
void PutBack(std::string* out, uint64_t from, uint64_t to) {
  SEMEL_CHECK(to <= from);
  PutVarint(out, from - to);
}

void PutIdentity(std::string* out, const EntryRef& ref) {
  const int size = TagBytes(ref.id.kind);
  SEMEL_CHECK(size >= 0);
  PutByte(out, ref.id.kind);
  out->append(ref.id.bytes, static_cast<size_t>(size));
  PutFixed64(out, ref.fingerprint.high);
  PutFixed64(out, ref.fingerprint.low);
}

void PutLevels(std::string* out, const Head& head) {
  const auto& levels = head.chain.levels();
  SEMEL_CHECK(static_cast<int>(levels.size()) == ChainTop::LevelCount(head.version) && levels[0] == head.last.lsn);
  for (size_t level = 1; level < levels.size(); ++level) PutBack(out, levels[level - 1], levels[level]);
}

void PutPolicy(std::string* out, const Policy& policy, Lsn last, Lsn policy_lsn) {
  uint8_t fields = 0;
  if (policy.asset) fields |= kAsset;
  if (policy.min_balance) fields |= kMinBalance;
  if (policy.max_balance) fields |= kMaxBalance;
  if (policy.closed) fields |= kClosedGiven;
  if (policy.closed.value_or(false)) fields |= kClosed;
  PutByte(out, fields);
  PutBack(out, last, policy_lsn);
  if (policy.asset) PutBytes(out, *policy.asset);
  if (policy.min_balance) PutSignedVarint128(out, *policy.min_balance);
  if (policy.max_balance) PutSignedVarint128(out, *policy.max_balance);
}

void PutStamp(std::string* out, const Stamp& stamp, const Head& head) {
  PutVarint(out, stamp.value);
  if (SetByLast(stamp, head)) return;
  PutIdentity(out, stamp.setter);
  PutBack(out, head.last.lsn, stamp.setter.lsn);
  PutBack(out, head.last.sequence, stamp.setter.sequence);
  PutVarint(out, stamp.result.version);
  PutSignedVarint128(out, stamp.result.balance);
}

void PutSource(std::string* out, const SourceState& source) {
  uint8_t flags = 0;
  if (source.chained) flags |= kChained;
  if (source.window != 0) flags |= kWindowed;
  if (source.settled) flags |= kSettled;
  PutByte(out, flags);
  PutVarint(out, source.cursor);
  PutBytes(out, source.incarnation);
  PutVarint(out, source.first_version);
  if (source.window != 0) {
    PutVarint(out, source.window);
    PutBytes(out, source.ahead);
  }
  if (source.settled) PutVarint(out, *source.settled);
}

// ---- Decoding. Each function returns false for what its twin above would not have written.

bool GetBack(Decoder* in, uint64_t from, uint64_t* to) {
  uint64_t distance = 0;
  if (!in->GetVarint(&distance) || distance > from) return false;
  *to = from - distance;
  return true;
}

bool GetIdentity(Decoder* in, EntryRef* ref) {
  uint8_t kind = 0;
  if (!in->GetByte(&kind)) return false;
  const int size = TagBytes(kind);
  std::string_view tag;
  if (size < 0 || !in->GetRaw(static_cast<size_t>(size), &tag)) return false;
  ref->id.kind = kind;
  std::memcpy(ref->id.bytes, tag.data(), tag.size());
  return in->GetFixed64(&ref->fingerprint.high) && in->GetFixed64(&ref->fingerprint.low);
}

bool GetLevels(Decoder* in, Head* head) {
  auto& levels = head->chain.mutable_levels();
  levels.push_back(head->last.lsn);
  const int count = ChainTop::LevelCount(head->version);
  for (int level = 1; level < count; ++level) {
    Lsn lsn = 0;
    if (!GetBack(in, levels.back(), &lsn)) return false;
    const bool same_version =
        ChainTop::VersionAtLevel(head->version, level) == ChainTop::VersionAtLevel(head->version, level - 1);
    if (same_version != (lsn == levels.back())) return false;
    levels.push_back(lsn);
  }
  return true;
}

bool GetValue(Decoder* in, Lsn last, HeadExtras* extras) {
  std::string_view value;
  if (!GetBack(in, last, &extras->value_lsn) || !in->GetBytes(kMaxValueBytes, &value)) return false;
  extras->value.emplace(value);
  return true;
}

bool GetPolicy(Decoder* in, Lsn last, HeadExtras* extras) {
  uint8_t fields = 0;
  if (!in->GetByte(&fields) || (fields & ~kAllPolicyFields) != 0) return false;
  if ((fields & kClosed) != 0 && (fields & kClosedGiven) == 0) return false;
  if (!GetBack(in, last, &extras->policy_lsn)) return false;
  Policy& policy = extras->policy.emplace();
  if ((fields & kAsset) != 0) {
    std::string_view asset;
    if (!in->GetBytes(kMaxAssetBytes, &asset)) return false;
    policy.asset.emplace(asset);
  }
  if ((fields & kMinBalance) != 0 && !in->GetSignedVarint128(&policy.min_balance.emplace())) return false;
  if ((fields & kMaxBalance) != 0 && !in->GetSignedVarint128(&policy.max_balance.emplace())) return false;
  if ((fields & kClosedGiven) != 0) policy.closed = (fields & kClosed) != 0;
  return true;
}

bool GetStamp(Decoder* in, const Head& head, bool is_last, HeadExtras* extras) {
  Stamp& stamp = extras->stamp.emplace();
  if (!in->GetVarint(&stamp.value)) return false;
  if (is_last) {
    stamp.setter = head.last;
    stamp.result = {head.version, head.balance};
    return true;
  }
  return GetIdentity(in, &stamp.setter) && GetBack(in, head.last.lsn, &stamp.setter.lsn) &&
         GetBack(in, head.last.sequence, &stamp.setter.sequence) && in->GetVarint(&stamp.result.version) &&
         in->GetSignedVarint128(&stamp.result.balance) && !SetByLast(stamp, head);
}

bool GetWindow(Decoder* in, SourceState* source) {
  std::string_view ahead;
  if (!in->GetVarint32(&source->window) || source->window == 0 || source->window > kMaxSourceWindow) return false;
  if (!in->GetBytes((source->window + 7) / 8, &ahead) || (!ahead.empty() && ahead.back() == '\0')) return false;
  source->ahead = ahead;
  return true;
}

bool GetSource(Decoder* in, HeadExtras* extras) {
  SourceState& source = extras->source.emplace();
  std::string_view incarnation;
  uint8_t flags = 0;
  if (!in->GetByte(&flags) || (flags & ~kAllSourceFlags) != 0) return false;
  if (!in->GetVarint(&source.cursor) || !in->GetBytes(kMaxIncarnationBytes, &incarnation)) return false;
  if (!in->GetVarint(&source.first_version) || source.first_version == 0) return false;
  source.incarnation = incarnation;
  source.chained = (flags & kChained) != 0;
  if ((flags & kWindowed) != 0 && !GetWindow(in, &source)) return false;
  return (flags & kSettled) == 0 || in->GetVarint(&source.settled.emplace());
}

bool GetExtras(Decoder* in, uint8_t flags, Head* head) {
  auto extras = std::make_shared<HeadExtras>();
  const Lsn last = head->last.lsn;
  if ((flags & kValue) != 0 && !GetValue(in, last, extras.get())) return false;
  if ((flags & kPolicy) != 0 && !GetPolicy(in, last, extras.get())) return false;
  if ((flags & kStamp) != 0 && !GetStamp(in, *head, (flags & kStampIsLast) != 0, extras.get())) return false;
  if ((flags & kSource) != 0 && !GetSource(in, extras.get())) return false;
  head->extras = std::move(extras);
  return true;
}

bool GetHead(Decoder* in, Head* head) {
  uint8_t flags = 0;
  if (!in->GetByte(&flags) || (flags & ~kAllHeadFlags) != 0) return false;
  if ((flags & kStampIsLast) != 0 && (flags & kStamp) == 0) return false;
  head->deleted = (flags & kDeleted) != 0;
  if (!in->GetVarint(&head->version) || head->version == 0) return false;
  if (!in->GetSignedVarint128(&head->balance)) return false;
  if (!GetIdentity(in, &head->last)) return false;
  if (!in->GetVarint(&head->last.lsn) || !in->GetVarint(&head->last.sequence)) return false;
  if (!GetLevels(in, head)) return false;
  return (flags & kHasExtras) == 0 || GetExtras(in, flags, head);
}

}  // namespace

void EncodeHead(const Head& head, std::string* out) {
  SEMEL_CHECK(head.version > 0);
  const HeadExtras& extras = head.Extras();
  PutByte(out, FlagsOf(head));
  PutVarint(out, head.version);
  PutSignedVarint128(out, head.balance);
  PutIdentity(out, head.last);
  PutVarint(out, head.last.lsn);
  PutVarint(out, head.last.sequence);
  PutLevels(out, head);
  if (extras.value) {
    PutBack(out, head.last.lsn, extras.value_lsn);
    PutBytes(out, *extras.value);
  }
  if (extras.policy) PutPolicy(out, *extras.policy, head.last.lsn, extras.policy_lsn);
  if (extras.stamp) PutStamp(out, *extras.stamp, head);
  if (extras.source) PutSource(out, *extras.source);
}

absl::Status DecodeHead(std::string_view bytes, Head* head) {
  Head decoded;
  Decoder in(bytes);
  if (!GetHead(&in, &decoded) || !in.done()) return absl::DataLossError("malformed record");
  *head = std::move(decoded);
  return absl::OkStatus();
}

}  // namespace semel::internal
