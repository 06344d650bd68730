// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/mqtt_packet.h"

#include <fmt/format.h>

namespace semel::streams {
namespace {

constexpr uint8_t kReasonFailed = 0x80;
constexpr uint8_t kQos = 0x06;  // in the flags of a PUBLISH
constexpr uint8_t kQos1 = 0x02;

constexpr size_t kTextBytesMax = 65535;
constexpr size_t kBodyBytesMax = 268'435'455;

// Properties.
constexpr uint8_t kSessionExpiry = 0x11;
constexpr uint8_t kReceiveMaximum = 0x21;
constexpr uint8_t kUserProperty = 0x26;

void PutVarint(uint32_t value, std::string* out) {
  while (value >= 0x80) {
    *out += static_cast<char>((value & 0x7F) | 0x80);
    value >>= 7;
  }
  *out += static_cast<char>(value);
}

void Put16(uint16_t value, std::string* out) {
  *out += static_cast<char>(value >> 8);
  *out += static_cast<char>(value & 0xFF);
}

void PutText(std::string_view text, std::string* out) {
  Put16(static_cast<uint16_t>(text.size()), out);
  *out += text;
}

std::string Packet(MqttType type, uint8_t flags, std::string_view body) {
  std::string packet(1, static_cast<char>((static_cast<uint8_t>(type) << 4) | flags));
  PutVarint(static_cast<uint32_t>(body.size()), &packet);
  return packet.append(body);
}

// Reads a body from front to back; once something is missing, all is 0 and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view body) : rest_(body) {}

  bool ok() const { return ok_; }
  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  std::string_view Take(size_t size) {
    ok_ = ok_ && size <= rest_.size();
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  uint8_t Take8() {
    const std::string_view byte = Take(1);
    return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
  }
  uint16_t Take16() {
    const uint16_t high = Take8();
    return static_cast<uint16_t>(high << 8 | Take8());
  }
  uint32_t TakeVarint() {
    uint32_t value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
      const uint8_t byte = Take8();
      value |= uint32_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  std::string_view TakeText() { return Take(Take16()); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

absl::Status CutOff(std::string_view what) {
  return absl::UnavailableError(fmt::format("MQTT: a {} that cannot be read", what));
}

// Skips the value of a property, of whichever kind its identifier has.
void SkipProperty(uint8_t identifier, Reader* reader) {
  switch (identifier) {
    case 0x01:
    case 0x17:
    case 0x19:
    case 0x24:
    case 0x25:
    case 0x28:
    case 0x29:
    case 0x2A:
      reader->Take(1);
      return;
    case 0x13:
    case 0x21:
    case 0x22:
    case 0x23:
      reader->Take(2);
      return;
    case 0x02:
    case 0x11:
    case 0x18:
    case 0x27:
      reader->Take(4);
      return;
    case 0x0B:
      reader->TakeVarint();
      return;
    default:  // texts and bytes, after their length
      reader->TakeText();
  }
}

}  // namespace

absl::StatusOr<std::optional<MqttPacket>> CutMqttPacket(std::string_view* buffer) {
  if (buffer->size() < 2) return std::nullopt;
  uint32_t length = 0;
  size_t begin = 1;
  for (int shift = 0;; shift += 7, ++begin) {
    if (shift == 28) return CutOff("length");
    if (begin == buffer->size()) return std::nullopt;
    const uint8_t byte = static_cast<uint8_t>((*buffer)[begin]);
    length |= uint32_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) break;
  }
  ++begin;
  if (buffer->size() - begin < length) return std::nullopt;
  const uint8_t first = static_cast<uint8_t>(buffer->front());
  MqttPacket packet{static_cast<MqttType>(first >> 4), static_cast<uint8_t>(first & 0x0F),
                    buffer->substr(begin, length)};
  buffer->remove_prefix(begin + length);
  return packet;
}

std::string MqttConnect(const MqttLogin& login) {
  std::string properties;
  properties += static_cast<char>(kSessionExpiry);
  properties += std::string(4, login.keep_session ? '\xFF' : '\0');
  properties += static_cast<char>(kReceiveMaximum);
  Put16(login.receive_maximum, &properties);
  std::string body;
  PutText("MQTT", &body);
  body += '\5';  // the protocol's version
  body += static_cast<char>((login.user ? 0x80 : 0) | (login.password ? 0x40 : 0) | (login.keep_session ? 0 : 0x02));
  Put16(login.keep_alive_seconds, &body);
  PutVarint(static_cast<uint32_t>(properties.size()), &body);
  body += properties;
  PutText(login.client, &body);
  if (login.user) PutText(*login.user, &body);
  if (login.password) PutText(*login.password, &body);
  return Packet(MqttType::kConnect, 0, body);
}

std::string MqttSubscribe(uint16_t number, std::string_view filter) {
  std::string body;
  Put16(number, &body);
  body += '\0';  // no properties
  PutText(filter, &body);
  body += '\1';  // QoS 1
  return Packet(MqttType::kSubscribe, 0x02, body);
}

absl::StatusOr<std::string> MqttPublish(uint16_t number, std::string_view topic, const Message& message) {
  if (topic.size() > kTextBytesMax) return absl::InvalidArgumentError("MQTT: a topic takes at most 65,535 bytes");
  std::string properties;
  for (const auto& [name, value] : message.headers) {
    if (name.size() > kTextBytesMax || value.size() > kTextBytesMax) {
      return absl::InvalidArgumentError(
          fmt::format("MQTT: a header takes at most 65,535 bytes, and {} has {}", name.substr(0, 100), value.size()));
    }
    properties += static_cast<char>(kUserProperty);
    PutText(name, &properties);
    PutText(value, &properties);
  }
  std::string body;
  PutText(topic, &body);
  Put16(number, &body);
  PutVarint(static_cast<uint32_t>(properties.size()), &body);
  if (body.size() + properties.size() + message.bytes.size() > kBodyBytesMax) {
    return absl::InvalidArgumentError("MQTT: a message takes at most 256 MiB");
  }
  return Packet(MqttType::kPublish, kQos1, body + properties + message.bytes);
}

std::string MqttPubAck(uint16_t number) {
  std::string body;
  Put16(number, &body);
  return Packet(MqttType::kPubAck, 0, body);
}

std::string MqttPingReq() { return Packet(MqttType::kPingReq, 0, ""); }

std::string MqttDisconnect() { return Packet(MqttType::kDisconnect, 0, ""); }

absl::StatusOr<MqttConnAck> ReadMqttConnAck(std::string_view body) {
  Reader reader(body);
  reader.Take8();  // whether there was a session
  const uint8_t reason = reader.Take8();
  if (reason == 0x86 || reason == 0x87) return absl::PermissionDeniedError("MQTT: user or password is not taken");
  if (reason >= kReasonFailed) return absl::UnavailableError(fmt::format("MQTT: refused, reason {:#x}", reason));
  MqttConnAck answer;
  Reader properties(reader.Take(reader.TakeVarint()));
  while (!properties.done() && properties.ok()) {
    const uint8_t identifier = properties.Take8();
    if (identifier == kReceiveMaximum) {
      answer.receive_maximum = properties.Take16();
    } else if (identifier == kUserProperty) {
      properties.TakeText();
      properties.TakeText();
    } else {
      SkipProperty(identifier, &properties);
    }
  }
  if (!reader.ok() || !properties.ok() || answer.receive_maximum == 0) return CutOff("CONNACK");
  return answer;
}

absl::StatusOr<MqttDelivery> ReadMqttPublish(const MqttPacket& packet) {
  Reader reader(packet.body);
  MqttDelivery delivery;
  delivery.message.key = reader.TakeText();
  const bool is_acknowledged = (packet.flags & kQos) != 0;
  if (is_acknowledged) delivery.number = reader.Take16();
  Reader properties(reader.Take(reader.TakeVarint()));
  while (!properties.done() && properties.ok()) {
    const uint8_t identifier = properties.Take8();
    if (identifier == kUserProperty) {
      const std::string name(properties.TakeText());
      delivery.message.headers.emplace_back(name, properties.TakeText());
    } else {
      SkipProperty(identifier, &properties);
    }
  }
  if (!reader.ok() || !properties.ok() || is_acknowledged != (delivery.number != 0)) return CutOff("PUBLISH");
  delivery.message.bytes = reader.rest();
  return delivery;
}

// A PUBACK may end behind its number, and is a success then.
absl::StatusOr<MqttAck> ReadMqttAck(const MqttPacket& packet) {
  Reader reader(packet.body);
  MqttAck ack;
  ack.number = reader.Take16();
  if (packet.type == MqttType::kSubAck) reader.Take(reader.TakeVarint());
  if (!reader.done()) ack.reason = reader.Take8();
  if (!reader.ok()) return CutOff("acknowledgement");
  return ack;
}

}  // namespace semel::streams
