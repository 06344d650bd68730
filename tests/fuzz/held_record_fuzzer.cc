// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Records of consumed positions, parked changes and dead letters: what decodes encodes to the same bytes. The first
// byte says which.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "engine/commit/records.h"

namespace {

using namespace semel::internal;

void CheckPositionKey(std::string_view key) {
  if (auto at = ParsePositionKey(key); at.ok()) {
    SEMEL_CHECK(PositionKey(at->source, at->incarnation, at->position) == key);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      if (auto record = DecodePosition(bytes); record.ok()) SEMEL_CHECK(EncodePosition(*record) == bytes);
      break;
    case 1:
      if (auto record = DecodeParked(bytes); record.ok()) SEMEL_CHECK(EncodeParked(*record) == bytes);
      break;
    case 2:
      if (auto record = DecodeLetter(bytes); record.ok()) SEMEL_CHECK(EncodeLetter(*record) == bytes);
      break;
    default:
      CheckPositionKey(bytes);
  }
  return 0;
}
