// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The snapshots that are open now, and since when.

#ifndef SEMEL_ENGINE_STATE_ACTIVE_READERS_H_
#define SEMEL_ENGINE_STATE_ACTIVE_READERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>

#include "engine/base/environment.h"

namespace semel::internal {

// Not thread-safe.
class ActiveReaders {
 public:
  using Handle = std::multiset<int64_t>::const_iterator;

  Handle Begin() { return starts_.insert(clock_->MonotonicUs()); }
  void End(Handle handle) { starts_.erase(handle); }

  size_t count() const { return starts_.size(); }
  // 0 without readers.
  int64_t OldestAgeUs() const { return starts_.empty() ? 0 : clock_->MonotonicUs() - *starts_.begin(); }

 private:
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  std::multiset<int64_t> starts_;  // monotonic times
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_ACTIVE_READERS_H_
