// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Bounds of a message as bytes, checked before anything is built from it. They are wider than those of change.h, which
// validation judges: these only keep hostile input from costing more than its own size.

#ifndef SEMEL_ENGINE_CODEC_LIMITS_H_
#define SEMEL_ENGINE_CODEC_LIMITS_H_

#include <cstddef>

#include "semel/change.h"

namespace semel::internal {

inline constexpr size_t kMaxMessageBytes = size_t{8} << 20;  // 4 MiB of content is 5.4 MiB as base64
inline constexpr size_t kMaxMessageParts = size_t{1} << 16;  // JSON values, or Protobuf fields of the known messages
inline constexpr size_t kMaxJsonDepth = 32;                  // the message itself needs 4; the rest is for metadata

static_assert(kMaxMessageBytes >= kMaxChangeBytes / 3 * 4 + (kMaxChangeBytes / 4), "a full change fits as base64");
static_assert(kMaxMessageParts >= kMaxUpdatesPerChange * 16, "every update may carry all its members");

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_CODEC_LIMITS_H_
