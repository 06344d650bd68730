// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/faults/interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "engine/base/check.h"
#include "tests/sim/figures.h"

namespace semel::testing {
namespace {

constexpr size_t kRecordBytes = size_t{64} << 20;  // address space; used as far as it is written
constexpr size_t kGatherBytes = size_t{4} << 20;
constexpr int kFilesMax = 1024;

// Before each call in the record.
struct RecordHeader {
  Call call;
  uint32_t failed;
  uint64_t file;
  uint64_t argument;
  uint32_t path_bytes;
  uint32_t other_path_bytes;
  uint64_t data_bytes;
};
static_assert(sizeof(RecordHeader) % 8 == 0);

struct Region {
  Shared observed;
  std::atomic<uint64_t> record_bytes;
  alignas(8) char record[kRecordBytes];
};

struct OpenFile {
  bool tracked;
  bool durable;  // opened with O_DSYNC
  uint64_t number;
  char path[256];  // as it is named now
};

// Nothing here may allocate: these are the calls below an allocator's.
Region* g_region = nullptr;
std::atomic<bool> g_armed{false};
std::atomic<bool> g_counts_allocations{false};
pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER;  // a call and its record are one
char g_root[256];
size_t g_root_bytes = 0;
FaultPlan g_plan;
uint64_t g_space_left = 0;
uint64_t g_opened = 0;
OpenFile g_files[kFilesMax];
char g_gathered[kGatherBytes];
thread_local bool t_spared = false;
thread_local bool t_was_interrupted = false;  // the last call; it is made again

class Locked {
 public:
  Locked() { pthread_mutex_lock(&g_mutex); }
  ~Locked() { pthread_mutex_unlock(&g_mutex); }
};

bool IsBelowRoot(const char* path) {
  return g_armed.load(std::memory_order_acquire) && path != nullptr && std::strncmp(path, g_root, g_root_bytes) == 0 &&
         (path[g_root_bytes] == '/' || path[g_root_bytes] == '\0');
}

OpenFile* FileOf(int fd) {
  if (!g_armed.load(std::memory_order_acquire) || fd < 0 || fd >= kFilesMax) return nullptr;
  return g_files[fd].tracked ? &g_files[fd] : nullptr;
}

[[noreturn]] void Die() {
  for (;;) syscall(SYS_kill, getpid(), SIGKILL);
}

// ---- Deciding what happens to a call

struct Verdict {
  enum { kPass, kFail, kHalf, kHalfAndFail, kHalfAndDie } fate = kPass;
  int error = 0;
  bool die_after = false;
};

Verdict Judge(const char* call, const char* path, bool is_write, bool needs_space, bool may_be_interrupted) {
  Shared& observed = g_region->observed;
  // An interrupted call is made again: that is the same call, not the next.
  if (t_was_interrupted) {
    t_was_interrupted = false;
    return {};
  }
  const uint64_t number = observed.calls.fetch_add(1) + 1;
  if (g_plan.call == 0 || number < g_plan.call || (number > g_plan.call && !g_plan.for_ever)) return {};

  const Strike strike = g_plan.strike;
  if (strike == Strike::kShortWrite && !is_write) return {};
  if (strike == Strike::kInterrupt && !may_be_interrupted) return {};
  if (!observed.struck.exchange(true)) {
    observed.struck_open = observed.is_open.load();
    std::snprintf(observed.struck_path, sizeof observed.struck_path, "%s", path + g_root_bytes);
    std::snprintf(observed.struck_call, sizeof observed.struck_call, "%s", call);
  }
  switch (strike) {
    case Strike::kNone:
      return {};
    case Strike::kKillBefore:
      Die();
    case Strike::kKillWithin:
      if (!is_write) Die();
      return {Verdict::kHalfAndDie, 0, false};
    case Strike::kKillAfter:
      return {Verdict::kPass, 0, true};
    case Strike::kIoError:
      return {is_write ? Verdict::kHalfAndFail : Verdict::kFail, EIO, false};
    case Strike::kNoSpace:
      return {is_write ? Verdict::kHalfAndFail : Verdict::kFail, needs_space ? ENOSPC : EIO, false};
    case Strike::kShortWrite:
      return {Verdict::kHalf, 0, false};
    case Strike::kInterrupt:
      t_was_interrupted = true;
      return {Verdict::kFail, EINTR, false};
  }
  return {};
}

// ---- The record

const char* Relative(const char* path) { return path + g_root_bytes; }

void Record(Call call, bool failed, uint64_t file, uint64_t argument, const char* path, const char* other_path,
            const void* data, size_t data_bytes) {
  if (!g_plan.record) return;
  RecordHeader header = {};
  header.call = call;
  header.failed = failed;
  header.file = file;
  header.argument = argument;
  header.path_bytes = static_cast<uint32_t>(std::strlen(path));
  header.other_path_bytes = static_cast<uint32_t>(std::strlen(other_path));
  header.data_bytes = data_bytes;
  const uint64_t at = g_region->record_bytes;
  const uint64_t end = at + sizeof header + header.path_bytes + header.other_path_bytes + data_bytes;
  SEMEL_CHECK(end <= kRecordBytes);
  char* out = g_region->record + at;
  out = static_cast<char*>(mempcpy(out, &header, sizeof header));
  out = static_cast<char*>(mempcpy(out, path, header.path_bytes));
  out = static_cast<char*>(mempcpy(out, other_path, header.other_path_bytes));
  if (data_bytes > 0) std::memcpy(out, data, data_bytes);
  g_region->record_bytes = (end + 7) / 8 * 8;
}

// ---- Calls

// A call that names no open file: judged, made, recorded.
template <typename Make>
int NamedCall(const char* name, Call call, const char* path, const char* other_path, bool needs_space,
              const Make& make) {
  const Locked lock;
  const Verdict verdict = Judge(name, path, /*is_write=*/false, needs_space, /*may_be_interrupted=*/false);
  if (verdict.fate == Verdict::kFail) {
    errno = verdict.error;
    return -1;
  }
  const int result = make();
  const int error = errno;
  if (result == 0) Record(call, false, 0, 0, Relative(path), other_path, nullptr, 0);
  if (verdict.die_after) Die();
  errno = error;
  return result;
}

int OpenCall(const char* path, int flags, mode_t mode) {
  const auto open_now = [&] { return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode)); };
  if (!IsBelowRoot(path)) return open_now();
  const Locked lock;
  // Only what makes or empties a file is a change.
  struct stat found;
  const bool creates = (flags & O_CREAT) != 0 && syscall(SYS_newfstatat, AT_FDCWD, path, &found, 0) != 0;
  Verdict verdict;
  if (creates || (flags & O_TRUNC) != 0) {
    verdict = Judge("open", path, /*is_write=*/false, /*needs_space=*/true, /*may_be_interrupted=*/true);
  }
  if (verdict.fate == Verdict::kFail) {
    errno = verdict.error;
    return -1;
  }
  const int fd = open_now();
  if (fd < 0) return fd;
  SEMEL_CHECK(fd < kFilesMax);
  OpenFile& file = g_files[fd];
  file.tracked = true;
  file.durable = (flags & O_DSYNC) != 0;
  file.number = ++g_opened;
  std::snprintf(file.path, sizeof file.path, "%s", path);
  Record(Call::kOpen, false, file.number, static_cast<uint64_t>(flags), Relative(path), "", nullptr, 0);
  if (verdict.die_after) Die();
  return fd;
}

bool HasLimit() { return g_plan.space_bytes != UINT64_MAX; }

// What may still be written at `offset` before the disk is full.
size_t TakeSpace(int fd, uint64_t offset, size_t size) {
  struct stat found;
  if (!HasLimit() || fstat(fd, &found) != 0) return size;
  const uint64_t old_bytes = static_cast<uint64_t>(found.st_size);
  const uint64_t grows = std::max(old_bytes, offset + size) - old_bytes;
  const uint64_t missing = grows > g_space_left ? grows - g_space_left : 0;
  g_space_left -= grows - missing;
  if (missing > 0) g_region->observed.struck = true;
  return size - std::min<size_t>(missing, size);
}

ssize_t WriteCall(int fd, OpenFile* file, const char* data, size_t size, uint64_t offset) {
  const Locked lock;
  const Verdict verdict = Judge("write", file->path, /*is_write=*/true, /*needs_space=*/true,
                                /*may_be_interrupted=*/true);
  if (verdict.fate == Verdict::kFail) {
    errno = verdict.error;
    return -1;
  }
  const bool failed = verdict.fate == Verdict::kHalfAndFail;
  size_t to_write = size;
  if (verdict.fate == Verdict::kHalf) to_write = (size + 1) / 2;
  if (failed || verdict.fate == Verdict::kHalfAndDie) to_write = size / 2;
  if (failed && file->durable) to_write = size;  // it is the sync after it that fails
  const size_t fits = TakeSpace(fd, offset, to_write);
  if (fits == 0 && to_write > 0) {
    errno = ENOSPC;
    return -1;
  }
  const ssize_t written = syscall(SYS_pwrite64, fd, data, fits, offset);
  const int error = errno;
  if (written >= 0) {
    Record(file->durable && !failed ? Call::kWriteDurably : Call::kWrite, failed, file->number, offset, "", "", data,
           static_cast<size_t>(written));
  }
  if (verdict.fate == Verdict::kHalfAndDie || verdict.die_after) Die();
  errno = failed ? verdict.error : error;
  return failed ? -1 : written;
}

// At the position of the descriptor, which moves.
ssize_t SequentialWrite(int fd, OpenFile* file, const char* data, size_t size) {
  const off_t at = lseek(fd, 0, SEEK_CUR);
  const ssize_t written = WriteCall(fd, file, data, size, static_cast<uint64_t>(at));
  if (written > 0) lseek(fd, at + written, SEEK_SET);
  return written;
}

int SyncCall(int number, int fd) {
  OpenFile* const file = FileOf(fd);
  if (file == nullptr) return static_cast<int>(syscall(number, fd));
  if (g_region->observed.struck) (void)usleep(1000 * g_plan.sync_ms_once_struck);
  const Locked lock;
  const Verdict verdict = Judge("sync", file->path, /*is_write=*/false, /*needs_space=*/true,
                                /*may_be_interrupted=*/true);
  const bool failed = verdict.fate == Verdict::kFail;
  // What was interrupted did not begin; what failed lost what it was to keep.
  const bool interrupted = failed && verdict.error == EINTR;
  if (!interrupted) Record(Call::kSync, failed, file->number, 0, "", "", nullptr, 0);
  if (verdict.die_after) Die();
  if (!failed && g_plan.own_disk) return static_cast<int>(syscall(number, fd));
  if (!failed) return 0;  // the page cache survives a kill; a power loss is drawn from the record
  errno = verdict.error;
  return -1;
}

int TruncateCall(int fd, off_t size) {
  OpenFile* const file = FileOf(fd);
  if (file == nullptr) return static_cast<int>(syscall(SYS_ftruncate, fd, size));
  const Locked lock;
  const Verdict verdict = Judge("truncate", file->path, /*is_write=*/false, /*needs_space=*/true,
                                /*may_be_interrupted=*/true);
  if (verdict.fate == Verdict::kFail) {
    errno = verdict.error;
    return -1;
  }
  const int result = static_cast<int>(syscall(SYS_ftruncate, fd, size));
  if (result == 0) Record(Call::kTruncate, false, file->number, static_cast<uint64_t>(size), "", "", nullptr, 0);
  if (verdict.die_after) Die();
  return result;
}

int RemoveCall(const char* path, int flags) {
  const auto remove_now = [&] { return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, flags)); };
  if (!IsBelowRoot(path)) return remove_now();
  struct stat found;
  if (syscall(SYS_newfstatat, AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW) != 0) return -1;  // changes nothing
  return NamedCall("remove", Call::kRemove, path, "", /*needs_space=*/false, [&] {
    const int result = remove_now();
    if (result == 0 && S_ISREG(found.st_mode) && found.st_nlink == 1 && HasLimit()) {
      g_space_left += static_cast<uint64_t>(found.st_size);
    }
    return result;
  });
}

// Files that are open keep up with the names of their files and directories.
void FollowRename(const char* from, const char* to) {
  const size_t from_bytes = std::strlen(from);
  for (OpenFile& file : g_files) {
    if (!file.tracked || std::strncmp(file.path, from, from_bytes) != 0) continue;
    const char* const rest = file.path + from_bytes;
    if (*rest != '\0' && *rest != '/') continue;
    char renamed[sizeof file.path];
    if (std::snprintf(renamed, sizeof renamed, "%s%s", to, rest) < 0) continue;
    std::memcpy(file.path, renamed, sizeof renamed);
  }
}

// ---- Allocations

bool AllocationFails() {
  if (!g_counts_allocations.load(std::memory_order_acquire) || t_spared) return false;
  Shared& observed = g_region->observed;
  const uint64_t number = observed.allocations.fetch_add(1) + 1;
  if (g_plan.allocation == 0 || number < g_plan.allocation) return false;
  if (number > g_plan.allocation && !g_plan.allocations_for_ever) return false;
  observed.struck = true;
  errno = ENOMEM;
  return true;
}

}  // namespace

// ---- For the driver and the worker

Shared* SharedWithChildren() {
  if (g_region == nullptr) {
    void* const memory =
        mmap(nullptr, sizeof(Region), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    SEMEL_CHECK(memory != MAP_FAILED);
    g_region = static_cast<Region*>(memory);
  }
  return &g_region->observed;
}

void ForgetObserved() {
  std::memset(static_cast<void*>(SharedWithChildren()), 0, sizeof(Shared));
  g_region->record_bytes = 0;
}

void Arm(const FaultPlan& plan) {
  SEMEL_CHECK(g_region != nullptr && plan.root.size() < sizeof g_root);
  g_plan = plan;
  g_root_bytes = plan.root.size();
  std::memcpy(g_root, plan.root.c_str(), g_root_bytes + 1);
  g_space_left = plan.space_bytes;
  Shared& observed = g_region->observed;
  observed.calls = 0;
  observed.is_open = false;
  observed.allocations = 0;
  observed.struck = plan.disk_is_small;
  observed.struck_open = false;
  g_region->record_bytes = 0;
  g_counts_allocations.store(true, std::memory_order_release);
  g_armed.store(true, std::memory_order_release);
}

void Disarm() {
  g_armed.store(false);
  g_counts_allocations.store(false);
}

SpareAllocations::SpareAllocations(bool spare) : before_(t_spared) { t_spared = spare; }
SpareAllocations::~SpareAllocations() { t_spared = before_; }

void RecordAcknowledgement(uint64_t number) {
  const Locked lock;
  Record(Call::kAcknowledge, false, 0, number, "", "", nullptr, 0);
}

std::vector<RecordedCall> Recorded() {
  std::vector<RecordedCall> calls;
  for (uint64_t at = 0; at < g_region->record_bytes;) {
    RecordHeader header;
    std::memcpy(&header, g_region->record + at, sizeof header);
    const char* const path = g_region->record + at + sizeof header;
    const char* const other_path = path + header.path_bytes;
    const char* const data = other_path + header.other_path_bytes;
    calls.push_back({header.call,
                     header.failed != 0,
                     header.file,
                     header.argument,
                     {path, header.path_bytes},
                     {other_path, header.other_path_bytes},
                     {data, header.data_bytes}});
    at = (at + sizeof header + header.path_bytes + header.other_path_bytes + header.data_bytes + 7) / 8 * 8;
  }
  return calls;
}

}  // namespace semel::testing

// ---- The C library's functions

using semel::testing::Call;
using semel::testing::FileOf;
using semel::testing::IsBelowRoot;
using semel::testing::NamedCall;

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return semel::testing::OpenCall(path, flags, mode);
}

int close(int fd) {
  if (semel::testing::OpenFile* const file = FileOf(fd)) file->tracked = false;
  return static_cast<int>(syscall(SYS_close, fd));
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  semel::testing::OpenFile* const file = FileOf(fd);
  if (file == nullptr) return syscall(SYS_pwrite64, fd, data, size, offset);
  return semel::testing::WriteCall(fd, file, static_cast<const char*>(data), size, static_cast<uint64_t>(offset));
}

ssize_t write(int fd, const void* data, size_t size) {
  semel::testing::OpenFile* const file = FileOf(fd);
  if (file == nullptr) return syscall(SYS_write, fd, data, size);
  return semel::testing::SequentialWrite(fd, file, static_cast<const char*>(data), size);
}

ssize_t writev(int fd, const iovec* pieces, int count) {
  semel::testing::OpenFile* const file = FileOf(fd);
  if (file == nullptr) return syscall(SYS_writev, fd, pieces, count);
  size_t size = 0;
  for (int i = 0; i < count; ++i) {
    SEMEL_CHECK(size + pieces[i].iov_len <= semel::testing::kGatherBytes);
    std::memcpy(semel::testing::g_gathered + size, pieces[i].iov_base, pieces[i].iov_len);
    size += pieces[i].iov_len;
  }
  return semel::testing::SequentialWrite(fd, file, semel::testing::g_gathered, size);
}

int fsync(int fd) { return semel::testing::SyncCall(SYS_fsync, fd); }
int fdatasync(int fd) { return semel::testing::SyncCall(SYS_fdatasync, fd); }
int ftruncate(int fd, off_t size) noexcept { return semel::testing::TruncateCall(fd, size); }

int rename(const char* from, const char* to) noexcept {
  const auto rename_now = [&] { return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)); };
  if (!IsBelowRoot(from)) return rename_now();
  return NamedCall("rename", Call::kRename, from, semel::testing::Relative(to), /*needs_space=*/true, [&] {
    const int result = rename_now();
    if (result == 0) semel::testing::FollowRename(from, to);
    return result;
  });
}

int link(const char* from, const char* to) noexcept {
  const auto link_now = [&] { return static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0)); };
  if (!IsBelowRoot(to)) return link_now();
  return NamedCall("link", Call::kLink, from, semel::testing::Relative(to), /*needs_space=*/true, link_now);
}

int unlink(const char* path) noexcept { return semel::testing::RemoveCall(path, 0); }
int rmdir(const char* path) noexcept { return semel::testing::RemoveCall(path, AT_REMOVEDIR); }

int remove(const char* path) noexcept {
  struct stat found;
  if (syscall(SYS_newfstatat, AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW) != 0) return -1;
  return semel::testing::RemoveCall(path, S_ISDIR(found.st_mode) ? AT_REMOVEDIR : 0);
}

int mkdir(const char* path, mode_t mode) noexcept {
  const auto make_now = [&] { return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode)); };
  if (!IsBelowRoot(path)) return make_now();
  return NamedCall("mkdir", Call::kMakeDirectory, path, "", /*needs_space=*/true, make_now);
}

}  // extern "C"

// ---- Allocations: at the bottom, or, where a sanitizer has its own there, those of C++ only

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEMEL_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEMEL_SANITIZED
#endif
#endif

using semel::testing::AllocationFails;

#ifdef SEMEL_SANITIZED

void* operator new(size_t size) {
  for (;;) {
    if (void* const memory = AllocationFails() ? nullptr : std::malloc(size)) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return AllocationFails() ? nullptr : std::malloc(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

#else

extern "C" {

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) { return AllocationFails() ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return AllocationFails() ? nullptr : __libc_calloc(count, size); }
void* realloc(void* memory, size_t size) { return AllocationFails() ? nullptr : __libc_realloc(memory, size); }
void* aligned_alloc(size_t alignment, size_t size) {
  return AllocationFails() ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  *memory = AllocationFails() ? nullptr : __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"

#endif
