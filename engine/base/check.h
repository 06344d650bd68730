// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Assertions. SEMEL_CHECK stays in release builds and ends the process: it is for what only a bug of ours can break
// and where going on could damage data. SEMEL_DCHECK is for hot paths and vanishes with NDEBUG.

#ifndef SEMEL_ENGINE_BASE_CHECK_H_
#define SEMEL_ENGINE_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

namespace semel::internal {
[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "semel: %s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}
}  // namespace semel::internal

#define SEMEL_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::semel::internal::CheckFailed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define SEMEL_DCHECK(condition) static_cast<void>(0)
#else
#define SEMEL_DCHECK(condition) SEMEL_CHECK(condition)
#endif

#endif  // SEMEL_ENGINE_BASE_CHECK_H_
