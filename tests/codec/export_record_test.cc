// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/codec/export_record.h"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "engine/codec/export_stream.h"
#include "gtest/gtest.h"

namespace semel::internal {
namespace {

ExportedPrefix Retired(const std::string& prefix, uint64_t sequence) { return {prefix, sequence}; }

std::string Written(const std::vector<ExportedPrefix>& records, ExportFormat format) {
  std::string bytes;
  ExportWriter writer(format, [&](std::string_view piece) {
    bytes += piece;
    return absl::OkStatus();
  });
  for (const ExportedPrefix& record : records) EXPECT_TRUE(writer.Add(record).ok());
  EXPECT_EQ(writer.Finish().value(), records.size() + 1);
  return bytes;
}

class ExportFormats : public ::testing::TestWithParam<ExportFormat> {};
INSTANTIATE_TEST_SUITE_P(Both, ExportFormats, ::testing::Values(ExportFormat::kJsonLines, ExportFormat::kProto),
                         [](const auto& format) {
                           return format.param == ExportFormat::kProto ? "Proto" : "JsonLines";
                         });

TEST_P(ExportFormats, TextsOfAnyBytes_ComeBack) {
  for (const std::string& prefix :
       {std::string("plain/"), std::string("\x00\xff", 2), std::string("base64:"), std::string("base64:AAAA"),
        std::string("\xc3\xa9\n\"\\\x7f"), std::string("a\xc3"), std::string(256, '\xfe')}) {
    const auto record = DecodeExportRecord(EncodeExportRecord(Retired(prefix, 7), GetParam()), GetParam());
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_EQ(std::get<ExportedPrefix>(*record).prefix, prefix);
    EXPECT_EQ(std::get<ExportedPrefix>(*record).sequence, 7u);
  }
}

TEST_P(ExportFormats, Stream_InPiecesOfAnySize_GivesTheRecords) {
  std::vector<ExportedPrefix> records;
  for (uint64_t i = 0; i < 5000; ++i) records.push_back(Retired("prefix/" + std::to_string(i), i));
  const std::string bytes = Written(records, GetParam());
  ASSERT_GT(bytes.size(), size_t{64} << 10) << "several pieces";
  for (const size_t piece_bytes : {size_t{1}, size_t{7}, size_t{4096}, bytes.size(), bytes.size() + 1}) {
    size_t at = 0;
    ExportReader reader(GetParam(), [&]() -> absl::StatusOr<std::string> {
      const std::string piece = bytes.substr(std::min(at, bytes.size()), piece_bytes);
      at += piece.size();
      return piece;
    });
    ExportRecord record;
    size_t next = 0;
    for (;; ++next) {
      const auto more = reader.Next(&record);
      ASSERT_TRUE(more.ok()) << more.status();
      if (!*more) break;
      ASSERT_LT(next, records.size());
      ASSERT_EQ(std::get<ExportedPrefix>(record).prefix, records[next].prefix);
    }
    EXPECT_EQ(next, records.size());
    EXPECT_EQ(reader.records(), records.size() + 1);
  }
}

TEST(ExportRecord, AnUnknownField_IsRefused) {
  const std::string known("\x3a\x03\x0a\x01p", 5);                // retired { prefix: "p" }
  const std::string unknown("\x3a\x06\x0a\x01p\x98\x06\x01", 8);  // and field 99
  ASSERT_TRUE(DecodeExportRecord(known, ExportFormat::kProto).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeExportRecord(unknown, ExportFormat::kProto).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      DecodeExportRecord(R"({"retired":{"prefix":"p","colour":1}})", ExportFormat::kJsonLines).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeExportRecord("", ExportFormat::kProto).status())) << "no record at all";
}

TEST(ExportStream, ARecordThatClaimsToBeHuge_IsRefusedBeforeItIsRead) {
  for (const std::string& claim : {std::string("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9),
                                   std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10)}) {
    int reads = 0;
    ExportReader reader(ExportFormat::kProto, [&]() -> absl::StatusOr<std::string> {
      return ++reads == 1 ? claim + "xxxxxxxxxx" : std::string(1 << 20, 'x');
    });
    ExportRecord record;
    EXPECT_TRUE(absl::IsInvalidArgument(reader.Next(&record).status()));
    EXPECT_EQ(reads, 1);
  }
  uint64_t given = 0;
  ExportReader endless(ExportFormat::kJsonLines, [&]() -> absl::StatusOr<std::string> {
    given += 1 << 20;
    return std::string(1 << 20, ' ');
  });
  ExportRecord record;
  EXPECT_TRUE(absl::IsInvalidArgument(endless.Next(&record).status()));
  EXPECT_LE(given, kMaxExportRecordBytes + (2 << 20));
}

}  // namespace
}  // namespace semel::internal
