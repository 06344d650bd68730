// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The ledger that writes: opens and recovers its parts, and hands each call to the part that answers it.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/fork_guard.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"
#include "engine/base/vital_memory.h"
#include "engine/commit/committer.h"
#include "engine/commit/redo.h"
#include "engine/ledger/backup.h"
#include "engine/ledger/deciding_options.h"
#include "engine/ledger/directory.h"
#include "engine/ledger/durable_page.h"
#include "engine/ledger/export.h"
#include "engine/ledger/held.h"
#include "engine/ledger/pins.h"
#include "engine/ledger/reads.h"
#include "engine/ledger/replace_state.h"
#include "engine/ledger/retire.h"
#include "engine/ledger/trim.h"
#include "engine/ledger/verify.h"
#include "engine/ledger/world.h"

namespace semel::internal {
namespace {

absl::Status CheckRange(absl::string_view name, uint64_t value, uint64_t least, uint64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("option ", name, " is ", value, "; it must be between ", least, " and ", most));
}

absl::Status CheckOptions(const Options& options) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  constexpr uint64_t kMost = uint64_t{1} << 32;
  SEMEL_RETURN_IF_ERROR(CheckRange("balance_lookback", options.balance_lookback.value_or(1), 1, UINT32_MAX));
  SEMEL_RETURN_IF_ERROR(CheckRange("parking_changes", options.parking_changes.value_or(1), 1, kMost));
  SEMEL_RETURN_IF_ERROR(CheckRange("parking_bytes", options.parking_bytes.value_or(1), 1, 1024 * kMiB));
  SEMEL_RETURN_IF_ERROR(
      CheckRange("parking_changes_per_entity", options.parking_changes_per_entity.value_or(1), 1, kMost));
  SEMEL_RETURN_IF_ERROR(
      CheckRange("parking_bytes_per_entity", options.parking_bytes_per_entity.value_or(1), 1, 1024 * kMiB));
  SEMEL_RETURN_IF_ERROR(CheckRange("segment_bytes", options.segment_bytes, 4096, 1024 * kMiB));
  SEMEL_RETURN_IF_ERROR(CheckRange("max_frame_bytes", options.max_frame_bytes, 4096, 64 * kMiB));
  SEMEL_RETURN_IF_ERROR(CheckRange("max_dirty_bytes", options.max_dirty_bytes, 4096, UINT64_MAX));
  SEMEL_RETURN_IF_ERROR(CheckRange("max_waiting_bytes", options.max_waiting_bytes, 4096, UINT64_MAX));
  return CheckRange("state_map_bytes", options.state_map_bytes, kMiB, uint64_t{1} << 46);
}

absl::Status ClosedError() { return absl::FailedPreconditionError("the ledger is closed"); }

// The parts of an open ledger; each is built on those before it.
struct Parts {
  std::unique_ptr<FileLock> lock;
  Manifest manifest;
  std::unique_ptr<StateStore> store;
  std::unique_ptr<JournalReader> reader;
  std::unique_ptr<HeadTable> heads;
  std::unique_ptr<JournalWriter> writer;
  std::unique_ptr<DurablePage> durable;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Trimmer> trimmer;
  std::unique_ptr<Reads> reads;
};

class WritableLedger final : public Ledger {
 public:
  WritableLedger(const Options& options, World world) : options_(options), world_(std::move(world)) {}
  ~WritableLedger() override;

  absl::Status Open(const std::string& directory);

  absl::StatusOr<Outcome> Apply(const Change& change, const ApplyOptions& options) override {
    return Call([&]() -> absl::StatusOr<Outcome> {
      Outcome outcome;
      SEMEL_RETURN_IF_ERROR(parts_.committer->Apply({&change, 1}, options.park, &outcome));
      return outcome;
    });
  }

  absl::StatusOr<std::vector<Outcome>> ApplyBatch(absl::Span<const Change> changes,
                                                  const ApplyOptions& options) override {
    return Call([&]() -> absl::StatusOr<std::vector<Outcome>> {
      std::vector<Outcome> outcomes(changes.size());
      SEMEL_RETURN_IF_ERROR(parts_.committer->Apply(changes, options.park, outcomes.data()));
      return outcomes;
    });
  }

  void ApplyAsync(Change change, std::function<void(absl::StatusOr<Outcome>)> done,
                  const ApplyOptions& options) override {
    const absl::Status status = Call([&] { return parts_.committer->ApplyAsync(&change, options.park, &done); });
    if (!status.ok()) done(status);
  }

  absl::StatusOr<Outcome> DiscardParked(uint64_t sequence) override {
    return Call([&]() -> absl::StatusOr<Outcome> {
      Outcome outcome;
      SEMEL_RETURN_IF_ERROR(parts_.committer->DiscardParked(sequence, &outcome));
      return outcome;
    });
  }

  absl::StatusOr<Outcome> RetryDeadLetter(uint64_t sequence) override {
    return Call([&]() -> absl::StatusOr<Outcome> {
      Outcome outcome;
      SEMEL_RETURN_IF_ERROR(parts_.committer->RetryLetter(sequence, &outcome));
      return outcome;
    });
  }

  absl::Status DiscardDeadLetter(uint64_t sequence) override {
    return Call([&] { return parts_.committer->DiscardLetter(sequence); });
  }

  absl::Status SetSource(const SourceCursor& cursor) override {
    return Call([&] { return parts_.committer->SetSource(cursor); });
  }

  absl::StatusOr<RetireReport> Retire(std::string_view prefix) override {
    return Call([&] { return RetirePrefix(prefix, parts_.heads.get(), parts_.store.get(), parts_.committer.get()); });
  }

  absl::StatusOr<TrimReport> Trim(const TrimOptions& options) override {
    return Call([&] { return parts_.trimmer->Trim(options); });
  }

  absl::StatusOr<BackupReport> Backup(std::string_view destination, const BackupOptions& options) override {
    return Call([&] {
      const BackupSource source{directory_, parts_.manifest, parts_.store.get(),
                                [this] { return parts_.reader->durable_lsn(); }};
      return BackUp(world_, source, std::string(destination), options);
    });
  }
  absl::StatusOr<uint64_t> Export(ExportFormat format,
                                  const std::function<absl::Status(std::string_view)>& write) override;

  absl::Status Checkpoint() override {
    return Call([&] { return parts_.committer->Checkpoint(); });
  }

  absl::Status Close() override {
    const VitalMemory vital;
    absl::Status status;
    {
      ReaderLock lock(&lifetime_);         // readers go on until the last checkpoint stands
      SEMEL_RETURN_IF_ERROR(CheckOpen());  // a poisoned ledger is open: its files are released too
      stop_trims_ = true;
      status = parts_.committer->Close();
    }
    closing_ = true;
    TearDown();
    return status;
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
    if (options.fresh) SEMEL_RETURN_IF_ERROR(Checkpoint());
    return Read([&](const Reads& reads) { return reads.Scan(options, /*dirty=*/false, visit); });
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
    return Read([&](const Reads& reads) -> absl::StatusOr<uint64_t> {
      const LocalPins::Held pin(&pins_, from);
      return reads.ReadJournal(from, visit);
    });
  }
  absl::StatusOr<Stats> GetStats() override;
  absl::StatusOr<Options> GetOptions() override {
    return Call([&]() -> absl::StatusOr<Options> {
      Options options = ToOptions(parts_.committer->GetDecidingOptions());
      options.tamper_evident = parts_.manifest.tamper_evident;
      return options;
    });
  }
  absl::StatusOr<JournalHead> GetHead() override {
    return Read([&](const Reads& reads) { return reads.GetHead(); });
  }
  absl::StatusOr<VerifyReport> Verify(const Progress& progress, const std::optional<JournalHead>& against) override {
    return Call([&]() -> absl::StatusOr<VerifyReport> {
      const LocalPins::Held pin(&pins_, 0);
      return VerifyFiles({world_.files, directory_, parts_.manifest, parts_.reader.get(), parts_.store.get()}, progress,
                         against);
    });
  }

 private:
  absl::Status LockAndCreate(const std::string& directory);
  absl::Status Recover(const std::string& directory);
  void KeepJournalWithin();
  void TearDown();
  void Abandon();

  bool forked() const { return fork_generation_ != ForkGeneration(); }

  absl::Status CheckOpen() const ABSL_SHARED_LOCKS_REQUIRED(lifetime_) {
    if (forked()) {
      return absl::FailedPreconditionError("this ledger was opened before a fork; open it anew in the child");
    }
    if (parts_.committer == nullptr) return ClosedError();
    return absl::OkStatus();
  }

  // Whether a call may go on: open, not forked, not poisoned.
  absl::Status Usable() const ABSL_SHARED_LOCKS_REQUIRED(lifetime_) {
    SEMEL_RETURN_IF_ERROR(CheckOpen());
    return parts_.committer->Health();
  }

  template <typename Function>
  auto Call(const Function& function) -> decltype(function()) {
    const VitalMemory vital;
    if (closing_) return ClosedError();
    ReaderLock lock(&lifetime_);
    SEMEL_RETURN_IF_ERROR(Usable());
    return function();
  }

  template <typename Function>
  auto Read(const Function& function) -> decltype(function(std::declval<const Reads&>())) {
    return Call([&] {
      for (;;) {
        const Lsn floor = parts_.reader->floor();
        auto result = function(*parts_.reads);
        // A trim took away what was being read; above its floor it is all there.
        const bool trimmed = absl::IsOutOfRange(result.status()) && parts_.reader->floor() != floor;
        if (!trimmed) return result;
      }
    });
  }

  void Log(std::string_view text) const {
    if (options_.log) options_.log(text);
  }

  const Options options_;
  const uint64_t fork_generation_ = ForkGeneration();
  World world_;
  std::string directory_;
  // Shared by calls, also by those that a visitor makes inside another; exclusive for the end, before which `closing_`
  // turns away those that come.
  SharedMutex lifetime_{SharedMutex::Order::kReadersFirst};
  std::atomic<bool> closing_{false};
  std::atomic<bool> stop_trims_{false};
  LocalPins pins_;
  Parts parts_;  // all null once closed
};

absl::Status WritableLedger::Open(const std::string& directory) {
  SEMEL_RETURN_IF_ERROR(CheckOptions(options_));
  directory_ = directory;
  SEMEL_RETURN_IF_ERROR(LockAndCreate(directory));
  return Recover(directory);
}

absl::Status WritableLedger::LockAndCreate(const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(bool exists, HoldsLedger(world_.files, directory));
  if (!exists && !options_.create_if_missing) {
    return absl::NotFoundError(absl::StrCat("no ledger in ", directory, "; create it with create_if_missing"));
  }
  if (!exists) SEMEL_RETURN_IF_ERROR(MakeDirectory(world_.files, directory));
  SEMEL_ASSIGN_OR_RETURN(parts_.lock, world_.files->Lock(directory + "/LOCK"));
  SEMEL_ASSIGN_OR_RETURN(exists, HoldsLedger(world_.files, directory));  // another process may have been faster
  if (exists && options_.error_if_exists) {
    return absl::AlreadyExistsError(absl::StrCat("there is a ledger in ", directory, " already"));
  }
  if (exists) return FinishCreation(world_.files, directory);
  Manifest manifest;
  manifest.uuid = world_.new_uuid();
  manifest.created_us = world_.clock->NowUs();
  manifest.options = Merge(options_, DecidingOptions());
  manifest.tamper_evident = options_.tamper_evident.value_or(false);
  return CreateLedger(world_, directory, manifest, options_.segment_bytes);
}

absl::Status WritableLedger::Recover(const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(parts_.manifest, ReadManifest(world_.files, directory));
  if (options_.tamper_evident.value_or(parts_.manifest.tamper_evident) != parts_.manifest.tamper_evident) {
    return absl::FailedPreconditionError(
        absl::StrCat("the ledger in ", directory, " was created with", parts_.manifest.tamper_evident ? "" : "out",
                     " tamper evidence, which cannot be changed; a new ledger can import its export"));
  }
  const JournalIdentity identity = JournalIdentityOf(directory, parts_.manifest);
  const StateIdentity state = StateIdentityOf(directory, parts_.manifest);
  SEMEL_RETURN_IF_ERROR(FinishReplacingState(world_.files, directory));
  if (options_.compact_state && world_.compact_state) SEMEL_RETURN_IF_ERROR(CompactState(world_, state));
  SEMEL_ASSIGN_OR_RETURN(parts_.store, OpenState(world_, directory, parts_.manifest));
  CheckpointInfo checkpoint;
  {
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, parts_.store->Snapshot());
    checkpoint = snapshot->info();
  }
  if (checkpoint.tip.lsn == 0) checkpoint.options = parts_.manifest.options;  // nothing folded yet

  SEMEL_ASSIGN_OR_RETURN(parts_.reader, JournalReader::Open(world_.files, identity, options_.journal_cache_bytes));
  parts_.heads = std::make_unique<HeadTable>(parts_.store.get(), checkpoint, options_.cache_bytes);
  const Seeds seeds = SeedsOf(parts_.manifest.uuid, parts_.manifest.epoch);
  Redo redo(parts_.heads.get(), seeds, checkpoint);
  RecoveryReport report;
  JournalWriterOptions writer_options;
  writer_options.segment_bytes = options_.segment_bytes;
  writer_options.durable_lsn =
      ReadDurablePage(world_.files, directory, parts_.manifest.epoch, identity.seed).value_or(0);
  SEMEL_ASSIGN_OR_RETURN(
      parts_.writer,
      JournalWriter::Open(
          world_.files, identity, writer_options, parts_.reader.get(), world_.journal_background.get(), checkpoint.tip,
          [&](const FrameHeader& header, std::string_view payload) { return redo.Frame(header, payload); }, &report));
  if (!report.text.empty()) Log(report.text);
  parts_.reader->SetFloor(redo.floor());

  SEMEL_ASSIGN_OR_RETURN(DurablePage durable,
                         DurablePage::OpenForWriting(world_.files, directory, parts_.manifest.epoch, identity.seed));
  parts_.durable = std::make_unique<DurablePage>(std::move(durable));
  SEMEL_RETURN_IF_ERROR(parts_.durable->Write(parts_.writer->tip().lsn));

  CommitterOptions committer_options;
  committer_options.decider.seeds = seeds;
  committer_options.decider.epoch = parts_.manifest.epoch;
  committer_options.decider.tamper_evident = parts_.manifest.tamper_evident;
  committer_options.decider.max_dead_letters = options_.max_dead_letters;
  committer_options.decider.max_dead_letter_bytes = options_.max_dead_letter_bytes;
  committer_options.decider.log = options_.log;
  committer_options.on_unparked = options_.on_unparked;
  committer_options.max_frame_bytes = options_.max_frame_bytes;
  committer_options.max_dirty_bytes = options_.max_dirty_bytes;
  committer_options.max_waiting_bytes = options_.max_waiting_bytes;
  committer_options.log = options_.log;
  if (options_.keep_journal_bytes > 0) {
    // Not more often than a segment could go.
    committer_options.checkpoint_journal_bytes =
        std::max<uint64_t>(options_.keep_journal_bytes / 4, options_.segment_bytes);
    committer_options.after_checkpoint = [this] { world_.trim_background->Schedule([this] { KeepJournalWithin(); }); };
  }
  committer_options.publish_durable = [page = parts_.durable.get()](Lsn lsn) { return page->Write(lsn); };
  const CommitterParts committer_parts{parts_.heads.get(),           parts_.store.get(),
                                       parts_.reader.get(),          parts_.writer.get(),
                                       world_.clock.get(),           world_.checkpoint_background.get(),
                                       world_.async_background.get()};
  parts_.reads = std::make_unique<Reads>(parts_.manifest, parts_.heads.get(), parts_.store.get(), parts_.reader.get(),
                                         world_.clock.get(), world_.files, directory);
  parts_.committer = std::make_unique<Committer>(committer_parts, committer_options, redo.options());
  const TrimmerParts trimmer_parts{world_.files, parts_.reader.get(), parts_.store.get(), parts_.committer.get(),
                                   &pins_};
  parts_.trimmer = std::make_unique<Trimmer>(trimmer_parts, state, parts_.manifest.tamper_evident, &stop_trims_);
  SEMEL_RETURN_IF_ERROR(parts_.committer->Recover());
  SEMEL_RETURN_IF_ERROR(parts_.trimmer->Finish());
  return parts_.committer->SetDecidingOptions(Merge(options_, redo.options()));
}

WritableLedger::~WritableLedger() {
  const VitalMemory vital;
  if (forked()) {
    Abandon();
    return;
  }
  stop_trims_ = true;
  // Not under lifetime_: those who are answered may call the ledger.
  if (parts_.committer != nullptr) parts_.committer->Stop();
  TearDown();
}

// In a fork's child: its threads are gone, its locks and files are the parent's. The memory is kept, nothing is
// touched.
void WritableLedger::Abandon() {
  static auto* const kept = new std::vector<std::pair<World, Parts>>;
  kept->emplace_back(std::move(world_), std::move(parts_));
}

// Background work first, as it uses the parts; then the parts, the last built first.
void WritableLedger::TearDown() {
  WriterLock lock(&lifetime_);
  world_.checkpoint_background.reset();
  world_.trim_background.reset();
  parts_.trimmer.reset();
  parts_.committer.reset();
  world_.async_background.reset();
  parts_.reads.reset();
  parts_.durable.reset();
  parts_.writer.reset();              // stops the making of a spare segment, ...
  world_.journal_background.reset();  // ... which then ends soon
  parts_.heads.reset();
  parts_.reader.reset();
  parts_.store.reset();
  parts_.lock.reset();
}

void WritableLedger::KeepJournalWithin() {
  const absl::Status kept = parts_.trimmer->KeepWithin(options_.keep_journal_bytes);
  if (!kept.ok() && !stop_trims_) Log(absl::StrCat("trim failed: ", kept.ToString()));
}

absl::StatusOr<uint64_t> WritableLedger::Export(ExportFormat format,
                                                const std::function<absl::Status(std::string_view)>& write) {
  SEMEL_RETURN_IF_ERROR(Checkpoint());
  return Call([&]() -> absl::StatusOr<uint64_t> {
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, parts_.store->Snapshot());
    const CheckpointInfo& info = snapshot->info();
    ExportSource source;
    source.manifest = parts_.manifest;
    source.tip = info.tip;
    source.options = info.tip.lsn == 0 ? parts_.manifest.options : info.options;  // 0: nothing folded yet
    source.scan = [&](Table table, const auto& visit) { return snapshot->Scan(table, "", visit); };
    return ExportLedger(source, format, write);
  });
}

absl::StatusOr<Stats> WritableLedger::GetStats() {
  return Read([&](const Reads& reads) -> absl::StatusOr<Stats> {
    SEMEL_ASSIGN_OR_RETURN(Stats stats, reads.GetStats());
    const CommitterStats committer = parts_.committer->GetStats();
    stats.frames = committer.frames;
    stats.checkpoints = committer.checkpoints;
    for (int i = 0; i < kOutcomeCodeCount; ++i) stats.outcomes[i] = committer.outcomes[i];
    return stats;
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ledger>> OpenForWriting(const std::string& directory, const Options& options,
                                                       World world) {
  auto ledger = std::make_unique<WritableLedger>(options, std::move(world));
  SEMEL_RETURN_IF_ERROR(ledger->Open(directory));
  return ledger;
}

}  // namespace semel::internal
