// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Looks through the bytes of a semel.v1.Change before Protobuf builds anything from them: 1 MiB of empty sub-messages
// would become 37 MiB of objects.

#ifndef SEMEL_ENGINE_CODEC_WIRE_SCAN_H_
#define SEMEL_ENGINE_CODEC_WIRE_SCAN_H_

#include <string_view>

#include "absl/status/status.h"

namespace semel::internal {

// OK if the bytes are fields of the Protobuf wire format within the bounds of limits.h and kMaxUpdatesPerChange, and
// every field that the message knows has its wire type and, where it is text, is UTF-8. Unknown fields are passed
// over; groups, which no proto3 encoder writes, are refused. Builds nothing.
// Errors: InvalidArgument, with the field's place.
absl::Status ScanChange(std::string_view bytes);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_CODEC_WIRE_SCAN_H_
