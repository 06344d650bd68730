// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Pins: who reads old history says from which address on, and a trim stops there. In this process and in others: a pin
// is an empty file `pins/<LSN, 20 digits>.<number>` in the ledger's directory, locked while it is in use. One that is
// not locked was left by a process that died, and counts for nothing.
//
// Whoever takes a pin looks at the floor afterwards: a trim makes its floor known, then looks for pins, then removes.
// So one of the two sees the other.

#ifndef SEMEL_ENGINE_LEDGER_PINS_H_
#define SEMEL_ENGINE_LEDGER_PINS_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "engine/io/file_system.h"
#include "engine/rules/chain.h"

namespace semel::internal {

// Held until it is destroyed.
class Pin {
 public:
  // Keeps what lies at or after `lsn`. `directory`: of the ledger. Errors: of files.
  static absl::StatusOr<Pin> Take(FileSystem* files, const std::string& directory, Lsn lsn);
  ~Pin();
  Pin(Pin&&) noexcept = default;
  Pin& operator=(Pin&&) = delete;

 private:
  Pin(FileSystem* files, std::string path, std::unique_ptr<FileLock> lock)
      : files_(files), path_(std::move(path)), lock_(std::move(lock)) {}

  FileSystem* const files_;
  const std::string path_;
  std::unique_ptr<FileLock> lock_;  // null once moved from
};

// Pins of this process alone, which cost no file: readers of the ledger that trims take these. Thread-safe.
class LocalPins {
 public:
  class Held {
   public:
    Held(LocalPins* pins, Lsn lsn) : pins_(pins), lsn_(lsn) {
      MutexLock lock(&pins_->mutex_);
      pins_->held_.insert(lsn_);
    }
    ~Held() {
      MutexLock lock(&pins_->mutex_);
      pins_->held_.erase(pins_->held_.find(lsn_));
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    LocalPins* const pins_;
    const Lsn lsn_;
  };

  std::optional<Lsn> lowest() const {
    MutexLock lock(&mutex_);
    return held_.empty() ? std::nullopt : std::optional<Lsn>(*held_.begin());
  }

 private:
  mutable Mutex mutex_;
  std::multiset<Lsn> held_ ABSL_GUARDED_BY(mutex_);
};

struct LowestPin {
  Lsn lsn = 0;
  std::string path;
};

// The pin with the lowest address; nullopt if there is none. Removes those that nobody holds.
absl::StatusOr<std::optional<LowestPin>> FindLowestPin(FileSystem* files, const std::string& directory);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_PINS_H_
