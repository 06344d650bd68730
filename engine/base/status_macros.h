// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Early return on error. Usage: SEMEL_RETURN_IF_ERROR(expr); SEMEL_ASSIGN_OR_RETURN(auto x, expr);

#ifndef SEMEL_ENGINE_BASE_STATUS_MACROS_H_
#define SEMEL_ENGINE_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define SEMEL_RETURN_IF_ERROR(expr) SEMEL_RETURN_IF_ERROR_IMPL(SEMEL_CONCAT(semel_status_, __LINE__), expr)
#define SEMEL_RETURN_IF_ERROR_IMPL(name, expr)                 \
  do {                                                         \
    if (::absl::Status name = (expr); !name.ok()) return name; \
  } while (false)

#define SEMEL_ASSIGN_OR_RETURN(lhs, expr) \
  SEMEL_ASSIGN_OR_RETURN_IMPL(SEMEL_CONCAT(semel_statusor_, __LINE__), lhs, expr)
#define SEMEL_ASSIGN_OR_RETURN_IMPL(name, lhs, expr) \
  auto name = (expr);                                \
  if (!name.ok()) return std::move(name).status();   \
  lhs = *std::move(name)
#define SEMEL_CONCAT_INNER(a, b) a##b
#define SEMEL_CONCAT(a, b) SEMEL_CONCAT_INNER(a, b)

#endif  // SEMEL_ENGINE_BASE_STATUS_MACROS_H_
