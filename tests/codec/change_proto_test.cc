// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <ostream>
#include <string>

#include "engine/codec/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semel/change.h"

namespace semel {
namespace {

using ::testing::HasSubstr;
using ::testing::TestWithParam;
using ::testing::ValuesIn;

// A hand-made encoder: the messages here are those that a proper one does not write.
std::string Varint(uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  return bytes + static_cast<char>(number);
}
std::string Number(uint32_t field, uint64_t number) { return Varint(field << 3) + Varint(number); }
std::string Bytes(uint32_t field, const std::string& bytes) {
  return Varint(field << 3 | 2) + Varint(bytes.size()) + bytes;
}
std::string InUpdate(const std::string& fields) { return Bytes(3, Bytes(1, "k") + fields); }
std::string Repeat(size_t count, const std::string& bytes) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += bytes;
  return result;
}

void ExpectRefused(const std::string& bytes, const std::string& why) {
  const absl::StatusOr<Change> change = ParseChangeProto(bytes);
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(change.status().message()), HasSubstr(why));
}

TEST(ChangeProto, ReadsEveryField) {
  const std::string policy = Bytes(1, "X") + Bytes(2, "-1") + Bytes(3, "2") + Number(4, 1);
  const absl::StatusOr<Change> change = ParseChangeProto(
      Bytes(1, "T-1") + Number(4, 1) + Bytes(5, Bytes(1, "trace") + Bytes(2, "x")) +
      Bytes(2, Bytes(1, "s") + Number(2, UINT64_MAX) + Number(3, 3) + Bytes(4, "i") + Number(5, 9)) +
      InUpdate(Number(2, 7) + Number(3, 5) + Bytes(6, "-5") + Bytes(11, "EUR")) +
      InUpdate(Bytes(4, "100") + Number(9, 1)) + InUpdate(Number(5, 9) + Bytes(7, std::string("\0\xFF", 2))) +
      InUpdate(Number(8, 1)) + InUpdate(Bytes(10, policy)));
  ASSERT_TRUE(change.ok()) << change.status();
  EXPECT_EQ(ToJson(*change),
            R"({"id":"T-1","source":{"name":"s","position":"18446744073709551615","previous":"3","incarnation":"i",)"
            R"("window":"9"},"updates":[{"key":"k","expect_version":"7","since":"5","add":"-5","asset":"EUR"},)"
            R"({"key":"k","expect_balance":"100","check":true},{"key":"k","newer":"9","put":"AP8="},)"
            R"({"key":"k","delete":true},{"key":"k","set_policy":{"asset":"X","min_balance":"-1",)"
            R"("max_balance":"2","closed":true}}],"balanced":true})");
}

TEST(ChangeProto, ZeroIsNotAbsent) {
  const absl::StatusOr<Change> change = ParseChangeProto(InUpdate(Number(2, 0) + Number(3, 0) + Number(5, 0)));
  ASSERT_TRUE(change.ok()) << change.status();
  EXPECT_EQ(change->updates[0].expect_version, 0u);
  EXPECT_EQ(change->updates[0].since, 0u);
  EXPECT_EQ(change->updates[0].newer, 0u);
  EXPECT_FALSE(change->updates[0].expect_balance.has_value());
}

TEST(ChangeProto, UnknownFieldsAreIgnored) {
  const std::string unknown =
      Number(100, 5) + Bytes(101, "\xFF") + Varint(102 << 3 | 1) + "12345678" + Varint(103 << 3 | 5) + "1234";
  const absl::StatusOr<Change> change = ParseChangeProto(unknown + InUpdate(unknown + Bytes(6, "1")) + unknown);
  ASSERT_TRUE(change.ok()) << change.status();
  EXPECT_EQ(change->updates[0].amount, 1);
}

TEST(ChangeProto, TheEmptyMessageIsLeftToValidation) {
  EXPECT_TRUE(ParseChangeProto("")->updates.empty());
  EXPECT_EQ(ParseChangeProto(InUpdate(""))->updates[0].action, Action::kNone);
}

// ---- What is refused

struct Malformed {
  std::string bytes;
  std::string why;
};
std::ostream& operator<<(std::ostream& out, const Malformed& row) { return out << row.why; }

class ChangeProtoMalformed : public TestWithParam<Malformed> {};

TEST_P(ChangeProtoMalformed, IsRefusedWithItsPlace) { ExpectRefused(GetParam().bytes, GetParam().why); }

const Malformed kMalformed[] = {
    {"\x0A", "the message: not a Protobuf message"},
    {"\x0A\x05"
     "abc",
     "the message: not a Protobuf message"},
    {std::string(11, '\xFF'), "the message: not a Protobuf message"},
    {Bytes(3, "\x0A\x05k"), "updates[0]: not a Protobuf message"},
    {InUpdate("") + Bytes(3, Bytes(10, "\x0A")), "updates[1].set_policy: not a Protobuf message"},
    {Varint(9 << 3 | 3) + Varint(9 << 3 | 4), "the message: not a Protobuf message"},  // a group
    {std::string("\0\0", 2), "not a Protobuf message"},                                // field number 0
    {Number(1, 5), "id: is of another wire type"},
    {Bytes(1, "\xFF"), "id: is not UTF-8"},
    {Bytes(3, Bytes(1, "\xC0\x80")), "updates[0].key: is not UTF-8"},
    {Bytes(5, Bytes(2, "\xFF")), "metadata.value: is not UTF-8"},
    {InUpdate("") + InUpdate(Varint(2 << 3 | 1) + "12345678"), "updates[1].expect_version: is of another wire type"},
    {InUpdate(Bytes(6, "")), "updates[0].add: "},
    {InUpdate(Bytes(6, "1.5")), "updates[0].add: "},
    {InUpdate("") + InUpdate(Bytes(4, "x")), "updates[1].expect_balance: "},
    {InUpdate(Bytes(10, Bytes(2, "x"))), "updates[0].set_policy.min_balance: "},
    {InUpdate(Bytes(10, Bytes(3, "x"))), "updates[0].set_policy.max_balance: "},
    {InUpdate(Number(8, 0)), "updates[0].delete: must be true"},
    {InUpdate(Number(9, 0)), "updates[0].check: must be true"},
};
INSTANTIATE_TEST_SUITE_P(Table, ChangeProtoMalformed, ValuesIn(kMalformed));

// ---- Limits

TEST(ChangeProto, AsManyUpdatesAsAChangeMayHold) {
  EXPECT_EQ(ParseChangeProto(Repeat(kMaxUpdatesPerChange - 1, InUpdate("")))->updates.size(), kMaxUpdatesPerChange - 1);
  EXPECT_EQ(ParseChangeProto(Repeat(kMaxUpdatesPerChange, InUpdate("")))->updates.size(), kMaxUpdatesPerChange);
  ExpectRefused(Repeat(kMaxUpdatesPerChange + 1, InUpdate("")), "more than 1024 updates in one change");
}

std::string OfSize(size_t size) {
  const size_t overhead = Bytes(1, std::string(size_t{1} << 22, 'x')).size() - (size_t{1} << 22);
  return Bytes(1, std::string(size - overhead, 'x'));
}

TEST(ChangeProto, AsManyBytesAsAMessageMayHave) {
  EXPECT_TRUE(ParseChangeProto(OfSize(internal::kMaxMessageBytes - 1)).ok());
  EXPECT_TRUE(ParseChangeProto(OfSize(internal::kMaxMessageBytes)).ok());
  ExpectRefused(OfSize(internal::kMaxMessageBytes + 1), "bytes; at most");
}

TEST(ChangeProto, AsManyFieldsAsAMessageMayHave) {
  EXPECT_TRUE(ParseChangeProto(Repeat(internal::kMaxMessageParts - 1, Number(4, 1))).ok());
  EXPECT_TRUE(ParseChangeProto(Repeat(internal::kMaxMessageParts, Number(4, 1))).ok());
  ExpectRefused(Repeat(internal::kMaxMessageParts + 1, Number(4, 1)), "more than 65536 fields");
  ExpectRefused(InUpdate(Repeat(internal::kMaxMessageParts, Number(100, 1))), "more than 65536 fields");
}

}  // namespace
}  // namespace semel
