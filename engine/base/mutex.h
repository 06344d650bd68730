// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// std::mutex and std::shared_mutex under clang's thread-safety annotations. (Not absl::Mutex: the distribution's
// build of it is not instrumented, and ThreadSanitizer reports false races.)

#ifndef SEMEL_ENGINE_BASE_MUTEX_H_
#define SEMEL_ENGINE_BASE_MUTEX_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#include "absl/base/thread_annotations.h"

namespace semel::internal {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() {}  // for the analysis, where it cannot follow

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Readers that come while a writer waits stand behind it: std::shared_mutex alone lets a crowd of readers keep a writer
// waiting for ever. So a thread must not take it twice for reading, unless the mutex was made for that.
class ABSL_LOCKABLE SharedMutex {
 public:
  enum class Order { kWritersFirst, kReadersFirst };
  explicit SharedMutex(Order order = Order::kWritersFirst) : order_(order) {}

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    waiting_writers_.fetch_add(1);
    {
      std::lock_guard<std::mutex> gate(gate_);
      mutex_.lock();
    }
    waiting_writers_.fetch_sub(1);
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  void ReaderLock() ABSL_SHARED_LOCK_FUNCTION() {
    if (order_ == Order::kWritersFirst && waiting_writers_.load() != 0) std::lock_guard<std::mutex> behind(gate_);
    mutex_.lock_shared();
  }
  void ReaderUnlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock_shared(); }

 private:
  const Order order_;
  std::atomic<int> waiting_writers_{0};
  std::mutex gate_;  // held by the writer that is next
  std::shared_mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_->Lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* mutex_;
};

class ABSL_SCOPED_LOCKABLE WriterLock {
 public:
  explicit WriterLock(SharedMutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_->Lock(); }
  ~WriterLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex* mutex_;
};

class ABSL_SCOPED_LOCKABLE ReaderLock {
 public:
  explicit ReaderLock(SharedMutex* mutex) ABSL_SHARED_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_->ReaderLock(); }
  ~ReaderLock() ABSL_UNLOCK_FUNCTION() { mutex_->ReaderUnlock(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex* mutex_;
};

class CondVar {
 public:
  void Wait(Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // True if the time ran out.
  bool WaitFor(Mutex* mutex, std::chrono::microseconds timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    const bool timed_out = condition_.wait_for(lock, timeout) == std::cv_status::timeout;
    lock.release();
    return timed_out;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_MUTEX_H_
