// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What a broker is to the ledger: something that gives messages, again and again, until they are acknowledged. One
// adapter a broker implements it; the drive loop (runner.h) knows nothing else of brokers.
//
// There are two kinds.
// - A *log* (Kafka, NATS JetStream, Redis Streams, a file) numbers its messages, and can be read from any number on. It
//   gives each message its position, and begins behind the ledger's cursor, whatever it remembers itself.
// - A *queue* (RabbitMQ, MQTT) has no numbers to rely on, and redelivers what was not acknowledged, in any order. Its
//   messages must be anchored by what they say themselves.

#ifndef SEMEL_API_STREAMS_CONSUMER_H_
#define SEMEL_API_STREAMS_CONSUMER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/streams/message.h"
#include "semel/entity.h"

namespace semel::streams {

// Asks the ledger for the cursor of a source.
using Cursors = std::function<absl::StatusOr<std::optional<SourceCursor>>(std::string_view source)>;

// What became of a message, for its broker.
enum class Settlement : uint8_t {
  kAck,     // done with: it is durable in the ledger, or kept there as a dead letter
  kLater,   // early: deliver it again. Of a log: with everything behind it
  kRefuse,  // kept as a dead letter; a broker with a dead-letter exchange of its own may move it there
};

// Used by one thread. Every call may fail with Unavailable: the connection is gone, and the consumer is good for
// nothing but to be destroyed; a new one goes on where the ledger ended.
class Consumer {
 public:
  virtual ~Consumer() = default;
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Waits for the first message, then takes what is there, up to `max`. Empty if none came in time.
  // Errors: Unavailable; FailedPrecondition (the stream is not the one that the ledger knows); as the broker says.
  virtual absl::StatusOr<std::vector<Message>> Poll(size_t max, std::chrono::milliseconds wait) = 0;

  // Notes what became of a message that Poll gave. Called once for each, in their order, after the ledger's commit.
  virtual absl::Status Settle(const Message& message, Settlement settlement) = 0;

  // Tells the broker what was noted since the last call.
  virtual absl::Status Commit() = 0;

  // The sources that were taken away since the last call, where a log's parts are shared out among several consumers.
  // What was given of them and is not settled is another's to consume.
  virtual std::vector<std::string> TakenAway() { return {}; }

  // How many messages wait at the broker, as far as it is known; nullopt if it is not.
  virtual std::optional<uint64_t> Lag() { return std::nullopt; }

  // Whether everything that the broker held at some moment after the last empty Poll has been given.
  virtual absl::StatusOr<bool> AtEnd() = 0;

 protected:
  Consumer() = default;
};

// Sends messages to a broker. Used by one thread.
class Producer {
 public:
  virtual ~Producer() = default;
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // The broker has confirmed all of them when it returns OK. After an error nothing is known: send them again.
  // Uses key, bytes and headers. Errors: Unavailable (the connection is gone: make a new producer); as the broker says.
  virtual absl::Status Send(const std::vector<Message>& messages) = 0;

 protected:
  Producer() = default;
};

// The positions that a log holds now: from `begin` up to, and without, `end`. Some in between may be missing.
struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// The partitions of a topic, by number.
struct Partitions {
  std::vector<Extent> extents;
  std::optional<size_t> of_key;  // that of the key that was asked for
};

// Where a log goes on: behind the ledger's cursor, or nullopt if the ledger knows nothing of the source. `extent` is
// absent where it says nothing.
// Errors: FailedPrecondition (the ledger knows another incarnation of the stream; it ends before the cursor, so it was
// made anew; it begins behind the cursor, so the broker has deleted what was never consumed).
absl::StatusOr<std::optional<uint64_t>> NextPosition(const Cursors& cursors, const SourcePosition& source,
                                                     std::optional<Extent> extent);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_CONSUMER_H_
