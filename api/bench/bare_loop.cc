// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The bare loop: lookup in a table of the same entities, id hash and fingerprint, encode, check, write and sync of the
// same bytes into a zero-filled file; no outcomes, no readers, no checkpoint. What the disk and the processor allow.
// Concurrent callers take turns.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "api/bench/contenders.h"
#include "engine/base/check.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"
#include "engine/journal/frame.h"
#include "engine/rules/identity.h"

namespace semel::bench {
namespace {

constexpr uint64_t kSeed = 1;
constexpr size_t kFileBytes = size_t{64} << 20;

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
    for (const auto& [key, account] : accounts_) {
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

  struct Account {
    uint64_t version = 0;
    Amount balance = 0;
    internal::IdTag last_id;
    internal::ChainTop chain;
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
    for (const Change& change : changes) applied += Append(change);
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

  // Appends the entry of a change whose versions are as expected; returns how many updates took effect.
  uint64_t Append(const Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const internal::Identity identity = internal::IdentityOf(change, kSeed);
    internal::Entry entry;
    entry.outcome = OutcomeCode::kApplied;
    entry.id = change.id;
    entry.fingerprint = identity.fingerprint;
    for (const Update& update : change.updates) {
      Account& account = accounts_[update.key];
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
  absl::flat_hash_map<std::string, Account> accounts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

OpenedContender OpenBareLoop(const Place& place) { return BareLoop::Open(place); }

}  // namespace semel::bench
