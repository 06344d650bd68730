// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The state: heads of entities and sources as of some LSN. Derived from the journal, written only by checkpoints. Two
// implementations: LMDB, and memory (for ledgers without files and for simulation).
//
// Every stored record carries a 64-bit check over (table, key, body); a checkpoint stores the sum of all checks, kept
// up to date incrementally, as the digest of the whole state: a lost, doubled or misplaced record shows.

#ifndef SEMEL_ENGINE_STATE_STATE_STORE_H_
#define SEMEL_ENGINE_STATE_STATE_STORE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/checksum.h"
#include "engine/journal/frame.h"
#include "engine/rules/classify.h"
#include "engine/rules/head.h"

namespace semel::internal {

// What a checkpoint stores beside the records.
struct CheckpointInfo {
  JournalTip tip;           // the state holds the journal up to here
  DecidingOptions options;  // in force there
  Lsn floor = 0;            // likewise: nothing before it is looked at any more
  // Filled by the store: how many records each table has and how many bytes they are (keys and checks not counted),
  // and the sum of all records' checks, mod 2^128.
  std::array<uint64_t, kTableCount> records = {};
  std::array<uint64_t, kTableCount> bytes = {};
  Hash128 digest;

  uint64_t RecordsOf(Table table) const { return records[static_cast<size_t>(table)]; }
};

// A consistent view. One thread at a time. Not to be kept long: LMDB cannot reuse pages while it lives.
class StateSnapshot {
 public:
  virtual ~StateSnapshot() = default;
  virtual const CheckpointInfo& info() const = 0;

  // False if there is no such record. Errors: DataLoss (check failed, record malformed).
  virtual absl::StatusOr<bool> Get(Table table, std::string_view key, Head* head) = 0;

  // Visits records with key >= `start` in key order until `visit` returns false.
  virtual absl::Status Scan(Table table, std::string_view start,
                            const std::function<bool(std::string_view key, const Head& head)>& visit) = 0;
};

// The records of a checkpoint, in (table, key) order, each at most once; a head of version 0 takes its record away.
// Returns false at the end.
// The views stay good until the next call.
using RecordFeed = std::function<bool(Table* table, std::string_view* key, const Head** head)>;

struct StateStats {
  uint64_t file_bytes = 0;
  uint64_t free_bytes = 0;  // of these: pages that hold nothing
  uint64_t active_readers = 0;
  int64_t oldest_reader_age_us = 0;
};

// Thread-safe; one Commit at a time. The first error of a Commit (and any unexpected error of LMDB) is for good: every
// later call returns it.
class StateStore {
 public:
  virtual ~StateStore() = default;

  virtual absl::StatusOr<std::unique_ptr<StateSnapshot>> Snapshot() = 0;

  // Replaces the records given, keeps the others, and stores `info` (tip, options and floor; the rest is computed), all
  // in one durable transaction. Errors: ResourceExhausted (map or disk full), and others; all poison the store.
  virtual absl::Status Commit(const RecordFeed& records, const CheckpointInfo& info) = 0;

  // Writes a copy of the state's file, as one checkpoint left it, into `directory`, which must be there and hold none.
  // Durable when it returns, but for the directory's own name. Errors: Unimplemented (a state without a file);
  // AlreadyExists, ResourceExhausted and others of the copy, which do not poison.
  virtual absl::Status CopyTo(const std::string& directory);

  // Whether another file has taken the place of the one that is open, which a compaction or a rebuild in another
  // process does. Then this store shows what was, and has to be opened anew.
  virtual absl::StatusOr<bool> Replaced() { return false; }

  virtual absl::StatusOr<StateStats> GetStats() = 0;

  // Recomputes every check, the counts and the digest. DataLoss names the first fault.
  virtual absl::StatusOr<CheckpointInfo> Verify() = 0;
};

// The check of one record, and the digest's arithmetic.
uint64_t RecordCheck(Table table, std::string_view key, std::string_view body, uint64_t seed);
void AddToDigest(uint64_t check, Hash128* digest);
void RemoveFromDigest(uint64_t check, Hash128* digest);

std::unique_ptr<StateStore> NewMemoryStateStore(uint64_t seed);

struct LmdbOptions {
  std::string directory;  // .../state
  std::string uuid;       // 16 bytes; must match what the file says
  uint64_t epoch = 0;
  uint64_t seed = 0;
  size_t map_bytes = size_t{1} << 38;
  bool read_only = false;
  bool is_copy = false;  // with read_only: nobody writes it. Opened without a lock file, on any file system
};

// Creates an empty state: under a temporary name, one synced commit, then rename and sync of the parent directory.
absl::Status CreateLmdbState(const LmdbOptions& options);

// Makes the state `to_directory`, which must not be there, of the one that `options` names and that is not open: the
// same records and checkpoint, without free pages, durable but for its own name. Errors: as OpenLmdbState;
// ResourceExhausted (the disk is full); DataLoss (the copy is not what it should be). After an error nothing is left
// behind.
absl::Status CompactLmdbState(const LmdbOptions& options, const std::string& to_directory);

// Opens it after checking the file's size against what its meta page claims, its format, uuid and epoch, and that this
// process does not have it open already. Errors: NotFound, DataLoss, FailedPrecondition, Unavailable.
absl::StatusOr<std::unique_ptr<StateStore>> OpenLmdbState(const LmdbOptions& options);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_STATE_STORE_H_
