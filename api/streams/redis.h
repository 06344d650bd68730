// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Redis Streams: redis://HOST:PORT/STREAM.
//
// Read as a log. The id of an entry, milliseconds-sequence, is its position (milliseconds * 2^20 + sequence). A
// consumer group remembers what is pending; at each connect its end is set to the ledger's cursor, pending entries that
// the ledger has are acknowledged first, and everything behind the cursor is read in order.
//
// Settings: group (default semel), incarnation, user, password, create (of a producer: nothing to do; streams come into
// being by themselves). hiredis 0.14 knows no TLS: put a tunnel in front, or use a private network.

#ifndef SEMEL_API_STREAMS_REDIS_H_
#define SEMEL_API_STREAMS_REDIS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "api/streams/consumer.h"
#include "api/streams/url.h"

namespace semel::streams {

// A message is the field "data" of an entry, or its only field; the others are headers.
absl::StatusOr<std::unique_ptr<Consumer>> OpenRedisConsumer(Url url, const Cursors& cursors);
absl::StatusOr<std::unique_ptr<Producer>> OpenRedisProducer(Url url);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_REDIS_H_
