// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Changes as the journal keeps them: what decodes encodes to the same bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "engine/journal/change_coding.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto change = semel::internal::DecodeChange(bytes); change.ok()) {
    SEMEL_CHECK(semel::internal::EncodeChange(*change) == bytes);
  }
  return 0;
}
