// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The ledger of a second process: the newest checkpoint of the state, and over it the frames that the writer has
// published as durable since. Each call first catches up. One call at a time.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/fork_guard.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"
#include "engine/base/vital_memory.h"
#include "engine/commit/redo.h"
#include "engine/ledger/backup.h"
#include "engine/ledger/deciding_options.h"
#include "engine/ledger/directory.h"
#include "engine/ledger/durable_page.h"
#include "engine/ledger/export.h"
#include "engine/ledger/held.h"
#include "engine/ledger/pins.h"
#include "engine/ledger/reads.h"
#include "engine/ledger/verify.h"
#include "engine/ledger/world.h"

namespace semel::internal {
namespace {

absl::Status ReadOnlyError() { return absl::FailedPreconditionError("the ledger is open for reading only"); }

// Lends out one snapshot again and again, so that what lies over it always lies over the same checkpoint.
class OneSnapshot final : public StateStore {
 public:
  explicit OneSnapshot(std::unique_ptr<StateSnapshot> snapshot) : snapshot_(std::move(snapshot)) {}

  absl::StatusOr<std::unique_ptr<StateSnapshot>> Snapshot() override { return std::make_unique<Lent>(snapshot_.get()); }
  absl::Status Commit(const RecordFeed&, const CheckpointInfo&) override { return ReadOnlyError(); }
  absl::StatusOr<StateStats> GetStats() override { return ReadOnlyError(); }
  absl::StatusOr<CheckpointInfo> Verify() override { return ReadOnlyError(); }

  const CheckpointInfo& info() const { return snapshot_->info(); }
  void Replace(std::unique_ptr<StateSnapshot> snapshot) { snapshot_ = std::move(snapshot); }

 private:
  class Lent final : public StateSnapshot {
   public:
    explicit Lent(StateSnapshot* snapshot) : snapshot_(snapshot) {}
    const CheckpointInfo& info() const override { return snapshot_->info(); }
    absl::StatusOr<bool> Get(Table table, std::string_view key, Head* head) override {
      return snapshot_->Get(table, key, head);
    }
    absl::Status Scan(Table table, std::string_view start,
                      const std::function<bool(std::string_view, const Head&)>& visit) override {
      return snapshot_->Scan(table, start, visit);
    }

   private:
    StateSnapshot* const snapshot_;
  };

  std::unique_ptr<StateSnapshot> snapshot_;
};

class ReadOnlyLedger final : public Ledger {
 public:
  ReadOnlyLedger(const ReadOnlyOptions& options, World world) : options_(options), world_(std::move(world)) {}

  absl::Status Open(const std::string& directory);

  absl::StatusOr<Outcome> Apply(const Change&, const ApplyOptions&) override { return ReadOnlyError(); }
  absl::StatusOr<std::vector<Outcome>> ApplyBatch(absl::Span<const Change>, const ApplyOptions&) override {
    return ReadOnlyError();
  }
  void ApplyAsync(Change, std::function<void(absl::StatusOr<Outcome>)> done, const ApplyOptions&) override {
    done(ReadOnlyError());
  }
  absl::StatusOr<Outcome> DiscardParked(uint64_t) override { return ReadOnlyError(); }
  absl::StatusOr<Outcome> RetryDeadLetter(uint64_t) override { return ReadOnlyError(); }
  absl::Status DiscardDeadLetter(uint64_t) override { return ReadOnlyError(); }
  absl::Status SetSource(const SourceCursor&) override { return ReadOnlyError(); }
  absl::StatusOr<RetireReport> Retire(std::string_view) override { return ReadOnlyError(); }
  absl::StatusOr<TrimReport> Trim(const TrimOptions&) override { return ReadOnlyError(); }
  absl::Status Checkpoint() override { return ReadOnlyError(); }
  absl::StatusOr<BackupReport> Backup(std::string_view destination, const BackupOptions& options) override;
  absl::StatusOr<uint64_t> Export(ExportFormat format,
                                  const std::function<absl::Status(std::string_view)>& write) override;
  absl::Status Close() override {
    if (InCall()) return absl::FailedPreconditionError("a visitor must not close the ledger that it visits");
    MutexLock lock(&mutex_);
    if (store_ == nullptr) return absl::FailedPreconditionError("the ledger is closed");
    Forget();
    journal_.reset();
    store_.reset();
    return absl::OkStatus();
  }

  absl::StatusOr<Entity> Get(std::string_view key, const AsOf& as_of) override {
    return Read([&](const Reads& reads) { return reads.Get(key, as_of); });
  }
  absl::StatusOr<ManyEntities> GetMany(absl::Span<const std::string> keys) override {
    return Read([&](const Reads& reads) { return reads.GetMany(keys); });
  }
  absl::StatusOr<uint64_t> LsnAtTime(int64_t time_us) override {
    return Read([&](const Reads& reads) { return reads.LsnAtTime(time_us); });
  }
  absl::StatusOr<std::vector<HistoryLine>> History(std::string_view key, const HistoryOptions& options) override {
    return Read([&](const Reads& reads) { return reads.History(key, options); });
  }
  absl::StatusOr<uint64_t> Scan(const ScanOptions& options, const std::function<bool(const Entity&)>& visit) override {
    return Read([&](const Reads& reads) { return reads.Scan(options, /*dirty=*/true, visit); });
  }
  absl::StatusOr<std::optional<SourceCursor>> GetSource(std::string_view name) override {
    return Read([&](const Reads& reads) { return reads.GetSource(name); });
  }
  absl::StatusOr<std::vector<SourceCursor>> ListSources() override {
    return Read([&](const Reads& reads) { return reads.ListSources(); });
  }
  absl::StatusOr<std::vector<ParkedChange>> ListParked(const HeldOptions& options) override {
    return Read([&](const Reads& reads) { return internal::ListParked(reads.heads(), options); });
  }
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(const HeldOptions& options) override {
    return Read([&](const Reads& reads) { return internal::ListDeadLetters(reads.heads(), options); });
  }
  absl::StatusOr<std::vector<std::string>> ListRetired() override {
    return Read([&](const Reads& reads) { return internal::ListRetired(reads.heads()); });
  }
  absl::StatusOr<Answerable> AnswerableSince(std::string_view key) override {
    return Read([&](const Reads& reads) { return reads.AnswerableSince(key); });
  }
  absl::StatusOr<uint64_t> ReadJournal(uint64_t from, const std::function<bool(const JournalEntry&)>& visit) override {
    SEMEL_ASSIGN_OR_RETURN(const Pin pin, Pin::Take(world_.files, directory_, from));  // before the floor is looked at
    return Read([&](const Reads& reads) { return reads.ReadJournal(from, visit); });
  }
  absl::StatusOr<Stats> GetStats() override {
    return Read([&](const Reads& reads) { return reads.GetStats(); });
  }
  absl::StatusOr<Options> GetOptions() override {
    return Read([&](const Reads&) -> absl::StatusOr<Options> {
      mutex_.AssertHeld();
      Options options = ToOptions(redo_->options());
      options.tamper_evident = manifest_.tamper_evident;
      return options;
    });
  }
  absl::StatusOr<JournalHead> GetHead() override {
    return Read([&](const Reads& reads) { return reads.GetHead(); });
  }
  absl::StatusOr<VerifyReport> Verify(const Progress& progress, const std::optional<JournalHead>& against) override {
    SEMEL_ASSIGN_OR_RETURN(const Pin pin, Pin::Take(world_.files, directory_, 0));  // likewise
    return Read([&](const Reads&) -> absl::StatusOr<VerifyReport> {
      mutex_.AssertHeld();
      SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, base_->Snapshot());
      const VerifiedFiles files{world_.files, directory_, manifest_, journal_.get(), store_.get(), snapshot.get()};
      return VerifyFiles(files, progress, against);
    });
  }

 private:
  // Brings heads_ to what the writer has published, and holds a snapshot of the state under them.
  absl::Status CatchUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TryCatchUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReopenStateIfReplaced() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Rebase(std::unique_ptr<StateSnapshot> snapshot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  template <typename Function>
  auto Read(const Function& function) -> decltype(function(std::declval<const Reads&>())) {
    const VitalMemory vital;
    if (InCall()) {  // from a visitor: at the moment that it is shown
      mutex_.AssertHeld();
      return function(*reads_);
    }
    MutexLock lock(&mutex_);
    if (absl::Status status = CatchUp(); !status.ok()) {
      Forget();
      return status;
    }
    for (;;) {
      const Lsn floor = journal_->floor();
      caller_ = std::this_thread::get_id();
      auto result = function(*reads_);
      caller_ = std::thread::id();
      // A trim may have taken away what was being read; above its floor it is all there.
      const bool again = absl::IsOutOfRange(result.status()) && CatchUp().ok() && journal_->floor() != floor;
      if (again) continue;
      if (base_ != nullptr)
        base_->Replace(nullptr);  // an idle reader must not keep pages of the state from being used again
      return result;
    }
  }

  const ReadOnlyOptions options_;
  const uint64_t fork_generation_ = ForkGeneration();
  World world_;
  std::string directory_;
  Manifest manifest_;
  uint64_t seed_ = 0;

  // Whether this thread is inside a call already.
  bool InCall() const { return caller_.load() == std::this_thread::get_id(); }

  std::atomic<std::thread::id> caller_{std::thread::id()};  // who holds mutex_ and runs a visitor

  Mutex mutex_;
  std::shared_ptr<StateStore> store_ ABSL_GUARDED_BY(mutex_);  // shared with backups
  std::unique_ptr<JournalReader> journal_ ABSL_GUARDED_BY(mutex_);
  Lsn base_lsn_ ABSL_GUARDED_BY(mutex_) = 0;  // of the checkpoint under heads_
  std::unique_ptr<OneSnapshot> base_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<HeadTable> heads_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Redo> redo_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Reads> reads_ ABSL_GUARDED_BY(mutex_);
};

absl::Status ReadOnlyLedger::Open(const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, HoldsLedger(world_.files, directory));
  if (!exists) return absl::NotFoundError(absl::StrCat("no ledger in ", directory));
  directory_ = directory;
  SEMEL_ASSIGN_OR_RETURN(manifest_, ReadManifest(world_.files, directory));
  const JournalIdentity identity = JournalIdentityOf(directory, manifest_);
  seed_ = identity.seed;
  MutexLock lock(&mutex_);
  SEMEL_ASSIGN_OR_RETURN(store_, OpenState(world_, directory, manifest_));
  SEMEL_ASSIGN_OR_RETURN(journal_, JournalReader::Open(world_.files, identity, options_.journal_cache_bytes));
  SEMEL_RETURN_IF_ERROR(CatchUp());
  base_->Replace(nullptr);
  if (journal_->oldest_lsn() <= journal_->floor()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("journal: the segments from LSN ", journal_->floor(), " to ",
                                          journal_->oldest_lsn(), " are missing; restore them from a backup"));
}

absl::Status ReadOnlyLedger::CatchUp() {
  if (fork_generation_ != ForkGeneration()) {
    return absl::FailedPreconditionError("this ledger was opened before a fork; open it anew in the child");
  }
  if (store_ == nullptr) return absl::FailedPreconditionError("the ledger is closed");
  // What lies between the state and the present may be trimmed when a newer state stands.
  constexpr int kAttempts = 5;
  absl::Status status = TryCatchUp();
  for (int attempt = 1; absl::IsOutOfRange(status) && attempt < kAttempts; ++attempt) status = TryCatchUp();
  if (!absl::IsOutOfRange(status)) return status;
  return absl::DataLossError(
      absl::StrCat("the state is older than the history that is left: ", status.message(), "; run semel rebuild"));
}

absl::Status ReadOnlyLedger::TryCatchUp() {
  SEMEL_RETURN_IF_ERROR(ReopenStateIfReplaced());
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<StateSnapshot> snapshot, store_->Snapshot());
  if (heads_ == nullptr || snapshot->info().tip.lsn != base_lsn_) {
    SEMEL_RETURN_IF_ERROR(Rebase(std::move(snapshot)));
  } else {
    base_->Replace(std::move(snapshot));
  }

  // Read after the snapshot was taken, so it is at or beyond the checkpoint, unless it is old or lost.
  const Lsn durable = ReadDurablePage(world_.files, directory_, manifest_.epoch, seed_).value_or(base_lsn_);
  const JournalTip tip = heads_->tip();
  if (durable <= tip.lsn) return absl::OkStatus();
  SEMEL_RETURN_IF_ERROR(journal_->RefreshSegments());
  journal_->SetDurableLsn(durable);
  return journal_->VisitFrames(tip, durable,
                               [this](const FrameHeader& header, std::string_view entries) -> absl::StatusOr<bool> {
                                 mutex_.AssertHeld();
                                 SEMEL_RETURN_IF_ERROR(redo_->Frame(header, entries));
                                 journal_->SetFloor(redo_->floor());
                                 return true;
                               });
}

// A compaction or a rebuild has put another file in the place of the one that is open.
absl::Status ReadOnlyLedger::ReopenStateIfReplaced() {
  SEMEL_ASSIGN_OR_RETURN(const bool replaced, store_->Replaced());
  if (!replaced) return absl::OkStatus();
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<StateStore> store, OpenState(world_, directory_, manifest_));
  Forget();
  store_ = std::move(store);
  return absl::OkStatus();
}

// The writer has made a checkpoint: start again from it.
absl::Status ReadOnlyLedger::Rebase(std::unique_ptr<StateSnapshot> snapshot) {
  CheckpointInfo info = snapshot->info();
  if (info.tip.lsn == 0) info.options = manifest_.options;  // nothing folded yet
  Forget();
  base_lsn_ = info.tip.lsn;
  base_ = std::make_unique<OneSnapshot>(std::move(snapshot));
  heads_ = std::make_unique<HeadTable>(base_.get(), info, /*cache_bytes=*/0);
  redo_ = std::make_unique<Redo>(heads_.get(), SeedsOf(manifest_.uuid, manifest_.epoch), info);
  journal_->SetFloor(info.floor);
  reads_ = std::make_unique<Reads>(manifest_, heads_.get(), store_.get(), journal_.get(), world_.clock.get(),
                                   world_.files, directory_);
  if (journal_->durable_lsn() < info.tip.lsn) {
    SEMEL_RETURN_IF_ERROR(journal_->RefreshSegments());
    journal_->SetDurableLsn(info.tip.lsn);
  }
  return absl::OkStatus();
}

// Not one of the calls that wait for each other: it may take long. It ends on the state that it began with.
absl::StatusOr<BackupReport> ReadOnlyLedger::Backup(std::string_view destination, const BackupOptions& options) {
  SEMEL_ASSIGN_OR_RETURN(const std::shared_ptr<StateStore> store,
                         Read([this](const Reads&) -> absl::StatusOr<std::shared_ptr<StateStore>> {
                           mutex_.AssertHeld();
                           return store_;
                         }));
  const auto durable_lsn = [this] {
    return ReadDurablePage(world_.files, directory_, manifest_.epoch, seed_).value_or(0);
  };
  return BackUp(world_, {directory_, manifest_, store.get(), durable_lsn}, std::string(destination), options);
}

absl::StatusOr<uint64_t> ReadOnlyLedger::Export(ExportFormat format,
                                                const std::function<absl::Status(std::string_view)>& write) {
  absl::StatusOr<uint64_t> records = uint64_t{0};
  const auto run = [&](const Reads& reads) -> absl::StatusOr<bool> {
    mutex_.AssertHeld();
    ExportSource source;
    source.manifest = manifest_;
    source.tip = heads_->tip();
    source.options = redo_->options();
    source.scan = [&](Table table, const auto& visit) -> absl::Status {
      SEMEL_ASSIGN_OR_RETURN(const HeadTable::Overlay overlay, reads.heads().ReadOverlay(table, ""));
      return overlay.Visit(visit);
    };
    records = ExportLedger(source, format, write);
    return true;  // whatever `write` says, nothing is written twice
  };
  SEMEL_RETURN_IF_ERROR(Read(run).status());
  return records;
}

void ReadOnlyLedger::Forget() {
  reads_.reset();
  redo_.reset();
  heads_.reset();
  base_.reset();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ledger>> OpenForReading(const std::string& directory, const ReadOnlyOptions& options,
                                                       World world) {
  auto ledger = std::make_unique<ReadOnlyLedger>(options, std::move(world));
  SEMEL_RETURN_IF_ERROR(ledger->Open(directory));
  return ledger;
}

}  // namespace semel::internal
