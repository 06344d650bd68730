// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The ledger, twice: as it is meant to be used, and as an engine for record-and-check, in which each message leaves
// a record of its id and the accounts are added to without a precondition.

#include "semel/ledger.h"

#include <string>
#include <utility>
#include <vector>

#include "api/bench/contenders.h"
#include "api/bench/workload.h"
#include "engine/base/status_macros.h"

namespace semel::bench {
namespace {

class LedgerSession : public Session {
 public:
  explicit LedgerSession(Ledger* ledger) : ledger_(ledger) {}

  absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) override {
    uint64_t applied = 0;
    if (changes.size() == 1) {
      SEMEL_ASSIGN_OR_RETURN(const Outcome outcome, ledger_->Apply(changes[0]));
      return Count(changes[0], outcome);
    }
    SEMEL_ASSIGN_OR_RETURN(const std::vector<Outcome> outcomes, ledger_->ApplyBatch(changes));
    for (size_t i = 0; i < changes.size(); ++i) applied += Count(changes[i], outcomes[i]);
    return applied;
  }

 private:
  static uint64_t Count(const Change& change, const Outcome& outcome) {
    return outcome.applied() ? change.updates.size() : 0;
  }

  Ledger* const ledger_;
};

// Sends, for each change, one that first creates the record of its id. The accounts' versions rise as before.
class DedupSession final : public LedgerSession {
 public:
  using LedgerSession::LedgerSession;

  absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) override {
    recorded_.assign(changes.begin(), changes.end());
    for (Change& change : recorded_) {
      for (Update& update : change.updates) update.expect_version.reset();
      change.AddUpdate("seen/" + change.id).ExpectVersion(0).Put("");
    }
    SEMEL_ASSIGN_OR_RETURN(const uint64_t applied, LedgerSession::Apply(recorded_));
    const size_t each = recorded_.empty() ? 1 : recorded_[0].updates.size();
    return applied / each * (each - 1);  // the record does not count
  }

 private:
  std::vector<Change> recorded_;
};

template <typename SessionKind>
class LedgerContender final : public Contender {
 public:
  explicit LedgerContender(std::unique_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {}

  static OpenedContender Open(const Place& place) {
    Options options;
    options.create_if_missing = true;
    SEMEL_ASSIGN_OR_RETURN(auto ledger, place.durability == Durability::kSynced
                                            ? Ledger::Open(place.directory + "/ledger", options)
                                            : Ledger::OpenInMemory(options));
    return std::make_unique<LedgerContender>(std::move(ledger));
  }

  absl::StatusOr<std::unique_ptr<Session>> NewSession() override {
    return std::make_unique<SessionKind>(ledger_.get());
  }

  absl::StatusOr<Totals> Sum() override {
    Totals totals;
    ScanOptions options;
    options.prefix = std::string(kAccountPrefix);
    options.fresh = true;
    const auto add = [&](const Entity& entity) {
      totals.versions += entity.version;
      totals.balance += entity.balance;
      return true;
    };
    SEMEL_RETURN_IF_ERROR(ledger_->Scan(options, add).status());
    return totals;
  }

  uint64_t JournalBytes() override {
    const absl::StatusOr<Stats> stats = ledger_->GetStats();
    return stats.ok() ? stats->durable_lsn : 0;
  }

  uint64_t StateBytes() override {
    const absl::StatusOr<Stats> stats = ledger_->GetStats();
    return stats.ok() ? stats->state_bytes - stats->state_free_bytes : 0;
  }

 private:
  const std::unique_ptr<Ledger> ledger_;
};

}  // namespace

OpenedContender OpenSemel(const Place& place) { return LedgerContender<LedgerSession>::Open(place); }
OpenedContender OpenSemelDedupTable(const Place& place) { return LedgerContender<DedupSession>::Open(place); }

}  // namespace semel::bench
