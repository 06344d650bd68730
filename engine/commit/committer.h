// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The way of a change from its caller to the journal and back: queue, group commit, checkpoint. The only owner of locks
// and threads.
//
// Group commit. Callers queue; the first becomes the leader, decides everything queued as one frame, makes it durable
// with one write and one sync, and wakes the others; then the next in the queue leads. A leader waits briefly for as
// many callers as shared the last frame. (As in LevelDB's DBImpl::Write; there is no commit thread.)
//
// Locks, in the order in which they are taken:
//   checkpoint_mutex_   one checkpoint at a time
//   commit_mutex_       whoever holds it is the committer: heads, decider and journal writer are its alone
//   queue_mutex_        the queue and who leads
//   HeadTable's own     what readers see

#ifndef SEMEL_ENGINE_COMMIT_COMMITTER_H_
#define SEMEL_ENGINE_COMMIT_COMMITTER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/base/environment.h"
#include "engine/base/mutex.h"
#include "engine/commit/decider.h"
#include "engine/commit/head_table.h"
#include "engine/commit/poison.h"
#include "engine/journal/writer.h"
#include "engine/state/state_store.h"
#include "semel/change.h"
#include "semel/outcome.h"

namespace semel::internal {

struct CommitterOptions {
  DeciderOptions decider;
  size_t max_frame_bytes = size_t{64} << 20;
  size_t max_dirty_bytes = size_t{1} << 30;
  size_t max_waiting_bytes = size_t{256} << 20;                    // of what ApplyAsync holds
  std::function<void(std::string_view)> log;                       // may be empty
  std::function<absl::Status(Lsn)> publish_durable;                // tells other processes; called after each sync
  std::function<void(const Change&, const Outcome&)> on_unparked;  // may be empty
  uint64_t checkpoint_journal_bytes = 0;   // a checkpoint is due when the journal has grown by so much; 0: however much
  std::function<void()> after_checkpoint;  // may be empty; called by the background, with no lock held
};

// What the committer works with; all outlive it.
struct CommitterParts {
  HeadTable* heads;
  StateStore* store;
  JournalReader* reader;
  JournalWriter* writer;
  Clock* clock;
  Background* checkpoint_background;
  Background* async_background;
};

struct CommitterStats {
  uint64_t outcomes[kOutcomeCodeCount] = {};
  uint64_t frames = 0;
  uint64_t checkpoints = 0;
};

// Thread-safe.
class Committer {
 public:
  using Done = std::function<void(absl::StatusOr<Outcome>)>;

  // `options_now`: the deciding options in force at the writer's tip.
  Committer(const CommitterParts& parts, const CommitterOptions& options, const DecidingOptions& options_now);
  ~Committer();  // stops

  // Reads what is parked and retired. Once, before anything else.
  absl::Status Recover();

  // outcomes[i] answers changes[i]; see semel::Ledger for the errors. `park` absent: as the deciding options say.
  absl::Status Apply(absl::Span<const Change> changes, std::optional<bool> park, Outcome* outcomes);
  // Takes both and answers later; or returns an error and takes neither.
  absl::Status ApplyAsync(Change* change, std::optional<bool> park, Done* done);

  // Journals the options if they differ from those in force.
  absl::Status SetDecidingOptions(const DecidingOptions& options);

  DecidingOptions GetDecidingOptions();

  // What operators do; see semel::Ledger. Each in a frame of its own.
  absl::Status DiscardParked(uint64_t sequence, Outcome* outcome);
  absl::Status RetryLetter(uint64_t sequence, Outcome* outcome);
  absl::Status DiscardLetter(uint64_t sequence);
  absl::Status SetSource(const SourceCursor& cursor);
  // `may`: called with no change under way; an error keeps the prefix from being retired.
  absl::Status Retire(std::string_view prefix, const std::function<absl::Status()>& may);

  // For trimming. Journals that records go: entities below a retired prefix, or positions.
  absl::Status Erase(Table table, const std::vector<std::string>& keys);
  // Journals that nothing before `floor` is looked at any more. Lower than the present floor: does nothing.
  absl::Status SetFloor(Lsn floor, const std::optional<VouchedBase>& base);
  // The next frame begins a new segment.
  absl::Status SealSegment();

  absl::Status Checkpoint();

  // Refuses new calls, waits for the running ones, makes a last checkpoint.
  absl::Status Close();

  // Closes without a checkpoint. Answers what ApplyAsync still holds with FailedPrecondition.
  void Stop();

  // The error that poisoned the ledger, if one did.
  absl::Status Health() const { return poison_.Get(); }

  CommitterStats GetStats() const;

 private:
  struct Request;
  struct Slice;
  struct Async {
    Change change;
    std::optional<bool> park;
    Done done;
    size_t bytes;
  };

  // Group commit.
  absl::Status Submit(absl::Span<const Change> changes, std::optional<bool> park, Outcome* outcomes);
  void Lead(Request* own);
  std::vector<Request*> GatherGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_mutex_);
  void FinishGroup(const std::vector<Request*>& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_mutex_);

  // The committer.
  void CommitGroup(const std::vector<Request*>& group);
  void Fail(Request* request, size_t undecided, const absl::Status& error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  std::vector<Slice> NextFrame(const std::vector<Request*>& group) const;
  absl::Status CommitFrame(std::vector<Slice> slices) ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  absl::Status LoadHeads(const std::vector<Slice>& slices) ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  void Decide(std::vector<Slice>* slices) ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  absl::Status MakeDurable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  void MakeVisible() ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  void WarnOfLetters() ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  absl::Status CommitAlone(const std::function<absl::Status(Decider*)>& decide);
  absl::Status CommitAloneLocked(const DecidingOptions& options, const std::function<absl::Status(Decider*)>& decide)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  void BeginFrame(const DecidingOptions& options) ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mutex_);
  absl::Status CheckNotClosed();

  // Checkpoints.
  void ThrottleIntake();
  bool IsCheckpointDue() const;
  void ScheduleCheckpointIfDue();
  absl::Status RunCheckpoint();

  // Asynchronous callers.
  void NoteRefused(const Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_mutex_);
  void HoldBack(const std::map<std::string, SourcePosition>& refused);
  void RunAsync();

  void Log(std::string_view text) const {
    if (options_.log) options_.log(text);
  }

  const CommitterParts parts_;
  const CommitterOptions options_;
  Poison poison_;

  Mutex checkpoint_mutex_;
  std::atomic<bool> checkpoint_scheduled_{false};
  std::atomic<size_t> checkpoint_due_bytes_;
  std::atomic<Lsn> checkpoint_lsn_;  // of the last; before the first: where the journal ended at open

  Mutex commit_mutex_ ABSL_ACQUIRED_AFTER(checkpoint_mutex_);
  Decider decider_ ABSL_GUARDED_BY(commit_mutex_);
  DecidingOptions deciding_options_ ABSL_GUARDED_BY(commit_mutex_);
  bool letters_warned_ ABSL_GUARDED_BY(commit_mutex_) = false;
  std::vector<HeadKey> keys_ ABSL_GUARDED_BY(commit_mutex_);            // of the frame, to be used again
  std::vector<HeadTable::Node*> nodes_ ABSL_GUARDED_BY(commit_mutex_);  // likewise

  Mutex queue_mutex_;
  CondVar queue_changed_;
  std::deque<Request*> queue_ ABSL_GUARDED_BY(queue_mutex_);
  bool leader_active_ ABSL_GUARDED_BY(queue_mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(queue_mutex_) = false;
  size_t last_group_size_ ABSL_GUARDED_BY(queue_mutex_) = 1;
  std::deque<Async> async_ ABSL_GUARDED_BY(queue_mutex_);
  size_t async_bytes_ ABSL_GUARDED_BY(queue_mutex_) = 0;  // of those, and of those that are being answered
  std::map<std::string, SourcePosition> async_refused_ ABSL_GUARDED_BY(queue_mutex_);  // the lowest of each source
  bool async_running_ ABSL_GUARDED_BY(queue_mutex_) = false;

  std::atomic<uint64_t> outcome_counts_[kOutcomeCodeCount] = {};
  std::atomic<uint64_t> frames_{0};
  std::atomic<uint64_t> checkpoints_{0};
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_COMMITTER_H_
