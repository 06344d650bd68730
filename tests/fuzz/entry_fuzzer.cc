// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an entry, and any bytes as the body of an entry whose check is right: refused as DataLoss, or the one
// encoding of what they say.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/journal/entry.h"
#include "tests/journal/random_entry.h"

namespace {

constexpr uint64_t kSeed = 42;
constexpr semel::internal::Lsn kLsn = uint64_t{1} << 32;

void CheckDecoding(std::string_view bytes) {
  semel::internal::Entry entry;
  const absl::Status decoded = semel::internal::DecodeEntry(bytes, kLsn, kSeed, &entry);
  if (!decoded.ok()) {
    SEMEL_CHECK(absl::IsDataLoss(decoded));
    return;
  }
  std::string again;
  semel::internal::EncodeEntry(entry, kSeed, &again);
  SEMEL_CHECK(again == bytes.substr(0, entry.next_lsn - kLsn));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckDecoding(bytes);
  CheckDecoding(semel::testing::WithCheck(bytes, kLsn, kSeed));
  return 0;
}
