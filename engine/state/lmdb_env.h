// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// An LMDB environment under this project's rules: default flags (fully synced, no writable map) and MDB_NOTLS, opened
// once per process, useless after a fork, and useless for good after the first unexpected error.

#ifndef SEMEL_ENGINE_STATE_LMDB_ENV_H_
#define SEMEL_ENGINE_STATE_LMDB_ENV_H_

#include <lmdb.h>

#include <sys/types.h>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/fork_guard.h"
#include "engine/base/mutex.h"

namespace semel::internal {

// An error of LMDB, or of the system calls that it made, as a status.
absl::Status LmdbStatus(int rc, const char* what);

// Errors: FailedPrecondition, if `fd` lies on a file system that does not keep what a sync promises.
absl::Status CheckLocalFileSystem(int fd, const std::string& path);

// A mark in the process-wide table of open environments.
class OpenMark {
 public:
  // Errors: Unavailable.
  static absl::StatusOr<std::unique_ptr<OpenMark>> Take(dev_t device, ino_t inode, const std::string& path);
  ~OpenMark();
  OpenMark(const OpenMark&) = delete;
  OpenMark& operator=(const OpenMark&) = delete;

 private:
  explicit OpenMark(std::pair<dev_t, ino_t> file) : file_(file) {}
  const std::pair<dev_t, ino_t> file_;
};

// Thread-safe.
class LmdbEnv {
 public:
  // Makes the files of a new environment in an existing directory.
  static absl::StatusOr<std::unique_ptr<LmdbEnv>> Create(const std::string& directory, size_t map_bytes);

  // `flags`: 0; MDB_RDONLY; MDB_RDONLY | MDB_NOLOCK for files that nobody writes, on any file system. Errors: NotFound,
  // Unavailable (open in this process), FailedPrecondition (not a regular file, network file system), DataLoss (meta
  // pages or size), PermissionDenied, and others of the system.
  static absl::StatusOr<std::unique_ptr<LmdbEnv>> Open(const std::string& directory, size_t map_bytes,
                                                       unsigned int flags);

  // All transactions must have ended. After a fork the child keeps the memory and touches nothing.
  ~LmdbEnv();
  LmdbEnv(const LmdbEnv&) = delete;
  LmdbEnv& operator=(const LmdbEnv&) = delete;

  MDB_env* get() const { return env_; }
  // Of data.mdb.
  int fd() const;

  // Whether no commit has come since a read transaction began. LMDB 0.9 takes the number of a snapshot first, and then
  // what the meta page of that number leads to: two commits of another process in between make that another snapshot,
  // or parts of two. So only of the newest the number is sure; of others see ReadCheckpointOf.
  bool IsNewest(MDB_txn* txn) const;

  // Writes a copy of the newest committed state to `directory`/data.mdb, a new file, and syncs it and its name. Commits
  // wait while it copies the meta pages; until it ends they use no page again. With MDB_CP_COMPACT in `flags` without
  // free pages, and as transaction 1. After an error nothing is left behind.
  absl::Status CopyTo(const std::string& directory, unsigned int flags);

  bool forked() const { return generation_ != ForkGeneration(); }

  // OK, or why nothing may be done any more: forked, or poisoned.
  absl::Status Usable() const {
    if (!forked() && !poisoned_.load(std::memory_order_acquire)) return absl::OkStatus();
    return WhyUnusable();
  }

  // Makes `status` the answer to every later call, unless there is one already. Returns the one that counts.
  absl::Status Poison(const absl::Status& status);
  // The same for what LMDB answered. MDB_PANIC says only that a commit of another thread has failed: the answer is that
  // commit's error.
  absl::Status Poison(int rc, const char* what) ABSL_LOCKS_EXCLUDED(commit_mutex_);

  // Held by each commit until its error, if there is one, has poisoned the environment.
  Mutex* commit_mutex() ABSL_LOCK_RETURNED(commit_mutex_) { return &commit_mutex_; }

 private:
  LmdbEnv() = default;
  absl::Status Prepare(size_t map_bytes);
  absl::Status OpenIn(const std::string& directory, unsigned int flags);
  absl::Status WhyUnusable() const;

  const uint64_t generation_ = ForkGeneration();
  std::unique_ptr<OpenMark> mark_;
  MDB_env* env_ = nullptr;

  Mutex commit_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  std::atomic<bool> poisoned_{false};
  mutable Mutex mutex_;
  absl::Status poison_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_LMDB_ENV_H_
