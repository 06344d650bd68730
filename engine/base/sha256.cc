// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/base/sha256.h"

#include <openssl/evp.h>

#include <new>

#include "engine/base/check.h"

namespace semel::internal {

namespace {

// Looked up once: that takes locks and memory.
const EVP_MD* Algorithm() {
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kAlgorithm;
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }

  // libcrypto takes memory of its own the first time: if there is none, it is as if `new` had found none.
  void Begin() {
    const EVP_MD* const algorithm = Algorithm();
    if (context != nullptr && algorithm != nullptr && EVP_DigestInit_ex(context, algorithm, nullptr) == 1) return;
    if (const std::new_handler no_memory = std::get_new_handler(); no_memory != nullptr) no_memory();
    throw std::bad_alloc();
  }
};

Sha256::Sha256() : state_(std::make_unique<State>()) { state_->Begin(); }
Sha256::~Sha256() = default;

void Sha256::Add(std::string_view bytes) {
  SEMEL_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

Sha256Hash Sha256::Finish() {
  Sha256Hash hash;
  SEMEL_CHECK(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(hash.data()), nullptr) == 1);
  state_->Begin();
  return hash;
}

}  // namespace semel::internal
