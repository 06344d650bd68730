// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/rebuild.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/status_macros.h"
#include "engine/commit/head_table.h"
#include "engine/commit/redo.h"
#include "engine/journal/segments.h"
#include "engine/journal/writer.h"
#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/directory.h"
#include "engine/ledger/durable_page.h"
#include "engine/ledger/replace_state.h"

namespace semel::internal {
namespace {

// What is changed is written to the state when it has this many bytes; as many clean ones are kept.
constexpr size_t kDirtyBytes = size_t{128} << 20;

// An empty state that a ledger begins with, or that of its newest base snapshot. Fills `report->base_lsn`.
absl::StatusOr<CheckpointInfo> Begin(FileSystem* files, const StateIdentity& identity, const Manifest& manifest,
                                     StateStore* store, RebuildReport* report) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Lsn> bases, ListBases(files, identity.directory));
  if (bases.empty()) {
    CheckpointInfo empty;
    empty.options = manifest.options;
    return empty;
  }
  report->base_lsn = bases.back();
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<BaseReader> base, BaseReader::Open(files, identity, report->base_lsn));
  SEMEL_RETURN_IF_ERROR(LoadBase(base.get(), store));
  return base->info();
}

// Follows the journal, and writes what it changes to the state now and then, so that memory stays bounded.
class Builder {
 public:
  Builder(StateStore* store, const Seeds& seeds, const CheckpointInfo& begin)
      : store_(store), heads_(store, begin, kDirtyBytes), redo_(&heads_, seeds, begin) {}

  absl::Status Frame(const FrameHeader& header, std::string_view entries) {
    SEMEL_RETURN_IF_ERROR(redo_.Frame(header, entries));
    return heads_.dirty_bytes() < kDirtyBytes ? absl::OkStatus() : Write();
  }

  absl::Status Write() {
    CheckpointInfo info;
    info.tip = heads_.tip();
    info.options = redo_.options();
    info.floor = redo_.floor();
    heads_.Freeze();
    SEMEL_RETURN_IF_ERROR(store_->Commit(heads_.FrozenRecords(), info));
    heads_.Release();
    heads_.Evict();
    return absl::OkStatus();
  }

 private:
  StateStore* const store_;
  HeadTable heads_;
  Redo redo_;
};

}  // namespace

absl::StatusOr<RebuildReport> BuildState(const World& world, const StateIdentity& identity, const Manifest& manifest,
                                         const Progress& progress) {
  RebuildReport report;
  SEMEL_RETURN_IF_ERROR(world.create_state(identity));
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateStore> store, world.open_state(identity));
  SEMEL_ASSIGN_OR_RETURN(const CheckpointInfo begin, Begin(world.files, identity, manifest, store.get(), &report));

  const JournalIdentity journal = JournalIdentityOf(identity.directory, manifest);
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<JournalReader> reader,
                         JournalReader::Open(world.files, journal, /*cache_bytes=*/0));
  const Lsn end = reader->segments()->At(reader->segments()->size() - 1).segment.capacity_end();
  Builder builder(store.get(), SeedsOf(manifest.uuid, manifest.epoch), begin);
  const auto redo = [&](const FrameHeader& header, std::string_view entries) {
    if (progress) progress(static_cast<double>(header.lsn - begin.tip.lsn) / static_cast<double>(end - begin.tip.lsn));
    return builder.Frame(header, entries);
  };
  JournalWriterOptions options;
  options.durable_lsn = ReadDurablePage(world.files, identity.directory, manifest.epoch, identity.seed).value_or(0);
  RecoveryReport recovery;
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<JournalWriter> writer,
                         JournalWriter::Open(world.files, journal, options, reader.get(), /*background=*/nullptr,
                                             begin.tip, redo, &recovery));
  // Twice, so that the checkpoint before the last, which LMDB keeps, is as good as the last.
  SEMEL_RETURN_IF_ERROR(builder.Write());
  SEMEL_RETURN_IF_ERROR(builder.Write());

  SEMEL_ASSIGN_OR_RETURN(const CheckpointInfo info, store->Verify());
  report.lsn = info.tip.lsn;
  report.entries = recovery.entries;
  report.entities = info.RecordsOf(Table::kEntities);
  report.state_digest = absl::StrFormat("%016x%016x", info.digest.high, info.digest.low);
  return report;
}

absl::StatusOr<RebuildReport> RebuildState(const World& world, const std::string& directory, const Progress& progress) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, HoldsLedger(world.files, directory));
  if (!exists) return absl::NotFoundError(absl::StrCat("no ledger in ", directory));
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, world.files->Lock(directory + "/LOCK"));
  SEMEL_RETURN_IF_ERROR(FinishCreation(world.files, directory));
  SEMEL_RETURN_IF_ERROR(FinishReplacingState(world.files, directory));
  SEMEL_ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(world.files, directory));
  StateIdentity identity = StateIdentityOf(directory, manifest);
  identity.name = kNewState;
  absl::StatusOr<RebuildReport> report = BuildState(world, identity, manifest, progress);
  if (!report.ok()) {
    (void)RemoveTree(world.files, directory + "/" + kNewState);
    return report;
  }
  SEMEL_RETURN_IF_ERROR(ReplaceState(world.files, directory));
  return report;
}

}  // namespace semel::internal

namespace semel {

absl::StatusOr<RebuildReport> RebuildLedger(std::string_view directory, const Progress& progress) {
  return internal::RebuildState(internal::RealWorld(Options().state_map_bytes, /*read_only=*/false),
                                std::string(directory), progress);
}

}  // namespace semel
