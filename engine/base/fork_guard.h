// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Tells a process from its forks: handles of the parent must not be used by a child.

#ifndef SEMEL_ENGINE_BASE_FORK_GUARD_H_
#define SEMEL_ENGINE_BASE_FORK_GUARD_H_

#include <cstdint>

namespace semel::internal {

// How many forks lie between this process and the one that first called this. Costs one load.
uint64_t ForkGeneration();

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_FORK_GUARD_H_
