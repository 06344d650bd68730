// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The ledger: keeps entities with version numbers and applies each change message at most once, however often it is
// delivered.
//
//   auto ledger = semel::Ledger::Open("accounts", options);
//   auto outcome = (*ledger)->Apply(change);     // durable when it returns
//   auto alice = (*ledger)->Get("account/alice");
//
// Caveats, each with its cure:
// - One process writes. A second Open of the same directory is refused (Unavailable); use OpenReadOnly.
// - After any failed write or sync the ledger is poisoned: every later call returns that first error. Close it, look
//   at the disk, open it again, and apply every change again whose outcome you did not see: each is then either
//   kApplied or kDuplicate.
// - When memory runs out inside a call, or in what it calls, the process ends there and then (SIGABRT), as a kill would
//   end it: nothing that was acknowledged is lost. Set bounds (Options) that fit the machine.
// - Do not use a ledger across fork(): the child's handle answers FailedPrecondition.
// - Not for network file systems: they do not keep what fdatasync promises.

#ifndef SEMEL_LEDGER_H_
#define SEMEL_LEDGER_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "semel/change.h"
#include "semel/entity.h"
#include "semel/held.h"
#include "semel/journal.h"
#include "semel/options.h"
#include "semel/outcome.h"
#include "semel/upkeep.h"
#include "semel/version.h"

namespace semel {

// At which moment of the past an entity is read. At most one is set; none: the latest durable state.
struct AsOf {
  std::optional<uint64_t> version;  // after the change that made this version
  std::optional<uint64_t> lsn;      // after the entry at this address, or the last before it
  std::optional<int64_t> time_us;   // after the last frame committed at or before this time

  static AsOf Version(uint64_t version) {
    AsOf a;
    a.version = version;
    return a;
  }
  static AsOf Lsn(uint64_t lsn) {
    AsOf a;
    a.lsn = lsn;
    return a;
  }
  static AsOf TimeUs(int64_t time_us) {
    AsOf a;
    a.time_us = time_us;
    return a;
  }
};

struct ApplyOptions {
  std::optional<bool> park;  // whether early changes are parked; absent: as the ledger's option says
};

struct ManyEntities {
  uint64_t lsn = 0;              // the journal up to here (exclusive) is in what was read
  std::vector<Entity> entities;  // in the order of the keys asked for
};

// Costs a few reads to find the first line, then one for each.
struct HistoryOptions {
  uint64_t limit = 100;  // lines at most; 0: all
  bool oldest_first = false;
  uint64_t after_version = 0;                                     // only versions above this one ...
  uint64_t up_to_version = std::numeric_limits<uint64_t>::max();  // ... up to this one, or as far as there are any
};

struct ScanOptions {
  std::string prefix;
  std::string start_after;  // only keys greater than this: to go on where a page ended
  uint64_t limit = 0;       // 0: all
  bool include_deleted = false;
  bool fresh = false;  // makes a checkpoint first, so that the scan sees everything applied before the call
};

struct Stats {
  std::string uuid;
  uint64_t epoch = 0;  // rises when a backup is restored
  int format_version = 0;
  uint64_t sequence = 0;        // of the last entry
  uint64_t durable_lsn = 0;     // end of the journal
  uint64_t checkpoint_lsn = 0;  // the state file holds the journal up to here
  uint64_t floor_lsn = 0;       // oldest retained
  int64_t commit_time_us = 0;   // of the last frame
  uint64_t entities = 0;        // in the state file, tombstones included
  uint64_t sources = 0;         // in the state file
  uint64_t journal_bytes = 0;   // of all segments, as files
  uint64_t journal_segments = 0;
  uint64_t state_bytes = 0;                   // of the state file
  uint64_t cached_entities = 0;               // in memory
  uint64_t dirty_bytes = 0;                   // changed since the last checkpoint, in memory
  uint64_t checkpoints = 0;                   // since open
  uint64_t frames = 0;                        // since open
  uint64_t outcomes[kOutcomeCodeCount] = {};  // since open, by code
  uint64_t active_readers = 0;                // open read transactions on the state
  int64_t oldest_reader_age_us = 0;           // age of the oldest of them
  std::string state_digest;                   // of the state at checkpoint_lsn, 32 hexadecimal digits
  uint64_t state_free_bytes = 0;              // of the state file, that a compaction would give back
  uint64_t base_lsn = 0;                      // of the base snapshot that the last trim wrote; 0: none
  uint64_t base_bytes = 0;
  uint64_t parked = 0;  // now, as are the next three
  uint64_t parked_bytes = 0;
  uint64_t dead_letters = 0;
  uint64_t dead_letter_bytes = 0;
  uint64_t retired_prefixes = 0;
};

struct VerifyReport {
  uint64_t segments = 0;
  uint64_t frames = 0;
  uint64_t entries = 0;
  uint64_t effects = 0;
  uint64_t entities = 0;
  uint64_t sources = 0;
  uint64_t balanced_changes = 0;
  uint64_t base_lsn = 0;      // of the base snapshot that the replay began from; 0: none, but from the beginning
  uint64_t lsn = 0;           // checked up to here
  std::string state_digest;   // recomputed
  std::string fault;          // the first; empty: none found
  bool base_vouched = false;  // with tamper evidence: the journal holds the hash of the base snapshot's records
  bool ok() const { return fault.empty(); }
};

class Ledger {
 public:
  // Opens for writing; see Options for creation. Recovers first: redoes what the journal holds beyond the last
  // checkpoint, and clears a torn last frame, which was never acknowledged.
  // Errors: NotFound (no ledger there and create_if_missing is off), AlreadyExists (error_if_exists), Unavailable
  // (another process, or another handle of this one, has it open), FailedPrecondition (unknown format), DataLoss
  // (a file is damaged; nothing was changed), InvalidArgument (an option is out of range), ResourceExhausted (disk
  // full), PermissionDenied, Internal.
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(std::string_view directory, const Options& options = {});

  // Opens for reading while another process may be writing. Shows what that process has made durable at the time of
  // each call. Needs write access to state/lock.mdb, which LMDB uses to know its readers, and to pins/, by which those
  // who read the journal hold a trim up.
  // Errors: as Open; every writing call answers FailedPrecondition.
  static absl::StatusOr<std::unique_ptr<Ledger>> OpenReadOnly(std::string_view directory,
                                                              const ReadOnlyOptions& options = {});

  // A ledger without files, for the tests of those who embed one. Gone when it is destroyed. Decides exactly as one
  // with files does.
  static absl::StatusOr<std::unique_ptr<Ledger>> OpenInMemory(const Options& options = {});

  // Closes without a checkpoint, as a crash would, if Close was not called. No other call may be running.
  virtual ~Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // ---- Writing. Any thread; callers at the same time share one sync.

  // Decides one change and, if it has effects, makes them durable before it returns. Whatever was decided is in the
  // outcome; an error means that nothing is known: apply the same change again.
  // Errors: the error that poisoned the ledger; ResourceExhausted (the next segment cannot be created; may be tried
  // again); FailedPrecondition (closed, read-only, forked); DataLoss (the files contradict themselves).
  virtual absl::StatusOr<Outcome> Apply(const Change& change, const ApplyOptions& options = {}) = 0;

  // Decides changes in order, each on its own; later ones see earlier ones. outcomes[i] answers changes[i]. Makes as
  // few frames as max_frame_bytes allows. Errors: as Apply; then some of the changes may be durable, and applying
  // all of them again tells which.
  virtual absl::StatusOr<std::vector<Outcome>> ApplyBatch(absl::Span<const Change> changes,
                                                          const ApplyOptions& options = {}) = 0;

  // The same for an event loop: returns at once and calls `done` from a thread of the ledger, in the order of the
  // calls. `done` must not block and must not destroy the ledger. What is not taken is answered before this returns:
  // FailedPrecondition, as Apply; ResourceExhausted (changes of max_waiting_bytes wait; nothing happened, call again
  // when some are answered).
  virtual void ApplyAsync(Change change, std::function<void(absl::StatusOr<Outcome>)> done,
                          const ApplyOptions& options = {}) = 0;

  // Discards a parked change: it becomes a dead letter, as kConflict. Errors: NotFound; as Apply.
  virtual absl::StatusOr<Outcome> DiscardParked(uint64_t sequence) = 0;

  // Decides a dead letter once more, as if it came now, but not its source position, for which the letter stands. If it
  // is applied, or a duplicate, or superseded, the letter leaves in the same frame; otherwise it stays as it was.
  // Errors: NotFound, FailedPrecondition (it could not be decoded); as Apply.
  virtual absl::StatusOr<Outcome> RetryDeadLetter(uint64_t sequence) = 0;

  // Drops a dead letter's bytes. What its source position was answered stays. Errors: NotFound; as Apply.
  virtual absl::Status DiscardDeadLetter(uint64_t sequence) = 0;

  // Sets the cursor of a source by hand: positions up to `cursor.position` count as consumed; those that were never
  // seen are kInvalid when they come. Uses name, position, incarnation, window. Forward only, except with another
  // incarnation, by which the operator says that positions have started anew. Errors: InvalidArgument; as Apply.
  virtual absl::Status SetSource(const SourceCursor& cursor) = 0;

  // Removes all entities whose key begins with `prefix`, and their history with the next trims. Any change that names
  // such a key afterwards is kIndeterminate, for ever; parked changes that name one become dead letters. Once it has
  // returned an error other than FailedPrecondition, call it again: it goes on where it ended.
  // Errors: FailedPrecondition (an entity there has a balance), InvalidArgument (empty prefix, or too long); as Apply.
  virtual absl::StatusOr<RetireReport> Retire(std::string_view prefix) = 0;

  // Removes old history: whole sealed segments, once a base snapshot stands from which verify and rebuild begin. What
  // the heads of entities and sources remember stays, so the latest change of each is recognised for ever; older
  // redeliveries are kIndeterminate. Runs beside everything else, one at a time. Errors: InvalidArgument (nothing
  // asked for), Unavailable (another runs); as Checkpoint.
  virtual absl::StatusOr<TrimReport> Trim(const TrimOptions& options) = 0;

  // Copies the ledger to `destination`, a directory that is empty, absent, or holds an older backup of this
  // ledger, which is brought up to date. Runs beside everything else, also from a read-only ledger. A backup is no
  // ledger: RestoreLedger makes one of it. Errors: FailedPrecondition (the destination holds something else),
  // ResourceExhausted, DataLoss (what was copied does not verify).
  virtual absl::StatusOr<BackupReport> Backup(std::string_view destination, const BackupOptions& options = {}) = 0;

  // Writes everything but the history to `write`, piece by piece, as of one moment. Returns the number of records.
  virtual absl::StatusOr<uint64_t> Export(ExportFormat format,
                                          const std::function<absl::Status(std::string_view)>& write) = 0;

  // Folds everything durable into the state file. Runs by itself as needed; a call waits for it.
  virtual absl::Status Checkpoint() = 0;

  // Waits for running calls, makes a checkpoint so that the next open is fast, and releases the files. Later calls
  // answer FailedPrecondition. Returns the first error of closing or the one that poisoned the ledger.
  virtual absl::Status Close() = 0;

  // ---- Reading. Any thread; what is shown is durable, always.

  // The entity; version 0 if it never existed. Errors: OutOfRange (as of a version or address after the present, or of
  // anything before the retained history), InvalidArgument (more than one as-of; no key, or one that is too long),
  // DataLoss.
  virtual absl::StatusOr<Entity> Get(std::string_view key, const AsOf& as_of = {}) = 0;

  // Several entities at one moment: no change is seen in part.
  virtual absl::StatusOr<ManyEntities> GetMany(absl::Span<const std::string> keys) = 0;

  // A time as an address: Get(key, AsOf::Lsn(*LsnAtTime(t))) is Get(key, AsOf::TimeUs(t)). For reading many entities
  // as of one time, which is then looked up once. 0 if nothing was committed by then. Errors: DataLoss.
  virtual absl::StatusOr<uint64_t> LsnAtTime(int64_t time_us) = 0;

  // The changes of one entity, newest first unless asked otherwise; of trimmed history, those that are left.
  virtual absl::StatusOr<std::vector<HistoryLine>> History(std::string_view key,
                                                           const HistoryOptions& options = {}) = 0;

  // Calls `visit` for the entities of a prefix in key order, as of the last checkpoint, until it returns false or the
  // limit is reached. Returns that checkpoint's LSN. (A read-only ledger shows what is durable, like its other reads,
  // and returns that LSN.) Holds a read transaction while it runs: a slow visitor makes the
  // state file grow; after one minute the scan ends with Aborted, to be continued with start_after.
  virtual absl::StatusOr<uint64_t> Scan(const ScanOptions& options,
                                        const std::function<bool(const Entity&)>& visit) = 0;

  // The cursor of a source, or nullopt if nothing of it was consumed yet. All of them, by name.
  virtual absl::StatusOr<std::optional<SourceCursor>> GetSource(std::string_view name) = 0;
  virtual absl::StatusOr<std::vector<SourceCursor>> ListSources() = 0;

  // From where on the history of an entity can be read.
  virtual absl::StatusOr<Answerable> AnswerableSince(std::string_view key) = 0;

  // What is held, oldest first.
  virtual absl::StatusOr<std::vector<ParkedChange>> ListParked(const HeldOptions& options = {}) = 0;
  virtual absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(const HeldOptions& options = {}) = 0;

  // The prefixes that were retired, in order.
  virtual absl::StatusOr<std::vector<std::string>> ListRetired() = 0;

  // Calls `visit` for the journal's entries from `from` (0, or a next_lsn seen before) up to the durable end, until
  // it returns false. Returns where to go on. Errors: OutOfRange (beyond the end, or not the start of an entry).
  virtual absl::StatusOr<uint64_t> ReadJournal(uint64_t from,
                                               const std::function<bool(const JournalEntry&)>& visit) = 0;

  virtual absl::StatusOr<Stats> GetStats() = 0;

  // What the ledger decides by now: the options of that part of Options are set, the others have their defaults.
  virtual absl::StatusOr<Options> GetOptions() = 0;

  // Checks every checksum and chain of the files, replays the journal from its beginning, or from the base snapshot of
  // the last trim, and compares the result with the state. Reads everything; takes as long; a trim waits for it. The
  // first fault is in the report; an error means that the check itself could not run. `progress` (may be empty) is
  // called now and then with the fraction done, 0 .. 1.
  // With `against`, a head that GetHead gave earlier, the history up to it must be the same as then: anything else is a
  // fault, also if it is consistent in itself. Errors then: InvalidArgument (the head is of another ledger), OutOfRange
  // (the history up to the head was trimmed: nothing is left to compare).
  virtual absl::StatusOr<VerifyReport> Verify(const Progress& progress = {},
                                              const std::optional<JournalHead>& against = std::nullopt) = 0;

  // Where the durable history ends, with the hash of all of it: to be kept where nobody who can write this ledger can
  // write. Errors: FailedPrecondition (the ledger was created without tamper evidence).
  virtual absl::StatusOr<JournalHead> GetHead() = 0;

 protected:
  Ledger() = default;
};

}  // namespace semel

#endif  // SEMEL_LEDGER_H_
