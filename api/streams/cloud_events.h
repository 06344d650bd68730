// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// CloudEvents 1.0. Structured: a JSON object with specversion. Binary: the same attributes as headers ce_id (Kafka),
// ce-id (NATS, AMQP, HTTP), the message is the data.
//
// If the data is a semel.v1.Change, that is the change; without an id of its own it has the event's. Otherwise the
// event itself says it, by its subject and extension attributes, whose values are decimal texts:
//
//   subject         the key
//   add             an amount; without it the data is put as the value
//   asset           beside add
//   expectversion, expectbalance, since, newer   the precondition
//
// The id of an event is its source and id together: only both are unique. If they are longer than an id may be, a hash
// of them stands for them.

#ifndef SEMEL_API_STREAMS_CLOUD_EVENTS_H_
#define SEMEL_API_STREAMS_CLOUD_EVENTS_H_

#include "absl/status/statusor.h"
#include "api/streams/message.h"

namespace semel::streams {

bool IsCloudEvent(const Message& message);

// Errors: InvalidArgument.
absl::StatusOr<Change> DecodeCloudEvent(const Message& message);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_CLOUD_EVENTS_H_
