// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What a ledger is built on, injected: files, the state's store, time, background work, chance. The real one for
// Ledger::Open, one in memory for OpenInMemory, a simulated one in tests.

#ifndef SEMEL_ENGINE_LEDGER_WORLD_H_
#define SEMEL_ENGINE_LEDGER_WORLD_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/environment.h"
#include "engine/io/file_system.h"
#include "engine/state/state_store.h"
#include "semel/ledger.h"

namespace semel::internal {

// Which state: that of the ledger in `directory`, with this identity.
struct StateIdentity {
  std::string directory;  // of the ledger
  std::string uuid;       // 16 bytes
  uint64_t epoch = 0;
  uint64_t seed = 0;
  std::string name = "state";  // of its own directory there
  bool is_copy = false;        // in a backup: nobody writes it
};

struct World {
  FileSystem* files = nullptr;
  std::unique_ptr<FileSystem> own_files;  // where `files` is not the operating system's
  std::unique_ptr<Clock> clock;
  std::unique_ptr<Background> checkpoint_background;
  std::unique_ptr<Background> journal_background;  // prepares segments
  std::unique_ptr<Background> async_background;    // ApplyAsync
  std::unique_ptr<Background> trim_background;     // retention
  std::function<std::string()> new_uuid;           // 16 bytes
  std::function<absl::Status(const StateIdentity&)> create_state;
  std::function<absl::StatusOr<std::unique_ptr<StateStore>>(const StateIdentity&)> open_state;
  // Makes another state, with the name given, of one that is not open, without the pages that hold nothing. Empty where
  // a state has no file.
  std::function<absl::Status(const StateIdentity&, const std::string&)> compact_state;
};

World RealWorld(size_t state_map_bytes, bool read_only);
World MemoryWorld();

// The implementations of Ledger's open functions.
absl::StatusOr<std::unique_ptr<Ledger>> OpenForWriting(const std::string& directory, const Options& options,
                                                       World world);
absl::StatusOr<std::unique_ptr<Ledger>> OpenForReading(const std::string& directory, const ReadOnlyOptions& options,
                                                       World world);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_WORLD_H_
