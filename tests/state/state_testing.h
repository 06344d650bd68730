// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the tests of the state share: heads, commits, temporary directories.

#ifndef SEMEL_TESTS_STATE_STATE_TESTING_H_
#define SEMEL_TESTS_STATE_STATE_TESTING_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/rules/head.h"
#include "engine/state/state_store.h"
#include "tests/sim/child.h"
#include "tests/sim/random.h"

namespace semel::testing {

// A directory of its own under /dev/shm, removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A head without extras, as the entries of versions 1 .. `version` would leave it.
internal::Head PlainHead(uint64_t version, Amount balance, uint64_t salt = 0);

// A head with any mix of extras; `small` keeps values to a few bytes.
internal::Head RandomHead(Random* random, bool small = true);

// Whether two heads are the same in every field.
bool SameHead(const internal::Head& a, const internal::Head& b);

using RecordKey = std::pair<internal::Table, std::string>;
using Records = std::map<RecordKey, internal::Head>;

// Feeds `records`, which must stay, in order.
internal::RecordFeed FeedOf(const Records& records);

// Commits `records` with a tip made of `lsn`.
absl::Status CommitAt(internal::StateStore* store, const Records& records, uint64_t lsn);
internal::CheckpointInfo InfoAt(uint64_t lsn);

// Everything that a snapshot shows.
absl::StatusOr<Records> ReadAll(internal::StateSnapshot* snapshot);
bool SameRecords(const Records& a, const Records& b);

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& bytes);

// Options of a state in `directory`, with a map small enough for sanitizers.
internal::LmdbOptions StateOptions(const std::string& directory);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_STATE_STATE_TESTING_H_
