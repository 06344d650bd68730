// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/base/coding.h"

namespace semel::internal {
namespace {

// At most 19 groups of 7 bits hold 128 bits; the last then has only 2.
constexpr int kMaxVarint64Bytes = 10;
constexpr int kMaxVarint128Bytes = 19;

// Reads a canonical LEB128 number of at most `max_bytes` bytes into `Number`; returns the bytes used, 0 if malformed.
template <typename Number>
size_t ReadVarint(std::string_view in, int max_bytes, int bits, Number* v) {
  Number result = 0;
  for (int i = 0; i < max_bytes && static_cast<size_t>(i) < in.size(); ++i) {
    const uint8_t byte = static_cast<uint8_t>(in[i]);
    const int shift = 7 * i;
    if (shift + 7 > bits && ((byte & 0x7f) >> (bits - shift)) != 0) return 0;  // does not fit
    result |= static_cast<Number>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      if (byte == 0 && i > 0) return 0;  // a shorter encoding exists
      *v = result;
      return static_cast<size_t>(i) + 1;
    }
  }
  return 0;
}

}  // namespace

void PutVarint(std::string* out, uint64_t v) {
  char buffer[kMaxVarint64Bytes];
  int size = 0;
  while (v >= 0x80) {
    buffer[size++] = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  buffer[size++] = static_cast<char>(v);
  out->append(buffer, size);
}

void PutSignedVarint128(std::string* out, absl::int128 v) {
  absl::uint128 u = absl::uint128(v) << 1;
  if (v < 0) u = ~u;
  char buffer[kMaxVarint128Bytes];
  int size = 0;
  while (u >= 0x80) {
    buffer[size++] = static_cast<char>(absl::Uint128Low64(u) | 0x80);
    u >>= 7;
  }
  buffer[size++] = static_cast<char>(absl::Uint128Low64(u));
  out->append(buffer, size);
}

bool Decoder::GetFixed32(uint32_t* v) {
  if (rest_.size() < sizeof *v) return false;
  *v = internal::GetFixed32(rest_.data());
  rest_.remove_prefix(sizeof *v);
  return true;
}

bool Decoder::GetFixed64(uint64_t* v) {
  if (rest_.size() < sizeof *v) return false;
  *v = internal::GetFixed64(rest_.data());
  rest_.remove_prefix(sizeof *v);
  return true;
}

bool Decoder::GetLongVarint(uint64_t* v) {
  const size_t used = ReadVarint<uint64_t>(rest_, kMaxVarint64Bytes, 64, v);
  rest_.remove_prefix(used);
  return used != 0;
}

bool Decoder::GetVarint32(uint32_t* v) {
  const size_t used = ReadVarint<uint32_t>(rest_, 5, 32, v);
  rest_.remove_prefix(used);
  return used != 0;
}

bool Decoder::GetSignedVarint128(absl::int128* v) {
  absl::uint128 u = 0;
  const size_t used = ReadVarint<absl::uint128>(rest_, kMaxVarint128Bytes, 128, &u);
  if (used == 0) return false;
  rest_.remove_prefix(used);
  *v = absl::int128(u >> 1);
  if ((u & 1) != 0) *v = ~*v;
  return true;
}

bool Decoder::GetRaw(size_t size, std::string_view* bytes) {
  if (rest_.size() < size) return false;
  *bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

bool Decoder::GetBytes(size_t limit, std::string_view* bytes) {
  const std::string_view before = rest_;
  uint64_t size = 0;
  if (GetVarint(&size) && size <= limit && GetRaw(size, bytes)) return true;
  rest_ = before;
  return false;
}

}  // namespace semel::internal
