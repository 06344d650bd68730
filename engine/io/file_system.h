// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The file interface: all of the project's own files (segments, MANIFEST, LOCK, DURABLE, renames, directory syncs) go
// through it, so that tests can put a simulator of crashes, power loss and full disks in its place. (LMDB does its own
// I/O.) No call is retried by an implementation after an error, except a system call that was interrupted (EINTR)
// or wrote less than asked.
//
// Errors: NotFound, AlreadyExists, PermissionDenied, ResourceExhausted (no space, quota, descriptors), Unavailable
// (a lock is held elsewhere), Internal (EIO and the rest); the message names the path and the system's error.

#ifndef SEMEL_ENGINE_IO_FILE_SYSTEM_H_
#define SEMEL_ENGINE_IO_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semel::internal {

// A random-access file. ReadAt may be called from many threads at a time, also while one thread writes elsewhere in
// the file; the rest by one thread at a time. Closed by its destructor (which reports nothing: sync first).
class File {
 public:
  virtual ~File() = default;

  // Reads up to `size` bytes; fewer only at the end of the file. Returns how many.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) = 0;

  // Writes all of `data`, extending the file if needed. After an error any part may have been written.
  virtual absl::Status WriteAt(uint64_t offset, std::string_view data) = 0;

  // Returns once data, and the size needed to read it, are durable (fdatasync).
  virtual absl::Status Sync() = 0;

  virtual absl::Status Truncate(uint64_t size) = 0;
  virtual absl::StatusOr<uint64_t> Size() = 0;
};

// Released by its destructor.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreateNew,  // must not exist; mode 0600 & ~umask; does not follow a symbolic link
};

// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual absl::Status Remove(const std::string& path) = 0;                         // a file or an empty directory
  // Gives a file a second name. AlreadyExists; Unimplemented where the file system cannot, or not from there to here.
  virtual absl::Status Link(const std::string& from, const std::string& to) = 0;
  virtual absl::Status CreateDirectory(const std::string& path) = 0;                        // mode 0700; AlreadyExists
  virtual absl::Status SyncDirectory(const std::string& path) = 0;                          // entries become durable
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& directory) = 0;  // names, sorted
  virtual absl::StatusOr<bool> Exists(const std::string& path) = 0;

  // Takes the exclusive lock of a file (flock), creating the file if needed. Unavailable if it is held, by another
  // process or by this one. Who holds it may remove the file.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The operating system's. Never destroyed.
FileSystem* PosixFileSystem();

// Files in memory, for ledgers without files. Everything is durable at once.
std::unique_ptr<FileSystem> NewMemoryFileSystem();

// Reads a whole file; ResourceExhausted if it is larger than `limit`.
absl::StatusOr<std::string> ReadWholeFile(FileSystem* file_system, const std::string& path, size_t limit);

// Removes a file, or a directory with all that is in it; nothing if there is none.
absl::Status RemoveTree(FileSystem* file_system, const std::string& path);

// Replaces a file atomically: writes `path`.tmp, syncs it, renames it, syncs the directory.
absl::Status WriteFileAtomically(FileSystem* file_system, const std::string& directory, const std::string& name,
                                 std::string_view data);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_IO_FILE_SYSTEM_H_
