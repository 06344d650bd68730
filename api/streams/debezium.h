// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Row changes as Debezium sends them: {"before": .., "after": .., "source": .., "op": "c"}, bare or under "payload".
//
// A row becomes the entity SCHEMA.TABLE/KEY, its value the row's JSON; its stamp is the position in the database's log,
// so that the newest state wins whatever the order of arrival. The key is made of the message's key (Kafka's), its
// members' values joined with commas. The envelope has no id: log position and key stand for it.
//
// Known are the log positions of PostgreSQL (lsn) and MySQL (file, pos). Tombstones, which follow a delete, have no
// content, and are passed by before anything is decoded.

#ifndef SEMEL_API_STREAMS_DEBEZIUM_H_
#define SEMEL_API_STREAMS_DEBEZIUM_H_

#include "absl/status/statusor.h"
#include "api/streams/message.h"

namespace semel::streams {

bool IsDebezium(const Message& message);

// Errors: InvalidArgument (no key, a log position that is not known, a truncate or a message event).
absl::StatusOr<Change> DecodeDebezium(const Message& message);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_DEBEZIUM_H_
