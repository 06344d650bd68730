// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/base/environment.h"

#include <chrono>
#include <deque>
#include <system_error>
#include <thread>

#include "engine/base/mutex.h"
#include "engine/base/vital_memory.h"

namespace semel::internal {
namespace {

class SystemClock final : public Clock {
 public:
  int64_t NowUs() override { return Microseconds(std::chrono::system_clock::now().time_since_epoch()); }
  int64_t MonotonicUs() override { return Microseconds(std::chrono::steady_clock::now().time_since_epoch()); }
  void SleepUs(int64_t microseconds) override { std::this_thread::sleep_for(std::chrono::microseconds(microseconds)); }

 private:
  template <typename Duration>
  static int64_t Microseconds(Duration d) {
    return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  }
};

class BackgroundThread final : public Background {
 public:
  ~BackgroundThread() override {
    {
      MutexLock lock(&mutex_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    if (thread_.joinable()) thread_.join();
  }

  void Schedule(std::function<void()> step) override {
    MutexLock lock(&mutex_);
    steps_.push_back(std::move(step));
    if (!thread_.joinable()) Start();
    changed_.NotifyAll();
  }

 private:
  void Start() {
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error&) {
      EndOutOfMemory();
    }
  }

  void Run() {
    const VitalMemory vital;
    for (;;) {
      std::function<void()> step;
      {
        MutexLock lock(&mutex_);
        while (steps_.empty() && !stopping_) changed_.Wait(&mutex_);
        if (stopping_) return;
        step = std::move(steps_.front());
        steps_.pop_front();
      }
      step();
    }
  }

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> steps_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Clock> NewSystemClock() { return std::make_unique<SystemClock>(); }
std::unique_ptr<Background> NewBackgroundThread() { return std::make_unique<BackgroundThread>(); }

}  // namespace semel::internal
