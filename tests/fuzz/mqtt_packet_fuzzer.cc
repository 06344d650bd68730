// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What an MQTT broker may send: whatever it is, it is cut and read, or refused. A message that was read and is written
// again reads as the same.

#include "api/streams/mqtt_packet.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"

namespace semel::streams {
namespace {

void CheckReadsBack(const MqttDelivery& delivery) {
  const absl::StatusOr<std::string> written = MqttPublish(delivery.number, delivery.message.key, delivery.message);
  SEMEL_CHECK(written.ok());
  std::string_view rest = *written;
  const absl::StatusOr<std::optional<MqttPacket>> packet = CutMqttPacket(&rest);
  SEMEL_CHECK(packet.ok() && packet->has_value() && rest.empty());
  const absl::StatusOr<MqttDelivery> read = ReadMqttPublish(**packet);
  SEMEL_CHECK(read.ok() && read->number == delivery.number);
  SEMEL_CHECK(read->message.key == delivery.message.key && read->message.bytes == delivery.message.bytes);
  SEMEL_CHECK(read->message.headers == delivery.message.headers);
}

void Read(const MqttPacket& packet) {
  if (packet.type == MqttType::kConnAck) {
    const absl::StatusOr<MqttConnAck> answer = ReadMqttConnAck(packet.body);
    SEMEL_CHECK(!answer.ok() || answer->receive_maximum > 0);  // else nothing could ever be sent
  } else if (packet.type == MqttType::kPublish) {
    const absl::StatusOr<MqttDelivery> delivery = ReadMqttPublish(packet);
    const bool acknowledged = (packet.flags & 0x06) != 0;
    SEMEL_CHECK(!delivery.ok() || acknowledged == (delivery->number != 0));
    if (delivery.ok() && acknowledged) CheckReadsBack(*delivery);
  } else {
    (void)ReadMqttAck(packet);
  }
}

// A packet of which the end is missing is waited for.
void CheckNotWhole(std::string_view bytes) {
  std::string_view rest = bytes.substr(0, bytes.size() - 1);
  const absl::StatusOr<std::optional<MqttPacket>> packet = CutMqttPacket(&rest);
  SEMEL_CHECK(packet.ok() && !packet->has_value() && rest.size() == bytes.size() - 1);
}

}  // namespace
}  // namespace semel::streams

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semel::streams;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (true) {
    const std::string_view before = rest;
    const absl::StatusOr<std::optional<MqttPacket>> packet = CutMqttPacket(&rest);
    if (!packet.ok() || !packet->has_value()) return 0;
    CheckNotWhole(before.substr(0, before.size() - rest.size()));
    Read(**packet);
  }
}
