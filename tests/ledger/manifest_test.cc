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
  manifest.options.parking_bytes = 12345;
  manifest.tamper_evident = true;
  manifest.restored_from_epoch = 6;
  manifest.restored_at_lsn = 4096;
  return manifest;
}

BackupMark SampleMark() {
  BackupMark mark;
  mark.manifest = Sample();
  mark.floor = 640;
  mark.base_lsn = 1280;
  mark.tip = {9000, 77, UINT64_MAX, 1'700'000'000'000'001};
  return mark;
}

TEST(Manifest, RoundTrips) {
  auto back = ParseManifest(FormatManifest(Sample()));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->uuid, Sample().uuid);
  EXPECT_EQ(back->epoch, 7u);
  EXPECT_EQ(back->created_us, Sample().created_us);
  EXPECT_TRUE(back->options == Sample().options);
  EXPECT_EQ(back->restored_from_epoch, 6u);
  EXPECT_EQ(back->restored_at_lsn, 4096u);
}

TEST(BackupMark, RoundTrips) {
  auto back = ParseBackupMark(FormatBackupMark(SampleMark()));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(FormatManifest(back->manifest), FormatManifest(Sample()));
  EXPECT_EQ(back->floor, 640u);
  EXPECT_EQ(back->base_lsn, 1280u);
  EXPECT_EQ(back->tip.lsn, 9000u);
  EXPECT_EQ(back->tip.next_sequence, 77u);
  EXPECT_EQ(back->tip.frame_checksum, UINT64_MAX);
  EXPECT_EQ(back->tip.commit_time_us, 1'700'000'000'000'001);
}

TEST(BackupMark, IsNoManifestAndTheOtherWayRound) {
  EXPECT_TRUE(absl::IsDataLoss(ParseManifest(FormatBackupMark(SampleMark())).status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseBackupMark(FormatManifest(Sample())).status()));
}

TEST(Manifest, GoldenText) {
  EXPECT_EQ(FormatManifest(Sample()).substr(0, FormatManifest(Sample()).rfind("checksum")),
            "semel ledger\nformat: 1\nuuid: 30313233343536373839616263646566\nepoch: 7\n"
            "created_us: 1700000000000000\nbalance_lookback: 99\nexplicit_entities: 1\nparking: 0\n"
            "parking_changes: 100000\nparking_bytes: 12345\nparking_changes_per_entity: 1000\n"
            "parking_bytes_per_entity: 8388608\ntamper_evident: 1\nrestored_from_epoch: 6\nrestored_at_lsn: 4096\n");
}

// What `parse` makes of a text with any byte changed or missing.
template <typename Parse>
void ExpectEveryDamageRefused(const std::string& text, const Parse& parse) {
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(parse(text.substr(0, i)).ok()) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_FALSE(parse(damaged).ok()) << i;
    }
  }
  EXPECT_FALSE(parse(text + "more\n").ok());
}

TEST(Manifest, AnyChangedOrMissingByteIsRefused) { ExpectEveryDamageRefused(FormatManifest(Sample()), ParseManifest); }
TEST(BackupMark, AnyChangedOrMissingByteIsRefused) {
  ExpectEveryDamageRefused(FormatBackupMark(SampleMark()), ParseBackupMark);
}

TEST(Manifest, AnotherFormatIsFailedPrecondition) {
  Manifest newer = Sample();
  newer.format = 2;
  EXPECT_TRUE(absl::IsFailedPrecondition(ParseManifest(FormatManifest(newer)).status()));
}

}  // namespace
}  // namespace semel::internal
