// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/commit/committer.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/rules/validate.h"

namespace semel::internal {
namespace {

// How long a leader waits for the callers that shared the last frame; about one sync of a fast disk.
constexpr std::chrono::microseconds kGatherTime{200};

// How many asynchronous changes share one call.
constexpr size_t kAsyncBatch = 4096;

// A checkpoint is not worth its sync below this, and is due at a quarter of the state above it.
constexpr size_t kCheckpointBytesMin = size_t{64} << 20;

absl::Status ClosedError() { return absl::FailedPreconditionError("the ledger is closed"); }

// What a change takes in memory, but for what its strings have to spare.
size_t BytesHeld(const Change& change) {
  size_t bytes = sizeof change + change.id.size() + change.original.size() + change.undecodable.size();
  if (change.source.has_value()) bytes += change.source->name.size() + change.source->incarnation.size();
  for (const Update& update : change.updates) {
    bytes += sizeof update + update.key.size() + update.asset.size() + update.value.size();
  }
  return bytes;
}

}  // namespace

// One caller's changes on their way. Lives on the caller's stack.
struct Committer::Request {
  absl::Span<const Change> changes;
  std::optional<bool> park;
  Outcome* outcomes;
  std::vector<PreparedChange> prepared;
  size_t next = 0;      // the first change that is not in a frame yet
  absl::Status status;  // of this request alone
  bool done = false;    // guarded by queue_mutex_
  bool leads = false;   // likewise
  CondVar changed;      // done or leads

  bool finished() const { return next == changes.size(); }
};

// The part of a request that goes into one frame.
struct Committer::Slice {
  Request* request;
  size_t begin;
  size_t end;
};

Committer::Committer(const CommitterParts& parts, const CommitterOptions& options, const DecidingOptions& options_now)
    : parts_(parts),
      options_(options),
      checkpoint_due_bytes_(std::min(kCheckpointBytesMin, options.max_dirty_bytes / 2)),
      checkpoint_lsn_(parts.reader->durable_lsn()),
      decider_(parts.heads, parts.reader, options.decider),
      deciding_options_(options_now) {}

Committer::~Committer() { Stop(); }

void Committer::Stop() {
  std::deque<Async> unanswered;
  {
    MutexLock lock(&queue_mutex_);
    closed_ = true;
    unanswered.swap(async_);
    while (async_running_ || leader_active_) queue_changed_.Wait(&queue_mutex_);
  }
  for (Async& async : unanswered) async.done(ClosedError());
}

absl::Status Committer::Recover() {
  MutexLock lock(&commit_mutex_);
  return decider_.Recover();
}

absl::Status Committer::CheckNotClosed() {
  MutexLock lock(&queue_mutex_);
  return closed_ ? ClosedError() : absl::OkStatus();
}

absl::Status Committer::Apply(absl::Span<const Change> changes, std::optional<bool> park, Outcome* outcomes) {
  SEMEL_RETURN_IF_ERROR(CheckNotClosed());
  return Submit(changes, park, outcomes);
}

// ---- Group commit.

absl::Status Committer::Submit(absl::Span<const Change> changes, std::optional<bool> park, Outcome* outcomes) {
  SEMEL_RETURN_IF_ERROR(poison_.Get());
  Request request{changes, park, outcomes, {}, 0, absl::OkStatus(), false, false, {}};
  request.prepared.reserve(changes.size());
  for (const Change& change : changes) request.prepared.push_back(Prepare(change, options_.decider));

  {
    MutexLock lock(&queue_mutex_);
    queue_.push_back(&request);
    request.leads = !std::exchange(leader_active_, true);
    if (!request.leads) queue_changed_.NotifyAll();  // a leader may be gathering
    while (!request.leads && !request.done) request.changed.Wait(&queue_mutex_);
  }
  if (request.leads) Lead(&request);
  return request.status;
}

// Commits one group, which holds the leader's own request, and hands the lead on.
void Committer::Lead(Request* own) {
  ThrottleIntake();
  std::vector<Request*> group;
  {
    MutexLock lock(&queue_mutex_);
    group = GatherGroup();
  }
  SEMEL_DCHECK(group.front() == own);
  static_cast<void>(own);
  CommitGroup(group);
  ScheduleCheckpointIfDue();
  MutexLock lock(&queue_mutex_);
  FinishGroup(group);
}

std::vector<Committer::Request*> Committer::GatherGroup() {
  while (queue_.size() < last_group_size_) {
    if (queue_changed_.WaitFor(&queue_mutex_, kGatherTime)) break;
  }
  last_group_size_ = queue_.size();
  std::vector<Request*> group(queue_.begin(), queue_.end());
  queue_.clear();
  return group;
}

void Committer::FinishGroup(const std::vector<Request*>& group) {
  for (Request* request : group) {
    request->done = true;
    request->changed.NotifyOne();
  }
  leader_active_ = !queue_.empty();
  if (leader_active_) {
    queue_.front()->leads = true;
    queue_.front()->changed.NotifyOne();
  } else {
    queue_changed_.NotifyAll();  // Close may be waiting
  }
}

// ---- The committer.

void Committer::CommitGroup(const std::vector<Request*>& group) {
  MutexLock lock(&commit_mutex_);
  for (;;) {
    std::vector<Slice> slices = NextFrame(group);
    if (slices.empty()) return;
    if (absl::Status status = CommitFrame(std::move(slices)); !status.ok()) {
      for (Request* request : group) Fail(request, request->next, status);
      return;
    }
  }
}

// Ends a request with an error. Its changes from the one numbered `undecided` on were not decided.
void Committer::Fail(Request* request, size_t undecided, const absl::Status& error) {
  if (request->finished()) return;
  for (size_t i = undecided; i < request->changes.size(); ++i) {
    const PreparedChange& prepared = request->prepared[i];
    if (prepared.has_source()) decider_.NoteUndecided(*prepared.change->source);
  }
  request->status = error;
  request->next = request->changes.size();
}

// As many of the group's changes, in order, as fit in a frame; at least one if there is any left.
std::vector<Committer::Slice> Committer::NextFrame(const std::vector<Request*>& group) const {
  std::vector<Slice> slices;
  size_t bytes = kFrameHeaderBytes;
  for (Request* request : group) {
    Slice slice{request, request->next, request->next};
    while (slice.end < request->changes.size()) {
      bytes += request->prepared[slice.end].entry_bytes_max;
      if (bytes > options_.max_frame_bytes && (slice.end > slice.begin || !slices.empty())) break;
      ++slice.end;
    }
    if (slice.end > slice.begin) slices.push_back(slice);
    if (bytes > options_.max_frame_bytes) break;
  }
  return slices;
}

// The way of a frame.
absl::Status Committer::CommitFrame(std::vector<Slice> slices) {
  SEMEL_RETURN_IF_ERROR(poison_.Get());

  // 1. The heads that the changes name, from memory or the state.
  SEMEL_RETURN_IF_ERROR(LoadHeads(slices));

  // 2. Decide each change, seeing what those before it did, and encode what was decided.
  BeginFrame(deciding_options_);
  Decide(&slices);

  // 3. One write, one sync. Before this returns nobody has seen anything of it.
  if (absl::Status status = MakeDurable(); !status.ok()) {
    parts_.heads->Discard();
    decider_.Discard();
    return status;
  }

  // 4. Readers see it now, callers when their request is finished.
  MakeVisible();
  for (const Slice& slice : slices) {
    if (!slice.request->finished()) slice.request->next = slice.end;
    for (size_t i = slice.begin; i < slice.end; ++i) {
      outcome_counts_[static_cast<int>(slice.request->outcomes[i].code)].fetch_add(1, std::memory_order_relaxed);
    }
  }
  return absl::OkStatus();
}

absl::Status Committer::LoadHeads(const std::vector<Slice>& slices) {
  keys_.clear();
  for (const Slice& slice : slices) {
    for (size_t i = slice.begin; i < slice.end; ++i) AppendKeys(slice.request->prepared[i], &keys_);
  }
  absl::Status status = parts_.heads->Load(keys_, &nodes_);
  // An error of LMDB itself is for good. A record that fails its check concerns those who ask for it; and that there
  // are too many readers passes.
  if (!status.ok() && !absl::IsDataLoss(status) && !absl::IsResourceExhausted(status)) return poison_.Set(status);
  return status;
}

void Committer::BeginFrame(const DecidingOptions& options) {
  decider_.Begin(parts_.writer->tip(), parts_.clock->NowUs(), options);
}

// Cuts `slices` short when parked changes have made the frame as large as it may be.
void Committer::Decide(std::vector<Slice>* slices) {
  size_t node = 0;
  for (size_t s = 0; s < slices->size(); ++s) {
    Slice& slice = (*slices)[s];
    for (size_t i = slice.begin; i < slice.end; ++i) {
      if (decider_.frame().size() > options_.max_frame_bytes) {
        slice.end = i;
        slices->resize(s + 1);
        return;
      }
      const PreparedChange& prepared = slice.request->prepared[i];
      const size_t count = (prepared.has_updates() ? prepared.change->updates.size() : 0) + prepared.has_source();
      const auto nodes = absl::MakeConstSpan(nodes_).subspan(node, count);
      for (const HeadTable::Node* later :
           absl::MakeConstSpan(nodes_).subspan(std::min(node + HeadTable::kNodesAhead, nodes_.size()), count)) {
        HeadTable::Prefetch(later);
      }
      node += count;
      if (slice.request->finished()) continue;  // failed before
      const bool park = slice.request->park.value_or(deciding_options_.parking);
      absl::Status status = decider_.Decide(prepared, nodes, park, &slice.request->outcomes[i]);
      if (!status.ok()) Fail(slice.request, i, status);  // it alone: its neighbours go on
    }
  }
}

absl::Status Committer::MakeDurable() {
  FrameBuilder& frame = decider_.frame();
  if (frame.empty()) return absl::OkStatus();
  SEMEL_RETURN_IF_ERROR(parts_.writer->Reserve(frame.size()));  // may fail and be tried again: nothing is written yet

  FrameHeader header;
  const std::string_view bytes = frame.Finish(&header);
  absl::Status status = parts_.writer->Append(header, bytes);
  if (status.ok()) status = options_.publish_durable(parts_.writer->tip().lsn);
  if (!status.ok()) return poison_.Set(status);
  frames_.fetch_add(1, std::memory_order_relaxed);
  return absl::OkStatus();
}

void Committer::MakeVisible() {
  parts_.heads->Publish(parts_.writer->tip());
  decider_.Publish();
  parts_.heads->Evict();
  WarnOfLetters();
  for (const auto& [change, outcome] : decider_.unparked()) {
    outcome_counts_[static_cast<int>(outcome.code)].fetch_add(1, std::memory_order_relaxed);
    if (options_.on_unparked) options_.on_unparked(change, outcome);
  }
}

// Once when the store of dead letters is at 80 % of a bound, and again when it has been below it since.
void Committer::WarnOfLetters() {
  const HeadTable::Totals letters = parts_.heads->PendingTotalsOf(Table::kLetters);
  const HeadTable::Totals parked = parts_.heads->PendingTotalsOf(Table::kParked);
  const auto filled = [](uint64_t value, uint64_t bound) { return value >= bound - bound / 5; };
  const bool full = filled(letters.records + parked.records, options_.decider.max_dead_letters) ||
                    filled(letters.bytes + parked.bytes, options_.decider.max_dead_letter_bytes);
  if (full && !letters_warned_) {
    Log(absl::StrCat("dead letters are filling up: ", letters.records, " of ", letters.bytes, " bytes and ",
                     parked.records, " parked changes, of at most ", options_.decider.max_dead_letters, " and ",
                     options_.decider.max_dead_letter_bytes,
                     " bytes; when they are full, intake stops: look at them with semel dead-letters"));
  }
  letters_warned_ = full;
}

// ---- Frames that are not of callers' changes.

absl::Status Committer::CommitAlone(const std::function<absl::Status(Decider*)>& decide) {
  SEMEL_RETURN_IF_ERROR(CheckNotClosed());
  MutexLock lock(&commit_mutex_);
  return CommitAloneLocked(deciding_options_, decide);
}

absl::Status Committer::CommitAloneLocked(const DecidingOptions& options,
                                          const std::function<absl::Status(Decider*)>& decide) {
  SEMEL_RETURN_IF_ERROR(poison_.Get());
  BeginFrame(options);
  absl::Status status = decide(&decider_);
  if (status.ok()) status = MakeDurable();
  if (!status.ok()) {
    parts_.heads->Discard();
    decider_.Discard();
    return status;
  }
  MakeVisible();
  return absl::OkStatus();
}

absl::Status Committer::SetDecidingOptions(const DecidingOptions& options) {
  MutexLock lock(&commit_mutex_);
  if (options == deciding_options_) return absl::OkStatus();
  SEMEL_RETURN_IF_ERROR(CommitAloneLocked(options, [&](Decider* decider) {
    Entry entry;
    entry.kind = EntryKind::kOptions;
    entry.options = options;
    return decider->Add(&entry);
  }));
  deciding_options_ = options;
  return absl::OkStatus();
}

DecidingOptions Committer::GetDecidingOptions() {
  MutexLock lock(&commit_mutex_);
  return deciding_options_;
}

absl::Status Committer::DiscardParked(uint64_t sequence, Outcome* outcome) {
  return CommitAlone([&](Decider* decider) { return decider->DiscardParked(sequence, outcome); });
}

absl::Status Committer::RetryLetter(uint64_t sequence, Outcome* outcome) {
  return CommitAlone([&](Decider* decider) { return decider->RetryLetter(sequence, outcome); });
}

absl::Status Committer::DiscardLetter(uint64_t sequence) {
  return CommitAlone([&](Decider* decider) { return decider->DiscardLetter(sequence); });
}

absl::Status Committer::SetSource(const SourceCursor& cursor) {
  return CommitAlone([&](Decider* decider) { return decider->SetSource(cursor); });
}

absl::Status Committer::Retire(std::string_view prefix, const std::function<absl::Status()>& may) {
  return CommitAlone([&](Decider* decider) {
    SEMEL_RETURN_IF_ERROR(may());
    return decider->Retire(prefix);
  });
}

absl::Status Committer::Erase(Table table, const std::vector<std::string>& keys) {
  return CommitAlone([&](Decider* decider) {
    Entry entry;
    entry.kind = EntryKind::kErase;
    entry.erased_table = table;
    entry.erased.assign(keys.begin(), keys.end());
    return decider->Add(&entry);
  });
}

absl::Status Committer::SetFloor(Lsn floor, const std::optional<VouchedBase>& base) {
  SEMEL_RETURN_IF_ERROR(CheckNotClosed());
  MutexLock lock(&commit_mutex_);
  if (floor <= parts_.reader->floor()) return absl::OkStatus();
  SEMEL_RETURN_IF_ERROR(CommitAloneLocked(deciding_options_, [&](Decider* decider) {
    Entry entry;
    entry.kind = EntryKind::kFloor;
    entry.floor = floor;
    entry.base = base;
    return decider->Add(&entry);
  }));
  parts_.reader->SetFloor(floor);
  return absl::OkStatus();
}

absl::Status Committer::SealSegment() {
  SEMEL_RETURN_IF_ERROR(CheckNotClosed());
  MutexLock lock(&commit_mutex_);
  SEMEL_RETURN_IF_ERROR(poison_.Get());
  return parts_.writer->Seal();
}

// ---- Checkpoints.

// From three quarters of the bound on, each frame waits; the wait grows with the square of what is beyond, so that
// intake meets the speed of the checkpoint instead of stopping.
void Committer::ThrottleIntake() {
  constexpr double kFrom = 0.75;
  constexpr double kWaitAtBoundUs = 20'000;
  const double full = static_cast<double>(parts_.heads->pinned_bytes()) / static_cast<double>(options_.max_dirty_bytes);
  if (full <= kFrom) return;
  const double beyond = std::min((full - kFrom) / (1 - kFrom), 4.0);
  parts_.clock->SleepUs(static_cast<int64_t>(beyond * beyond * kWaitAtBoundUs));
}

bool Committer::IsCheckpointDue() const {
  if (parts_.heads->dirty_bytes() >= checkpoint_due_bytes_.load()) return true;
  const Lsn grown = parts_.reader->durable_lsn() - checkpoint_lsn_.load();
  return options_.checkpoint_journal_bytes != 0 && grown >= options_.checkpoint_journal_bytes;
}

void Committer::ScheduleCheckpointIfDue() {
  if (!IsCheckpointDue() || !poison_.Get().ok()) return;
  if (checkpoint_scheduled_.exchange(true)) return;
  parts_.checkpoint_background->Schedule([this] {
    absl::Status status = RunCheckpoint();
    checkpoint_scheduled_.store(false);
    if (!status.ok()) Log(absl::StrCat("checkpoint failed: ", status.ToString()));
    if (status.ok() && options_.after_checkpoint) options_.after_checkpoint();
  });
}

absl::Status Committer::Checkpoint() {
  SEMEL_RETURN_IF_ERROR(CheckNotClosed());
  return RunCheckpoint();
}

absl::Status Committer::RunCheckpoint() {
  MutexLock lock(&checkpoint_mutex_);
  SEMEL_RETURN_IF_ERROR(poison_.Get());
  CheckpointInfo info;
  {
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> now, parts_.store->Snapshot());
    MutexLock commit_lock(&commit_mutex_);
    SEMEL_RETURN_IF_ERROR(poison_.Get());  // a frame that failed since may be in the journal, and is in no head
    info.tip = parts_.writer->tip();
    if (info.tip.lsn == now->info().tip.lsn) return absl::OkStatus();  // nothing new
    info.options = deciding_options_;
    info.floor = parts_.reader->floor();
    parts_.heads->Freeze();
  }
  if (absl::Status status = parts_.store->Commit(parts_.heads->FrozenRecords(), info); !status.ok()) {
    return poison_.Set(status);
  }
  parts_.heads->Release();
  checkpoint_lsn_.store(info.tip.lsn);
  checkpoints_.fetch_add(1, std::memory_order_relaxed);

  SEMEL_ASSIGN_OR_RETURN(const StateStats stats, parts_.store->GetStats());
  checkpoint_due_bytes_.store(
      std::min(std::max<size_t>(kCheckpointBytesMin, stats.file_bytes / 4), options_.max_dirty_bytes / 2));
  return absl::OkStatus();
}

absl::Status Committer::Close() {
  {
    MutexLock lock(&queue_mutex_);
    if (closed_) return ClosedError();
    closed_ = true;
    while (leader_active_ || async_running_ || !async_.empty()) queue_changed_.Wait(&queue_mutex_);
  }
  return RunCheckpoint();
}

// ---- Asynchronous callers: one step of a background thread stands in for all of them, as one caller with a batch.

absl::Status Committer::ApplyAsync(Change* change, std::optional<bool> park, Done* done) {
  const size_t bytes = sizeof(Async) + BytesHeld(*change);
  {
    MutexLock lock(&queue_mutex_);
    if (closed_) return ClosedError();
    if (async_bytes_ > 0 && async_bytes_ + bytes > options_.max_waiting_bytes) {
      NoteRefused(*change);
      return absl::ResourceExhaustedError(absl::StrCat("changes of ", async_bytes_, " bytes wait to be decided, and ",
                                                       options_.max_waiting_bytes,
                                                       " may (max_waiting_bytes): call again when some are answered"));
    }
    async_bytes_ += bytes;
    async_.push_back({std::move(*change), park, std::move(*done), bytes});
    if (std::exchange(async_running_, true)) return absl::OkStatus();
  }
  parts_.async_background->Schedule([this] { RunAsync(); });
  return absl::OkStatus();
}

// While something is refused, something waits: the running step hears of it before it decides what comes later.
void Committer::NoteRefused(const Change& change) {
  if (!change.source.has_value() || !WhySourceMalformed(*change.source).empty()) return;
  const auto [lowest, is_first] = async_refused_.try_emplace(change.source->name, *change.source);
  if (!is_first && change.source->position < lowest->second.position) lowest->second = *change.source;
}

void Committer::HoldBack(const std::map<std::string, SourcePosition>& refused) {
  if (refused.empty()) return;
  MutexLock lock(&commit_mutex_);
  for (const auto& [name, position] : refused) decider_.NoteUndecided(position);
}

void Committer::RunAsync() {
  for (;;) {
    std::vector<Change> changes;
    std::vector<Done> done;
    std::map<std::string, SourcePosition> refused;
    std::optional<bool> park;
    size_t bytes = 0;
    {
      MutexLock lock(&queue_mutex_);
      refused.swap(async_refused_);
      if (!async_.empty()) park = async_.front().park;
      while (!async_.empty() && async_.front().park == park && changes.size() < kAsyncBatch) {
        changes.push_back(std::move(async_.front().change));
        done.push_back(std::move(async_.front().done));
        bytes += async_.front().bytes;
        async_.pop_front();
      }
      if (changes.empty() && refused.empty()) {
        async_running_ = false;
        queue_changed_.NotifyAll();
        return;
      }
    }
    HoldBack(refused);
    std::vector<Outcome> outcomes(changes.size());
    const absl::Status status = Submit(changes, park, outcomes.data());
    for (size_t i = 0; i < done.size(); ++i) {
      status.ok() ? done[i](std::move(outcomes[i])) : done[i](status);
    }
    MutexLock lock(&queue_mutex_);
    async_bytes_ -= bytes;
  }
}

CommitterStats Committer::GetStats() const {
  CommitterStats stats;
  for (int i = 0; i < kOutcomeCodeCount; ++i) stats.outcomes[i] = outcome_counts_[i].load(std::memory_order_relaxed);
  stats.frames = frames_.load(std::memory_order_relaxed);
  stats.checkpoints = checkpoints_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace semel::internal
