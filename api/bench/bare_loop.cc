// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The bare loop: lookup in a table of the same entities, id hash and fingerprint, encode, check, write and sync of the
// same bytes into a zero-filled file; no outcomes, no readers, no checkpoint. What the disk and the processor allow, so
// it waits for memory as little as it can: what a batch needs is fetched ahead.
// Concurrent callers take turns.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/bench/contenders.h"
#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "engine/base/large_pages.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"
#include "engine/journal/frame.h"
#include "engine/rules/identity.h"

namespace semel::bench {
namespace {

constexpr uint64_t kSeed = 1;
constexpr size_t kFileBytes = size_t{64} << 20;
constexpr size_t kFetchedAhead = 64;  // changes

struct Account {
  uint64_t version = 0;
  Amount balance = 0;
  internal::IdTag last_id;
  internal::ChainTop chain;
};

// Accounts by key, in two steps, so that a batch of lookups waits for memory once: Fetch all keys, then Find each. Open
// addressing with linear probing, at most half full; keys of up to 23 bytes stand in the table itself.
class AccountTable {
 public:
  struct Key {
    char bytes[23] = {};
    char size = 0;  // 0: free
    friend bool operator==(const Key& a, const Key& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
  };

  static Key KeyOf(std::string_view key) {
    Key made;
    SEMEL_CHECK(key.size() <= sizeof made.bytes);
    std::memcpy(made.bytes, key.data(), key.size());
    made.size = static_cast<char>(key.size());
    return made;
  }

  void Fetch(const Key& key) const { __builtin_prefetch(&slots_[Home(key)]); }

  // The number of the account, a new one where there is none; it is fetched.
  uint64_t Find(const Key& key) {
    Slot* slot = Probe(key);
    if (slot->key.size == 0) {
      if (2 * (accounts_.size() + 1) > slots_.size()) {
        Grow();
        slot = Probe(key);
      }
      *slot = {key, accounts_.size()};
      accounts_.emplace_back();
    }
    __builtin_prefetch(&accounts_[slot->number]);
    __builtin_prefetch(&accounts_[slot->number].chain);
    return slot->number;
  }

  // Good until the next Find.
  Account& operator[](uint64_t number) { return accounts_[number]; }
  const std::vector<Account, internal::LargePages<Account>>& accounts() const { return accounts_; }

 private:
  struct Slot {
    Key key;
    uint64_t number = 0;
  };

  size_t Home(const Key& key) const {
    return internal::Checksum64({key.bytes, sizeof key.bytes}, kSeed) & (slots_.size() - 1);
  }

  // The slot of the key, or the free one that it would get.
  Slot* Probe(const Key& key) {
    size_t at = Home(key);
    while (slots_[at].key.size != 0 && !(slots_[at].key == key)) at = (at + 1) & (slots_.size() - 1);
    return &slots_[at];
  }

  void Grow() {
    Slots old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key.size != 0) *Probe(slot.key) = slot;
    }
  }

  using Slots = std::vector<Slot, internal::LargePages<Slot>>;
  Slots slots_ = Slots(1024);  // a power of two
  std::vector<Account, internal::LargePages<Account>> accounts_;
};

class BareLoop final : public Contender {
 public:
  static OpenedContender Open(const Place& place) {
    auto loop = std::make_unique<BareLoop>(place.durability);
    SEMEL_RETURN_IF_ERROR(loop->CreateFile(place.directory + "/log"));
    return loop;
  }

  explicit BareLoop(Durability durability) : durability_(durability) {}
  ~BareLoop() override {
    if (fd_ >= 0) close(fd_);
  }

  absl::StatusOr<std::unique_ptr<Session>> NewSession() override { return std::make_unique<Caller>(this); }

  absl::StatusOr<Totals> Sum() override {
    internal::MutexLock lock(&mutex_);
    Totals totals;
    for (const Account& account : table_.accounts()) {
      totals.versions += account.version;
      totals.balance += account.balance;
    }
    return totals;
  }

  uint64_t JournalBytes() override {
    internal::MutexLock lock(&mutex_);
    return tip_.lsn;
  }

 private:
  class Caller final : public Session {
   public:
    explicit Caller(BareLoop* loop) : loop_(loop) {}
    absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) override { return loop_->Apply(changes); }

   private:
    BareLoop* const loop_;
  };

  absl::Status CreateFile(const std::string& path) {
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) return absl::ErrnoToStatus(errno, path);
    const std::string zeros(size_t{1} << 20, '\0');
    for (size_t at = 0; at < kFileBytes; at += zeros.size()) SEMEL_RETURN_IF_ERROR(Write(at, zeros));
    return fsync(fd_) == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
  }

  absl::Status Write(size_t at, std::string_view bytes) const {
    const ssize_t written = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    return written == static_cast<ssize_t>(bytes.size()) ? absl::OkStatus() : absl::ErrnoToStatus(errno, "pwrite");
  }

  absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) {
    internal::MutexLock lock(&mutex_);
    frame_.Begin(tip_, 1);
    uint64_t applied = 0;
    for (size_t at = 0; at < changes.size(); at += kFetchedAhead) {
      const auto group = changes.subspan(at, kFetchedAhead);
      Find(group);
      auto number = found_.begin();
      for (const Change& change : group) {
        applied += Append(change, &*number);
        number += static_cast<std::ptrdiff_t>(change.updates.size());
      }
    }
    if (frame_.empty()) return 0;
    internal::FrameHeader header;
    const std::string_view bytes = frame_.Finish(&header);
    if (at_ + bytes.size() > kFileBytes) at_ = 0;
    SEMEL_RETURN_IF_ERROR(Write(at_, bytes));
    if (durability_ == Durability::kSynced && fdatasync(fd_) != 0) return absl::ErrnoToStatus(errno, "fdatasync");
    at_ += bytes.size();
    tip_ = internal::TipAfter(header);
    return applied;
  }

  // Lists the number of the account of each update in `found_`, and fetches the accounts.
  void Find(absl::Span<const Change> changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    keys_.clear();
    found_.clear();
    for (const Change& change : changes) {
      for (const Update& update : change.updates) {
        keys_.push_back(AccountTable::KeyOf(update.key));
        table_.Fetch(keys_.back());
      }
    }
    for (const AccountTable::Key& key : keys_) found_.push_back(table_.Find(key));
  }

  // Appends the entry of a change whose versions are as expected; returns how many updates took effect. `numbers` are
  // those of the accounts of its updates.
  uint64_t Append(const Change& change, const uint64_t* numbers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const internal::Identity identity = internal::IdentityOf(change, kSeed);
    internal::Entry entry;
    entry.outcome = OutcomeCode::kApplied;
    entry.id = change.id;
    entry.fingerprint = identity.fingerprint;
    for (const Update& update : change.updates) {
      Account& account = table_[*numbers++];
      if (account.version != *update.expect_version || account.last_id == identity.id) {
        SEMEL_CHECK(entry.effects.empty());  // all hold or none
        return 0;
      }
      internal::Effect& effect = entry.effects.emplace_back();
      effect.key = update.key;
      effect.version = ++account.version;
      effect.pointers = account.chain.PointersFor(effect.version);
      effect.action = update.action;
      effect.amount = update.amount;
      effect.value = update.value;
      effect.balance = account.balance += update.amount;
      account.last_id = identity.id;
      account.chain.Push(effect.version, frame_.NextEntryLsn());
    }
    frame_.Add(&entry);
    return entry.effects.size();
  }

  const Durability durability_;
  int fd_ = -1;
  internal::Mutex mutex_;
  size_t at_ ABSL_GUARDED_BY(mutex_) = 0;
  internal::FrameBuilder frame_ ABSL_GUARDED_BY(mutex_){kSeed};
  internal::JournalTip tip_ ABSL_GUARDED_BY(mutex_);
  AccountTable table_ ABSL_GUARDED_BY(mutex_);
  std::vector<AccountTable::Key> keys_ ABSL_GUARDED_BY(mutex_);  // of the changes that are looked at ...
  std::vector<uint64_t> found_ ABSL_GUARDED_BY(mutex_);          // ... and the numbers of their accounts
};

}  // namespace

OpenedContender OpenBareLoop(const Place& place) { return BareLoop::Open(place); }

}  // namespace semel::bench
