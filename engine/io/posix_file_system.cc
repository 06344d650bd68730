// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/fork_guard.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"
#include "engine/io/file_system.h"

namespace semel::internal {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status ErrorOf(int error, const char* call, const std::string& path) {
  return absl::Status(CodeOf(error), absl::StrCat(call, " ", path, ": ", std::strerror(error)));
}

// Another device, a file system without links, a file with too many, or one of another user's under
// fs.protected_hardlinks.
bool CannotLink(int error) { return error == EXDEV || error == EPERM || error == EOPNOTSUPP || error == EMLINK; }

// Runs a system call again as long as it is interrupted by a signal.
template <typename Call>
auto Uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

absl::StatusOr<Descriptor> OpenDescriptor(const std::string& path, int flags) {
  Descriptor fd(Uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); }));
  if (fd.get() < 0) return ErrorOf(errno, "open", path);
  return fd;
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n = Uninterrupted(
          [&] { return ::pread(fd_.get(), buffer + done, size - done, static_cast<off_t>(offset + done)); });
      if (n < 0) return ErrorOf(errno, "read", path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  absl::Status WriteAt(uint64_t offset, std::string_view data) override {
    while (!data.empty()) {
      const ssize_t n =
          Uninterrupted([&] { return ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset)); });
      if (n < 0) return ErrorOf(errno, "write", path_);
      if (n == 0) return absl::InternalError(absl::StrCat("write ", path_, ": nothing was written"));
      data.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (Uninterrupted([&] { return ::fdatasync(fd_.get()); }) < 0) return ErrorOf(errno, "sync", path_);
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    if (Uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) < 0) {
      return ErrorOf(errno, "truncate", path_);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() override {
    struct stat info;
    if (::fstat(fd_.get(), &info) < 0) return ErrorOf(errno, "stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  const Descriptor fd_;
  const std::string path_;
};

// The files that this process has locked. flock alone is not enough: where it is emulated by record locks (NFS), a
// process does not conflict with itself.
class LockRegistry {
 public:
  using Key = std::pair<dev_t, ino_t>;

  bool Insert(Key key) {
    MutexLock lock(&mutex_);
    return held_.insert(key).second;
  }
  void Erase(Key key) {
    MutexLock lock(&mutex_);
    held_.erase(key);
  }

  static LockRegistry& Get() {
    static LockRegistry* const kRegistry = new LockRegistry;
    return *kRegistry;
  }

 private:
  Mutex mutex_;
  std::set<Key> held_ ABSL_GUARDED_BY(mutex_);
};

class PosixFileLock final : public FileLock {
 public:
  PosixFileLock(Descriptor fd, LockRegistry::Key key) : fd_(std::move(fd)), key_(key) {}
  // A fork's child shares the lock. So closing alone would leave it to a child that lives on; and a child must not
  // release what is the parent's.
  ~PosixFileLock() override {
    if (fork_generation_ == ForkGeneration()) ::flock(fd_.get(), LOCK_UN);
    LockRegistry::Get().Erase(key_);
  }

  bool Locks(const struct stat& file) const { return key_ == LockRegistry::Key(file.st_dev, file.st_ino); }

 private:
  const uint64_t fork_generation_ = ForkGeneration();
  const Descriptor fd_;
  const LockRegistry::Key key_;
};

class PosixFileSystemImpl final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    SEMEL_ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, FlagsOf(mode)));
    return std::make_unique<PosixFile>(std::move(fd), path);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) < 0) return ErrorOf(errno, "rename", absl::StrCat(from, " to ", to));
    return absl::OkStatus();
  }

  absl::Status Remove(const std::string& path) override {
    if (std::remove(path.c_str()) < 0) return ErrorOf(errno, "remove", path);
    return absl::OkStatus();
  }

  absl::Status Link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    const int error = errno;
    const absl::Status status = ErrorOf(error, "link", absl::StrCat(from, " to ", to));
    return CannotLink(error) ? absl::UnimplementedError(status.message()) : status;
  }

  absl::Status CreateDirectory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) < 0) return ErrorOf(errno, "mkdir", path);
    return absl::OkStatus();
  }

  absl::Status SyncDirectory(const std::string& path) override {
    SEMEL_ASSIGN_OR_RETURN(const Descriptor fd, OpenDescriptor(path, O_RDONLY | O_DIRECTORY));
    if (Uninterrupted([&] { return ::fsync(fd.get()); }) < 0) return ErrorOf(errno, "sync", path);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override {
    DIR* const stream = ::opendir(directory.c_str());
    if (stream == nullptr) return ErrorOf(errno, "list", directory);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int error = errno;
    ::closedir(stream);
    if (error != 0) return ErrorOf(error, "list", directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<bool> Exists(const std::string& path) override {
    struct stat info;
    if (::lstat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT) return false;
    return ErrorOf(errno, "stat", path);
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    for (;;) {
      SEMEL_ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, O_RDWR | O_CREAT | O_NOFOLLOW));
      SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<PosixFileLock> lock, LockDescriptor(std::move(fd), path));
      // Who held it may have removed the file before letting go: then this is a lock of nothing.
      struct stat named = {};
      if (::lstat(path.c_str(), &named) < 0 && errno != ENOENT) return ErrorOf(errno, "stat", path);
      if (lock->Locks(named)) return lock;
    }
  }

 private:
  static absl::StatusOr<std::unique_ptr<PosixFileLock>> LockDescriptor(Descriptor fd, const std::string& path) {
    struct stat info;
    if (::fstat(fd.get(), &info) < 0) return ErrorOf(errno, "stat", path);
    const LockRegistry::Key key(info.st_dev, info.st_ino);
    if (!LockRegistry::Get().Insert(key)) {
      return absl::UnavailableError(absl::StrCat(path, " is locked by this process"));
    }
    if (Uninterrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) < 0) {
      const int error = errno;
      LockRegistry::Get().Erase(key);
      if (error == EWOULDBLOCK) return absl::UnavailableError(absl::StrCat(path, " is locked by another process"));
      return ErrorOf(error, "lock", path);
    }
    return std::make_unique<PosixFileLock>(std::move(fd), key);
  }

  static int FlagsOf(OpenMode mode) {
    switch (mode) {
      case OpenMode::kRead:
        return O_RDONLY;
      case OpenMode::kReadWrite:
        return O_RDWR;
      case OpenMode::kCreateNew:
        return O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    }
    return O_RDONLY;
  }
};

}  // namespace

FileSystem* PosixFileSystem() {
  static PosixFileSystemImpl* const kFileSystem = new PosixFileSystemImpl;
  return kFileSystem;
}

}  // namespace semel::internal
