// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/decoder.h"

#include <fmt/format.h>

#include "api/streams/cloud_events.h"
#include "api/streams/debezium.h"

namespace semel::streams {
namespace {

constexpr size_t kFramingBytes = 5;  // a zero byte and the schema's id

bool IsJson(std::string_view bytes) {
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && bytes[first] == '{';
}

// Takes one zigzag varint off; false if it is cut off.
bool TakeVarint(std::string_view* bytes, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && !bytes->empty(); shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(bytes->front());
    bytes->remove_prefix(1);
    *value |= uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

absl::StatusOr<Change> DecodeChange(const Message& message) {
  const absl::StatusOr<std::string_view> bytes = WithoutFraming(message.bytes);
  return bytes.ok() ? ParseChange(*bytes) : bytes.status();
}

absl::StatusOr<Change> DecodeByLooks(const Message& message) {
  if (IsCloudEvent(message)) return DecodeCloudEvent(message);
  if (IsDebezium(message)) return DecodeDebezium(message);
  return DecodeChange(message);
}

}  // namespace

// 0x00, 4 bytes of schema id; of Protobuf then the way to the message's type within its file: how many indexes, and
// those; a single 0 stands for the first type.
absl::StatusOr<std::string_view> WithoutFraming(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != '\0') return bytes;
  const absl::Status cut_off = absl::InvalidArgumentError("Confluent framing: cut off");
  if (bytes.size() < kFramingBytes) return cut_off;
  bytes.remove_prefix(kFramingBytes);
  if (IsJson(bytes)) return bytes;
  uint64_t count = 0;
  if (!TakeVarint(&bytes, &count)) return cut_off;
  for (uint64_t left = count / 2; left > 0; --left) {  // zigzag
    uint64_t index = 0;
    if (!TakeVarint(&bytes, &index)) return cut_off;
  }
  return bytes;
}

absl::StatusOr<Change> ParseChange(std::string_view bytes) {
  if (bytes.empty()) return absl::InvalidArgumentError("the message is empty");
  return IsJson(bytes) ? ParseChangeJson(bytes) : ParseChangeProto(bytes);
}

Decoder MakeDecoder() { return DecodeByLooks; }

absl::StatusOr<Decoder> MakeDecoder(std::string_view format) {
  if (format == "auto") return MakeDecoder();
  if (format == "change") return Decoder(DecodeChange);
  if (format == "cloudevents") return Decoder(DecodeCloudEvent);
  if (format == "debezium") return Decoder(DecodeDebezium);
  return absl::InvalidArgumentError(
      fmt::format("there is no format {}; there are auto, change, cloudevents and debezium", format));
}

}  // namespace semel::streams
