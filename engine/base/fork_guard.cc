// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/base/fork_guard.h"

#include <pthread.h>

#include <atomic>

namespace semel::internal {
namespace {

std::atomic<uint64_t> generation{0};

}  // namespace

uint64_t ForkGeneration() {
  static const bool registered = pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1); }) == 0;
  static_cast<void>(registered);
  return generation.load(std::memory_order_relaxed);
}

}  // namespace semel::internal
