// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/repair.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/journal/reseed.h"
#include "engine/journal/salvage.h"
#include "engine/journal/writer.h"
#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/directory.h"
#include "engine/ledger/durable_page.h"
#include "engine/ledger/journal_entry.h"
#include "engine/ledger/manifest.h"
#include "engine/ledger/rebuild.h"
#include "engine/ledger/reseeded_snapshot.h"
#include "engine/ledger/verify.h"

namespace semel::internal {
namespace {

// Of a new journal's first segment, if there is no frame to put into it.
constexpr size_t kEmptySegmentBytes = size_t{1} << 20;

// Frames that continue each other.
struct Run {
  JournalTip begin;
  JournalTip end;
};

// Where the replay of a ledger can begin.
struct Start {
  enum class Kind { kBeginning, kBase, kState };
  Kind kind = Kind::kBeginning;
  JournalTip tip;
  Lsn floor = 0;
  DecidingOptions options;
  std::optional<size_t> run = std::nullopt;  // that goes on from it

  std::string Name() const {
    if (kind == Kind::kBeginning) return "the journal from its beginning";
    return absl::StrCat(kind == Kind::kBase ? "the base snapshot" : "the state", " at LSN ", tip.lsn);
  }
};

bool SamePlace(const JournalTip& a, const JournalTip& b) {
  return a.lsn == b.lsn && a.next_sequence == b.next_sequence && a.frame_checksum == b.frame_checksum &&
         a.history == b.history;
}

class Repairer {
 public:
  Repairer(const World& world, const std::string& directory, const std::string& destination,
           const std::function<void(const JournalEntry&)>& lost)
      : world_(world), files_(world.files), directory_(directory), destination_(destination), lost_(lost) {}

  absl::StatusOr<RepairReport> Run() {
    SEMEL_RETURN_IF_ERROR(Claim());
    SEMEL_RETURN_IF_ERROR(FindManifest());
    FindBases();
    FindState();
    SEMEL_RETURN_IF_ERROR(FindRuns());
    SEMEL_RETURN_IF_ERROR(CheckBeginning());
    SEMEL_RETURN_IF_ERROR(Choose());
    SEMEL_RETURN_IF_ERROR(CountLost());
    if (!destination_.empty()) SEMEL_RETURN_IF_ERROR(Make());
    return std::move(report_);
  }

 private:
  absl::Status Claim();
  absl::Status FindManifest();
  absl::Status IdentifyBySegments();
  void FindBases();
  void FindState();
  absl::Status FindRuns();
  absl::Status CheckBeginning();
  void Join(const SalvagedFrame& frame);
  absl::Status Choose();
  absl::Status CountLost();
  absl::Status Make();
  absl::Status CopyJournal(const Manifest& manifest, JournalTip* start);
  absl::Status Verify(const Manifest& manifest) const;

  void Damage(absl::string_view what) {
    report_.damages.emplace_back(what);
    report_.needed = true;
  }
  JournalIdentity Journal() const { return JournalIdentityOf(directory_, manifest_); }
  // Only read.
  StateIdentity State() const {
    StateIdentity identity = StateIdentityOf(directory_, manifest_);
    identity.is_copy = true;
    return identity;
  }
  const JournalTip& EndOf(const Start& start) const { return start.run ? runs_[*start.run].end : start.tip; }
  Lsn FloorOf(const Start& start) const {
    if (!start.run || runs_[*start.run].begin.lsn >= start.tip.lsn) return start.tip.lsn;
    return std::max(start.floor, runs_[*start.run].begin.lsn);
  }
  absl::StatusOr<std::unique_ptr<StateSnapshot>> OpenStart() const;

  const World& world_;
  FileSystem* const files_;
  const std::string directory_;
  const std::string destination_;
  const std::function<void(const JournalEntry&)>& lost_;

  std::unique_ptr<FileLock> lock_;
  Manifest manifest_;
  bool manifest_found_ = true;
  std::unique_ptr<StateStore> state_;  // null: damaged
  std::vector<internal::Run> runs_;
  std::vector<Start> starts_;  // those that keep more history first
  Start start_;                // the chosen one
  uint64_t last_sequence_ = 0;
  Lsn last_lsn_ = 0;
  RepairReport report_;
};

absl::Status Repairer::Claim() {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, files_->Exists(directory_ + "/journal"));
  if (!exists) return absl::NotFoundError(absl::StrCat("no ledger in ", directory_, ": it has no journal"));
  absl::StatusOr<std::unique_ptr<FileLock>> lock = files_->Lock(directory_ + "/LOCK");
  if (absl::IsUnavailable(lock.status())) return lock.status();
  if (lock.ok()) lock_ = *std::move(lock);  // on a disk that cannot be written nobody else can write either
  return absl::OkStatus();
}

// ---- What is there

absl::Status Repairer::FindManifest() {
  absl::StatusOr<Manifest> manifest = ReadManifest(files_, directory_);
  if (manifest.ok()) {
    manifest_ = *std::move(manifest);
    return absl::OkStatus();
  }
  if (!absl::IsDataLoss(manifest.status()) && !absl::IsNotFound(manifest.status())) return manifest.status();
  Damage(manifest.status().message());
  manifest_found_ = false;
  return IdentifyBySegments();
}

// The first segment whose header is right says whose it is; its first frame, whether there are history hashes.
absl::Status Repairer::IdentifyBySegments() {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Lsn> names, ListSegmentNames(files_, directory_ + "/journal"));
  for (const Lsn lsn : names) {
    const absl::StatusOr<SegmentOwner> owner = ReadSegmentOwner(files_, SegmentPath(Journal(), lsn));
    if (!owner.ok()) continue;
    manifest_.uuid = owner->uuid;
    manifest_.epoch = owner->epoch;
    for (const bool tamper_evident : {true, false}) {
      manifest_.tamper_evident = tamper_evident;
      uint64_t frames = 0;
      std::vector<JournalGap> gaps;
      const auto count = [&](const SalvagedFrame&) {
        ++frames;
        return absl::OkStatus();
      };
      SEMEL_RETURN_IF_ERROR(VisitWholeFrames(files_, Journal(), count, &gaps));
      if (frames > 0) break;
    }
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat("neither MANIFEST nor any segment of ", directory_, " says whose they are; restore from a backup"));
}

void Repairer::FindBases() {
  const absl::StatusOr<std::vector<Lsn>> bases = ListBases(files_, directory_);
  if (!bases.ok()) return Damage(bases.status().message());
  for (const Lsn lsn : *bases) {
    const absl::StatusOr<std::unique_ptr<BaseReader>> base =
        BaseReader::Open(files_, StateIdentityOf(directory_, manifest_), lsn);
    absl::Status read = base.status();
    if (read.ok()) read = ReadThrough(base->get(), /*stop=*/nullptr);
    if (!read.ok()) {
      Damage(read.message());
      continue;
    }
    const CheckpointInfo& info = (*base)->info();
    starts_.push_back({Start::Kind::kBase, info.tip, info.floor, info.options});
  }
}

// It may be whole and yet not be opened by a writer, which also needs what an older checkpoint left.
void Repairer::FindState() {
  const absl::Status for_writing = world_.open_state(StateIdentityOf(directory_, manifest_)).status();
  const auto verify = [this]() -> absl::StatusOr<CheckpointInfo> {
    SEMEL_ASSIGN_OR_RETURN(state_, world_.open_state(State()));
    return state_->Verify();
  };
  const absl::StatusOr<CheckpointInfo> info = verify();
  if (!info.ok()) {
    state_.reset();
    return Damage(absl::StrCat("the state: ", info.status().message()));
  }
  if (absl::IsDataLoss(for_writing)) Damage(absl::StrCat("the state: ", for_writing.message()));
  last_sequence_ = info->tip.next_sequence - 1;
  report_.old_floor_lsn = info->floor;
  if (info->tip.lsn > 0) starts_.push_back({Start::Kind::kState, info->tip, info->floor, info->options});
}

absl::Status Repairer::FindRuns() {
  std::vector<JournalGap> gaps;
  SEMEL_RETURN_IF_ERROR(VisitWholeFrames(
      files_, Journal(),
      [&](const SalvagedFrame& frame) {
        Join(frame);
        return absl::OkStatus();
      },
      &gaps));
  const Lsn durable = ReadDurablePage(files_, directory_, manifest_.epoch, Journal().seed).value_or(0);
  for (const JournalGap& gap : gaps) {
    report_.damages.push_back(absl::StrCat("journal: LSN ", gap.begin, " to ", gap.end, ": ", gap.what));
    const bool torn_tail = gap.begin >= last_lsn_ && gap.begin >= durable && gap.end > gap.begin;
    report_.needed = report_.needed || !torn_tail;
  }
  if (durable > last_lsn_)
    Damage(absl::StrCat("journal: it ends at LSN ", last_lsn_, ", and was durable up to ", durable));
  return absl::OkStatus();
}

absl::Status Repairer::CheckBeginning() {
  for (const Start& start : starts_) report_.old_floor_lsn = std::max(report_.old_floor_lsn, start.floor);
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Lsn> names, ListSegmentNames(files_, Journal().directory));
  if (names.empty() || names.front() > report_.old_floor_lsn) {
    Damage(absl::StrCat(
        "journal: it should begin at LSN ", report_.old_floor_lsn, "; ",
        names.empty() ? "it has no segments" : absl::StrCat("its oldest segment begins at ", names.front())));
  }
  const bool based = std::any_of(starts_.begin(), starts_.end(), [this](const Start& start) {
    return start.kind == Start::Kind::kBase && start.tip.lsn >= report_.old_floor_lsn;
  });
  if (report_.old_floor_lsn > 0 && !based) {
    Damage(absl::StrCat("there is no base snapshot of what was trimmed before LSN ", report_.old_floor_lsn));
  }
  return absl::OkStatus();
}

void Repairer::Join(const SalvagedFrame& frame) {
  const FrameHeader& header = frame.header;
  if (runs_.empty() || !Continues(header, runs_.back().end)) {
    runs_.push_back({TipBefore(header), {}});
    const JournalTip nothing;
    if (SamePlace(runs_.back().begin, nothing))
      starts_.insert(starts_.begin(), {Start::Kind::kBeginning, nothing, 0, {}});
    for (Start& start : starts_) {
      if (Continues(header, start.tip)) start.run = runs_.size() - 1;
    }
  }
  runs_.back().end = TipAfter(header);
  for (Start& start : starts_) {
    if (SamePlace(runs_.back().end, start.tip)) start.run = runs_.size() - 1;
  }
  last_lsn_ = header.end_lsn();
  last_sequence_ = std::max(last_sequence_, runs_.back().end.next_sequence - 1);
}

// ---- What is kept

absl::Status Repairer::Choose() {
  if (starts_.empty() && runs_.empty() && state_ != nullptr) starts_.emplace_back();  // it was empty
  if (starts_.empty()) {
    return absl::DataLossError(absl::StrCat("nothing whole was found in ", directory_,
                                            " from which a ledger could begin; restore from a backup"));
  }
  start_ = starts_.front();
  for (const Start& start : starts_) {
    if (EndOf(start).lsn > EndOf(start_).lsn) start_ = start;
  }
  if (!manifest_found_) {
    manifest_.options = starts_.back().options;
    const bool known = starts_.back().kind != Start::Kind::kBeginning;
    Damage(known ? "what the ledger decides by was taken from the state or base snapshot"
                 : "what the ledger was created to decide by is not known: new ledgers' defaults were taken");
  }
  report_.begins_with = start_.Name();
  report_.lsn = EndOf(start_).lsn;
  report_.sequence = EndOf(start_).next_sequence - 1;
  report_.floor_lsn = FloorOf(start_);
  return absl::OkStatus();
}

absl::Status Repairer::CountLost() {
  report_.lost_entries = last_sequence_ - std::min(last_sequence_, report_.sequence);
  std::vector<JournalGap> gaps;
  const uint64_t seed = Journal().seed;
  return VisitWholeFrames(
      files_, Journal(),
      [&](const SalvagedFrame& frame) {
        if (frame.header.lsn < report_.lsn) return absl::OkStatus();
        return VisitEntries(frame.header, frame.entries, seed, [&](const Entry& entry) -> absl::StatusOr<bool> {
          ++report_.readable_entries;
          if (lost_) lost_(ToJournalEntry(entry));
          return true;
        });
      },
      &gaps);
}

// ---- The new ledger

absl::Status Repairer::Make() {
  if (!report_.needed) {
    return absl::FailedPreconditionError(absl::StrCat(directory_, " has no damage that needs a repair: open it"));
  }
  SEMEL_ASSIGN_OR_RETURN(const Manifest manifest, NextEpochOf(manifest_, 0, report_.lsn));
  SEMEL_RETURN_IF_ERROR(MakeLedger(files_, destination_, manifest, [&]() -> absl::Status {
    JournalTip tip = start_.tip;
    SEMEL_RETURN_IF_ERROR(CopyJournal(manifest, &tip));
    const StateIdentity to = StateIdentityOf(destination_, manifest);
    if (start_.kind != Start::Kind::kBeginning) {
      SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> base,
                             ReseedSnapshot([this] { return OpenStart(); }, tip, report_.floor_lsn, to.seed));
      SEMEL_RETURN_IF_ERROR(WriteBase(files_, to, base.get(), /*stop=*/nullptr).status());
    }
    SEMEL_RETURN_IF_ERROR(BuildState(world_, to, manifest, /*progress=*/{}).status());
    return Verify(manifest);
  }));
  report_.epoch = manifest.epoch;
  return absl::OkStatus();
}

// The frames from the floor to the end. `start`: the place where the start begins, which gets the frame's new checksum.
absl::Status Repairer::CopyJournal(const Manifest& manifest, JournalTip* start) {
  const JournalIdentity to = JournalIdentityOf(destination_, manifest);
  SEMEL_RETURN_IF_ERROR(files_->CreateDirectory(to.directory));
  std::optional<ReseedingWriter> writer;
  std::optional<Lsn> copied;  // the segment that frames are copied from
  SegmentInfo segment;
  std::vector<JournalGap> gaps;
  SEMEL_RETURN_IF_ERROR(VisitWholeFrames(
      files_, Journal(),
      [&](const SalvagedFrame& frame) -> absl::Status {
        const FrameHeader& was = frame.header;
        if (was.lsn < report_.floor_lsn || was.lsn >= report_.lsn) return absl::OkStatus();
        if (!writer.has_value()) writer.emplace(files_, to, Journal().seed, TipBefore(was));
        if (copied != frame.segment_lsn) {
          const Lsn before = copied.has_value() ? segment.first_lsn : 0;
          segment = {was.lsn, before, static_cast<uint32_t>(frame.segment_bytes)};
          SEMEL_RETURN_IF_ERROR(writer->BeginSegment(segment));
          copied = frame.segment_lsn;
        }
        SEMEL_ASSIGN_OR_RETURN(const FrameHeader is, writer->Append(was, frame.entries));
        if (was.end_lsn() == start->lsn) start->frame_checksum = is.header_checksum;
        return absl::OkStatus();
      },
      &gaps));
  if (writer.has_value()) return writer->Finish();
  JournalWriterOptions options;
  options.segment_bytes = kEmptySegmentBytes;
  return CreateJournal(files_, to, options, report_.floor_lsn);
}

absl::StatusOr<std::unique_ptr<StateSnapshot>> Repairer::OpenStart() const {
  if (start_.kind == Start::Kind::kState) return state_->Snapshot();
  return OpenBaseSnapshot(files_, StateIdentityOf(directory_, manifest_), start_.tip.lsn);
}

absl::Status Repairer::Verify(const Manifest& manifest) const {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<JournalReader> journal,
                         JournalReader::Open(files_, JournalIdentityOf(destination_, manifest), /*cache_bytes=*/0));
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateStore> store,
                         world_.open_state(StateIdentityOf(destination_, manifest)));
  {
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, store->Snapshot());
    journal->SetFloor(snapshot->info().floor);
  }
  journal->SetDurableLsn(report_.lsn);
  const VerifiedFiles made{files_, destination_, manifest, journal.get(), store.get()};
  SEMEL_ASSIGN_OR_RETURN(const VerifyReport report, VerifyFiles(made, /*progress=*/{}));
  if (report.ok()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("what is whole in ", directory_, " does not make a ledger: ", report.fault,
                                          "; restore from a backup"));
}

}  // namespace

absl::StatusOr<RepairReport> Repair(const World& world, const std::string& directory, const std::string& destination,
                                    const std::function<void(const JournalEntry&)>& lost) {
  return Repairer(world, directory, destination, lost).Run();
}

}  // namespace semel::internal

namespace semel {

absl::StatusOr<RepairReport> RepairLedger(std::string_view directory, std::string_view destination,
                                          const std::function<void(const JournalEntry&)>& lost) {
  return internal::Repair(internal::RealWorld(Options().state_map_bytes, /*read_only=*/false), std::string(directory),
                          std::string(destination), lost);
}

}  // namespace semel
