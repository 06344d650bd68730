// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/verify.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/commit/history.h"
#include "engine/rules/source.h"
#include "engine/state/record.h"

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

class Replay {
 public:
  Replay(const Manifest& manifest, VerifyReport* report)
      : seeds_(SeedsOf(manifest.uuid, manifest.epoch)), report_(report) {}

  absl::Status Frame(const FrameHeader& header, std::string_view payload) {
    ++report_->frames;
    report_->lsn = header.end_lsn();
    return VisitEntries(header, payload, seeds_.checks, [this](const Entry& entry) -> absl::StatusOr<bool> {
      absl::Status status = One(entry);
      if (!status.ok()) return Fault("entry at LSN ", entry.lsn, ": ", status.message());
      return true;
    });
  }

  // Compares the state with what the journal has said so far.
  absl::Status CompareWith(StateSnapshot* snapshot) const {
    SEMEL_RETURN_IF_ERROR(CompareTable(snapshot, Table::kEntities, entities_));
    return CompareTable(snapshot, Table::kSources, sources_);
  }

 private:
  using Heads = absl::flat_hash_map<std::string, Head>;

  absl::Status One(const Entry& entry) {
    ++report_->entries;
    const EntryRef ref = RefOf(entry, seeds_.ids);
    std::map<std::string, WideSum> sums;
    for (const Effect& effect : entry.effects) {
      ++report_->effects;
      Heads& heads = effect.table == Table::kEntities ? entities_ : sources_;
      Head& head = heads[std::string(effect.key)];
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

  // What ApplyEffect does not look at: the back-pointers, and the balance that goes with the action.
  static absl::Status CheckEffect(const Effect& effect, const Head& head) {
    const Effect expected = NextEffect(effect.table, effect.key, head);
    if (effect.version != expected.version) {
      return Fault("version ", effect.version, " after version ", head.version);
    }
    if (effect.pointers != expected.pointers) return Fault("version ", effect.version, " points to wrong entries");
    if (effect.table == Table::kSources) {
      const bool rises =
          head.version == 0 || effect.sets_cursor || !IsConsumed(*head.Extras().source, effect.position);
      return rises ? absl::OkStatus() : Fault("position ", effect.position, " does not rise");
    }
    const Amount amount = effect.action == Action::kAdd ? effect.amount : Amount(0);
    // Unsigned, as a crafted file may hold any balance.
    const bool adds_up = absl::uint128(head.balance) + absl::uint128(amount) == absl::uint128(effect.balance);
    return adds_up ? absl::OkStatus() : Fault("version ", effect.version, " has a wrong balance");
  }

  absl::Status CompareTable(StateSnapshot* snapshot, Table table, const Heads& heads) const {
    const char* const name = table == Table::kEntities ? "entity " : "source ";
    uint64_t records = 0;
    absl::Status fault;
    SEMEL_RETURN_IF_ERROR(snapshot->Scan(table, "", [&](std::string_view key, const Head& stored) {
      ++records;
      auto found = heads.find(ToAbsl(key));
      if (found == heads.end()) {
        fault = Fault("the state has ", name, Shown(key), ", the journal does not");
      } else if (Encoded(stored) != Encoded(found->second)) {
        fault = Fault("state and journal differ in ", name, Shown(key), ": version ", stored.version, " and ",
                      found->second.version);
      }
      return fault.ok();
    }));
    SEMEL_RETURN_IF_ERROR(fault);
    if (records == heads.size()) return absl::OkStatus();
    return Fault("the state has ", records, " records where the journal has ", heads.size());
  }

  static std::string Encoded(const Head& head) {
    std::string bytes;
    EncodeHead(head, &bytes);
    return bytes;
  }

  const Seeds seeds_;
  VerifyReport* const report_;
  Heads entities_;
  Heads sources_;
};

absl::Status Run(const Manifest& manifest, JournalReader* journal, StateStore* store,
                 const std::function<void(double)>& progress, VerifyReport* report) {
  SEMEL_ASSIGN_OR_RETURN(const CheckpointInfo info, store->Verify());
  report->entities = info.RecordsOf(Table::kEntities);
  report->sources = info.RecordsOf(Table::kSources);
  report->state_digest = absl::StrFormat("%016x%016x", info.digest.high, info.digest.low);
  report->segments = journal->segment_count();

  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, store->Snapshot());
  const Lsn checkpoint = snapshot->info().tip.lsn;
  const Lsn end = journal->durable_lsn();
  if (checkpoint > end) return Fault("the state is at LSN ", checkpoint, ", the journal ends at ", end);

  Replay replay(manifest, report);
  if (checkpoint == 0) SEMEL_RETURN_IF_ERROR(replay.CompareWith(snapshot.get()));
  return journal->VisitFrames(JournalTip(), end,
                              [&](const FrameHeader& header, std::string_view payload) -> absl::StatusOr<bool> {
                                if (header.lsn < checkpoint && header.end_lsn() > checkpoint) {
                                  return Fault("the state's LSN ", checkpoint, " lies inside a frame");
                                }
                                SEMEL_RETURN_IF_ERROR(replay.Frame(header, payload));
                                if (header.end_lsn() == checkpoint)
                                  SEMEL_RETURN_IF_ERROR(replay.CompareWith(snapshot.get()));
                                if (progress)
                                  progress(static_cast<double>(header.end_lsn()) / static_cast<double>(end));
                                return true;
                              });
}

}  // namespace

absl::StatusOr<VerifyReport> VerifyFiles(const Manifest& manifest, JournalReader* journal, StateStore* store,
                                         const std::function<void(double)>& progress) {
  VerifyReport report;
  absl::Status status = Run(manifest, journal, store, progress, &report);
  if (absl::IsDataLoss(status)) {
    report.fault = std::string(status.message());
  } else if (!status.ok()) {
    return status;
  }
  return report;
}

}  // namespace semel::internal
