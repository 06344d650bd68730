// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/mqtt_packet.h"

#include <string>

#include "gtest/gtest.h"

namespace semel::streams {
namespace {

TEST(MqttPublish, TopicAndHeadersHaveTheirLimits) {
  const std::string longest(65535, 'x');
  Message message;
  message.headers = {{"name", longest}};
  const auto written = MqttPublish(1, longest, message);
  ASSERT_TRUE(written.ok()) << written.status();
  std::string_view rest = *written;
  const auto packet = CutMqttPacket(&rest);
  ASSERT_TRUE(packet.ok() && packet->has_value());
  const auto read = ReadMqttPublish(**packet);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->message.key, longest);
  EXPECT_EQ(read->message.headers, message.headers);

  EXPECT_TRUE(absl::IsInvalidArgument(MqttPublish(1, longest + "x", {}).status()));
  message.headers = {{"name", longest + "x"}};
  EXPECT_TRUE(absl::IsInvalidArgument(MqttPublish(1, "topic", message).status()));
  message.headers = {{longest + "x", "value"}};
  EXPECT_TRUE(absl::IsInvalidArgument(MqttPublish(1, "topic", message).status()));
}

}  // namespace
}  // namespace semel::streams
