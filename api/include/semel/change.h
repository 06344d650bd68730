// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A change: one incoming message that says what it expects and what it wants.
//
//   semel::Change change("T-1");                                   // the id names the intent, kept over retries
//   change.AddUpdate("transfer/T-1").ExpectVersion(0).Put("{}");   // "T-1 has not happened yet": the anchor
//   change.AddUpdate("account/alice").Add(-100);
//   change.AddUpdate("account/bob").Add(100);
//
// Caveats, each with its cure:
// - A change is applied whole or not at all, so one anchored update protects the others. A change in which no update
//   says where it belongs (ExpectVersion, Since, ExpectBalance, Newer) and that has no source position is answered
//   kInvalid: nothing could tell its redelivery from a new one.
// - The id must be minted once, by whoever wants the effect, and kept over retries. An id made anew at each retry
//   turns every retry into another intent.
// - A retry that carries a fresh expected version must say, with Since, which version it saw first.
//
// All types here are plain data: copyable, movable, not synchronised. Nothing here does I/O.

#ifndef SEMEL_CHANGE_H_
#define SEMEL_CHANGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semel {

// An amount of money, or of anything else that is counted: a signed 128-bit number of minor units (cents, satoshi,
// pieces). Never a floating-point number.
using Amount = absl::int128;

// Upper bounds of what a change may hold; beyond them it is answered kInvalid.
inline constexpr size_t kMaxKeyBytes = 256;
inline constexpr size_t kMaxIdBytes = 64;
inline constexpr size_t kMaxSourceNameBytes = 128;
inline constexpr size_t kMaxIncarnationBytes = 64;
inline constexpr uint32_t kMaxSourceWindow = 4096;
inline constexpr size_t kMaxAssetBytes = 32;
inline constexpr size_t kMaxValueBytes = size_t{1} << 20;
inline constexpr size_t kMaxUpdatesPerChange = 1024;
inline constexpr size_t kMaxChangeBytes = size_t{4} << 20;  // keys, values and names together

// What an update does to its entity, once the whole change is accepted. Stable numbers: they are in the journal.
enum class Action : uint8_t {
  kNone = 0,       // not chosen yet; such an update is invalid
  kAdd = 1,        // balance += amount
  kPut = 2,        // value = bytes
  kDelete = 3,     // leaves a tombstone that keeps the version; only with a zero balance
  kCheck = 4,      // reads without advancing: the precondition must hold, nothing changes
  kSetPolicy = 5,  // merges the given fields into the entity's policy
};

// "add", "put", "delete", "check", "set_policy"; "none" for kNone.
std::string_view ToString(Action action);

// The rules of one entity. A field that is absent says nothing: in a set_policy it leaves what is there.
struct Policy {
  std::optional<std::string> asset;   // 1..32 bytes, e.g. "EUR". Once set it never changes.
  std::optional<Amount> min_balance;  // an add that would go below is kRejected
  std::optional<Amount> max_balance;  // an add that would go above is kRejected
  std::optional<bool> closed;         // true: only set_policy is accepted

  friend bool operator==(const Policy& a, const Policy& b) {
    return a.asset == b.asset && a.min_balance == b.min_balance && a.max_balance == b.max_balance &&
           a.closed == b.closed;
  }
};

// One key, at most one precondition (since may stand beside ExpectVersion or ExpectBalance), exactly one action.
struct Update {
  std::string key;  // 1..256 bytes, any bytes; stands once in a change

  // Preconditions.
  std::optional<uint64_t> expect_version;  // the current version is exactly this; 0: the key never existed
  std::optional<uint64_t> since;           // no entry after this version carries this change's id
  std::optional<Amount> expect_balance;    // the current balance is exactly this, and the id is not in the history
  std::optional<uint64_t> newer;           // greater than the entity's stamp, which it becomes; put and delete only

  // The action and its operand.
  Action action = Action::kNone;
  Amount amount = 0;  // kAdd
  std::string asset;  // kAdd: if not empty, must be the entity's asset
  std::string value;  // kPut
  Policy policy;      // kSetPolicy

  // The same, to be chained: change.AddUpdate("k").ExpectVersion(3).Add(10).
  Update& ExpectVersion(uint64_t version) {
    expect_version = version;
    return *this;
  }
  Update& Since(uint64_t version) {
    since = version;
    return *this;
  }
  Update& ExpectBalance(Amount balance) {
    expect_balance = balance;
    return *this;
  }
  Update& Newer(uint64_t stamp) {
    newer = stamp;
    return *this;
  }
  Update& Add(Amount added, std::string asset_name = "") {
    action = Action::kAdd;
    amount = added;
    asset = std::move(asset_name);
    return *this;
  }
  Update& Put(std::string_view bytes) {
    action = Action::kPut;
    value.assign(bytes.data(), bytes.size());
    return *this;
  }
  Update& Delete() {
    action = Action::kDelete;
    return *this;
  }
  Update& Check() {
    action = Action::kCheck;
    return *this;
  }
  Update& SetPolicy(Policy fields) {
    action = Action::kSetPolicy;
    policy = std::move(fields);
    return *this;
  }
};

// The place of a message in a named stream: a Kafka partition, a producer, a file. The ledger keeps a cursor for each
// source and moves it in the same frame as the effects; a position at or below the cursor was consumed before.
struct SourcePosition {
  std::string name;                  // 1..128 bytes
  uint64_t position = 0;             // rises within a source; gaps are fine
  std::optional<uint64_t> previous;  // the position of the message before, where the stream knows it
  std::string incarnation;           // changes when positions start anew; "" if the stream has none. At most 64 bytes.

  // For brokers that redeliver out of order, 1..4096: positions begin at 1, have no gaps, and may come in any order
  // within this many beyond the cursor; beyond it they are kEarly. The same in each message of a source, and not beside
  // `previous`. 0: positions rise.
  uint32_t window = 0;
};

// One incoming message.
struct Change {
  Change() = default;
  explicit Change(std::string_view change_id) : id(change_id) {}

  std::string id;  // 1..64 bytes; may be empty if there is a source: then the position is the identity
  std::optional<SourcePosition> source;
  std::vector<Update> updates;  // 1..1024, all or none; each key once
  bool balanced = false;        // the adds of each asset must sum to zero

  // The epoch of the ledger that the sender saw, if it wants to be sure: after a restore the epoch is another, and the
  // change is answered kInvalid instead of matched against another timeline. Consumes no source position then.
  std::optional<uint64_t> epoch;

  // The message as it came, kept with the change if it becomes a dead letter; empty: its Protobuf form is kept.
  std::string original;

  // Not empty: the message could not be decoded, and this is why. It is answered kInvalid, and its source position is
  // consumed, so that it does not block the stream. See Undecodable.
  std::string undecodable;

  // A message of a source that could not be decoded.
  static Change Undecodable(SourcePosition source, std::string_view message, std::string_view why) {
    Change change;
    change.source = std::move(source);
    change.original.assign(message.data(), message.size());
    change.undecodable.assign(why.data(), why.size());
    return change;
  }

  // Appends an update. The reference is good until the next AddUpdate.
  Update& AddUpdate(std::string_view key) {
    updates.emplace_back();
    updates.back().key.assign(key.data(), key.size());
    return updates.back();
  }
};

// Reads one change from its JSON form: the Protobuf JSON mapping of semel.v1.Change. Field names in snake_case or
// camelCase; 64-bit numbers as number or string; amounts as decimal strings or integers; `put` as base64. Unknown
// members of the message itself are ignored (they are metadata); unknown members of an update or of a source are
// refused, because a misspelt precondition must not be dropped silently.
// Errors: InvalidArgument, with the place and what was expected there.
absl::StatusOr<Change> ParseChangeJson(std::string_view json);

// Reads one change from the bytes of a semel.v1.Change. Limits are checked before anything is built.
// Errors: InvalidArgument.
absl::StatusOr<Change> ParseChangeProto(std::string_view bytes);

// The inverse of ParseChangeJson: one line, without a newline, in snake_case. A key, id or name that is not UTF-8 is
// shown with U+FFFD in place of the bad bytes, and does not read back.
std::string ToJson(const Change& change);

// The inverse of ParseChangeProto.
std::string ToProto(const Change& change);

// The fingerprint of what a change means: 128 bits over a canonical encoding of keys, actions, operands, stamps and
// `balanced`; of a message that could not be decoded, over its bytes. Two messages with one id and different
// fingerprints are answered kIdReused. Equal in every process, build and release. Expected versions and balances, ids,
// sources and metadata do not count; the order of updates does not count; a check counts by its key.
struct Fingerprint {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const Fingerprint& a, const Fingerprint& b) { return a.high == b.high && a.low == b.low; }
  friend bool operator!=(const Fingerprint& a, const Fingerprint& b) { return !(a == b); }
};
Fingerprint FingerprintOf(const Change& change);

// 32 hexadecimal digits.
std::string ToHex(const Fingerprint& fingerprint);

// Decimal text of an amount, and back. ParseAmount accepts an optional sign and decimal digits, nothing else.
// Errors: InvalidArgument for anything else and for what does not fit in 128 bits.
std::string AmountToString(Amount amount);
absl::StatusOr<Amount> ParseAmount(std::string_view text);

}  // namespace semel

#endif  // SEMEL_CHANGE_H_
