// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// RabbitMQ, AMQP 0-9-1, with librabbitmq: amqp://HOST:PORT/QUEUE.
//
// A queue: messages have no positions, so each must be anchored by what it says itself. Acknowledged once durable; an
// early one goes back into the queue, a refused one to the queue's dead-letter exchange, if it has one.
//
// Settings: vhost (default /), prefetch (deliveries not yet acknowledged, default 5000), create (yes makes a durable
// queue), user and password (default guest), ca, certificate, key (TLS).

#ifndef SEMEL_API_STREAMS_RABBITMQ_H_
#define SEMEL_API_STREAMS_RABBITMQ_H_

#include <memory>

#include "absl/status/statusor.h"
#include "api/streams/consumer.h"
#include "api/streams/url.h"

namespace semel::streams {

absl::StatusOr<std::unique_ptr<Consumer>> OpenRabbitMqConsumer(Url url, const Cursors& cursors);

// Sends to the queue by the default exchange, persistent, and waits for the publisher's confirms.
absl::StatusOr<std::unique_ptr<Producer>> OpenRabbitMqProducer(Url url);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_RABBITMQ_H_
