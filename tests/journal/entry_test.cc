// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Entries: round trips, golden bytes, sizes, and that nothing but what was encoded decodes.

#include "engine/journal/entry.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "engine/base/checksum.h"
#include "engine/base/strings.h"
#include "gtest/gtest.h"
#include "tests/journal/random_entry.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

constexpr uint64_t kSeed = 42;

std::string Encode(const Entry& entry) {
  std::string bytes;
  EncodeEntry(entry, kSeed, &bytes);
  return bytes;
}

// The budgeted case: one account, one add, 17 bytes of key and 16 of id, version about a million.
Entry TypicalAdd() {
  Entry entry;
  entry.lsn = 123'456'789;
  entry.frame_lsn = entry.lsn - 400'000;
  entry.index = 4000;
  entry.outcome = OutcomeCode::kApplied;
  entry.id = "0123456789abcdef";
  entry.fingerprint = {0x0123456789abcdef, 0xfedcba9876543210};
  Effect& effect = entry.effects.emplace_back();
  effect.key = "account/000123456";
  effect.version = 1'000'001;
  effect.pointers = {entry.lsn - 50'000'000, entry.lsn - 100'000'000};
  effect.pointers.resize(ChainTargetsOf(effect.version).size(), entry.lsn - 100'000'000);
  effect.action = Action::kAdd;
  effect.balance = 1'000'000;
  effect.amount = -2500;
  return entry;
}

Entry EverythingEntry() {
  Entry entry;
  entry.lsn = 1000;
  entry.frame_lsn = 900;
  entry.index = 1;
  entry.outcome = OutcomeCode::kRejected;
  entry.id = "T-1";
  entry.fingerprint = {1, 2};
  entry.balanced = true;
  entry.rule = Rule::kUnbalanced;
  entry.reason = "why";
  entry.results = {{7, -1}, {0, 5}};
  entry.original = 500;
  entry.parked = 3;
  entry.letter = 4;
  entry.settles = {"topic-1", "j", 301};
  entry.message = {"c", "original", 9};
  Effect& policy = entry.effects.emplace_back();
  policy.key = "k";
  policy.version = 8;
  policy.pointers = {990};
  policy.action = Action::kSetPolicy;
  policy.policy = Policy{"EUR", Amount(0), Amount(100), true};
  policy.stamp = 9;
  policy.deleted = true;
  policy.value_lsn = 300;
  policy.policy_lsn = 400;
  Effect& source = entry.effects.emplace_back();
  source.table = Table::kSources;
  source.key = "topic-0";
  source.version = 1;
  source.position = 300;
  source.incarnation = "i";
  source.chained = true;
  source.window = 16;
  source.settles = true;
  source.settled_before = 299;
  return entry;
}

TEST(Entry, RandomEntries_RoundTrip) {
  const uint64_t seed = TestSeed();
  for (uint64_t i = 0; i < 5'000; ++i) {
    RandomEntry random(seed + i);
    const std::string bytes = Encode(random.entry);
    Entry decoded;
    ASSERT_TRUE(DecodeEntry(bytes, random.entry.lsn, kSeed, &decoded).ok()) << "entry " << i;
    EXPECT_EQ(decoded.next_lsn, decoded.lsn + bytes.size());
    EXPECT_EQ(EncodedEntrySize(bytes), bytes.size());
    EXPECT_EQ(Encode(decoded), bytes);
    EXPECT_EQ(Describe(decoded), Describe(random.entry)) << "entry " << i;
  }
}

// A decoder that is used again must forget the entry before.
TEST(Entry, Decode_IntoAUsedEntry_LeavesNothingOfIt) {
  const Entry everything = EverythingEntry();
  const Entry typical = TypicalAdd();
  Entry decoded;
  ASSERT_TRUE(DecodeEntry(Encode(everything), everything.lsn, kSeed, &decoded).ok());
  const std::string bytes = Encode(typical);
  ASSERT_TRUE(DecodeEntry(bytes, typical.lsn, kSeed, &decoded).ok());
  EXPECT_EQ(Describe(decoded), Describe(typical));
}

TEST(Entry, SizeOfATypicalAdd_IsWithinTheBudget) {
  const size_t size = Encode(TypicalAdd()).size();
  std::printf("an applied add with a 17-byte key and a 16-byte id takes %zu bytes\n", size);
  EXPECT_LE(size, 90u);
}

TEST(Entry, GoldenBytes_OfATypicalAdd) {
  EXPECT_EQ(absl::BytesToHexString(ToAbsl(Encode(TypicalAdd()))),
            "1826b2a24780b518a01f01011030313233343536373839616263646566efcdab89674523011032547698badcfe0111616363"
            "6f756e742f303030313233343536c1843d80e1eb1780897a8727");
}

TEST(Entry, GoldenBytes_OfAnEntryWithEverything) {
  EXPECT_EQ(
      absl::BytesToHexString(ToAbsl(Encode(EverythingEntry()))),
      "0357dfc063640108ff03542d31010000000000000002000000000000000b03776879020701000af40307030407746f706963"
      "2d31016aad020163086f726967696e616c0902f5016b080a001f0345555200c80109bc05d8047b07746f7069632d3001ac0201691002");
}

TEST(Entry, GoldenBytes_OfOptions) {
  Entry entry;
  entry.lsn = 64;
  entry.kind = EntryKind::kOptions;
  entry.options.explicit_entities = true;
  EXPECT_EQ(absl::BytesToHexString(ToAbsl(Encode(entry))), "bd6c252613400020018020a08d0680808020e80780808004");
}

TEST(Entry, FlippedBit_Anywhere_IsDataLoss) {
  const Entry entry = EverythingEntry();
  std::string bytes = Encode(entry);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      Entry decoded;
      EXPECT_EQ(DecodeEntry(bytes, entry.lsn, kSeed, &decoded).code(), absl::StatusCode::kDataLoss) << at;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
    }
  }
}

TEST(Entry, CutShort_IsDataLoss) {
  const Entry entry = EverythingEntry();
  const std::string bytes = Encode(entry);
  for (size_t size = 0; size < bytes.size(); ++size) {
    Entry decoded;
    EXPECT_EQ(DecodeEntry(bytes.substr(0, size), entry.lsn, kSeed, &decoded).code(), absl::StatusCode::kDataLoss);
  }
}

TEST(Entry, AtAnotherPlaceOrInAnotherLedger_IsDataLoss) {
  const Entry entry = EverythingEntry();
  const std::string bytes = Encode(entry);
  Entry decoded;
  EXPECT_EQ(DecodeEntry(bytes, entry.lsn + 1, kSeed, &decoded).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeEntry(bytes, entry.lsn, kSeed + 1, &decoded).code(), absl::StatusCode::kDataLoss);
}

// Bodies with a right check that the encoder would not write.
TEST(Entry, RightCheckWrongBody_IsDataLoss) {
  const std::string fingerprint(16, 'f');
  const std::string key("\1k", 2);
  const std::vector<std::pair<const char*, std::string>> bodies = {
      {"frame nearer than its header", std::string("\x3f\0\1\x20", 4) + fingerprint + std::string("\0", 1)},
      {"outcome 0", std::string("\x40\0\0\x20", 4) + fingerprint + std::string("\0", 1)},
      {"outcome EARLY", std::string("\x40\0\5\x20", 4) + fingerprint + std::string("\0", 1)},
      {"outcome 11", std::string("\x40\0\x0b\x20", 4) + fingerprint + std::string("\0", 1)},
      {"count of effects 1, which goes without saying",
       std::string("\x40\0\1\x20", 4) + fingerprint + "\1" + std::string("\0", 1) + key + std::string("\1\0", 2)},
      {"bytes behind the end", std::string("\x40\0\1\x20", 4) + fingerprint + std::string("\0x", 2)},
      {"empty id", std::string("\x40\0\1\x21\0", 5) + fingerprint + std::string("\0", 1)},
      {"unknown rule", std::string("\x40\0\x08\x60", 4) + fingerprint + "\x0c" + std::string("\0", 1)},
      {"unknown conflict", std::string("\x40\0\6\xa0", 4) + fingerprint + "\x05" + std::string("\0", 1)},
      {"no results", std::string("\x40\0\1\x28", 4) + fingerprint + std::string("\0\0", 2)},
      {"too many effects", std::string("\x40\0\1\x20", 4) + fingerprint + "\xff\xff\x03"},
      {"unknown action", std::string("\x40\0\1\0", 4) + fingerprint + "\6" + key + std::string("\1\0", 2)},
      {"empty key", std::string("\x40\0\1\0", 4) + fingerprint + std::string("\2\0\1\0\0", 5)},
      {"version 0", std::string("\x40\0\1\0", 4) + fingerprint + std::string("\0", 1) + key + std::string("\0\0", 2)},
      {"pointer to itself",
       std::string("\x40\0\1\0", 4) + fingerprint + std::string("\0", 1) + key + std::string("\2\0\0", 3)},
      {"pointer to address 0",
       std::string("\x40\0\1\0", 4) + fingerprint + std::string("\0", 1) + key + std::string("\2\x40\0", 3)},
      {"unknown flag of a source", std::string("\x40\0\1\0", 4) + fingerprint + "\x48" + key + std::string("\1\0", 2)},
      {"closed without being said",
       std::string("\x40\0\1\0", 4) + fingerprint + "\5" + key + std::string("\1\0\x10", 3)},
      {"unknown flag of a policy",
       std::string("\x40\0\1\0", 4) + fingerprint + "\5" + key + std::string("\1\0\x20", 3)},
      {"unknown option", std::string("\x40\0\x20\2\1", 5)},
      {"nothing", ""},
  };
  for (const auto& [what, body] : bodies) {
    const std::string bytes = WithCheck(body, 64, kSeed);
    Entry decoded;
    EXPECT_EQ(DecodeEntry(bytes, 64, kSeed, &decoded).code(), absl::StatusCode::kDataLoss) << what;
  }
  Entry decoded;
  const std::string good = std::string("\x40\0\1\x20", 4) + fingerprint + std::string("\0", 1);
  EXPECT_TRUE(DecodeEntry(WithCheck(good, 64, kSeed), 64, kSeed, &decoded).ok())
      << "the bodies above fail for another reason";
}

TEST(Entry, EncodedEntrySize_MalformedOrShort_IsZero) {
  EXPECT_EQ(EncodedEntrySize(""), 0u);
  EXPECT_EQ(EncodedEntrySize("1234"), 0u);
  EXPECT_EQ(EncodedEntrySize("1234\xff\xff\xff"), 0u) << "the length goes on";
  EXPECT_EQ(EncodedEntrySize("1234\xff\xff\xff\xff\x0f"), 0u) << "over the limit";
  EXPECT_EQ(EncodedEntrySize(std::string("1234\x80\0", 6)), 0u) << "longer than needed";
  EXPECT_EQ(EncodedEntrySize("1234\x05"), 10u);
}

TEST(Entry, LongReason_IsCut) {
  Entry entry = EverythingEntry();
  const std::string reason(100'000, 'r');
  entry.reason = reason;
  const std::string bytes = Encode(entry);
  EXPECT_LT(bytes.size(), 5000u);
  Entry decoded;
  EXPECT_TRUE(DecodeEntry(bytes, entry.lsn, kSeed, &decoded).ok());
}

TEST(Entry, FindEffect_TellsEntitiesFromSources) {
  Entry entry = EverythingEntry();
  EXPECT_EQ(FindEffect(entry, Table::kEntities, "k"), &entry.effects[0]);
  EXPECT_EQ(FindEffect(entry, Table::kSources, "topic-0"), &entry.effects[1]);
  EXPECT_EQ(FindEffect(entry, Table::kSources, "k"), nullptr);
  EXPECT_EQ(FindEffect(entry, Table::kEntities, "none"), nullptr);
}

TEST(Entry, RefOf_IsTheIdElseThePosition) {
  Entry entry = EverythingEntry();
  entry.sequence = 12;
  EXPECT_EQ(RefOf(entry, kSeed).id, MakeIdTag("T-1", kSeed));
  EXPECT_EQ(RefOf(entry, kSeed).lsn, 1000u);
  EXPECT_EQ(RefOf(entry, kSeed).sequence, 12u);
  EXPECT_EQ(RefOf(entry, kSeed).fingerprint, entry.fingerprint);
  entry.id = "";
  EXPECT_EQ(RefOf(entry, kSeed).id, MakePositionTag("topic-0", "i", 300, kSeed));
}

}  // namespace
}  // namespace semel::testing
