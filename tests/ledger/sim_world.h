// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The whole engine on simulated files, time and background work: deterministic, in one thread, with crashes anywhere.

#ifndef SEMEL_TESTS_LEDGER_SIM_WORLD_H_
#define SEMEL_TESTS_LEDGER_SIM_WORLD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/status_macros.h"
#include "engine/ledger/world.h"
#include "tests/sim/sim_environment.h"
#include "tests/sim/sim_file_system.h"

namespace semel::testing {

// What outlives a crash: the files, and the states as their last commits left them. A state is known by the number in
// its file, so that it moves and goes with its directory.
struct SimState {
  uint64_t seed;
  std::shared_ptr<internal::StateStore> store;
  bool borrowed = false;  // from another disk: to be copied before it changes
};
struct SimDisk {
  SimDisk() = default;
  // A copy of a disk, which must outlive it and stand still meanwhile; of its files as a crash struck them.
  SimDisk(const SimDisk& other, const SimFileSystem& struck_files) : files(struck_files), states(other.states) {
    for (auto& [number, state] : states) state.borrowed = true;
  }

  SimFileSystem files;
  std::map<std::string, SimState> states;
};

// Writes the file of a state into a directory.
inline absl::Status AddSimState(SimDisk* disk, const std::string& directory, SimState state) {
  const std::string number = std::to_string(disk->states.size());
  SEMEL_ASSIGN_OR_RETURN(const auto file, disk->files.Open(directory + "/data.mdb", internal::OpenMode::kCreateNew));
  disk->states[number] = std::move(state);
  SEMEL_RETURN_IF_ERROR(file->WriteAt(0, number));
  SEMEL_RETURN_IF_ERROR(file->Sync());
  return disk->files.SyncDirectory(directory);
}

inline absl::StatusOr<SimState*> FindSimState(SimDisk* disk, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const std::string number, internal::ReadWholeFile(&disk->files, directory + "/data.mdb", 100));
  const auto found = disk->states.find(number);
  if (found == disk->states.end()) return absl::DataLossError("no state");
  return &found->second;
}

// Under a temporary name first, as in LMDB.
inline absl::Status CreateSimState(SimDisk* disk, const internal::StateIdentity& identity) {
  const std::string path = identity.directory + "/" + identity.name;
  SEMEL_RETURN_IF_ERROR(internal::RemoveTree(&disk->files, path + ".tmp"));
  SEMEL_RETURN_IF_ERROR(disk->files.CreateDirectory(path + ".tmp"));
  SEMEL_RETURN_IF_ERROR(
      AddSimState(disk, path + ".tmp", {identity.seed, internal::NewMemoryStateStore(identity.seed)}));
  SEMEL_RETURN_IF_ERROR(disk->files.Rename(path + ".tmp", path));
  return disk->files.SyncDirectory(identity.directory);
}

// A state that holds what `store` holds.
inline absl::StatusOr<SimState> CopyOf(internal::StateStore* store, uint64_t seed) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<internal::StateSnapshot> snapshot, store->Snapshot());
  std::vector<std::pair<internal::Table, std::pair<std::string, internal::Head>>> records;
  for (int t = 0; t < internal::kTableCount; ++t) {
    const internal::Table table{static_cast<uint8_t>(t)};
    SEMEL_RETURN_IF_ERROR(snapshot->Scan(table, "", [&](std::string_view key, const internal::Head& head) {
      records.push_back({table, {std::string(key), head}});
      return true;
    }));
  }
  SimState copy{seed, internal::NewMemoryStateStore(seed)};
  auto next = records.begin();
  SEMEL_RETURN_IF_ERROR(copy.store->Commit(
      [&](internal::Table* table, std::string_view* key, const internal::Head** head) {
        if (next == records.end()) return false;
        *table = next->first;
        *key = next->second.first;
        *head = &next->second.second;
        ++next;
        return true;
      },
      snapshot->info()));
  return copy;
}

// Lends a state of the disk to one life of the ledger. A commit is one durable step, as in LMDB; none happens after a
// crash.
class SimStateStore final : public internal::StateStore {
 public:
  explicit SimStateStore(SimDisk* disk, const std::string& directory = "/ledger/state")
      : disk_(disk), on_disk_(FindSimState(disk, directory).value()), state_(*on_disk_) {}
  absl::StatusOr<std::unique_ptr<internal::StateSnapshot>> Snapshot() override { return state_.store->Snapshot(); }
  absl::Status Commit(const internal::RecordFeed& records, const internal::CheckpointInfo& info) override {
    if (disk_->files.crashed()) return absl::AbortedError("crashed");
    if (state_.borrowed) {
      SEMEL_ASSIGN_OR_RETURN(state_, CopyOf(state_.store.get(), state_.seed));
      *on_disk_ = state_;
    }
    return state_.store->Commit(records, info);
  }
  // One step, as in LMDB.
  absl::Status CopyTo(const std::string& directory) override {
    SEMEL_ASSIGN_OR_RETURN(SimState copy, CopyOf(state_.store.get(), state_.seed));
    return AddSimState(disk_, directory, std::move(copy));
  }
  absl::StatusOr<internal::StateStats> GetStats() override { return state_.store->GetStats(); }
  absl::StatusOr<internal::CheckpointInfo> Verify() override { return state_.store->Verify(); }

 private:
  SimDisk* const disk_;
  SimState* const on_disk_;
  SimState state_;
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
  world.trim_background = std::make_unique<InlineBackground>(at_once);
  world.new_uuid = [] { return std::string("sixteen bytes id"); };
  world.create_state = [disk](const internal::StateIdentity& identity) { return CreateSimState(disk, identity); };
  world.open_state =
      [disk](const internal::StateIdentity& identity) -> absl::StatusOr<std::unique_ptr<internal::StateStore>> {
    const std::string directory = identity.directory + "/" + identity.name;
    SEMEL_RETURN_IF_ERROR(FindSimState(disk, directory).status());
    return std::make_unique<SimStateStore>(disk, directory);
  };
  world.compact_state = [disk](const internal::StateIdentity& identity, const std::string& to_name) -> absl::Status {
    const std::string to = identity.directory + "/" + to_name;
    SEMEL_RETURN_IF_ERROR(disk->files.CreateDirectory(to));
    SEMEL_RETURN_IF_ERROR(SimStateStore(disk, identity.directory + "/" + identity.name).CopyTo(to));
    return disk->files.SyncDirectory(identity.directory);
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
