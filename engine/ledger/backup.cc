// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/backup.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/journal/segments.h"
#include "engine/journal/tail.h"
#include "engine/ledger/backup_directory.h"
#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/directory.h"
#include "engine/ledger/pins.h"
#include "engine/ledger/verify.h"

namespace semel::internal {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr char kTemporarySuffix[] = ".tmp";

// A trim may come between two looks at the ledger; it does not do so again and again.
constexpr int kAttempts = 10;

absl::Status RemoveIfThere(FileSystem* files, const std::string& path) {
  const absl::Status removed = files->Remove(path);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

absl::Status CopyBytes(File* from, const std::string& from_path, uint64_t size, File* to) {
  std::string piece;
  for (uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(std::min<uint64_t>(kPieceBytes, size - at));
    SEMEL_RETURN_IF_ERROR(ReadFully(from, at, piece.data(), piece.size(), from_path));
    SEMEL_RETURN_IF_ERROR(to->WriteAt(at, piece));
  }
  return absl::OkStatus();
}

// Makes `to` of the first `size` bytes of `from` and zeros up to `file_bytes`, durable but for its name.
absl::Status CopyFile(FileSystem* files, const std::string& from, uint64_t size, uint64_t file_bytes,
                      const std::string& to) {
  const std::string unfinished = to + kTemporarySuffix;
  SEMEL_RETURN_IF_ERROR(RemoveIfThere(files, unfinished));
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> source, files->Open(from, OpenMode::kRead));
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> copy, files->Open(unfinished, OpenMode::kCreateNew));
  SEMEL_RETURN_IF_ERROR(CopyBytes(source.get(), from, size, copy.get()));
  if (size != file_bytes) SEMEL_RETURN_IF_ERROR(copy->Truncate(file_bytes));
  SEMEL_RETURN_IF_ERROR(copy->Sync());
  return files->Rename(unfinished, to);
}

absl::StatusOr<uint64_t> FileBytes(FileSystem* files, const std::string& path) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files->Open(path, OpenMode::kRead));
  return file->Size();
}

// Reads the frames from `tip` to `end`, and moves `tip` there. Errors: DataLoss, as in frames that do not continue it.
absl::Status ReadFrames(JournalReader* journal, Lsn end, JournalTip* tip) {
  journal->SetDurableLsn(end);
  return journal->VisitFrames(*tip, end, [tip](const FrameHeader& header, std::string_view) -> absl::StatusOr<bool> {
    *tip = TipAfter(header);
    return true;
  });
}

absl::StatusOr<CheckpointInfo> CheckpointOf(StateStore* store) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, store->Snapshot());
  return snapshot->info();
}

absl::Status CheckBase(FileSystem* files, const StateIdentity& identity, Lsn lsn) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<BaseReader> base, BaseReader::Open(files, identity, lsn));
  return ReadThrough(base.get(), nullptr);
}

class BackupRun {
 public:
  BackupRun(const World& world, const BackupSource& source, const std::string& destination,
            const BackupOptions& options)
      : world_(world),
        files_(world.files),
        source_(source),
        destination_(destination),
        options_(options),
        from_(JournalIdentityOf(source.directory, source.manifest)),
        to_(JournalIdentityOf(destination, source.manifest)) {
    mark_.manifest = source.manifest;
  }

  absl::StatusOr<BackupReport> Run() {
    SEMEL_RETURN_IF_ERROR(Claim());
    absl::Status made = Make();
    if (!made.ok()) return absl::Status(made.code(), absl::StrCat(made.message(), "; ", WhatStands()));
    SEMEL_RETURN_IF_ERROR(RemoveTheRest());
    report_.uuid = absl::BytesToHexString(mark_.manifest.uuid);
    report_.epoch = mark_.manifest.epoch;
    report_.lsn = mark_.tip.lsn;
    report_.sequence = mark_.tip.next_sequence - 1;
    report_.commit_time_us = mark_.tip.commit_time_us;
    return report_;
  }

 private:
  absl::Status Claim();
  absl::Status CheckSameLedger(const BackupMark& mark) const;

  absl::Status Make() {
    SEMEL_RETURN_IF_ERROR(PinHistory());
    SEMEL_RETURN_IF_ERROR(CopyStateAndBase());
    SEMEL_RETURN_IF_ERROR(CopyJournal());
    if (options_.verify) SEMEL_RETURN_IF_ERROR(Verify());
    return MarkWholeBackup(files_, destination_, mark_);
  }

  absl::Status PinHistory();
  absl::Status CopyStateAndBase();
  absl::Status CopyState();
  absl::Status ChooseEndAndBase();
  absl::Status CopyBase();
  absl::Status CopyJournal();
  absl::Status CheckContinues(SegmentList* segments) const;
  absl::StatusOr<JournalTip> FirstTip(JournalReader* journal) const;
  bool HasSegment(const SegmentInfo& segment, Lsn end, JournalTip* tip) const;
  absl::Status CopySegment(const SegmentList::Place& place, Lsn end);
  absl::Status Verify() const;
  absl::Status RemoveTheRest() const;

  SegmentRange Range() const { return {mark_.floor, mark_.tip.lsn + 1}; }
  StateIdentity CopyIdentity() const {
    StateIdentity identity = StateIdentityOf(destination_, mark_.manifest);
    identity.is_copy = true;
    return identity;
  }
  std::string WhatStands() const {
    if (older_.has_value()) {
      return absl::StrCat("the older backup in ", destination_, ", up to LSN ", older_->tip.lsn, ", can be restored");
    }
    return absl::StrCat(destination_, " holds no backup yet: run it again");
  }

  const World& world_;
  FileSystem* const files_;
  const BackupSource& source_;
  const std::string destination_;
  const BackupOptions options_;
  const JournalIdentity from_;
  const JournalIdentity to_;

  std::unique_ptr<FileLock> lock_;
  std::optional<BackupMark> older_;  // that the destination holds
  std::optional<Pin> pin_;
  CheckpointInfo state_;  // of the copy
  BackupMark mark_;       // of what is being made
  BackupReport report_;
};

// ---- The destination

absl::Status BackupRun::Claim() {
  SEMEL_RETURN_IF_ERROR(ReadDestination(files_, destination_).status());
  SEMEL_RETURN_IF_ERROR(MakeDirectory(files_, destination_));
  absl::StatusOr<std::unique_ptr<FileLock>> lock = files_->Lock(destination_ + "/LOCK");
  if (absl::IsUnavailable(lock.status())) {
    return absl::UnavailableError(absl::StrCat("another backup to ", destination_, " is under way"));
  }
  SEMEL_RETURN_IF_ERROR(lock.status());
  lock_ = *std::move(lock);
  SEMEL_ASSIGN_OR_RETURN(const Destination found, ReadDestination(files_, destination_));
  if (found.mark.has_value()) SEMEL_RETURN_IF_ERROR(CheckSameLedger(*found.mark));
  if (found.whole) older_ = found.mark;
  return found.whole ? absl::OkStatus() : MarkUnfinishedBackup(files_, destination_, mark_);
}

absl::Status BackupRun::CheckSameLedger(const BackupMark& mark) const {
  const Manifest& other = mark.manifest;
  if (other.uuid == mark_.manifest.uuid && other.epoch == mark_.manifest.epoch) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(destination_, " holds a backup of ledger ",
                                                    absl::BytesToHexString(other.uuid), ", epoch ", other.epoch,
                                                    "; this is ledger ", absl::BytesToHexString(mark_.manifest.uuid),
                                                    ", epoch ", mark_.manifest.epoch, ": choose another directory"));
}

// ---- The copies

absl::Status BackupRun::PinHistory() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    SEMEL_ASSIGN_OR_RETURN(const CheckpointInfo before, CheckpointOf(source_.store));
    SEMEL_ASSIGN_OR_RETURN(Pin pin, Pin::Take(files_, source_.directory, before.floor));
    SEMEL_ASSIGN_OR_RETURN(const CheckpointInfo after, CheckpointOf(source_.store));
    if (after.floor != before.floor) continue;  // a trim may not have seen the pin
    mark_.floor = before.floor;
    pin_.emplace(std::move(pin));
    return absl::OkStatus();
  }
  return absl::UnavailableError("the ledger is being trimmed: try again");
}

// The base must not be newer than the state, which must not be newer than the end. A trim may write a base in between,
// and take the other away.
absl::Status BackupRun::CopyStateAndBase() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    SEMEL_RETURN_IF_ERROR(CopyState());
    SEMEL_RETURN_IF_ERROR(ChooseEndAndBase());
    if (mark_.base_lsn > state_.tip.lsn) continue;
    const absl::Status copied = mark_.base_lsn == 0 ? absl::OkStatus() : CopyBase();
    if (!absl::IsNotFound(copied)) return copied;
  }
  return absl::UnavailableError("the ledger is being trimmed: try again");
}

absl::Status BackupRun::CopyState() {
  const std::string state = destination_ + "/state";
  const std::string unfinished = state + kTemporarySuffix;
  SEMEL_RETURN_IF_ERROR(RemoveTree(files_, unfinished));
  SEMEL_RETURN_IF_ERROR(files_->CreateDirectory(unfinished));
  SEMEL_RETURN_IF_ERROR(source_.store->CopyTo(unfinished));
  SEMEL_ASSIGN_OR_RETURN(const uint64_t bytes, FileBytes(files_, unfinished + "/data.mdb"));
  report_.bytes += bytes;
  SEMEL_RETURN_IF_ERROR(RemoveTree(files_, state));
  SEMEL_RETURN_IF_ERROR(files_->Rename(unfinished, state));
  SEMEL_RETURN_IF_ERROR(files_->SyncDirectory(destination_));
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateStore> copy, world_.open_state(CopyIdentity()));
  SEMEL_ASSIGN_OR_RETURN(state_, CheckpointOf(copy.get()));
  return absl::OkStatus();
}

// The newest base; looked for after the end, so that it is not older than what the floor at the end asks for.
absl::Status BackupRun::ChooseEndAndBase() {
  mark_.tip.lsn = std::max(source_.durable_lsn(), state_.tip.lsn);
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Lsn> bases, ListBases(files_, source_.directory));
  mark_.base_lsn = bases.empty() ? 0 : bases.back();
  return absl::OkStatus();
}

// Errors: NotFound, if a trim has taken it away.
absl::Status BackupRun::CopyBase() {
  if (CheckBase(files_, CopyIdentity(), mark_.base_lsn).ok()) {
    return files_->SyncDirectory(destination_ + "/base");  // whoever made it may have died before this
  }
  SEMEL_RETURN_IF_ERROR(CheckBase(files_, StateIdentityOf(source_.directory, mark_.manifest), mark_.base_lsn));
  const std::string base = BasePath(source_.directory, mark_.base_lsn);
  SEMEL_ASSIGN_OR_RETURN(const uint64_t bytes, FileBytes(files_, base));
  SEMEL_RETURN_IF_ERROR(MakeDirectory(files_, destination_ + "/base"));
  SEMEL_RETURN_IF_ERROR(CopyFile(files_, base, bytes, bytes, BasePath(destination_, mark_.base_lsn)));
  report_.bytes += bytes;
  return files_->SyncDirectory(destination_ + "/base");
}

absl::Status BackupRun::CopyJournal() {
  SEMEL_RETURN_IF_ERROR(MakeDirectory(files_, to_.directory));
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<JournalReader> journal,
                         JournalReader::Open(files_, from_, /*cache_bytes=*/0, Range()));
  if (journal->oldest_lsn() != mark_.floor) {
    return absl::DataLossError(absl::StrCat("the journal of ", source_.directory, " does not begin at its floor, LSN ",
                                            mark_.floor, ": run semel verify"));
  }
  SegmentList* const segments = journal->segments();
  SEMEL_RETURN_IF_ERROR(CheckContinues(segments));
  const Lsn end_lsn = mark_.tip.lsn;
  journal->SetDurableLsn(end_lsn);
  SEMEL_ASSIGN_OR_RETURN(JournalTip tip, FirstTip(journal.get()));
  for (size_t i = 0; i < segments->size(); ++i) {
    const SegmentList::Place place = segments->At(i);
    const Lsn end = std::min(place.end, end_lsn);
    if (HasSegment(place.segment, end, &tip)) {
      ++report_.kept_segments;
      continue;
    }
    // A damaged segment must not take the place of one that is right.
    SEMEL_RETURN_IF_ERROR(ReadFrames(journal.get(), end, &tip));
    SEMEL_RETURN_IF_ERROR(CopySegment(place, end));
    ++report_.copied_segments;
  }
  mark_.tip = tip;
  return files_->SyncDirectory(to_.directory);
}

// Whether the older backup is of this ledger's past, and not of files that went another way.
absl::Status BackupRun::CheckContinues(SegmentList* segments) const {
  if (!older_.has_value() || older_->tip.lsn < mark_.floor) return absl::OkStatus();
  absl::Status continues = absl::DataLossError("it goes further than this ledger");
  if (older_->tip.lsn <= mark_.tip.lsn) continues = CheckFrameBefore(segments, older_->tip);
  if (!absl::IsDataLoss(continues)) return continues;
  return absl::FailedPreconditionError(absl::StrCat("the backup in ", destination_,
                                                    " is not of this ledger's past: choose another directory (",
                                                    continues.message(), ")"));
}

// Where the oldest frame begins, and what it continues.
absl::StatusOr<JournalTip> BackupRun::FirstTip(JournalReader* journal) const {
  if (mark_.floor < mark_.tip.lsn) {
    SEMEL_ASSIGN_OR_RETURN(const FrameHeader first, journal->ReadFrameHeader(mark_.floor));
    return TipBefore(first);
  }
  if (mark_.base_lsn == 0) return JournalTip();
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<BaseReader> base,
                         BaseReader::Open(files_, CopyIdentity(), mark_.base_lsn));
  return base->info().tip;
}

// Whether the destination has the segment up to `end`, undamaged; if so, moves `tip` there.
bool BackupRun::HasSegment(const SegmentInfo& segment, Lsn end, JournalTip* tip) const {
  const SegmentRange one{segment.first_lsn, segment.first_lsn + 1};
  const absl::StatusOr<std::unique_ptr<JournalReader>> journal = JournalReader::Open(files_, to_, 0, one);
  if (!journal.ok() || !((*journal)->segments()->At(0).segment == segment)) return false;
  JournalTip moved = *tip;
  if (!ReadFrames(journal->get(), end, &moved).ok()) return false;
  *tip = moved;
  return true;
}

absl::Status BackupRun::CopySegment(const SegmentList::Place& place, Lsn end) {
  const std::string from = SegmentPath(from_, place.segment.first_lsn);
  const std::string to = SegmentPath(to_, place.segment.first_lsn);
  if (options_.hard_links && place.sealed) {
    SEMEL_RETURN_IF_ERROR(RemoveIfThere(files_, to + kTemporarySuffix));
    const absl::Status linked = files_->Link(from, to + kTemporarySuffix);
    if (linked.ok()) return files_->Rename(to + kTemporarySuffix, to);
    if (!absl::IsUnimplemented(linked)) return linked;
  }
  const uint64_t bytes = place.segment.OffsetOf(end);
  SEMEL_RETURN_IF_ERROR(CopyFile(files_, from, bytes, place.segment.file_bytes, to));
  report_.bytes += bytes;
  return absl::OkStatus();
}

// ---- The end

absl::Status BackupRun::Verify() const {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<JournalReader> journal, JournalReader::Open(files_, to_, 0, Range()));
  journal->SetDurableLsn(mark_.tip.lsn);
  journal->SetFloor(state_.floor);
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateStore> store, world_.open_state(CopyIdentity()));
  const VerifiedFiles copy{files_, destination_, mark_.manifest, journal.get(), store.get()};
  SEMEL_ASSIGN_OR_RETURN(const VerifyReport report, VerifyFiles(copy, {}));
  if (report.ok()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("what was copied to ", destination_, " does not verify: ", report.fault));
}

absl::Status BackupRun::RemoveTheRest() const {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<JournalReader> journal, JournalReader::Open(files_, to_, 0, Range()));
  std::set<std::string> ours;
  for (size_t i = 0; i < journal->segment_count(); ++i) {
    ours.insert(SegmentPath(to_, journal->segments()->At(i).segment.first_lsn));
  }
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_->List(to_.directory));
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(to_.directory, "/", name);
    const bool segment = absl::EndsWith(name, ".log") || absl::EndsWith(name, kTemporarySuffix);
    if (segment && ours.count(path) == 0) SEMEL_RETURN_IF_ERROR(files_->Remove(path));
  }
  SEMEL_RETURN_IF_ERROR(files_->SyncDirectory(to_.directory));
  return RemoveOtherBases(files_, destination_,
                          mark_.base_lsn == 0 ? std::nullopt : std::optional<Lsn>(mark_.base_lsn));
}

}  // namespace

absl::StatusOr<BackupReport> BackUp(const World& world, const BackupSource& source, const std::string& destination,
                                    const BackupOptions& options) {
  return BackupRun(world, source, destination, options).Run();
}

}  // namespace semel::internal
