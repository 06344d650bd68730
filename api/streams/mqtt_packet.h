// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Packets of MQTT 5, as far as a client needs them that subscribes and publishes with QoS 1.
//
//   1 byte   type and flags
//   varint   length of the rest, 7 bits a byte, at most 4 bytes
//   ...      what the type has; numbers are big-endian, texts follow their 2-byte length, properties their varint
//   length

#ifndef SEMEL_API_STREAMS_MQTT_PACKET_H_
#define SEMEL_API_STREAMS_MQTT_PACKET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "api/streams/message.h"

namespace semel::streams {

enum class MqttType : uint8_t {
  kConnect = 1,
  kConnAck = 2,
  kPublish = 3,
  kPubAck = 4,
  kSubscribe = 8,
  kSubAck = 9,
  kPingReq = 12,
  kPingResp = 13,
  kDisconnect = 14,
};

struct MqttPacket {
  MqttType type = MqttType::kConnect;
  uint8_t flags = 0;
  std::string_view body;  // good as long as the buffer that it was cut from
};

// Cuts the next packet off the front of `buffer`; nullopt if it is not whole yet. Errors, of this and of all that read
// packets: Unavailable. A broker that cannot be understood is taken for a lost connection.
absl::StatusOr<std::optional<MqttPacket>> CutMqttPacket(std::string_view* buffer);

struct MqttLogin {
  std::string client;  // under which the broker keeps the session
  std::optional<std::string> user;
  std::optional<std::string> password;
  bool keep_session = true;  // after the connection has ended, for ever
  uint16_t receive_maximum = 65535;
  uint16_t keep_alive_seconds = 60;
};

std::string MqttConnect(const MqttLogin& login);
std::string MqttSubscribe(uint16_t number, std::string_view filter);
// With the message's headers as user properties. Errors: InvalidArgument (topic or header of more
// than 65,535 bytes, all together 256 MiB).
absl::StatusOr<std::string> MqttPublish(uint16_t number, std::string_view topic, const Message& message);
std::string MqttPubAck(uint16_t number);
std::string MqttPingReq();
std::string MqttDisconnect();

// What the broker said to a CONNECT. Errors: PermissionDenied, Unavailable.
struct MqttConnAck {
  uint16_t receive_maximum = 65535;  // so many of our messages may be without acknowledgement
};
absl::StatusOr<MqttConnAck> ReadMqttConnAck(std::string_view body);

// A PUBLISH: key is the topic, headers are the user properties; `number` is 0 with QoS 0.
struct MqttDelivery {
  Message message;
  uint16_t number = 0;
};
absl::StatusOr<MqttDelivery> ReadMqttPublish(const MqttPacket& packet);

// The number and the reason code of a PUBACK or a SUBACK; below 0x80 all is well.
struct MqttAck {
  uint16_t number = 0;
  uint8_t reason = 0;
};
absl::StatusOr<MqttAck> ReadMqttAck(const MqttPacket& packet);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_MQTT_PACKET_H_
