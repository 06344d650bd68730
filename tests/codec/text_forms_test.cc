// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Base64, UTF-8 and member names.

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "engine/codec/base64.h"
#include "engine/codec/member_names.h"
#include "engine/codec/utf8.h"
#include "gtest/gtest.h"
#include "tests/sim/random.h"

namespace semel::internal {
namespace {

std::string Decoded(const std::string& text) {
  std::string bytes;
  return DecodeBase64(text, &bytes) ? bytes : "refused";
}

TEST(Base64, DecodesBothAlphabetsWithAndWithoutPadding) {
  EXPECT_EQ(Decoded(""), "");
  EXPECT_EQ(Decoded("Zg=="), "f");
  EXPECT_EQ(Decoded("Zg"), "f");
  EXPECT_EQ(Decoded("Zm8="), "fo");
  EXPECT_EQ(Decoded("Zm9v"), "foo");
  EXPECT_EQ(Decoded("+/+/"), "\xFB\xFF\xBF");
  EXPECT_EQ(Decoded("-_-_"), "\xFB\xFF\xBF");
}

TEST(Base64, RefusesEverythingElse) {
  for (const char* text : {"Z", "Zg=", "Zg===", "=", "====", "Zm9v=", "Zm9v====", "Z=g=", "Zh==", "Zm9", "Zm 9v",
                           "Zm9v\n", "Zm9\xFF", "+/-_", "Zg==Zg==", "Z*=="}) {
    EXPECT_EQ(Decoded(text), "refused") << text;
  }
}

TEST(Base64, DecodesWhatAnEncoderWrites) {
  testing::Random random(testing::TestSeed());
  for (int i = 0; i < 1000; ++i) {
    const std::string bytes = random.Bytes(random.Below(40));
    ASSERT_EQ(Decoded(absl::Base64Escape(bytes)), bytes);
    ASSERT_EQ(Decoded(absl::WebSafeBase64Escape(bytes)), bytes);
  }
}

TEST(Utf8, KnowsWellFormedText) {
  for (const char* text : {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << absl::CHexEscape(text);
  }
  for (const char* text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x7F", "\xE0\x9F\xBF", "\xE0\xA0", "\xED\xA0\x80",
        "\xE1\x80\xC0", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF1\x80\x80", "\xFF"}) {
    EXPECT_FALSE(IsUtf8(text)) << absl::CHexEscape(text);
  }
}

TEST(Utf8, ReplacesBadBytesOnly) {
  EXPECT_EQ(ReplaceBadUtf8("a\xFFz\xC3\xA4"), "a\xEF\xBF\xBDz\xC3\xA4");
  EXPECT_EQ(ReplaceBadUtf8("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  testing::Random random(testing::TestSeed());
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(IsUtf8(ReplaceBadUtf8(random.Bytes(random.Below(20)))));
}

TEST(MemberNames, AreSpeltInSnakeCaseOrCamelCase) {
  EXPECT_TRUE(IsSpellingOf("expect_version", "expect_version"));
  EXPECT_TRUE(IsSpellingOf("expectVersion", "expect_version"));
  EXPECT_TRUE(IsSpellingOf("key", "key"));
  for (const char* given :
       {"expectversion", "ExpectVersion", "expect_Version", "expectVersio", "expectVersions", "", "e"}) {
    EXPECT_FALSE(IsSpellingOf(given, "expect_version")) << given;
  }
}

TEST(MemberNames, TheNearestIsSuggestedIfItIsNear) {
  const std::vector<std::string_view> names = {"key", "expect_version", "expect_balance", "put", "add"};
  EXPECT_EQ(NearestName("expected_version", names), "expect_version");
  EXPECT_EQ(NearestName("expectVersoin", names), "expect_version");
  EXPECT_EQ(NearestName("ad", names), "add");
  EXPECT_EQ(NearestName("KEY", names), "key");
  EXPECT_EQ(NearestName("zzzzzz", names), "");
  EXPECT_EQ(NearestName("xyz", names), "");
  EXPECT_EQ(NearestName(std::string(1000, 'a'), names), "");
}

}  // namespace
}  // namespace semel::internal
