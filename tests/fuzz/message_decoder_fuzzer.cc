// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A message of a broker in any format: it becomes a change that can be written and reads back, or is refused with
// InvalidArgument, which makes it a dead letter. The input is in lines:
//
//   the format, or a mapping (JSON)
//   the message's key
//   headers, NAME: VALUE, and an empty line
//   the content, to the end

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/streams/decoder.h"
#include "api/streams/mapping.h"
#include "engine/base/check.h"
#include "tests/fuzz/round_trip.h"

namespace semel::streams {
namespace {

std::string_view TakeLine(std::string_view* rest) {
  const std::string_view line = rest->substr(0, rest->find('\n'));
  rest->remove_prefix(std::min(rest->size(), line.size() + 1));
  return line;
}

Message ReadMessage(std::string_view rest) {
  Message message;
  message.key = TakeLine(&rest);
  for (std::string_view line = TakeLine(&rest); !line.empty(); line = TakeLine(&rest)) {
    const size_t colon = line.find(": ");
    const size_t value = colon == std::string_view::npos ? line.size() : colon + 2;
    message.headers.emplace_back(line.substr(0, colon), line.substr(value));
  }
  message.bytes = rest;
  return message;
}

absl::StatusOr<Decoder> ReadDecoder(std::string_view line) {
  return !line.empty() && line[0] == '{' ? MakeMappingDecoder(line) : MakeDecoder(line);
}

}  // namespace
}  // namespace semel::streams

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semel::streams;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<Decoder> decoder = ReadDecoder(TakeLine(&rest));
  if (!decoder.ok()) {
    SEMEL_CHECK(absl::IsInvalidArgument(decoder.status()));
    return 0;
  }
  semel::testing::CheckRoundTrip((*decoder)(ReadMessage(rest)));
  return 0;
}
