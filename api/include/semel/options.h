// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Options of a ledger. The defaults are right for most; each comment says what a change costs.

#ifndef SEMEL_OPTIONS_H_
#define SEMEL_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "semel/change.h"
#include "semel/outcome.h"

namespace semel {

struct Options {
  // ---- What is opened

  // Creates the ledger if the directory holds none. Off by default, so that a mistyped path is an error (NotFound)
  // and not a new, empty ledger.
  bool create_if_missing = false;

  // Refuses (AlreadyExists) if the directory holds a ledger.
  bool error_if_exists = false;

  // Whether each frame of the journal carries the SHA-256 hash of the history before it, so that a head noted elsewhere
  // (Ledger::GetHead) proves later that nothing before it was changed. Chosen when the ledger is created; a new one has
  // false. Costs 32 bytes a frame, and hashing. Opening a ledger that was created otherwise is FailedPrecondition.
  std::optional<bool> tamper_evident;

  // ---- What is decided: kept in the ledger, journaled when changed. Absent: as the ledger has it

  // How many entries of an entity's history are searched for an id before a prior balance may hold, or for `since`.
  // Beyond it the answer is kIndeterminate, never kApplied. Larger: old redeliveries are recognised longer, and each
  // costs up to that many journal reads. Range 1 .. 2^32-1; a new ledger has 4096.
  std::optional<uint32_t> balance_lookback;

  // Refuses (kRejected, kNoSuchEntity) an add to a key that never existed. A new ledger has false: such an add
  // creates the entity.
  std::optional<bool> explicit_entities;

  // Whether early changes are parked: held durably and decided when their predecessors have come, instead of answered
  // kEarly. A new ledger has false. Each call may say otherwise (ApplyOptions).
  std::optional<bool> parking;

  // Bounds of what is parked at a time: in all, and of those that touch one entity. Beyond them changes are kEarly. A
  // new ledger has 100,000 changes and 64 MiB, and 1,000 changes and 8 MiB with one entity. 1 .. 2^32, and bytes up to
  // 1 GiB.
  std::optional<uint64_t> parking_changes;
  std::optional<uint64_t> parking_bytes;
  std::optional<uint64_t> parking_changes_per_entity;
  std::optional<uint64_t> parking_bytes_per_entity;

  // Called with each parked change that is decided, once that is durable, from the thread that committed it. Must not
  // call the ledger.
  std::function<void(const Change&, const Outcome&)> on_unparked;

  // ---- What is kept

  // How many dead letters the ledger holds, and how many bytes of them, parked changes counted with them. At 80 % the
  // log says so; when it is full, a change that would become one is not decided: Apply answers ResourceExhausted until
  // letters are retried or discarded. Nothing is dropped.
  uint64_t max_dead_letters = 1'000'000;
  uint64_t max_dead_letter_bytes = uint64_t{1} << 30;

  // Retention: when the journal is a quarter larger than this, it is trimmed to it in the background (see
  // Ledger::Trim). 0: nothing is trimmed but by Trim.
  uint64_t keep_journal_bytes = 0;

  // Makes the state file anew without its free pages before the ledger opens. Takes the time and the space of a copy.
  // If it fails, so does Open; the state is then as it was.
  bool compact_state = false;

  // ---- What it costs

  // Bytes of clean entities kept in memory. Entities changed since the last checkpoint are kept beside them. Smaller:
  // more reads from the state file; any size is correct.
  size_t cache_bytes = size_t{256} << 20;

  // Bytes of journal blocks kept for looking up history and duplicates.
  size_t journal_cache_bytes = size_t{64} << 20;

  // Bound of the bytes changed since the last checkpoint. A checkpoint is due at max(64 MiB, a quarter of the state),
  // or at half of this if that is less; from 75 % of this on, intake is slowed, the more the fuller. Smaller: faster
  // open after a crash, more bytes written.
  size_t max_dirty_bytes = size_t{1} << 30;

  // Bound of the bytes of changes that ApplyAsync has taken and not answered; beyond it, ResourceExhausted. One change
  // is always taken. At least 4 KiB.
  size_t max_waiting_bytes = size_t{256} << 20;

  // Size of a journal segment; written in advance, so it is also the disk space of a new ledger.
  // Range 4 KiB .. 1 GiB. A frame larger than a segment gets a segment of its own.
  size_t segment_bytes = size_t{64} << 20;

  // Upper bound of one group commit. Range 4 KiB .. 64 MiB.
  size_t max_frame_bytes = size_t{64} << 20;

  // Address space reserved for the state file; the file itself grows as needed. A state larger than this stops
  // checkpoints with ResourceExhausted.
  size_t state_map_bytes = size_t{1} << 38;

  // Called with one line of text about what an operator may want in a log: what recovery redid, a torn tail, a
  // checkpoint that failed. From any thread, one call at a time. Must not call the ledger.
  std::function<void(std::string_view)> log;
};

struct ReadOnlyOptions {
  size_t journal_cache_bytes = size_t{64} << 20;
  size_t state_map_bytes = size_t{1} << 38;
  std::function<void(std::string_view)> log;
};

}  // namespace semel

#endif  // SEMEL_OPTIONS_H_
