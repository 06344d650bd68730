// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/state/record.h"

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "tests/state/state_testing.h"

namespace semel::testing {
namespace {

using internal::DecodeHead;
using internal::EncodeHead;
using internal::Head;
using internal::HeadExtras;

std::string Encoded(const Head& head) {
  std::string bytes;
  EncodeHead(head, &bytes);
  return bytes;
}

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

// Version 8, so that the second chain level stands for the same entry as the first.
Head GoldenPlain() {
  Head head;
  head.version = 8;
  head.balance = -300;
  head.last.id = internal::MakeIdTag("T-1", 0);
  head.last.fingerprint = {0x1122334455667788, 0x99AABBCCDDEEFF00};
  head.last.lsn = 4096;
  head.last.sequence = 17;
  head.chain.mutable_levels() = {4096, 4096};
  return head;
}

Head GoldenFull() {
  Head head = GoldenPlain();
  head.deleted = true;
  auto extras = std::make_shared<HeadExtras>();
  extras->value = "value";
  extras->value_lsn = 4000;
  extras->policy = Policy{"EUR", Amount(0), Amount(1000), false};
  extras->policy_lsn = 96;
  extras->stamp = internal::Stamp{5, head.last, {7, -1}};
  extras->stamp->setter.id = internal::MakeIdTag("S", 0);
  extras->stamp->setter.lsn = 3000;
  extras->stamp->setter.sequence = 10;
  extras->source = internal::SourceState{900, "inc", true};
  head.extras = std::move(extras);
  return head;
}

// clang-format off
TEST(Record, PlainHead_HasTheseBytes) {
  EXPECT_EQ(Hex(Encoded(GoldenPlain())),
            "00"                                // flags
            "08" "d704"                         // version, balance
            "03" "542d31"                       // id
            "8877665544332211" "00ffeeddccbbaa99"  // fingerprint
            "8020" "11"                         // LSN, sequence
            "00");                              // level 1: the same entry
}

TEST(Record, HeadWithEverything_HasTheseBytes) {
  EXPECT_EQ(Hex(Encoded(GoldenFull())),
            "2f"
            "08" "d704"
            "03" "542d31" "8877665544332211" "00ffeeddccbbaa99" "8020" "11" "00"
            "60" "05" "76616c7565"                                   // value, 96 back
            "0f" "a01f" "03" "455552" "00" "d00f"                    // policy: not closed, 4000 back
            "05" "01" "53" "8877665544332211" "00ffeeddccbbaa99"     // stamp 5, set by "S" ...
            "c808" "07" "07" "01"                                    // ... 1096 and 7 back, version 7, balance -1
            "01" "8407" "03" "696e63" "01");                         // source: chained, cursor, incarnation, version 1
}

// clang-format on

TEST(Record, StampSetByTheLastEntryTakesNoBytesOfItsOwn) {
  Head head = GoldenPlain();
  auto extras = std::make_shared<HeadExtras>();
  extras->stamp = internal::Stamp{5, head.last, {head.version, head.balance}};
  head.extras = extras;
  EXPECT_EQ(Encoded(head).size(), Encoded(GoldenPlain()).size() + 1);
  Head decoded;
  ASSERT_TRUE(DecodeHead(Encoded(head), &decoded).ok());
  EXPECT_TRUE(SameHead(head, decoded));
}

TEST(Record, YoungAccountTakesFewBytes) {
  Head head = PlainHead(2, 1'000'000);
  head.last.id = internal::MakeIdTag("0123456789abcdef", 0);
  EXPECT_LE(Encoded(head).size(), 48u);
}

TEST(Record, RandomHeads_ComeBackAsTheyWere) {
  Random random(TestSeed());
  for (int i = 0; i < 20000; ++i) {
    const Head head = RandomHead(&random, i % 50 != 0);
    Head decoded = RandomHead(&random);  // whatever was there is replaced
    ASSERT_TRUE(DecodeHead(Encoded(head), &decoded).ok());
    ASSERT_TRUE(SameHead(head, decoded)) << Hex(Encoded(head));
  }
}

TEST(Record, ExtremeNumbers_ComeBackAsTheyWere) {
  for (const Amount balance : {absl::Int128Max(), absl::Int128Min(), Amount(0), Amount(-1)}) {
    const Head head = PlainHead(uint64_t{1} << 57, balance);
    Head decoded;
    ASSERT_TRUE(DecodeHead(Encoded(head), &decoded).ok());
    EXPECT_TRUE(SameHead(head, decoded));
  }
}

TEST(Record, CutOrLengthened_IsRefused) {
  const std::string whole = Encoded(GoldenFull());
  Head head;
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(DecodeHead(whole.substr(0, size), &head))) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(DecodeHead(whole + '\0', &head)));
  EXPECT_EQ(head.version, 0u);  // untouched
}

TEST(Record, WhateverDecodes_EncodesToTheSameBytes) {
  Random random(TestSeed());
  int decoded = 0;
  for (int i = 0; i < 60000; ++i) {
    std::string bytes = Encoded(RandomHead(&random));
    for (uint64_t n = random.Between(1, 3); n > 0; --n) {
      bytes[random.Below(bytes.size())] ^= static_cast<char>(1 << random.Below(8));
    }
    Head head;
    if (!DecodeHead(bytes, &head).ok()) continue;
    ++decoded;
    ASSERT_EQ(Hex(Encoded(head)), Hex(bytes));
  }
  EXPECT_GT(decoded, 500);  // flips of balances and fingerprints are heads as well
}

// clang-format off
// Bytes of the golden heads that no encoder writes; each differs in one place from what one does.
TEST(Record, EveryKindOfMalformedField_IsRefused) {
  const std::string tail = "03542d31887766554433221100ffeeddccbbaa99";
  const std::string rest = "80201100";
  const std::string cases[] = {
      "40" "08" "d704" + tail + rest,            // an unknown flag
      "10" "08" "d704" + tail + rest,            // the stamp is the last entry's, but there is no stamp
      "00" "00" "d704" + tail + rest,            // version 0
      "00" "8800" "d704" + tail + rest,          // a varint longer than needed
      "00" "08" "d704" "11" + tail.substr(2) + rest,  // an id of 17 bytes
      "00" "08" "d704" + tail + "80201101",      // one version, two addresses
      "00" "09" "d704" + tail + "80201100",      // two versions, one address
      "00" "09" "d704" + tail + "8020118120",    // a level before the beginning
      "04" "08" "d704" + tail + rest + "20" "00",     // an unknown field of the policy
      "04" "08" "d704" + tail + rest + "10" "00",     // closed, but not given
      "04" "08" "d704" + tail + rest + "01" "00" "21" + std::string(66, '0'),  // an asset of 33 bytes
      "20" "08" "d704" + tail + rest + "00" "00" "02",  // chained is neither 0 nor 1
      "02" "08" "d704" + tail + rest + "8120" "00",   // a value from before the beginning
  };
  for (const std::string& hex : cases) {
    Head head;
    EXPECT_TRUE(absl::IsDataLoss(DecodeHead(absl::HexStringToBytes(hex), &head))) << hex;
  }
}

// clang-format on

TEST(Record, StampOfTheLastEntryWrittenOut_IsRefused) {
  const std::string head_bytes =
      "08"
      "08"
      "d704"
      "03542d31887766554433221100ffeeddccbbaa99"
      "80201100";
  const std::string setter =
      "03542d31887766554433221100ffeeddccbbaa99"
      "00"
      "00"
      "08"
      "d704";
  Head head;
  EXPECT_TRUE(absl::IsDataLoss(DecodeHead(absl::HexStringToBytes(head_bytes + "05" + setter), &head)));
}

TEST(Record, ValueBeyondTheLimit_IsRefusedBeforeItIsCopied) {
  const std::string start = absl::HexStringToBytes(
      "0208d70403542d31887766554433221100ffeeddccbbaa9980201100"
      "00");
  std::string bytes = start + std::string("\x81\x80\x40", 3) + std::string(kMaxValueBytes + 1, 'v');  // 2^20 + 1
  Head head;
  EXPECT_TRUE(absl::IsDataLoss(DecodeHead(bytes, &head)));
  bytes = start + std::string("\x80\x80\x40", 3) + std::string(kMaxValueBytes, 'v');
  EXPECT_TRUE(DecodeHead(bytes, &head).ok());
}

}  // namespace
}  // namespace semel::testing
