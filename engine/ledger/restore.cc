// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/restore.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/journal/reseed.h"
#include "engine/ledger/backup_directory.h"
#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/directory.h"
#include "engine/ledger/rebuild.h"
#include "engine/ledger/reseeded_snapshot.h"

namespace semel::internal {
namespace {

// One thing after another, as one progress.
Progress PartOf(const Progress& progress, double begin, double end) {
  if (!progress) return {};
  return [progress, begin, end](double done) { progress(begin + done * (end - begin)); };
}

class Restore {
 public:
  Restore(const World& world, const std::string& backup, const std::string& directory, const BackupMark& mark,
          const Manifest& manifest, const Progress& progress)
      : world_(world),
        files_(world.files),
        backup_(backup),
        directory_(directory),
        mark_(mark),
        manifest_(manifest),
        progress_(progress) {}

  // Makes journal, base snapshot and state.
  absl::Status Fill() {
    SEMEL_RETURN_IF_ERROR(CopyJournal());
    SEMEL_RETURN_IF_ERROR(CopyBase());
    SEMEL_ASSIGN_OR_RETURN(const RebuildReport built, BuildState(world_, StateIdentityOf(directory_, manifest_),
                                                                 manifest_, PartOf(progress_, kJournalPart, 1)));
    if (built.lsn == mark_.tip.lsn) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("the restored ledger ends at LSN ", built.lsn, ", the backup at ", mark_.tip.lsn));
  }

 private:
  static constexpr double kJournalPart = 0.4;

  absl::Status CopyJournal() {
    const JournalIdentity from = JournalIdentityOf(backup_, mark_.manifest);
    const JournalIdentity to = JournalIdentityOf(directory_, manifest_);
    SEMEL_RETURN_IF_ERROR(files_->CreateDirectory(to.directory));
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<JournalReader> journal,
                           JournalReader::Open(files_, from, /*cache_bytes=*/0, {mark_.floor, mark_.tip.lsn + 1}));
    if (journal->oldest_lsn() != mark_.floor) return Damaged("its oldest segment is missing");
    journal->SetDurableLsn(mark_.tip.lsn);
    JournalTip tip = mark_.tip;  // where there is no frame
    if (mark_.floor < mark_.tip.lsn) {
      SEMEL_ASSIGN_OR_RETURN(const FrameHeader first, journal->ReadFrameHeader(mark_.floor));
      tip = TipBefore(first);
    }
    base_checksums_ = {tip.frame_checksum, tip.frame_checksum};
    const Progress progress = PartOf(progress_, 0, kJournalPart);
    SEMEL_RETURN_IF_ERROR(
        Reseed(journal.get(), tip, mark_.tip.lsn, files_, to, [&](const FrameHeader& was, const FrameHeader& is) {
          tip = TipAfter(was);
          if (tip.lsn == mark_.base_lsn) base_checksums_ = {was.header_checksum, is.header_checksum};
          if (progress) progress(Fraction(tip.lsn));
        }));
    const bool same = tip.lsn == mark_.tip.lsn && tip.next_sequence == mark_.tip.next_sequence &&
                      tip.frame_checksum == mark_.tip.frame_checksum && tip.history == mark_.tip.history;
    return same ? absl::OkStatus() : Damaged("its journal does not end where it should");
  }

  absl::Status CopyBase() {
    if (mark_.base_lsn == 0) return absl::OkStatus();
    const StateIdentity to = StateIdentityOf(directory_, manifest_);
    const StateIdentity from = StateIdentityOf(backup_, mark_.manifest);
    const auto open = [&] { return OpenBaseSnapshot(files_, from, mark_.base_lsn); };
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> base, open());
    JournalTip tip = base->info().tip;
    if (tip.frame_checksum != base_checksums_.first) return Damaged("its base snapshot does not continue the journal");
    tip.frame_checksum = base_checksums_.second;
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> reseeded,
                           ReseedSnapshot(open, tip, base->info().floor, to.seed));
    return WriteBase(files_, to, reseeded.get(), /*stop=*/nullptr).status();
  }

  double Fraction(Lsn lsn) const {
    return static_cast<double>(lsn - mark_.floor) / static_cast<double>(mark_.tip.lsn - mark_.floor);
  }

  absl::Status Damaged(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat("the backup in ", backup_, " is damaged: ", what));
  }

  const World& world_;
  FileSystem* const files_;
  const std::string backup_;
  const std::string directory_;
  const BackupMark mark_;
  const Manifest manifest_;
  const Progress progress_;
  // Of the frame before the base snapshot: as it was, as it is.
  std::pair<uint64_t, uint64_t> base_checksums_;
};

// Keeps a backup from being brought up to date meanwhile; null where there can be no locks. Errors: Unavailable.
absl::StatusOr<std::unique_ptr<FileLock>> LockBackup(FileSystem* files, const std::string& backup) {
  absl::StatusOr<std::unique_ptr<FileLock>> lock = files->Lock(backup + "/LOCK");
  if (absl::IsUnavailable(lock.status())) {
    return absl::UnavailableError(absl::StrCat("the backup in ", backup, " is being written or restored: try again"));
  }
  if (!lock.ok()) return nullptr;
  return lock;
}

}  // namespace

absl::StatusOr<RestoreReport> RestoreBackup(const World& world, const std::string& backup, const std::string& directory,
                                            uint64_t epoch, const Progress& progress) {
  SEMEL_RETURN_IF_ERROR(ReadBackup(world.files, backup).status());
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, LockBackup(world.files, backup));
  SEMEL_ASSIGN_OR_RETURN(const BackupMark mark, ReadBackup(world.files, backup));
  SEMEL_ASSIGN_OR_RETURN(const Manifest manifest, NextEpochOf(mark.manifest, epoch, mark.tip.lsn));
  SEMEL_RETURN_IF_ERROR(MakeLedger(world.files, directory, manifest,
                                   [&] { return Restore(world, backup, directory, mark, manifest, progress).Fill(); }));
  return RestoreReport{manifest.epoch, mark.tip.lsn, mark.tip.next_sequence - 1};
}

}  // namespace semel::internal

namespace semel {

absl::StatusOr<RestoreReport> RestoreLedger(std::string_view backup, std::string_view directory, uint64_t epoch,
                                            const Progress& progress) {
  return internal::RestoreBackup(internal::RealWorld(Options().state_map_bytes, /*read_only=*/false),
                                 std::string(backup), std::string(directory), epoch, progress);
}

}  // namespace semel
