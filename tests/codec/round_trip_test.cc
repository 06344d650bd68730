// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <string>

#include "gtest/gtest.h"
#include "semel/change.h"
#include "tests/codec/random_change.h"

namespace semel {
namespace {

using testing::Random;
using testing::RandomChange;
using testing::SameChange;
using testing::TestSeed;

TEST(RoundTrip, JsonAndProtoBothGiveTheSameChangeBack) {
  Random random(TestSeed());
  for (int i = 0; i < 5000; ++i) {
    const Change change = RandomChange(random);
    const absl::StatusOr<Change> from_json = ParseChangeJson(ToJson(change));
    ASSERT_TRUE(from_json.ok()) << from_json.status() << "\n" << ToJson(change);
    ASSERT_TRUE(SameChange(*from_json, change)) << ToJson(change);
    const absl::StatusOr<Change> from_proto = ParseChangeProto(ToProto(change));
    ASSERT_TRUE(from_proto.ok()) << from_proto.status() << "\n" << ToJson(change);
    ASSERT_TRUE(SameChange(*from_proto, change)) << ToJson(change);
    ASSERT_EQ(ToHex(FingerprintOf(*from_json)), ToHex(FingerprintOf(change)));
  }
}

TEST(RoundTrip, JsonIsOneLineOfSnakeCase) {
  Change change("T-1");
  change.source = SourcePosition{"payments-3", 17, 16, "a", 0};
  change.AddUpdate("account/\n\t\x7F\\alice").ExpectVersion(7).Since(5).Add(-5, "EUR");
  change.AddUpdate("b").Newer(3).Put("{}");
  change.AddUpdate("c").ExpectBalance(100).Check();
  change.AddUpdate("d").Delete();
  Policy policy;
  policy.min_balance = 0;
  policy.closed = false;
  change.AddUpdate("e").SetPolicy(policy);
  change.balanced = true;
  EXPECT_EQ(ToJson(change),
            R"({"id":"T-1","source":{"name":"payments-3","position":"17","previous":"16","incarnation":"a"},)"
            R"("updates":[{"key":"account/\n\u0009\u007f\\alice","expect_version":"7","since":"5","add":"-5",)"
            R"("asset":"EUR"},)"
            R"({"key":"b","newer":"3","put":"e30="},{"key":"c","expect_balance":"100","check":true},)"
            R"({"key":"d","delete":true},{"key":"e","set_policy":{"min_balance":"0","closed":false}}],)"
            R"("balanced":true})");
}

// The codec's half of R03: what an encoder may do differently without meaning anything else.
TEST(RoundTrip, R03_EncodingsOfOneChangeHaveOneFingerprint) {
  const std::string plain = R"({"id":"T-1","updates":[{"key":"a","expect_version":1,"add":-5,"asset":"EUR"},)"
                            R"({"key":"b","newer":7,"put":"+/8="}]})";
  const std::string others[] = {
      // members and updates in another order
      R"({"updates":[{"put":"+/8=","newer":7,"key":"b"},)"
      R"({"asset":"EUR","add":-5,"key":"a","expect_version":1}],"id":"T-1"})",
      // members that the message does not know, and metadata of any shape
      R"({"id":"T-1","traceparent":[1,{"x":null}],"metadata":{"a":{"b":[1.5e3]}},"updates":[)"
      R"({"key":"a","expect_version":1,"add":-5,"asset":"EUR"},{"key":"b","newer":7,"put":"+/8="}]})",
      // camelCase, numbers as strings, url-safe base64 without padding
      R"({"id":"T-1","updates":[{"key":"a","expectVersion":"1","add":"-5","asset":"EUR"},)"
      R"({"key":"b","newer":"7","put":"-_8"}]})",
      // blanks, escapes, nulls for what is absent, another expected version
      R"( { "id" : "\u0054-1", "source": null, "metadata": null,
            "updates" : [ {"key":"\u0061","expect_version":2,"since":null,"add":"-05","asset":"EUR"} ,
                          {"key":"b","newer":7,"put":"+/8=","delete":null} ] } )"};
  const absl::StatusOr<Change> first = ParseChangeJson(plain);
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::StatusOr<Change> as_proto = ParseChangeProto(ToProto(*first) + std::string("\xC2\x3E\x03xyz", 6));
  ASSERT_TRUE(as_proto.ok()) << as_proto.status();
  EXPECT_EQ(ToHex(FingerprintOf(*as_proto)), ToHex(FingerprintOf(*first)));
  for (const std::string& other : others) {
    const absl::StatusOr<Change> change = ParseChangeJson(other);
    ASSERT_TRUE(change.ok()) << change.status() << "\n" << other;
    EXPECT_EQ(ToHex(FingerprintOf(*change)), ToHex(FingerprintOf(*first))) << other;
    EXPECT_EQ(change->id, "T-1");
  }
}

TEST(RoundTrip, R03_AnotherOperandHasAnotherFingerprint) {
  const auto fingerprint = [](const std::string& json) { return ToHex(FingerprintOf(ParseChangeJson(json).value())); };
  EXPECT_NE(fingerprint(R"({"id":"T","updates":[{"key":"a","expect_version":1,"add":"5"}]})"),
            fingerprint(R"({"id":"T","updates":[{"key":"a","expect_version":1,"add":"-5"}]})"));
}

TEST(RoundTrip, BytesThatAreNotUtf8AreShownAsReplacementCharacters) {
  Change change("\xFFx");
  change.AddUpdate("a\xC3(\xE2\x82").ExpectVersion(0).Put("\xFF");
  EXPECT_EQ(ToJson(change),
            "{\"id\":\"\xEF\xBF\xBDx\",\"updates\":[{\"key\":\"a\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\","
            "\"expect_version\":\"0\",\"put\":\"/w==\"}]}");
  const absl::StatusOr<Change> read = ParseChangeProto(ToProto(change));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->id, "\xEF\xBF\xBDx");
  EXPECT_EQ(read->updates[0].value, "\xFF");
}

}  // namespace
}  // namespace semel
