// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Byte coding: every value has one encoding, and no input reads beyond its end.

#include "engine/base/coding.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/base/checksum.h"
#include "tests/sim/random.h"

namespace semel::internal {
namespace {

std::string Varint(uint64_t v) {
  std::string out;
  PutVarint(&out, v);
  return out;
}

std::string Signed(absl::int128 v) {
  std::string out;
  PutSignedVarint128(&out, v);
  return out;
}

std::vector<uint64_t> Edges64() {
  std::vector<uint64_t> edges;
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t power = uint64_t{1} << bit;
    for (uint64_t v : {power - 1, power, power + 1}) edges.push_back(v);
  }
  edges.push_back(std::numeric_limits<uint64_t>::max());
  return edges;
}

TEST(Varint, RoundTripsAtEveryEdge) {
  for (uint64_t v : Edges64()) {
    const std::string bytes = Varint(v);
    Decoder decoder(bytes);
    uint64_t back = 0;
    ASSERT_TRUE(decoder.GetVarint(&back));
    EXPECT_EQ(back, v);
    EXPECT_TRUE(decoder.done());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      Decoder shorter(std::string_view(bytes).substr(0, cut));
      EXPECT_FALSE(shorter.GetVarint(&back));
      EXPECT_EQ(shorter.rest().size(), cut);  // nothing is consumed
    }
  }
}

TEST(Varint, LongerEncodingThanNeededIsRefused) {
  uint64_t v = 0;
  for (const std::string& bytes :
       {std::string("\x80\x00", 2), std::string("\xff\x00", 2), std::string("\x81\x80\x00", 3)}) {
    EXPECT_FALSE(Decoder(bytes).GetVarint(&v));
  }
  EXPECT_TRUE(Decoder(std::string(1, '\0')).GetVarint(&v));
}

TEST(Varint, MoreThanFitsIsRefused) {
  uint64_t v = 0;
  uint32_t small = 0;
  EXPECT_FALSE(Decoder(std::string(9, '\xff') + '\x02').GetVarint(&v));
  EXPECT_TRUE(Decoder(std::string(9, '\xff') + '\x01').GetVarint(&v));
  EXPECT_EQ(v, std::numeric_limits<uint64_t>::max());
  EXPECT_FALSE(Decoder(std::string(11, '\xff')).GetVarint(&v));
  EXPECT_FALSE(Decoder(Varint(uint64_t{1} << 32)).GetVarint32(&small));
  EXPECT_TRUE(Decoder(Varint(0xffffffff)).GetVarint32(&small));
}

TEST(SignedVarint128, RoundTripsAtEveryEdge) {
  for (int bit = 0; bit < 127; ++bit) {
    const absl::int128 power = absl::int128(1) << bit;
    for (absl::int128 v : {power - 1, power, power + 1, -power - 1, -power, -power + 1}) {
      absl::int128 back = 0;
      const std::string bytes = Signed(v);
      Decoder again(bytes);
      ASSERT_TRUE(again.GetSignedVarint128(&back));
      EXPECT_EQ(back, v);
      EXPECT_TRUE(again.done());
    }
  }
  for (absl::int128 v : {absl::Int128Max(), absl::Int128Min(), absl::int128(0)}) {
    absl::int128 back = 1;
    const std::string bytes = Signed(v);
    Decoder decoder(bytes);
    ASSERT_TRUE(decoder.GetSignedVarint128(&back));
    EXPECT_EQ(back, v);
  }
  EXPECT_EQ(Signed(absl::Int128Min()).size(), 19u);
  EXPECT_EQ(Signed(-64).size(), 1u);
}

TEST(Decoder, BytesBeyondTheLimitOrTheEndAreRefused) {
  std::string bytes;
  PutBytes(&bytes, "hello");
  std::string_view view;
  EXPECT_FALSE(Decoder(bytes).GetBytes(4, &view));
  EXPECT_TRUE(Decoder(bytes).GetBytes(5, &view));
  EXPECT_EQ(view, "hello");
  EXPECT_FALSE(Decoder(std::string_view(bytes).substr(0, 5)).GetBytes(5, &view));
  EXPECT_FALSE(Decoder(Varint(std::numeric_limits<uint64_t>::max())).GetBytes(SIZE_MAX, &view));
}

TEST(Decoder, RandomBytesDecodeToWhatTheyEncodeOrNotAtAll) {
  testing::Random random(semel::testing::TestSeed());
  for (int i = 0; i < 100'000; ++i) {
    const std::string bytes = random.Bytes(random.Below(24));
    uint64_t v = 0;
    absl::int128 wide = 0;
    Decoder decoder(bytes);
    if (decoder.GetVarint(&v)) {
      ASSERT_EQ(Varint(v), bytes.substr(0, bytes.size() - decoder.rest().size()));
    }
    Decoder other(bytes);
    if (other.GetSignedVarint128(&wide)) {
      ASSERT_EQ(Signed(wide), bytes.substr(0, bytes.size() - other.rest().size()));
    }
  }
}

// Golden: files written by any build must be read by any other.
TEST(Checksum, GoldenValues) {
  EXPECT_EQ(Checksum64("", 0), 0x2d06800538d394c2u);
  EXPECT_EQ(Checksum64("semel", 1), Checksum64("semel", 1));
  EXPECT_NE(Checksum64("semel", 1), Checksum64("semel", 2));
  EXPECT_NE(MixSeed(1, 0), MixSeed(1, 1));
  EXPECT_NE(MixSeed(0, 0), 0u);
}

}  // namespace
}  // namespace semel::internal
