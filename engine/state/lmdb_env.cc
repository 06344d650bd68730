// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/state/lmdb_env.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/descriptor.h"
#include "engine/base/status_macros.h"
#include "engine/io/file_system.h"
#include "engine/rules/head.h"
#include "engine/state/lmdb_pages.h"

namespace semel::internal {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr unsigned int kReadersMax = 1022;  // what fits in 64 KiB of lock file
constexpr unsigned int kTables = kTableCount + 1;

// ---- The open environments of this process. LMDB must not open one twice: closing the second would drop the locks of
// the first. Inherited by a fork's child, where nothing is open any more.

struct OpenFiles {
  Mutex mutex;
  std::set<std::pair<dev_t, ino_t>> files ABSL_GUARDED_BY(mutex);
};
OpenFiles* TheOpenFiles();

// The lock is held across fork(), so that the child never inherits it from a thread that it does not have.
void BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS { TheOpenFiles()->mutex.Lock(); }
void AfterForkInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS { TheOpenFiles()->mutex.Unlock(); }
void AfterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  OpenFiles* open = TheOpenFiles();
  open->files.clear();
  open->mutex.Unlock();
}

OpenFiles* TheOpenFiles() {
  static OpenFiles* const open = [] {
    auto* created = new OpenFiles;
    SEMEL_CHECK(pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild) == 0);
    return created;
  }();
  return open;
}

// ---- Files

absl::Status SystemError(const std::string& what) { return absl::ErrnoToStatus(errno, what); }

absl::Status NotRegular(const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(path, " is not a regular file: put the file itself there"));
}

// The lock file must not lead elsewhere. LMDB writes it through a mapping, which a full disk answers with SIGBUS, so it
// gets its space here; its size is LMDB's. No environment of this process has it open, or OpenMark would have refused:
// so that closing it gives up no lock.
absl::Status PrepareLockFile(const std::string& path) {
  constexpr off_t kBytes = 64 << 10;
  struct stat found;
  if (lstat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode)) return NotRegular(path);
  const Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (file.get() < 0) return SystemError(path);
  if (fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, kBytes) == 0 || errno == EOPNOTSUPP) return absl::OkStatus();
  return SystemError(path);
}

// Looks at data.mdb before LMDB does, and marks it as open.
absl::StatusOr<std::unique_ptr<OpenMark>> ExamineDataFile(const std::string& path, bool is_shared) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return errno == ELOOP ? NotRegular(path) : SystemError(path);
  struct stat found;
  if (fstat(file.get(), &found) != 0) return SystemError(path);
  if (!S_ISREG(found.st_mode)) return NotRegular(path);
  if (is_shared) SEMEL_RETURN_IF_ERROR(CheckLocalFileSystem(file.get(), path));
  SEMEL_RETURN_IF_ERROR(ReadLmdbMetaPages(file.get()).status());
  return OpenMark::Take(found.st_dev, found.st_ino, path);
}

}  // namespace

absl::Status LmdbStatus(int rc, const char* what) {
  const std::string message = absl::StrCat(what, ": ", mdb_strerror(rc));
  switch (rc) {
    case MDB_MAP_FULL:
      return absl::ResourceExhaustedError(absl::StrCat(message, ": open with a larger map"));
    case MDB_READERS_FULL:
    case MDB_DBS_FULL:
    case MDB_TXN_FULL:
      return absl::ResourceExhaustedError(message);
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(absl::StrCat(message, ": free some space, then open again"));
    case EIO:  // LMDB also says so when a write comes out short
      return absl::InternalError(absl::StrCat(message, ": the disk is full or failing: look at it, then open again"));
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
      return absl::FailedPreconditionError(message);
    case MDB_NOTFOUND:
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID:
      return absl::DataLossError(message);
    default:
      return rc > 0 ? absl::ErrnoToStatus(rc, what) : absl::InternalError(message);
  }
}

absl::Status CheckLocalFileSystem(int fd, const std::string& path) {
  // Not all in <linux/magic.h>.
  constexpr uint32_t kCifs = 0xFF534D42, kSmb2 = 0xFE534D42, kCeph = 0x00C36400, kFuse = 0x65735546,
                     kLustre = 0x0BD00BD0, kGpfs = 0x47504653;
  struct statfs found;
  if (fstatfs(fd, &found) != 0) return SystemError(path);
  switch (static_cast<uint32_t>(found.f_type)) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case V9FS_MAGIC:
    case kCifs:
    case kSmb2:
    case kCeph:
    case kFuse:
    case kLustre:
    case kGpfs:
      return absl::FailedPreconditionError(
          absl::StrCat(path, " is on a network file system, which does not keep what a sync promises: ",
                       "move the ledger to a local disk"));
    default:
      return absl::OkStatus();
  }
}

absl::StatusOr<std::unique_ptr<OpenMark>> OpenMark::Take(dev_t device, ino_t inode, const std::string& path) {
  OpenFiles* open = TheOpenFiles();
  MutexLock lock(&open->mutex);
  if (!open->files.insert({device, inode}).second) {
    return absl::UnavailableError(absl::StrCat(path, " is open in this process already: share that handle"));
  }
  return std::unique_ptr<OpenMark>(new OpenMark({device, inode}));
}

OpenMark::~OpenMark() {
  OpenFiles* open = TheOpenFiles();
  MutexLock lock(&open->mutex);
  open->files.erase(file_);
}

absl::StatusOr<std::unique_ptr<LmdbEnv>> LmdbEnv::Create(const std::string& directory, size_t map_bytes) {
  std::unique_ptr<LmdbEnv> env(new LmdbEnv);
  SEMEL_RETURN_IF_ERROR(PrepareLockFile(directory + "/lock.mdb"));
  SEMEL_RETURN_IF_ERROR(env->Prepare(map_bytes));
  SEMEL_RETURN_IF_ERROR(env->OpenIn(directory, 0));
  SEMEL_RETURN_IF_ERROR(CheckLocalFileSystem(env->fd(), directory));
  return env;
}

absl::StatusOr<std::unique_ptr<LmdbEnv>> LmdbEnv::Open(const std::string& directory, size_t map_bytes,
                                                       unsigned int flags) {
  const bool is_shared = (flags & MDB_NOLOCK) == 0;
  std::unique_ptr<LmdbEnv> env(new LmdbEnv);
  SEMEL_ASSIGN_OR_RETURN(env->mark_, ExamineDataFile(directory + "/data.mdb", is_shared));
  if (is_shared) SEMEL_RETURN_IF_ERROR(PrepareLockFile(directory + "/lock.mdb"));
  SEMEL_RETURN_IF_ERROR(env->Prepare(map_bytes));
  SEMEL_RETURN_IF_ERROR(env->OpenIn(directory, flags));
  int dead = 0;
  if (const int rc = mdb_reader_check(env->get(), &dead); rc != 0) return LmdbStatus(rc, "mdb_reader_check");
  return env;
}

LmdbEnv::~LmdbEnv() {
  if (forked()) {
    mark_.release();  // the table of this process does not have it
    return;
  }
  if (env_ != nullptr) mdb_env_close(env_);
}

int LmdbEnv::fd() const {
  mdb_filehandle_t fd = -1;
  SEMEL_CHECK(mdb_env_get_fd(env_, &fd) == 0);
  return fd;
}

bool LmdbEnv::IsNewest(MDB_txn* txn) const {
  MDB_envinfo info;
  SEMEL_CHECK(mdb_env_info(env_, &info) == 0);
  return info.me_last_txnid == mdb_txn_id(txn);
}

absl::Status LmdbEnv::CopyTo(const std::string& directory, unsigned int flags) {
  const std::string path = directory + "/data.mdb";
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (file.get() < 0) return SystemError(path);
  const int rc = mdb_env_copyfd2(env_, file.get(), flags);
  absl::Status status;
  if (rc == MDB_PANIC) {
    status = Poison(rc, "copying the state");
  } else if (rc != 0) {
    status = LmdbStatus(rc, absl::StrCat("copying the state to ", path).c_str());
  }
  if (status.ok() && fsync(file.get()) != 0) status = SystemError(path);
  if (!status.ok()) {
    (void)unlink(path.c_str());
    return status;
  }
  return PosixFileSystem()->SyncDirectory(directory);
}

absl::Status LmdbEnv::Prepare(size_t map_bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (const int rc = mdb_env_create(&env_); rc != 0) return LmdbStatus(rc, "mdb_env_create");
  if (const int rc = mdb_env_set_maxdbs(env_, kTables); rc != 0) return LmdbStatus(rc, "mdb_env_set_maxdbs");
  if (const int rc = mdb_env_set_maxreaders(env_, kReadersMax); rc != 0)
    return LmdbStatus(rc, "mdb_env_set_maxreaders");
  if (const int rc = mdb_env_set_mapsize(env_, map_bytes / page * page); rc != 0) {
    return LmdbStatus(rc, "mdb_env_set_mapsize");
  }
  return absl::OkStatus();
}

absl::Status LmdbEnv::OpenIn(const std::string& directory, unsigned int flags) {
  const int rc = mdb_env_open(env_, directory.c_str(), flags | MDB_NOTLS, kFileMode);
  if (rc == 0) return absl::OkStatus();
  return LmdbStatus(rc, absl::StrCat("cannot open the state in ", directory).c_str());
}

absl::Status LmdbEnv::WhyUnusable() const {
  if (forked()) {
    return absl::FailedPreconditionError("this handle was opened before fork(): open the ledger again in the child");
  }
  MutexLock lock(&mutex_);
  return poison_;
}

absl::Status LmdbEnv::Poison(const absl::Status& status) {
  MutexLock lock(&mutex_);
  if (poison_.ok()) poison_ = status;
  poisoned_.store(true, std::memory_order_release);
  return poison_;
}

absl::Status LmdbEnv::Poison(int rc, const char* what) {
  if (rc == MDB_PANIC) const MutexLock until_the_commit_has_failed(&commit_mutex_);
  return Poison(LmdbStatus(rc, what));
}

}  // namespace semel::internal
