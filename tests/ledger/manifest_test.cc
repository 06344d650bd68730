// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/manifest.h"

#include <gtest/gtest.h>

#include <string>

namespace semel::internal {
namespace {

Manifest Sample() {
  Manifest manifest;
  manifest.uuid = "0123456789abcdef";
  manifest.epoch = 7;
  manifest.created_us = 1'700'000'000'000'000;
  manifest.options.balance_lookback = 99;
  manifest.options.explicit_entities = true;
  return manifest;
}

TEST(Manifest, RoundTrips) {
  auto back = ParseManifest(FormatManifest(Sample()));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->uuid, Sample().uuid);
  EXPECT_EQ(back->epoch, 7u);
  EXPECT_EQ(back->created_us, Sample().created_us);
  EXPECT_TRUE(back->options == Sample().options);
}

TEST(Manifest, GoldenText) {
  EXPECT_EQ(FormatManifest(Sample()).substr(0, FormatManifest(Sample()).rfind("checksum")),
            "semel ledger\nformat: 1\nuuid: 30313233343536373839616263646566\nepoch: 7\n"
            "created_us: 1700000000000000\nbalance_lookback: 99\nexplicit_entities: 1\n");
}

TEST(Manifest, AnyChangedOrMissingByteIsRefused) {
  const std::string text = FormatManifest(Sample());
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(ParseManifest(text.substr(0, i)).ok()) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_FALSE(ParseManifest(damaged).ok()) << i;
    }
  }
  EXPECT_FALSE(ParseManifest(text + "more\n").ok());
}

TEST(Manifest, AnotherFormatIsFailedPrecondition) {
  Manifest newer = Sample();
  newer.format = 2;
  EXPECT_TRUE(absl::IsFailedPrecondition(ParseManifest(FormatManifest(newer)).status()));
}

}  // namespace
}  // namespace semel::internal
