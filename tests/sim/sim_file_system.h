// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A file system in memory that knows what is durable and what is not, and that fails when it is told to: for testing
// crashes, power loss and I/O errors at every call.
//
//   SimFileSystem fs;
//   ... count the calls of a run: fs.calls() ...
//   fs.InjectFault(17, Fault::kCrash);       // the 17th mutating call, and all after it, fail
//   ... run the engine until it gives up; destroy it ...
//   fs.Crash(seed);                          // power loss; or fs.Kill(seed): only the process died
//   ... open the engine again on what is left ...
//
// What is modelled:
// - Writes and truncations of a file are volatile until its Sync returns. A power loss keeps, drops or tears (sector by
//   sector, 512 bytes) each of them independently of all others.
// - Entries of a directory (create, rename, remove, link, mkdir) are volatile until its SyncDirectory returns. A power
//   loss keeps a random prefix of them. Syncing a file does not make its name durable.
// - After a failed Sync the volatile writes of the file stay readable but no later Sync makes them durable (as Linux
//   does: the pages are marked clean). Only writing them again does.
// - A failed write may have written a part.
// Not modelled: renames from one directory to another (refused).

#ifndef SEMEL_TESTS_SIM_SIM_FILE_SYSTEM_H_
#define SEMEL_TESTS_SIM_SIM_FILE_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/io/file_system.h"

namespace semel::testing {

enum class Fault {
  kIoError,  // Internal, as EIO
  kNoSpace,  // ResourceExhausted, as ENOSPC
  kCrash,    // Aborted; every later call of any kind fails the same way, until Crash or Kill
};

// Thread-safe. Files and locks that were opened before a Crash or Kill fail for good.
class SimFileSystem final : public internal::FileSystem {
 public:
  SimFileSystem();
  // A copy of the files, with what is volatile of them; without faults, watcher, locks and open files. Many power
  // losses can be drawn from one run. Cheap: what neither changes is shared.
  SimFileSystem(const SimFileSystem& other);
  ~SimFileSystem() override;

  absl::StatusOr<std::unique_ptr<internal::File>> Open(const std::string& path, internal::OpenMode mode) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status Link(const std::string& from, const std::string& to) override;
  absl::Status CreateDirectory(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override;
  absl::StatusOr<bool> Exists(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<internal::FileLock>> Lock(const std::string& path) override;

  // ---- Faults

  // How many mutating calls were made: creating a file, writes, syncs, truncations, renames, removals, links, mkdir.
  // Read calls never fail, except after a crash.
  uint64_t calls() const;

  // Makes mutating call number `call` (the first is number 1) fail; with `for_ever`, all that follow as well. Several
  // may be pending.
  void InjectFault(uint64_t call, Fault fault, bool for_ever = false);
  void ClearFaults();

  // A kCrash fault has struck.
  bool crashed() const;
  static bool IsCrash(const absl::Status& status);

  // Power loss: what was not durable is lost, kept or torn, as `seed` decides. The result is durable and works again.
  void Crash(uint64_t seed, uint64_t sector_bytes = 512);
  // The process died: what was written stays, durable or not. Of the write that a kCrash fault interrupted, a part.
  void Kill(uint64_t seed);

  // A copy of the files, with what is volatile of them; without faults, watcher, locks and open files. Many power
  // losses can be drawn from one run. Cheap: what neither changes is shared.
  std::unique_ptr<SimFileSystem> Clone() const;

  // Calls `watch` in each mutating call, before it is made, with a copy of the files in which that call was struck by
  // Fault::kCrash: copy it and let the copy Crash or be Killed. So all crashes of a run are had from one run. `watch`
  // must not use this file system. Until Crash or Kill; empty: no longer.
  void WatchCalls(std::function<void(const SimFileSystem& crashed)> watch);

  // ---- Damage, durable at once and not counted as calls. The file must exist.
  void Overwrite(const std::string& path, uint64_t offset, std::string_view bytes);
  void SetSize(const std::string& path, uint64_t size);

 private:
  friend class SimFile;
  friend class SimFileLock;
  struct Core;
  const std::shared_ptr<Core> core_;
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_SIM_SIM_FILE_SYSTEM_H_
