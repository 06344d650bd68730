// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Trimming: old history goes, segment by segment, once a base snapshot stands from which verify and rebuild begin.
//
// The steps, each durable before the next:
//   1. a checkpoint; its address is c
//   2. the base snapshot of it
//   3. the floor is journaled: the first address of a segment, not above c, nor above what is asked for or pinned. From
//      here on nothing below it is looked at any more
//   4. records that only repeat what an entry below the floor said are erased
//   5. a second checkpoint: LMDB keeps two, and a lost write would show the one before the last. Now neither is below
//      the floor
//   6. the segments below the floor are removed, oldest first; then the older base snapshots
// Whatever is cut short is harmless. Segments go only if the last checkpoint has the floor, so that opening a ledger
// can finish what was begun; what is missing above that floor is damage.

#ifndef SEMEL_ENGINE_LEDGER_TRIM_H_
#define SEMEL_ENGINE_LEDGER_TRIM_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/commit/committer.h"
#include "engine/io/file_system.h"
#include "engine/journal/reader.h"
#include "engine/ledger/pins.h"
#include "engine/ledger/world.h"
#include "engine/state/state_store.h"
#include "semel/upkeep.h"

namespace semel::internal {

// What a trimmer works with; all outlive it.
struct TrimmerParts {
  FileSystem* files;
  JournalReader* journal;
  StateStore* store;
  Committer* committer;
  const LocalPins* local_pins;
};

// Thread-safe.
class Trimmer {
 public:
  // `tamper_evident`: the journal vouches for base snapshots. `stop` ends a trim early, as soon as it is set.
  Trimmer(const TrimmerParts& parts, const StateIdentity& identity, bool tamper_evident, const std::atomic<bool>* stop)
      : parts_(parts), identity_(identity), tamper_evident_(tamper_evident), stop_(stop) {}

  // See semel::Ledger::Trim.
  absl::StatusOr<TrimReport> Trim(const TrimOptions& options);

  // Trims the journal to `keep_bytes` if it is a quarter larger than that, and no trim is running.
  absl::Status KeepWithin(uint64_t keep_bytes);

  // At open, once the journal is redone: checks that nothing above the floor is missing, and finishes a trim that was
  // cut short. Errors: DataLoss; those of Trim.
  absl::Status Finish();

 private:
  absl::StatusOr<TrimReport> Run(const TrimOptions& options);
  absl::StatusOr<Lsn> Asked(const TrimOptions& options) const;
  absl::StatusOr<Lsn> PickFloor(Lsn limit, std::string* held_by) const;
  absl::Status RaiseFloor(Lsn floor, TrimReport* report);
  absl::Status EraseSettledPositions(StateSnapshot* snapshot, Lsn floor);
  absl::Status RemoveBelowFloor(TrimReport* report);
  absl::StatusOr<std::optional<LowestPin>> FindPin() const;
  Lsn SegmentAtOrBefore(Lsn lsn) const;

  const TrimmerParts parts_;
  const StateIdentity identity_;
  const bool tamper_evident_;
  const std::atomic<bool>* const stop_;
  std::atomic<bool> running_{false};
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_TRIM_H_
