// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A file of lines that may still grow, or standard input: file:PATH and "-".
//
// Read as a log: a line's number is its position. A file is read from its beginning at each start, and lines up to the
// ledger's cursor are passed over; it must only ever be appended to. Standard input has no positions: nobody knows
// whether its first line is the first.
//
// Settings: source (the name; default file:PATH), incarnation.

#ifndef SEMEL_API_STREAMS_FILE_H_
#define SEMEL_API_STREAMS_FILE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "api/streams/consumer.h"
#include "api/streams/url.h"

namespace semel::streams {

absl::StatusOr<std::unique_ptr<Consumer>> OpenFileConsumer(Url url, const Cursors& cursors);

// Appends lines to a file, synced when Send returns, or to standard output.
absl::StatusOr<std::unique_ptr<Producer>> OpenFileProducer(Url url);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_FILE_H_
