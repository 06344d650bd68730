// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/world.h"

#include <random>
#include <utility>

namespace semel::internal {
namespace {

std::string RandomUuid() {
  std::random_device device;
  std::string uuid;
  while (uuid.size() < 16) uuid.push_back(static_cast<char>(device()));
  uuid[6] = static_cast<char>((uuid[6] & 0x0f) | 0x40);  // RFC 4122, version 4
  uuid[8] = static_cast<char>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

World Common() {
  World world;
  world.clock = NewSystemClock();
  world.checkpoint_background = NewBackgroundThread();
  world.journal_background = NewBackgroundThread();
  world.async_background = NewBackgroundThread();
  world.trim_background = NewBackgroundThread();
  world.new_uuid = RandomUuid;
  return world;
}

LmdbOptions LmdbOptionsOf(const StateIdentity& identity, size_t map_bytes, bool read_only) {
  LmdbOptions options;
  options.directory = identity.directory + "/" + identity.name;
  options.uuid = identity.uuid;
  options.epoch = identity.epoch;
  options.seed = identity.seed;
  options.map_bytes = map_bytes;
  options.read_only = read_only || identity.is_copy;
  options.is_copy = identity.is_copy;
  return options;
}

}  // namespace

World RealWorld(size_t state_map_bytes, bool read_only) {
  World world = Common();
  world.files = PosixFileSystem();
  world.create_state = [state_map_bytes](const StateIdentity& identity) {
    return CreateLmdbState(LmdbOptionsOf(identity, state_map_bytes, /*read_only=*/false));
  };
  world.open_state = [state_map_bytes, read_only](const StateIdentity& identity) {
    return OpenLmdbState(LmdbOptionsOf(identity, state_map_bytes, read_only));
  };
  world.compact_state = [state_map_bytes](const StateIdentity& identity, const std::string& to_name) {
    return CompactLmdbState(LmdbOptionsOf(identity, state_map_bytes, /*read_only=*/false),
                            identity.directory + "/" + to_name);
  };
  return world;
}

World MemoryWorld() {
  World world = Common();
  world.own_files = NewMemoryFileSystem();
  world.files = world.own_files.get();
  world.create_state = [](const StateIdentity&) { return absl::OkStatus(); };
  world.open_state = [](const StateIdentity& identity) -> absl::StatusOr<std::unique_ptr<StateStore>> {
    return NewMemoryStateStore(identity.seed);
  };
  return world;
}

}  // namespace semel::internal
