// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What both fuzzers of changes hold: whatever was read can be written in either form and reads back as the same change.

#ifndef SEMEL_TESTS_FUZZ_ROUND_TRIP_H_
#define SEMEL_TESTS_FUZZ_ROUND_TRIP_H_

#include <string>

#include "engine/base/check.h"
#include "semel/change.h"

namespace semel::testing {

inline void CheckReadsBack(const Change& change, const absl::StatusOr<Change>& read) {
  SEMEL_CHECK(read.ok());
  SEMEL_CHECK(ToJson(*read) == ToJson(change));  // shows every field that was read
  SEMEL_CHECK(FingerprintOf(*read) == FingerprintOf(change));
}

inline void CheckRoundTrip(const absl::StatusOr<Change>& change) {
  if (!change.ok()) {
    SEMEL_CHECK(change.status().code() == absl::StatusCode::kInvalidArgument);
    return;
  }
  CheckReadsBack(*change, ParseChangeJson(ToJson(*change)));
  CheckReadsBack(*change, ParseChangeProto(ToProto(*change)));
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_FUZZ_ROUND_TRIP_H_
