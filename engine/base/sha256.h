// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4), by OpenSSL's libcrypto: for what must be hard to forge. Everything else uses checksum.h.

#ifndef SEMEL_ENGINE_BASE_SHA256_H_
#define SEMEL_ENGINE_BASE_SHA256_H_

#include <array>
#include <memory>
#include <string_view>

namespace semel::internal {

inline constexpr size_t kSha256Bytes = 32;
using Sha256Hash = std::array<char, kSha256Bytes>;

inline std::string_view BytesOf(const Sha256Hash& hash) { return {hash.data(), hash.size()}; }

// The hash of everything added since the beginning. One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();

  void Add(std::string_view bytes);
  // The hash; begins anew.
  Sha256Hash Finish();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_SHA256_H_
