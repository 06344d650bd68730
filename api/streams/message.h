// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A message of a broker, as it came or as it is to be sent. Plain data, not synchronised.

#ifndef SEMEL_API_STREAMS_MESSAGE_H_
#define SEMEL_API_STREAMS_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "semel/change.h"

namespace semel::streams {

struct Message {
  std::string key;    // "" where the broker has none: a Kafka key, a NATS subject, an AMQP routing key
  std::string bytes;  // the content
  bool empty =
      false;  // no content at all: a tombstone of a compacted topic. Means nothing to the ledger, and is passed by
  std::vector<std::pair<std::string, std::string>> headers;

  // ---- Of a message that came

  // Where it stands in its stream, if the broker has positions that rise and stay.
  std::optional<SourcePosition> position;

  // The consumer's own name of this delivery, with which it is settled.
  uint64_t delivery = 0;
};

// The value of the first header of that name, whatever its case; nullptr if there is none.
const std::string* FindHeader(const Message& message, std::string_view name);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_MESSAGE_H_
