// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/verify.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/commit/history.h"
#include "engine/commit/records.h"
#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/directory.h"
#include "engine/ledger/journal_head.h"
#include "engine/rules/source.h"
#include "engine/state/stored_record.h"

namespace semel::internal {
namespace {

// A fault of the files is a DataLoss status on the way up; VerifyFiles turns it into the report's text.
template <typename... Parts>
absl::Status Fault(const Parts&... parts) {
  return absl::DataLossError(absl::StrCat(parts...));
}

std::string Shown(std::string_view key) { return absl::CHexEscape(ToAbsl(key)); }

// The sum of adds of one asset, exact for any number of 128-bit amounts: the low halves are summed apart.
struct WideSum {
  absl::int128 high = 0;
  absl::int128 low = 0;

  void Add(Amount amount) {
    high += absl::Int128High64(amount);
    low += absl::Int128Low64(amount);
  }
  bool zero() const { return high + (low >> 64) == 0 && absl::Int128Low64(low) == 0; }
};

using Heads = absl::flat_hash_map<std::string, Head>;
using AllHeads = std::array<Heads, kTableCount>;

Heads& HeadsOf(AllHeads* heads, Table table) { return (*heads)[static_cast<size_t>(table)]; }
const Heads& HeadsOf(const AllHeads& heads, Table table) { return heads[static_cast<size_t>(table)]; }

// What the journal before the base snapshot still shows: it cannot be replayed, but what it did must have led there.
class RetainedPast {
 public:
  explicit RetainedPast(uint64_t seed) : seed_(seed) {}

  absl::Status Frame(const FrameHeader& header, std::string_view entries) {
    return VisitEntries(header, entries, seed_, [this](const Entry& entry) -> absl::StatusOr<bool> {
      SEMEL_RETURN_IF_ERROR(One(entry));
      return true;
    });
  }

  absl::Status CompareWith(const AllHeads& base) const {
    for (const auto& [place, last] : last_) {
      const auto& [table, key] = place;
      const auto found = HeadsOf(base, table).find(key);
      const bool same = found != HeadsOf(base, table).end() && found->second.version == last.version &&
                        found->second.last.lsn == last.lsn;
      if (!same)
        return Fault("the base snapshot does not hold what the entry at LSN ", last.lsn, " did to ", Shown(key));
    }
    return absl::OkStatus();
  }

 private:
  struct Last {
    uint64_t version = 0;
    Lsn lsn = 0;
  };

  absl::Status One(const Entry& entry) {
    for (const Effect& effect : entry.effects) {
      const auto [last, is_first] = last_.try_emplace({effect.table, std::string(effect.key)});
      if (!is_first && effect.version != last->second.version + 1) {
        return Fault("entry at LSN ", entry.lsn, ": ", Shown(effect.key), ": version ", effect.version,
                     " after version ", last->second.version);
      }
      last->second = {effect.version, entry.lsn};
    }
    for (const std::string_view key : entry.erased) last_.erase({entry.erased_table, std::string(key)});
    return absl::OkStatus();
  }

  const uint64_t seed_;
  std::map<std::pair<Table, std::string>, Last> last_;  // what was done to each entity and source last
};

class Replay {
 public:
  Replay(const Manifest& manifest, VerifyReport* report)
      : seeds_(SeedsOf(manifest.uuid, manifest.epoch)),
        tamper_evident_(manifest.tamper_evident),
        report_(report),
        options_(manifest.options) {}

  // Begins with what a base snapshot holds instead of nothing.
  absl::Status Load(BaseReader* base) {
    RecordsHash records;
    Table table;
    std::string_view key;
    const Head* head = nullptr;
    for (;;) {
      SEMEL_ASSIGN_OR_RETURN(const bool more, base->Next(&table, &key, &head));
      if (!more) break;
      HeadsOf(&heads_, table)[std::string(key)] = *head;
      if (tamper_evident_) records.Add(table, key, *head);
    }
    base_ = {base->info().tip.lsn, records.Finish()};
    options_ = base->info().options;
    floor_ = base->info().floor;
    return absl::OkStatus();
  }

  absl::Status Frame(const FrameHeader& header, std::string_view entries) {
    return VisitEntries(header, entries, seeds_.checks, [this](const Entry& entry) -> absl::StatusOr<bool> {
      absl::Status status = One(entry);
      if (!status.ok()) return Fault("entry at LSN ", entry.lsn, ": ", status.message());
      return true;
    });
  }

  // Compares the state with what the journal has said so far.
  absl::Status CompareWith(StateSnapshot* snapshot) const {
    const CheckpointInfo& info = snapshot->info();
    if (info.floor != floor_) return Fault("the state's floor is ", info.floor, ", the journal's ", floor_);
    if (info.tip.lsn != 0 && !(info.options == options_)) return Fault("state and journal differ in the options");
    for (int t = 0; t < kTableCount; ++t) SEMEL_RETURN_IF_ERROR(CompareTable(snapshot, Table{static_cast<uint8_t>(t)}));
    return absl::OkStatus();
  }

  const AllHeads& heads() const { return heads_; }

 private:
  absl::Status One(const Entry& entry) {
    ++report_->entries;
    SEMEL_RETURN_IF_ERROR(ApplyEffects(entry));
    if (entry.kind == EntryKind::kOptions) options_ = entry.options;
    if (entry.kind == EntryKind::kFloor) {
      floor_ = std::max(floor_, entry.floor);  // a repair may have raised it since
      SEMEL_RETURN_IF_ERROR(CheckBase(entry));
    }
    changes_.clear();
    AppendRecordChanges(entry, seeds_.ids, &changes_);
    for (const RecordChange& change : changes_) SEMEL_RETURN_IF_ERROR(ApplyChange(change));
    return absl::OkStatus();
  }

  absl::Status CheckBase(const Entry& entry) {
    if (!entry.base.has_value() || entry.base->lsn != base_.lsn || base_.lsn == 0) return absl::OkStatus();
    if (entry.base->records != base_.records)
      return Fault("the base snapshot does not hold what the journal says of it");
    report_->base_vouched = true;
    return absl::OkStatus();
  }

  absl::Status ApplyEffects(const Entry& entry) {
    const EntryRef ref = RefOf(entry, seeds_.ids);
    std::map<std::string, WideSum> sums;
    for (const Effect& effect : entry.effects) {
      ++report_->effects;
      Head& head = HeadsOf(&heads_, effect.table)[std::string(effect.key)];
      absl::Status status = CheckEffect(effect, head);
      if (status.ok()) status = ApplyEffect(effect, ref, &head);
      if (!status.ok()) return Fault(Shown(effect.key), ": ", status.message());
      if (effect.action == Action::kAdd) sums[head.GetPolicy().asset.value_or("")].Add(effect.amount);
    }
    if (!entry.balanced || entry.outcome != OutcomeCode::kApplied) return absl::OkStatus();
    ++report_->balanced_changes;
    for (const auto& [asset, sum] : sums) {
      if (!sum.zero()) return Fault("a balanced change does not sum to zero");
    }
    return absl::OkStatus();
  }

  absl::Status ApplyChange(const RecordChange& change) {
    Heads& heads = HeadsOf(&heads_, change.table);
    const auto found = heads.try_emplace(change.key).first;
    if (change.settles.has_value() && found->second.version == 0) {
      return Fault("a position of ", Shown(change.key), " is settled, a source that nothing came from");
    }
    ApplyRecordChange(change, &found->second);
    if (found->second.version == 0) heads.erase(found);
    return absl::OkStatus();
  }

  // What ApplyEffect does not look at: the back-pointers, and the balance that goes with the action.
  static absl::Status CheckEffect(const Effect& effect, const Head& head) {
    const Effect expected = NextEffect(effect.table, effect.key, head);
    if (effect.version != expected.version) {
      return Fault("version ", effect.version, " after version ", head.version);
    }
    if (effect.pointers != expected.pointers) return Fault("version ", effect.version, " points to wrong entries");
    if (effect.table == Table::kSources) {
      const bool rises = head.version == 0 || effect.sets_cursor || !IsConsumed(*head.Extras().source, effect.position);
      return rises ? absl::OkStatus() : Fault("position ", effect.position, " does not rise");
    }
    const Amount amount = effect.action == Action::kAdd ? effect.amount : Amount(0);
    // Unsigned, as a crafted file may hold any balance.
    const bool adds_up = absl::uint128(head.balance) + absl::uint128(amount) == absl::uint128(effect.balance);
    return adds_up ? absl::OkStatus() : Fault("version ", effect.version, " has a wrong balance");
  }

  absl::Status CompareTable(StateSnapshot* snapshot, Table table) const {
    const Heads& heads = HeadsOf(heads_, table);
    uint64_t records = 0;
    absl::Status fault;
    SEMEL_RETURN_IF_ERROR(snapshot->Scan(table, "", [&](std::string_view key, const Head& stored) {
      ++records;
      auto found = heads.find(ToAbsl(key));
      if (found == heads.end()) {
        fault = Fault("the state has ", Shown(key), " in its ", TableName(table), ", the journal does not");
      } else if (Encoded(table, key, stored) != Encoded(table, key, found->second)) {
        fault = Fault("state and journal differ in ", Shown(key), " of the ", TableName(table), ": version ",
                      stored.version, " and ", found->second.version);
      }
      return fault.ok();
    }));
    SEMEL_RETURN_IF_ERROR(fault);
    if (records == heads.size()) return absl::OkStatus();
    return Fault("the state has ", records, " ", TableName(table), " where the journal has ", heads.size());
  }

  std::string Encoded(Table table, std::string_view key, const Head& head) const {
    std::string stored;
    EncodeStored(table, key, head, seeds_.checks, &stored);
    return stored;
  }

  const Seeds seeds_;
  const bool tamper_evident_;
  VerifyReport* const report_;
  VouchedBase base_;  // that the replay began with
  AllHeads heads_;
  DecidingOptions options_;
  Lsn floor_ = 0;
  std::vector<RecordChange> changes_;
};

class Verifier {
 public:
  Verifier(const VerifiedFiles& files, const Progress& progress, const std::optional<JournalHead>& against,
           VerifyReport* report)
      : files_(files), progress_(progress), report_(report), replay_(files.manifest, report) {
    if (against.has_value()) head_.emplace(*against, files.manifest);
  }

  absl::Status Run() {
    if (files_.snapshot != nullptr) return RunWith(files_.snapshot);
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, files_.store->Snapshot());
    return RunWith(snapshot.get());
  }

 private:
  absl::Status RunWith(StateSnapshot* snapshot) {
    if (head_.has_value()) SEMEL_RETURN_IF_ERROR(head_->Begin());
    end_ = files_.journal->durable_lsn();  // looked at after the snapshot was taken, so not below its checkpoint
    SEMEL_ASSIGN_OR_RETURN(const CheckpointInfo info, files_.store->Verify());
    report_->entities = info.RecordsOf(Table::kEntities);
    report_->sources = info.RecordsOf(Table::kSources);
    report_->state_digest = absl::StrFormat("%016x%016x", info.digest.high, info.digest.low);
    report_->segments = files_.journal->segment_count();

    const Lsn checkpoint = snapshot->info().tip.lsn;
    if (checkpoint > end_) return Fault("the state is at LSN ", checkpoint, ", the journal ends at ", end_);
    JournalTip begin;
    if (floor_ > 0) {
      SEMEL_ASSIGN_OR_RETURN(begin, BeginAtBase(checkpoint));
    }
    if (files_.journal->oldest_lsn() > floor_) {
      return Fault("the journal begins at LSN ", files_.journal->oldest_lsn(), ", it should begin at ", floor_);
    }
    if (checkpoint == begin.lsn) SEMEL_RETURN_IF_ERROR(replay_.CompareWith(snapshot));
    SEMEL_RETURN_IF_ERROR(Visit(begin, end_, [&](const FrameHeader& header, std::string_view entries) -> absl::Status {
      if (header.lsn < checkpoint && header.end_lsn() > checkpoint) {
        return Fault("the state's LSN ", checkpoint, " lies inside a frame");
      }
      SEMEL_RETURN_IF_ERROR(replay_.Frame(header, entries));
      return header.end_lsn() == checkpoint ? replay_.CompareWith(snapshot) : absl::OkStatus();
    }));
    return head_.has_value() ? head_->Finish(floor_, end_) : absl::OkStatus();
  }

  // Loads the newest base snapshot that the state is not older than, checks what the journal still has from before it,
  // and returns where to go on.
  absl::StatusOr<JournalTip> BeginAtBase(Lsn checkpoint) {
    SEMEL_ASSIGN_OR_RETURN(std::vector<Lsn> bases, ListBases(files_.files, files_.directory));
    while (!bases.empty() && bases.back() > checkpoint) bases.pop_back();
    if (bases.empty() || bases.back() < floor_) {
      return Fault("there is no base snapshot between the floor, LSN ", floor_, ", and the state, LSN ", checkpoint);
    }
    report_->base_lsn = bases.back();
    SEMEL_ASSIGN_OR_RETURN(
        const std::unique_ptr<BaseReader> base,
        BaseReader::Open(files_.files, StateIdentityOf(files_.directory, files_.manifest), report_->base_lsn));
    SEMEL_RETURN_IF_ERROR(replay_.Load(base.get()));
    SEMEL_RETURN_IF_ERROR(CheckRetained(base->info().tip));
    return base->info().tip;
  }

  absl::Status CheckRetained(const JournalTip& base) {
    if (floor_ == base.lsn) return absl::OkStatus();
    SEMEL_ASSIGN_OR_RETURN(const FrameHeader first, files_.journal->ReadFrameHeader(floor_));
    RetainedPast past(SeedsOf(files_.manifest.uuid, files_.manifest.epoch).checks);
    JournalTip reached;
    SEMEL_RETURN_IF_ERROR(Visit(TipBefore(first), base.lsn, [&](const FrameHeader& header, std::string_view entries) {
      reached = TipAfter(header);
      report_->entries += header.entry_count;
      return past.Frame(header, entries);
    }));
    if (reached.lsn != base.lsn || reached.frame_checksum != base.frame_checksum ||
        reached.next_sequence != base.next_sequence || reached.history != base.history) {
      return Fault("the base snapshot at LSN ", base.lsn, " does not continue the journal before it");
    }
    return past.CompareWith(replay_.heads());
  }

  absl::Status Visit(const JournalTip& begin, Lsn end,
                     const std::function<absl::Status(const FrameHeader&, std::string_view entries)>& visit) {
    SEMEL_RETURN_IF_ERROR(Meet(begin));
    return files_.journal->VisitFrames(
        begin, end, [&](const FrameHeader& header, std::string_view entries) -> absl::StatusOr<bool> {
          ++report_->frames;
          report_->lsn = header.end_lsn();
          SEMEL_RETURN_IF_ERROR(Meet(TipAfter(header)));
          SEMEL_RETURN_IF_ERROR(visit(header, entries));
          if (progress_) {
            progress_(static_cast<double>(header.end_lsn() - floor_) / static_cast<double>(end_ - floor_));
          }
          return true;
        });
  }

  absl::Status Meet(const JournalTip& tip) { return head_.has_value() ? head_->Meet(tip) : absl::OkStatus(); }

  const VerifiedFiles& files_;
  const Progress& progress_;
  VerifyReport* const report_;
  const Lsn floor_ = files_.journal->floor();
  std::optional<HeadCheck> head_;
  Lsn end_ = 0;
  Replay replay_;
};

}  // namespace

absl::StatusOr<VerifyReport> VerifyFiles(const VerifiedFiles& files, const Progress& progress,
                                         const std::optional<JournalHead>& against) {
  VerifyReport report;
  absl::Status status = Verifier(files, progress, against, &report).Run();
  if (absl::IsDataLoss(status)) {
    report.fault = std::string(status.message());
  } else if (!status.ok()) {
    return status;
  }
  return report;
}

}  // namespace semel::internal
