// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Byte coding of all stored formats: little-endian fixed integers, varints (LEB128), zigzag for signed numbers of up to
// 128 bits, length-prefixed bytes. Every value has one encoding: the decoder refuses varints that are longer than
// needed.

#ifndef SEMEL_ENGINE_BASE_CODING_H_
#define SEMEL_ENGINE_BASE_CODING_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/numeric/int128.h"

namespace semel::internal {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored formats are little-endian and copied as they are");

inline void PutFixed32(std::string* out, uint32_t v) { out->append(reinterpret_cast<const char*>(&v), sizeof v); }
inline void PutFixed64(std::string* out, uint64_t v) { out->append(reinterpret_cast<const char*>(&v), sizeof v); }
inline uint32_t GetFixed32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline uint64_t GetFixed64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

void PutVarint(std::string* out, uint64_t v);
void PutSignedVarint128(std::string* out, absl::int128 v);  // zigzag, then at most 19 bytes
inline void PutBytes(std::string* out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out->append(bytes.data(), bytes.size());
}

// Reads what the functions above wrote. Every getter returns false, and moves nothing, when the bytes end too soon or
// are not canonical. Views point into the input.
class Decoder {
 public:
  explicit Decoder(std::string_view input) : rest_(input) {}

  bool GetByte(uint8_t* v) {
    if (rest_.empty()) return false;
    *v = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return true;
  }
  bool GetFixed32(uint32_t* v);
  bool GetFixed64(uint64_t* v);
  bool GetVarint(uint64_t* v) {
    if (rest_.empty() || static_cast<uint8_t>(rest_[0]) >= 0x80) return GetLongVarint(v);
    *v = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return true;
  }
  bool GetVarint32(uint32_t* v);
  bool GetSignedVarint128(absl::int128* v);
  bool GetRaw(size_t size, std::string_view* bytes);
  // Refuses more than `limit` bytes before looking at them.
  bool GetBytes(size_t limit, std::string_view* bytes);

  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  bool GetLongVarint(uint64_t* v);

  std::string_view rest_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_CODING_H_
