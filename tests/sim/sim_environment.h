// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Time and background work that a test controls, so that the whole engine runs deterministically in one thread.

#ifndef SEMEL_TESTS_SIM_SIM_ENVIRONMENT_H_
#define SEMEL_TESTS_SIM_SIM_ENVIRONMENT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "engine/base/environment.h"
#include "engine/base/mutex.h"

namespace semel::testing {

// Stands still unless it is moved: by Advance, by SleepUs, or by `tick_us` with each look at it.
class SimClock final : public internal::Clock {
 public:
  explicit SimClock(int64_t now_us = 1'700'000'000'000'000, int64_t tick_us = 0) : now_us_(now_us), tick_us_(tick_us) {}

  int64_t NowUs() override {
    internal::MutexLock lock(&mutex_);
    return now_us_ += tick_us_;
  }
  int64_t MonotonicUs() override {
    internal::MutexLock lock(&mutex_);
    return monotonic_us_ += tick_us_;
  }
  void SleepUs(int64_t microseconds) override { Advance(microseconds); }

  void Advance(int64_t microseconds) {
    internal::MutexLock lock(&mutex_);
    now_us_ += microseconds;
    monotonic_us_ += microseconds;
  }
  // The wall clock may jump, also backwards.
  void SetNow(int64_t now_us) {
    internal::MutexLock lock(&mutex_);
    now_us_ = now_us;
  }

 private:
  internal::Mutex mutex_;
  int64_t now_us_ ABSL_GUARDED_BY(mutex_);
  int64_t monotonic_us_ ABSL_GUARDED_BY(mutex_) = 0;
  const int64_t tick_us_;
};

// Runs steps in the calling thread: inside Schedule, or when the test calls RunAll. A step that schedules another runs
// it after itself. Steps still queued when it is destroyed are dropped.
class InlineBackground final : public internal::Background {
 public:
  enum class Mode { kAtOnce, kWhenAsked };
  explicit InlineBackground(Mode mode = Mode::kWhenAsked) : mode_(mode) {}

  void Schedule(std::function<void()> step) override {
    {
      internal::MutexLock lock(&mutex_);
      steps_.push_back(std::move(step));
      if (running_) return;
    }
    if (mode_ == Mode::kAtOnce) RunAll();
  }

  // Runs one step; false if there is none.
  bool RunOne() {
    std::function<void()> step;
    {
      internal::MutexLock lock(&mutex_);
      if (steps_.empty() || running_) return false;
      step = std::move(steps_.front());
      steps_.pop_front();
      running_ = true;
    }
    step();
    internal::MutexLock lock(&mutex_);
    running_ = false;
    return true;
  }

  // Runs until none is left, also those that the steps add. Returns how many ran.
  size_t RunAll() {
    size_t count = 0;
    while (RunOne()) ++count;
    return count;
  }

  size_t queued() {
    internal::MutexLock lock(&mutex_);
    return steps_.size();
  }

 private:
  const Mode mode_;
  internal::Mutex mutex_;
  std::deque<std::function<void()>> steps_ ABSL_GUARDED_BY(mutex_);
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_SIM_SIM_ENVIRONMENT_H_
