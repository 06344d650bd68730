// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the engine needs of the world besides files: the time, and somewhere to run background work. Both are injected,
// so that a simulator can run the whole engine deterministically in one thread.

#ifndef SEMEL_ENGINE_BASE_ENVIRONMENT_H_
#define SEMEL_ENGINE_BASE_ENVIRONMENT_H_

#include <cstdint>
#include <functional>
#include <memory>

namespace semel::internal {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowUs() = 0;                     // microseconds since 1970-01-01 UTC; may jump
  virtual int64_t MonotonicUs() = 0;               // never falls; for waits and ages
  virtual void SleepUs(int64_t microseconds) = 0;  // throttling
};

// Runs steps in the order given, one at a time. Thread-safe.
class Background {
 public:
  virtual ~Background() = default;  // waits for the running step, drops those that have not begun
  virtual void Schedule(std::function<void()> step) = 0;
};

std::unique_ptr<Clock> NewSystemClock();

// One thread, started at the first step.
std::unique_ptr<Background> NewBackgroundThread();

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_ENVIRONMENT_H_
