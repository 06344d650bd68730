// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A head as a record of the state: canonical bytes, the same in LMDB, in its in-memory twin and in digests.

#ifndef SEMEL_ENGINE_STATE_RECORD_H_
#define SEMEL_ENGINE_STATE_RECORD_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "engine/rules/head.h"

namespace semel::internal {

// Appends the encoding of `head` (version > 0) to `out`.
void EncodeHead(const Head& head, std::string* out);

// Errors: DataLoss, for anything that EncodeHead would not have written.
absl::Status DecodeHead(std::string_view bytes, Head* head);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_RECORD_H_
