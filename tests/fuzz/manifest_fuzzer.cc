// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// MANIFEST: what parses is written as it was read.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/ledger/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto manifest = semel::internal::ParseManifest(text); manifest.ok()) {
    SEMEL_CHECK(semel::internal::FormatManifest(*manifest) == text);
  }
  return 0;
}
