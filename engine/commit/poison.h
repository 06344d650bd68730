// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The first error of any write or sync, kept for good: after it nothing more is acknowledged until the ledger is opened
// anew. (A retry on the same handle is how data is lost: after a failed write-back the kernel drops the pages, and the
// next sync succeeds without them.)

#ifndef SEMEL_ENGINE_COMMIT_POISON_H_
#define SEMEL_ENGINE_COMMIT_POISON_H_

#include <atomic>

#include "absl/status/status.h"
#include "engine/base/mutex.h"

namespace semel::internal {

// Thread-safe.
class Poison {
 public:
  // Keeps `error` unless there is one already; returns the one kept.
  absl::Status Set(const absl::Status& error) {
    MutexLock lock(&mutex_);
    if (first_.ok()) first_ = error;
    set_.store(true, std::memory_order_release);
    return first_;
  }

  absl::Status Get() const {
    if (!set_.load(std::memory_order_acquire)) return absl::OkStatus();
    MutexLock lock(&mutex_);
    return first_;
  }

 private:
  std::atomic<bool> set_{false};
  mutable Mutex mutex_;
  absl::Status first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_POISON_H_
