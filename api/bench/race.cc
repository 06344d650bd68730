// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/bench/race.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/bench/entrant.h"
#include "api/bench/scratch.h"
#include "engine/base/status_macros.h"

namespace semel::bench {
namespace {

// What was measured of one contender with one batch size, while the race runs.
struct Rounds {
  uint64_t changes = 0;
  std::vector<double> rates;
  std::vector<float> latencies_us;
  BytesWritten written;
};

Measurement Summarize(uint64_t batch, Rounds rounds) {
  std::sort(rounds.rates.begin(), rounds.rates.end());
  Measurement m;
  m.batch = batch;
  m.changes = rounds.changes;
  m.changes_per_second = Quantile(rounds.rates, 0.5);
  m.slowest_round = rounds.rates.front();
  m.fastest_round = rounds.rates.back();
  m.latency_us = Latencies(std::move(rounds.latencies_us));
  m.journal_bytes_per_change = static_cast<double>(rounds.written.journal) / static_cast<double>(m.changes);
  m.disk_bytes_per_change = static_cast<double>(rounds.written.device) / static_cast<double>(m.changes);
  return m;
}

// A contender in the race; without an entrant if it does not run.
struct Lane {
  Standing standing;
  std::unique_ptr<Entrant> entrant;
  std::vector<Rounds> rounds;  // by batch size
};

class RunningRace {
 public:
  RunningRace(const RaceOptions& options, const RaceControl& control, const std::string& directory, size_t kinds)
      : options_(options), control_(control), directory_(directory) {
    // Creating the accounts counts as much as measuring one batch size.
    turns_ = static_cast<double>(kinds * (options.batches.size() + 1) * kRounds);
  }

  absl::Status Load(const ContenderKind& kind) {
    lanes_.push_back({{kind, "", {}}, nullptr, std::vector<Rounds>(options_.batches.size())});
    Lane& lane = lanes_.back();
    SEMEL_RETURN_IF_ERROR(Announce(absl::StrCat("creating the accounts: ", kind.name), kRounds));
    if (kind.open == nullptr) {
      lane.standing.not_run = absl::StrCat("built without ", kind.needs);
      return absl::OkStatus();
    }
    const std::string directory = directory_ + "/" + kind.name;
    std::error_code failed;
    if (!std::filesystem::create_directory(directory, failed)) return absl::InternalError(failed.message());
    auto entrant = Entrant::Load(kind, {directory, options_.durability}, options_.workload, options_.callers);
    if (absl::IsNotFound(entrant.status()) || absl::IsUnavailable(entrant.status())) {
      lane.standing.not_run = std::string(entrant.status().message());
      return absl::OkStatus();
    }
    SEMEL_RETURN_IF_ERROR(Of(lane, entrant.status()));
    lane.entrant = *std::move(entrant);
    return absl::OkStatus();
  }

  absl::Status Run() {
    for (size_t at = 0; at < options_.batches.size(); ++at) {
      for (int round = 0; round < kRounds; ++round) {
        for (Lane& lane : lanes_) SEMEL_RETURN_IF_ERROR(Of(lane, TakeTurn(&lane, at)));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Standing>> Finish() {
    std::vector<Standing> standings;
    for (Lane& lane : lanes_) {
      if (lane.entrant != nullptr) SEMEL_RETURN_IF_ERROR(Of(lane, lane.entrant->Verify()));
      for (size_t at = 0; lane.entrant != nullptr && at < options_.batches.size(); ++at) {
        lane.standing.measurements.push_back(Summarize(options_.batches[at], std::move(lane.rounds[at])));
      }
      standings.push_back(std::move(lane.standing));
    }
    return standings;
  }

 private:
  // Says whose error it is.
  static absl::Status Of(const Lane& lane, const absl::Status& status) {
    if (status.ok() || absl::IsCancelled(status)) return status;
    return absl::Status(status.code(), absl::StrCat(lane.standing.kind.name, ": ", status.message()));
  }

  absl::Status Announce(const std::string& what, int turns) {
    if (control_.should_stop && control_.should_stop()) return absl::CancelledError("stopped");
    if (control_.progress) control_.progress(what, done_ / turns_);
    done_ += turns;
    return absl::OkStatus();
  }

  absl::Status TakeTurn(Lane* lane, size_t at) {
    const uint64_t batch = options_.batches[at];
    SEMEL_RETURN_IF_ERROR(Announce(absl::StrCat("batches of ", batch, ": ", lane->standing.kind.name), 1));
    if (lane->entrant == nullptr) return absl::OkStatus();
    const BytesWritten before = lane->entrant->Bytes();
    SEMEL_ASSIGN_OR_RETURN(
        const Slice slice,
        lane->entrant->Run(batch, std::max<uint64_t>(1, options_.changes / kRounds), options_.seconds / kRounds));
    const BytesWritten after = lane->entrant->Bytes();
    Rounds& rounds = lane->rounds[at];
    rounds.changes += slice.changes;
    rounds.rates.push_back(static_cast<double>(slice.changes) / slice.seconds);
    rounds.latencies_us.insert(rounds.latencies_us.end(), slice.latencies_us.begin(), slice.latencies_us.end());
    rounds.written.journal += after.journal - before.journal;
    rounds.written.device += after.device - before.device;
    return absl::OkStatus();
  }

  const RaceOptions& options_;
  const RaceControl& control_;
  const std::string directory_;
  double turns_ = 0;
  double done_ = 0;
  std::vector<Lane> lanes_;
};

}  // namespace

absl::StatusOr<std::vector<Standing>> Race(const RaceOptions& options, const std::vector<ContenderKind>& kinds,
                                           const RaceControl& control) {
  SEMEL_ASSIGN_OR_RETURN(const auto scratch, ScratchDirectory::Create(options.directory));
  RunningRace race(options, control, scratch->path(), kinds.size());
  for (const ContenderKind& kind : kinds) SEMEL_RETURN_IF_ERROR(race.Load(kind));
  SEMEL_RETURN_IF_ERROR(race.Run());
  return race.Finish();
}

}  // namespace semel::bench
