// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// NATS JetStream: nats://HOST:PORT/STREAM.
//
// By default the stream is read as a log. Its sequence numbers are positions; a pull consumer of this name is made anew
// behind the ledger's cursor at each connect, and whenever a delivery is missing or repeated: then order never depends
// on what the server redelivers first. With positions=no it is a queue: a durable pull consumer whose messages are
// acknowledged one by one, for streams that are shared by several ledgers or that delete what was acknowledged.
//
// Settings: consumer, subject (a filter; of a producer: where to), positions, ack_wait (seconds after which the
// server delivers again, default 30), incarnation (default: when the stream was created), create (of a producer: yes
// makes the stream), user, password, token, credentials, ca, certificate, key.

#ifndef SEMEL_API_STREAMS_NATS_H_
#define SEMEL_API_STREAMS_NATS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "api/streams/consumer.h"
#include "api/streams/url.h"

namespace semel::streams {

absl::StatusOr<std::unique_ptr<Consumer>> OpenNatsConsumer(Url url, const Cursors& cursors);
absl::StatusOr<std::unique_ptr<Producer>> OpenNatsProducer(Url url);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_NATS_H_
