// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a record of the state: refused, or the one encoding of what they say.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/state/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  semel::internal::Head head;
  const absl::Status decoded = semel::internal::DecodeHead(bytes, &head);
  if (!decoded.ok()) {
    SEMEL_CHECK(absl::IsDataLoss(decoded));
    return 0;
  }
  std::string again;
  semel::internal::EncodeHead(head, &again);
  SEMEL_CHECK(again == bytes);
  return 0;
}
