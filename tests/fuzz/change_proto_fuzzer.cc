// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "semel/change.h"
#include "tests/fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  semel::testing::CheckRoundTrip(semel::ParseChangeProto(std::string_view(reinterpret_cast<const char*>(data), size)));
  return 0;
}
