// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// From a URL to the adapter that speaks with its broker. An adapter is there if its library was when semel was built.

#ifndef SEMEL_API_STREAMS_OPEN_H_
#define SEMEL_API_STREAMS_OPEN_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "api/streams/consumer.h"
#include "api/streams/url.h"

namespace semel::streams {

// Connects. Errors: InvalidArgument (the scheme, a setting), Unimplemented (built without the library), Unavailable (no
// connection), NotFound (the stream), PermissionDenied, FailedPrecondition (another stream than the ledger knows).
absl::StatusOr<std::unique_ptr<Consumer>> OpenConsumer(const Url& url, const Cursors& cursors);
absl::StatusOr<std::unique_ptr<Producer>> OpenProducer(const Url& url);

// Asks Kafka for the partitions of the URL's topic, and which of them messages with this key go to, if it is not "". As
// for semel send, the setting `partitioner` says how the topic's producers choose: murmur2 (the default, and that of
// Java's clients), consistent (CRC32, librdkafka's own default) or fnv1a.
// Errors: InvalidArgument (no kafka: URL, no such partitioner), NotFound (no such topic), Unavailable, Unimplemented.
absl::StatusOr<Partitions> AskPartitions(const Url& url, std::string_view key);

// The schemes whose adapters this build has: "file", "kafka", ...
std::vector<std::string> BuiltSchemes();

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_OPEN_H_
