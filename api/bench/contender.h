// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Contenders: what keeps accounts durably and applies compare-and-sets to them, measured under the same changes. Semel
// is one; the others are what a user would take instead, and the bare loop, which is the limit. `semel bench` and the
// programs of bench/ share them.

#ifndef SEMEL_API_BENCH_CONTENDER_H_
#define SEMEL_API_BENCH_CONTENDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "semel/change.h"

namespace semel::bench {

// Whether what a call did must have reached the disk when it returns. kNone asks each contender for its own cheapest
// way of not syncing.
enum class Durability { kSynced, kNone };

// One caller's way to a contender: its connection, statements, buffers. Used by one thread at a time.
class Session {
 public:
  virtual ~Session() = default;

  // Applies the changes as if in order and returns how many of their updates took effect. Each update adds or puts, and
  // expects a version, 0 for an account that does not exist yet. A change whose updates do not all hold must not
  // take effect; a contender may rely on a stream in which either all of them hold or none. With kSynced all of it is
  // synced when this returns.
  virtual absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) = 0;
};

// Over all accounts.
struct Totals {
  uint64_t versions = 0;  // updates that took effect
  Amount balance = 0;
  friend bool operator==(const Totals& a, const Totals& b) {
    return a.versions == b.versions && a.balance == b.balance;
  }
};

// Its sessions must be gone before it is destroyed. Sessions of one contender may run at once, on accounts of which no
// two sessions share one.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual absl::StatusOr<std::unique_ptr<Session>> NewSession() = 0;
  virtual absl::StatusOr<Totals> Sum() = 0;
  virtual uint64_t JournalBytes() { return 0; }  // so far; 0: keeps no journal, or does not say
  virtual uint64_t StateBytes() { return 0; }    // in use as of the last checkpoint; 0: does not say
};

// Where a contender lives. Whatever it starts ends with it; the directory is the caller's to remove.
struct Place {
  std::string directory;  // empty, exists
  Durability durability = Durability::kSynced;
};

using OpenedContender = absl::StatusOr<std::unique_ptr<Contender>>;

struct ContenderKind {
  const char* name;   // as an argument: "sqlite_inbox"
  const char* title;  // in a chart: "SQLite, inbox"
  const char* about;  // one line
  const char* needs;  // the library or program without which it cannot run; "" if none

  // Null: built without the library. Errors: NotFound (a program is not installed), Unavailable (a server did not
  // start), and what its files give.
  OpenedContender (*open)(const Place& place);
};

// Semel first, then the bare loop.
const std::vector<ContenderKind>& AllContenders();

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_CONTENDER_H_
