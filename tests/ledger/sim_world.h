// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The whole engine on simulated files, time and background work: deterministic, in one thread, with crashes anywhere.

#ifndef SEMEL_TESTS_LEDGER_SIM_WORLD_H_
#define SEMEL_TESTS_LEDGER_SIM_WORLD_H_

#include <memory>
#include <string>
#include <utility>

#include "engine/ledger/world.h"
#include "tests/sim/sim_environment.h"
#include "tests/sim/sim_file_system.h"

namespace semel::testing {

// What outlives a crash: the files, and the state as its last commit left it.
struct SimDisk {
  SimFileSystem files;
  std::shared_ptr<internal::StateStore> state;
};

// Lends the disk's state to one life of the ledger. A commit is one durable step, as in LMDB; none happens after a
// crash.
class SimStateStore final : public internal::StateStore {
 public:
  explicit SimStateStore(SimDisk* disk) : disk_(disk), state_(disk->state) {}
  absl::StatusOr<std::unique_ptr<internal::StateSnapshot>> Snapshot() override { return state_->Snapshot(); }
  absl::Status Commit(const internal::RecordFeed& records, const internal::CheckpointInfo& info) override {
    if (disk_->files.crashed()) return absl::AbortedError("crashed");
    return state_->Commit(records, info);
  }
  absl::StatusOr<internal::StateStats> GetStats() override { return state_->GetStats(); }
  absl::StatusOr<internal::CheckpointInfo> Verify() override { return state_->Verify(); }

 private:
  SimDisk* const disk_;
  const std::shared_ptr<internal::StateStore> state_;
};

// Background work runs at once, in the thread that asks for it.
inline internal::World MakeSimWorld(SimDisk* disk) {
  const auto at_once = InlineBackground::Mode::kAtOnce;
  internal::World world;
  world.files = &disk->files;
  world.clock = std::make_unique<SimClock>(/*now_us=*/1'700'000'000'000'000, /*tick_us=*/7);
  world.checkpoint_background = std::make_unique<InlineBackground>(at_once);
  world.journal_background = std::make_unique<InlineBackground>(at_once);
  world.async_background = std::make_unique<InlineBackground>(at_once);
  world.new_uuid = [] { return std::string("sixteen bytes id"); };
  world.create_state = [disk](const internal::StateIdentity& identity) {
    if (disk->files.crashed()) return absl::AbortedError("crashed");
    disk->state = internal::NewMemoryStateStore(identity.seed);
    return absl::OkStatus();
  };
  world.open_state = [disk](const internal::StateIdentity&) -> absl::StatusOr<std::unique_ptr<internal::StateStore>> {
    if (disk->state == nullptr) return absl::DataLossError("no state");
    return std::make_unique<SimStateStore>(disk);
  };
  return world;
}

inline absl::StatusOr<std::unique_ptr<Ledger>> OpenSim(SimDisk* disk, Options options = {}) {
  options.create_if_missing = true;
  options.segment_bytes = 16 << 10;
  return internal::OpenForWriting("/ledger", options, MakeSimWorld(disk));
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LEDGER_SIM_WORLD_H_
