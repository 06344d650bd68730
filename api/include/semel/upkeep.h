// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Living with a ledger for years: trimming, retiring, backup and restore, rebuilding, export and import.
// docs/operations.md tells an operator when to use which.

#ifndef SEMEL_UPKEEP_H_
#define SEMEL_UPKEEP_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semel/journal.h"

namespace semel {

// Called now and then with the fraction done, 0 .. 1. May be empty.
using Progress = std::function<void(double)>;

// How much history a trim keeps. At least one is set; the one that keeps most counts.
struct TrimOptions {
  std::optional<uint64_t> before_lsn;     // may go: what lies before this address
  std::optional<int64_t> before_time_us;  // may go: what was committed before this time
  std::optional<uint64_t> keep_bytes;     // may go: all but the last so many bytes
  bool seal = false;                      // ends the segment that is written now, so that it may go as well
};

struct TrimReport {
  uint64_t floor_lsn = 0;  // the history now begins here
  uint64_t removed_segments = 0;
  uint64_t removed_bytes = 0;
  uint64_t base_bytes = 0;  // of the base snapshot that was written; 0: nothing to trim
  std::string held_by;      // what kept the trim from going as far as was asked; empty: nothing
};

// From where on the history of an entity can be read.
struct Answerable {
  uint64_t version = 0;        // present
  uint64_t since_version = 0;  // questions about versions after this one are answered; 0: all
  uint64_t floor_lsn = 0;      // of the ledger
  bool retired = false;        // the key is below a retired prefix: nothing is answered, for ever
};

// The end of a history, and the hash of all of it: proof of what a ledger held then (see Options::tamper_evident).
struct JournalHead {
  std::string ledger;  // its uuid, 32 hexadecimal digits
  uint64_t epoch = 0;
  uint64_t lsn = 0;       // the history up to here ...
  uint64_t sequence = 0;  // ... with so many entries
  std::string history;    // SHA-256, 64 hexadecimal digits
};
// One word, "semel-head:1:<ledger>:<epoch>:<lsn>:<sequence>:<history>", and back. Errors: InvalidArgument.
std::string FormatHead(const JournalHead& head);
absl::StatusOr<JournalHead> ParseHead(std::string_view text);

struct RetireReport {
  uint64_t erased = 0;  // entities that are gone from the state
};

struct BackupOptions {
  bool hard_links = false;  // shares sealed segments with the ledger instead of copying them, where the file system can
  bool verify = true;       // reads the whole backup and replays it at the end
};

struct BackupReport {
  std::string uuid;
  uint64_t epoch = 0;
  uint64_t lsn = 0;  // the backup holds the ledger up to here
  uint64_t sequence = 0;
  int64_t commit_time_us = 0;
  uint64_t copied_segments = 0;
  uint64_t kept_segments = 0;  // were in the destination already
  uint64_t bytes = 0;          // written
};

struct RestoreReport {
  uint64_t epoch = 0;  // of the new ledger: above that of the backup
  uint64_t lsn = 0;
  uint64_t sequence = 0;
};

struct RebuildReport {
  uint64_t base_lsn = 0;  // where the rebuild began
  uint64_t lsn = 0;
  uint64_t entries = 0;
  uint64_t entities = 0;
  std::string state_digest;
};

// Makes a new ledger in `directory`, which must not hold one, of a backup. Its epoch is one above the highest that
// `backup` knows, or `epoch` if that is higher: give it when an earlier restore of the same backup went into use, so
// that no two timelines share an epoch.
// Errors: NotFound, AlreadyExists, DataLoss (the backup is damaged; nothing is left behind), ResourceExhausted.
absl::StatusOr<RestoreReport> RestoreLedger(std::string_view backup, std::string_view directory, uint64_t epoch = 0,
                                            const Progress& progress = {});

// Makes the state of a ledger anew from its base snapshot and journal; the ledger must not be open. The old state is
// replaced when the new one stands. Errors: NotFound, Unavailable (open), DataLoss (the journal is damaged; the old
// state is kept).
absl::StatusOr<RebuildReport> RebuildLedger(std::string_view directory, const Progress& progress = {});

// What a repair found, and what it keeps and loses.
struct RepairReport {
  std::vector<std::string> damages;  // a line each: where, and what. Empty: nothing is wrong
  bool needed = false;               // something is damaged that opening does not put right by itself
  std::string
      begins_with;         // what the kept ledger is made of: the journal's beginning, a base snapshot or the state ...
  uint64_t lsn = 0;        // ... and the journal from there up to here
  uint64_t sequence = 0;   // the last entry that is kept
  uint64_t floor_lsn = 0;  // history is kept from here on ...
  uint64_t old_floor_lsn = 0;     // ... where it was from here on
  uint64_t lost_entries = 0;      // behind `sequence`, as far as anything tells: their effects are gone
  uint64_t readable_entries = 0;  // of these: whole, and given to `lost`
  uint64_t epoch = 0;             // of the new ledger; 0: none was made
};

// Looks for what is whole in a damaged ledger, which must not be open and is not changed: the state or base snapshot
// from which the journal goes on furthest without a gap. With `destination`, which must not hold a ledger, makes a new
// ledger of it, of the next epoch, and verifies it; without, only reports. Entries behind the gap that can still be
// read are given to `lost` (may be empty): their changes can be sent again. Where nothing but the state is damaged,
// RebuildLedger does better: nothing is lost, and the epoch stays. Errors: NotFound (no ledger there), AlreadyExists,
// Unavailable (it is open), DataLoss (nothing whole was found), FailedPrecondition (another format; or there is nothing
// to repair), ResourceExhausted.
absl::StatusOr<RepairReport> RepairLedger(std::string_view directory, std::string_view destination,
                                          const std::function<void(const JournalEntry&)>& lost = {});

// The records that an export writes, independent of versions of the files: entities with what they remember of their
// last change, sources, consumed positions, parked changes, dead letters, retired prefixes, options. Not the history:
// an imported ledger begins as after a trim of everything.
enum class ExportFormat { kJsonLines, kProto };  // kProto: semel.v1.ExportRecord, each with its length before it

struct ImportReport {
  uint64_t records = 0;
  uint64_t epoch = 0;
  uint64_t lsn = 0;
};

// Makes a new ledger in `directory`, which must not hold one, of what `read` returns piece by piece ("" at the end).
// It keeps the uuid and gets the next epoch, as a restore does.
// Errors: InvalidArgument (with the record's number), AlreadyExists, DataLoss (cut short).
absl::StatusOr<ImportReport> ImportLedger(std::string_view directory, ExportFormat format,
                                          const std::function<absl::StatusOr<std::string>()>& read);

}  // namespace semel

#endif  // SEMEL_UPKEEP_H_
