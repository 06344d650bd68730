// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Kafka, with librdkafka: kafka://BROKER[,BROKER..]/TOPIC[,TOPIC..].
//
// Read as a log, in a consumer group. Each partition is a source of its own, kafka:TOPIC/PARTITION, with the offset as
// position; offsets may have gaps, as compaction and transactions make them. Whenever partitions are assigned, each is
// read from behind the ledger's cursor, or from its beginning. Offsets are committed to the broker after the ledger's
// commit, as a hint for people and tools that look there.
//
// Settings: group (default semel), incarnation, and every property of librdkafka by its own name, such as
// session.timeout.ms, security.protocol, sasl.username.

#ifndef SEMEL_API_STREAMS_KAFKA_H_
#define SEMEL_API_STREAMS_KAFKA_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "api/streams/consumer.h"
#include "api/streams/url.h"

namespace semel::streams {

absl::StatusOr<std::unique_ptr<Consumer>> OpenKafkaConsumer(Url url, const Cursors& cursors);

// Chooses the partition by the message's key, as Java's clients do (murmur2).
absl::StatusOr<std::unique_ptr<Producer>> OpenKafkaProducer(Url url);

absl::StatusOr<Partitions> AskKafkaPartitions(Url url, std::string_view key);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_KAFKA_H_
