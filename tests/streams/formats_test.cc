// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Messages that others send, and the change that each means.

#include <gtest/gtest.h>

#include <string>

#include "api/streams/decoder.h"
#include "api/streams/mapping.h"
#include "api/streams/url.h"

namespace semel::streams {
namespace {

const char kChange[] = R"({"id":"T-1","updates":[{"key":"a","expect_version":3,"add":"5"}]})";

Message Bytes(std::string bytes) {
  Message message;
  message.bytes = std::move(bytes);
  return message;
}

std::string Decoded(const Message& message) {
  const absl::StatusOr<Change> change = MakeDecoder()(message);
  return change.ok() ? ToJson(*change) : "fails";
}

std::string Mapped(const std::string& mapping, const std::string& message) {
  const absl::StatusOr<Decoder> decoder = MakeMappingDecoder(mapping);
  if (!decoder.ok()) return "no mapping";
  const absl::StatusOr<Change> change = (*decoder)(Bytes(message));
  return change.ok() ? ToJson(*change) : "fails";
}

TEST(Formats, AChangeComesAsJsonOrProtobuf) {
  const Change change = ParseChangeJson(kChange).value();
  EXPECT_EQ(ToJson(change), Decoded(Bytes(kChange)));
  EXPECT_EQ(ToJson(change), Decoded(Bytes(ToProto(change))));
  EXPECT_EQ("fails", Decoded(Bytes("{")));
  EXPECT_EQ("fails", Decoded(Bytes("")));
}

TEST(Formats, ConfluentFramingIsTakenOff) {
  const Change change = ParseChangeJson(kChange).value();
  const std::string schema("\0\0\0\0\7", 5);
  EXPECT_EQ(ToJson(change), Decoded(Bytes(schema + kChange)));
  EXPECT_EQ(ToJson(change), Decoded(Bytes(schema + std::string("\0", 1) + ToProto(change)))) << "the first type";
  EXPECT_EQ(ToJson(change), Decoded(Bytes(schema + std::string("\4\2\0", 3) + ToProto(change)))) << "indexes 1, 0";
  EXPECT_EQ("fails", Decoded(Bytes(std::string("\0\0\0", 3))));
  EXPECT_EQ("fails", Decoded(Bytes(schema)));
}

TEST(Formats, CloudEventsCarryAChange) {
  const std::string data = R"({"updates":[{"key":"a","expect_version":3,"add":"5"}]})";
  const std::string wanted = R"({"id":"/shop#7","updates":[{"key":"a","expect_version":"3","add":"5"}]})";
  const std::string structured = R"({"specversion":"1.0","type":"t","source":"/shop","id":"7","data":)" + data + "}";
  EXPECT_EQ(ToJson(ParseChangeJson(wanted).value()), Decoded(Bytes(structured)));
  Message binary = Bytes(data);
  binary.headers = {{"ce_specversion", "1.0"}, {"ce_source", "/shop"}, {"ce_id", "7"}};
  EXPECT_EQ(ToJson(ParseChangeJson(wanted).value()), Decoded(binary));
  binary.headers = {{"Ce-Specversion", "1.0"}, {"Ce-Source", "/shop"}, {"Ce-Id", "7"}};
  EXPECT_EQ(ToJson(ParseChangeJson(wanted).value()), Decoded(binary));
}

TEST(Formats, CloudEventsSayAChangeByTheirAttributes) {
  Message event = Bytes("ignored");
  event.headers = {{"ce_specversion", "1.0"}, {"ce_source", "s"},        {"ce_id", "1"},
                   {"ce_subject", "account"}, {"ce_expectversion", "7"}, {"ce_add", "-12"}};
  EXPECT_EQ(
      ToJson(ParseChangeJson(R"({"id":"s#1","updates":[{"key":"account","expect_version":7,"add":"-12"}]})").value()),
      Decoded(event));
  const std::string put = R"({"specversion":"1.0","source":"s","id":"1","subject":"k","newer":"9","data":{"x":1}})";
  EXPECT_EQ(ToJson(ParseChangeJson(R"({"id":"s#1","updates":[{"key":"k","newer":9,"put":"eyJ4IjoxfQ=="}]})").value()),
            Decoded(Bytes(put)));
  event.headers.pop_back();
  event.headers.emplace_back("ce_add", "1.5");
  EXPECT_EQ("fails", Decoded(event));
}

TEST(Formats, ALongIdOfAnEventIsHashed) {
  Message event = Bytes("x");
  event.headers = {{"ce_specversion", "1.0"},
                   {"ce_source", std::string(80, 's')},
                   {"ce_id", "1"},
                   {"ce_subject", "k"},
                   {"ce_newer", "1"}};
  const Change change = MakeDecoder()(event).value();
  EXPECT_LE(change.id.size(), kMaxIdBytes);
  event.headers[2].second = "2";
  EXPECT_NE(change.id, MakeDecoder()(event)->id);
}

TEST(Formats, DebeziumRowsBecomeEntitiesWithAStamp) {
  Message row = Bytes(R"({"before":null,"after":{"id":7,"city":"Graz"},"op":"c",
                          "source":{"lsn":901,"schema":"public","table":"address"}})");
  row.key = R"({"id":7})";
  const Change created = MakeDecoder()(row).value();
  ASSERT_EQ(1u, created.updates.size());
  EXPECT_EQ("public.address/7", created.updates[0].key);
  EXPECT_EQ(901u, created.updates[0].newer.value());
  EXPECT_EQ(R"({"city":"Graz","id":7})", created.updates[0].value);
  row.bytes = R"({"payload":{"before":{"id":7},"after":null,"op":"d",
                  "source":{"file":"binlog.000003","pos":154,"db":"shop","table":"address"}}})";
  row.key = R"({"schema":{},"payload":{"id":7,"part":"a"}})";
  const Change deleted = MakeDecoder()(row).value();
  EXPECT_EQ("shop.address/7,a", deleted.updates[0].key);
  EXPECT_EQ(Action::kDelete, deleted.updates[0].action);
  EXPECT_EQ(uint64_t{3} << 40 | 154, deleted.updates[0].newer.value());
  row.key = "";
  EXPECT_EQ("fails", Decoded(row));
}

TEST(Formats, AMappingReadsPlainJson) {
  EXPECT_EQ(
      ToJson(ParseChangeJson(R"({"id":"p-9","updates":[{"key":"account/alice","add":"1250","asset":"EUR"}]})").value()),
      Mapped(R"({"key":"account/{who}","id":"p-{payment.id}","add":"payment.amount","decimals":2,"asset":"EUR"})",
             R"({"who":"alice","payment":{"id":9,"amount":12.5}})"));
  EXPECT_EQ(
      ToJson(ParseChangeJson(R"({"id":"9","updates":[{"key":"pay/9","expect_version":0,"put":"eyJuIjo5LCJhIjoxfQ=="},
                                      {"key":"total","add":"1"}]})")
                 .value()),
      Mapped(R"({"key":"total","id":"{n}","once":"pay/{n}","add":"a"})", R"({"n":9,"a":1})"));
  EXPECT_EQ(
      ToJson(ParseChangeJson(R"({"id":"1","updates":[{"key":"k","expect_balance":"100","add":"-50"}]})").value()),
      Mapped(R"({"key":"k","id":"{i}","add":"a","expect_balance":"before"})", R"({"i":1,"a":"-50","before":100})"));
}

TEST(Formats, AMappingRefusesWhatItCannotTakeExactly) {
  const std::string mapping = R"({"key":"k","id":"{i}","add":"a","decimals":2})";
  for (const char* amount : {"1.005", "\"x\"", "1e30", "true", "[1]", "0.12345678901234567"}) {
    EXPECT_EQ("fails", Mapped(mapping, R"({"i":1,"a":)" + std::string(amount) + "}")) << amount;
  }
  EXPECT_EQ("fails", Mapped(mapping, R"({"i":1})"));
  EXPECT_EQ("fails", Mapped(mapping, "[1]"));
}

TEST(Formats, AMappingIsCheckedWhenItIsRead) {
  for (const char* mapping : {R"({"id":"x","add":"a"})", R"({"key":"k"})", R"({"key":"k","add":"a","put":"."})",
                              R"({"key":"k","ad":"a"})", R"({"key":"k","add":"a","decimals":19})", "x"}) {
    EXPECT_EQ("no mapping", Mapped(mapping, "{}")) << mapping;
  }
}

TEST(Urls, AreRead) {
  Url url = ParseUrl("kafka://a:1,b:2/topic%2d1?group=g&x.y=z").value();
  EXPECT_EQ("kafka", url.scheme);
  EXPECT_EQ("a:1,b:2", url.hosts);
  EXPECT_EQ("topic-1", url.path);
  EXPECT_EQ("g", url.settings.Take("group", ""));
  EXPECT_FALSE(url.settings.CheckNoneLeft("kafka").ok());
  EXPECT_EQ("dir/f.jsonl", ParseUrl("file:dir/f.jsonl")->path);
  EXPECT_EQ("stdin", ParseUrl("-")->scheme);
}

TEST(Urls, HoldNoSecrets) {
  for (const char* text : {"amqp://user:word@host/q", "nats://host/S?password=x", "kafka://h/t?sasl.password=x",
                           "nats://host/S?token=x", "host/q", "nats:host", "nats://host", "nats:///S"}) {
    EXPECT_EQ(absl::StatusCode::kInvalidArgument, ParseUrl(text).status().code()) << text;
  }
  EXPECT_EQ("user", ParseUrl("amqp://user@host/q")->settings.Take("user", ""));
}

}  // namespace
}  // namespace semel::streams
