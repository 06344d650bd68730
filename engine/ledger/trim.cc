// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/trim.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/commit/records.h"
#include "engine/journal/segments.h"
#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/pins.h"

namespace semel::internal {
namespace {

constexpr size_t kErasedAtOnce = 4096;

std::string Describe(const LowestPin& pin) {
  return absl::StrCat("a reader or a backup needs the journal from LSN ", pin.lsn, " on: ", pin.path);
}

}  // namespace

absl::StatusOr<TrimReport> Trimmer::Trim(const TrimOptions& options) {
  if (!options.before_lsn && !options.before_time_us && !options.keep_bytes) {
    return absl::InvalidArgumentError("trim: say what may go: before_lsn, before_time_us or keep_bytes");
  }
  if (running_.exchange(true)) return absl::UnavailableError("another trim is running; try again when it has ended");
  absl::StatusOr<TrimReport> report = Run(options);
  running_.store(false);
  return report;
}

absl::Status Trimmer::KeepWithin(uint64_t keep_bytes) {
  const Lsn journal_bytes = parts_.journal->durable_lsn() - parts_.journal->oldest_lsn();
  if (journal_bytes <= keep_bytes || journal_bytes - keep_bytes <= keep_bytes / 4) return absl::OkStatus();
  TrimOptions options;
  options.keep_bytes = keep_bytes;
  const absl::Status trimmed = Trim(options).status();
  return absl::IsUnavailable(trimmed) ? absl::OkStatus() : trimmed;
}

absl::StatusOr<TrimReport> Trimmer::Run(const TrimOptions& options) {
  TrimReport report;
  if (options.seal) SEMEL_RETURN_IF_ERROR(parts_.committer->SealSegment());
  SEMEL_ASSIGN_OR_RETURN(const Lsn asked, Asked(options));
  SEMEL_ASSIGN_OR_RETURN(const Lsn floor, PickFloor(asked, &report.held_by));
  if (floor > parts_.journal->floor()) SEMEL_RETURN_IF_ERROR(RaiseFloor(floor, &report));
  SEMEL_RETURN_IF_ERROR(RemoveBelowFloor(&report));
  report.floor_lsn = parts_.journal->floor();
  return report;
}

// May go: what lies before this.
absl::StatusOr<Lsn> Trimmer::Asked(const TrimOptions& options) const {
  const Lsn durable = parts_.journal->durable_lsn();
  Lsn asked = std::min(durable, options.before_lsn.value_or(durable));
  if (options.keep_bytes.has_value()) asked = std::min(asked, durable - std::min(durable, *options.keep_bytes));
  if (options.before_time_us.has_value()) {
    const int64_t before = *options.before_time_us;
    const int64_t last = before == std::numeric_limits<int64_t>::min() ? before : before - 1;
    SEMEL_ASSIGN_OR_RETURN(const Lsn lsn, parts_.journal->LsnAtTime(last));
    asked = std::min(asked, lsn);
  }
  return asked;
}

// The first address of a segment, not above `limit`, nor above what is pinned.
absl::StatusOr<Lsn> Trimmer::PickFloor(Lsn limit, std::string* held_by) const {
  const Lsn floor = SegmentAtOrBefore(limit);
  SEMEL_ASSIGN_OR_RETURN(const std::optional<LowestPin> pin, FindPin());
  if (!pin.has_value() || pin->lsn >= floor) return floor;
  *held_by = Describe(*pin);
  return SegmentAtOrBefore(pin->lsn);
}

// The lowest pin, of this process and of others.
absl::StatusOr<std::optional<LowestPin>> Trimmer::FindPin() const {
  SEMEL_ASSIGN_OR_RETURN(std::optional<LowestPin> pin, FindLowestPin(parts_.files, identity_.directory));
  const std::optional<Lsn> local = parts_.local_pins->lowest();
  if (local.has_value() && (!pin.has_value() || *local < pin->lsn)) pin = LowestPin{*local, "in this process"};
  return pin;
}

// The first address of the segment that `lsn` lies in, or of the last, or the oldest.
Lsn Trimmer::SegmentAtOrBefore(Lsn lsn) const {
  const SegmentList& segments = *parts_.journal->segments();
  const std::optional<SegmentList::Place> place = segments.Find(lsn);
  if (place.has_value()) return place->segment.first_lsn;
  const Lsn oldest = segments.At(0).segment.first_lsn;
  return lsn < oldest ? oldest : segments.At(segments.size() - 1).segment.first_lsn;
}

// Steps 1 to 5.
absl::Status Trimmer::RaiseFloor(Lsn floor, TrimReport* report) {
  SEMEL_RETURN_IF_ERROR(parts_.committer->Checkpoint());  // not below the floor, which was durable before
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<StateSnapshot> snapshot, parts_.store->Snapshot());
  SEMEL_ASSIGN_OR_RETURN(report->base_bytes, WriteBase(parts_.files, identity_, snapshot.get(), stop_));
  std::optional<VouchedBase> base;
  if (tamper_evident_) {
    SEMEL_ASSIGN_OR_RETURN(const Sha256Hash records, HashRecords(snapshot.get()));
    base = VouchedBase{snapshot->info().tip.lsn, records};
  }
  SEMEL_RETURN_IF_ERROR(parts_.committer->SetFloor(floor, base));
  SEMEL_RETURN_IF_ERROR(EraseSettledPositions(snapshot.get(), floor));
  snapshot.reset();
  return parts_.committer->Checkpoint();
}

// Positions that an entry below the floor settled: what consumed them lies below it, too, and a position that cannot be
// looked up any more is answered as consumed.
absl::Status Trimmer::EraseSettledPositions(StateSnapshot* snapshot, Lsn floor) {
  std::string start;
  for (bool more = true; more;) {
    more = false;
    std::vector<std::string> keys;
    absl::Status status;
    SEMEL_RETURN_IF_ERROR(snapshot->Scan(Table::kPositions, start, [&](std::string_view key, const Head& head) {
      more = keys.size() == kErasedAtOnce;
      if (more) {
        start = key;
        return false;
      }
      const absl::StatusOr<PositionRecord> record = DecodePosition(*head.Extras().value);
      status = record.status();
      if (!status.ok()) return false;
      if (IsSettledBefore(*record, floor)) keys.emplace_back(key);
      return true;
    }));
    SEMEL_RETURN_IF_ERROR(status);
    if (!keys.empty()) SEMEL_RETURN_IF_ERROR(parts_.committer->Erase(Table::kPositions, keys));
  }
  return absl::OkStatus();
}

// Step 6.
absl::Status Trimmer::RemoveBelowFloor(TrimReport* report) {
  Lsn floor = 0;
  {
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, parts_.store->Snapshot());
    floor = snapshot->info().floor;
  }
  while (parts_.journal->oldest_lsn() < floor) {
    const SegmentList::Place oldest = parts_.journal->segments()->At(0);
    // Looked for each time: whoever took a pin before the floor was known may rely on it.
    SEMEL_ASSIGN_OR_RETURN(const std::optional<LowestPin> pin, FindPin());
    if (pin.has_value() && pin->lsn < oldest.end) {
      report->held_by = Describe(*pin);
      return absl::OkStatus();
    }
    SEMEL_RETURN_IF_ERROR(parts_.journal->RemoveOldestSegment());
    ++report->removed_segments;
    report->removed_bytes += oldest.segment.file_bytes;
  }
  std::optional<Lsn> base;  // a ledger that is not trimmed needs none; a floor that is not folded yet needs its own
  if (parts_.journal->floor() > 0) {
    SEMEL_ASSIGN_OR_RETURN(const std::vector<Lsn> bases, ListBases(parts_.files, identity_.directory));
    if (!bases.empty()) base = bases.back();
  }
  return RemoveOtherBases(parts_.files, identity_.directory, base);
}

absl::Status Trimmer::Finish() {
  const Lsn floor = parts_.journal->floor();
  SEMEL_ASSIGN_OR_RETURN(const std::vector<Lsn> bases, ListBases(parts_.files, identity_.directory));
  const Lsn base = bases.empty() ? 0 : bases.back();
  if (parts_.journal->oldest_lsn() > floor) {
    return absl::DataLossError(absl::StrCat("journal: the segments from LSN ", floor, " to ",
                                            parts_.journal->oldest_lsn(), " are missing; restore them from a backup"));
  }
  if (base < floor) {
    return absl::DataLossError(absl::StrCat("the history before LSN ", floor, " was trimmed, and ", identity_.directory,
                                            "/base holds no base snapshot of it; restore it from a backup"));
  }
  if (base > parts_.journal->durable_lsn()) {
    return absl::DataLossError(absl::StrCat("there is a base snapshot at LSN ", base, ", the journal ends at ",
                                            parts_.journal->durable_lsn(), "; restore the ledger from a backup"));
  }
  bool is_folded = false;
  {
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, parts_.store->Snapshot());
    is_folded = snapshot->info().floor == floor && snapshot->info().tip.lsn >= base;
  }
  if (!is_folded) SEMEL_RETURN_IF_ERROR(parts_.committer->Checkpoint());
  TrimReport finished;
  return RemoveBelowFloor(&finished);
}

}  // namespace semel::internal
