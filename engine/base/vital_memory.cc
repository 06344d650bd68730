// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/base/vital_memory.h"

#include <unistd.h>

#include <cstdlib>
#include <new>

namespace semel::internal {
namespace {

thread_local int t_alive = 0;
std::new_handler g_handler_before = nullptr;

void OnNoMemory() {
  if (t_alive > 0) EndOutOfMemory();
  if (g_handler_before == nullptr) throw std::bad_alloc();
  g_handler_before();
}

}  // namespace

VitalMemory::VitalMemory() {
  static const bool set = [] {
    g_handler_before = std::get_new_handler();
    std::set_new_handler(OnNoMemory);
    return true;
  }();
  static_cast<void>(set);
  ++t_alive;
}

VitalMemory::~VitalMemory() { --t_alive; }

void EndOutOfMemory() {
  constexpr char kLine[] = "semel: out of memory: the process ends; what was acknowledged is durable\n";
  (void)!write(STDERR_FILENO, kLine, sizeof kLine - 1);
  std::abort();
}

}  // namespace semel::internal
