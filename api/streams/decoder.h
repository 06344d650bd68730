// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// From the bytes of a message to a change, in the formats that topics already have.
//
//   change       semel.v1.Change, as JSON or Protobuf
//   cloudevents  CloudEvents 1.0, structured (JSON) or binary (headers ce_.. or ce-..): cloud_events.h
//   debezium     row changes: debezium.h
//   mapped       plain JSON, as a mapping declares: mapping.h
//
// Confluent's framing (0x00, schema id, message indexes) is taken off first, wherever it stands: no other format begins
// with a zero byte.

#ifndef SEMEL_API_STREAMS_DECODER_H_
#define SEMEL_API_STREAMS_DECODER_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "api/streams/runner.h"

namespace semel::streams {

// Chooses by what each message looks like: headers or members that only one format has; else change.
Decoder MakeDecoder();

// Always the same format. Errors: InvalidArgument (no such format).
absl::StatusOr<Decoder> MakeDecoder(std::string_view format);

// What follows Confluent's framing, or the bytes as they are. Errors: InvalidArgument (a frame that is cut off).
absl::StatusOr<std::string_view> WithoutFraming(std::string_view bytes);

// semel.v1.Change: JSON if it begins with a brace, else Protobuf.
absl::StatusOr<Change> ParseChange(std::string_view bytes);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_DECODER_H_
