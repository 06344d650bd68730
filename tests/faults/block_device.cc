// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/faults/block_device.h"

#define FUSE_USE_VERSION 31
#include <fcntl.h>
#include <fuse.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/descriptor.h"
#include "engine/base/status_macros.h"
#include "tests/faults/interpose.h"

namespace semel::testing {

struct BlockDevice::Disk {
  static constexpr size_t kRequestsMax = 1 << 17;
  static constexpr size_t kWrittenMax = size_t{1} << 30;

  struct Request {
    bool flush;
    uint64_t offset;
    uint64_t begin;  // in `written`
    uint64_t size;
  };

  std::atomic<uint64_t> requests;
  std::atomic<uint64_t> fail_at;  // counts down; 0: none
  std::atomic<bool> failed;
  uint64_t written_bytes;
  Request log[kRequestsMax];
  char content[kBytes];
  char written[kWrittenMax];
};

namespace {

constexpr const char* kFileName = "/disk";

absl::Status Failed(const std::string& what) { return absl::ErrnoToStatus(errno, what); }

}  // namespace

// The process that serves the file, by the functions that FUSE calls, one at a time.
struct BlockDevice::Server {
  static Disk* DiskOf() { return static_cast<Disk*>(fuse_get_context()->private_data); }

  static bool Fails() {
    Disk* const disk = DiskOf();
    if (disk->fail_at == 0 || --disk->fail_at != 0) return false;
    disk->failed = true;
    SharedWithChildren()->struck = true;
    return true;
  }

  static void Append(const Disk::Request& request) {
    Disk* const disk = DiskOf();
    SEMEL_CHECK(disk->requests < Disk::kRequestsMax);
    disk->log[disk->requests] = request;
    SharedWithChildren()->device_requests = ++disk->requests;
  }

  static void* Init(fuse_conn_info*, fuse_config* config) {
    config->direct_io = 1;  // no page cache between the loop device and here
    return fuse_get_context()->private_data;
  }

  static int GetAttributes(const char* path, struct stat* attributes, fuse_file_info*) {
    *attributes = {};
    const bool is_root = std::string_view(path) == "/";
    if (!is_root && std::string_view(path) != kFileName) return -ENOENT;
    attributes->st_mode = is_root ? S_IFDIR | 0700 : S_IFREG | 0600;
    attributes->st_nlink = 1;
    attributes->st_size = is_root ? 0 : static_cast<off_t>(kBytes);
    return 0;
  }

  static int Open(const char* path, fuse_file_info*) { return std::string_view(path) == kFileName ? 0 : -ENOENT; }

  static int Read(const char*, char* buffer, size_t size, off_t offset, fuse_file_info*) {
    const size_t at = std::min(static_cast<size_t>(offset), kBytes);
    size = std::min(size, kBytes - at);
    std::memcpy(buffer, DiskOf()->content + at, size);
    return static_cast<int>(size);
  }

  static int Write(const char*, const char* bytes, size_t size, off_t offset, fuse_file_info*) {
    Disk* const disk = DiskOf();
    const auto at = static_cast<size_t>(offset);
    if (at > kBytes || size > kBytes - at) return -ENOSPC;
    if (Fails()) return -EIO;
    SEMEL_CHECK(disk->written_bytes + size <= Disk::kWrittenMax);
    std::memcpy(disk->content + at, bytes, size);
    std::memcpy(disk->written + disk->written_bytes, bytes, size);
    Append({false, at, disk->written_bytes, size});
    disk->written_bytes += size;
    return static_cast<int>(size);
  }

  static int Sync(const char*, int, fuse_file_info*) {
    if (Fails()) return -EIO;
    Append({true, 0, 0, 0});
    return 0;
  }

  // Until it is unmounted or the test ends.
  [[noreturn]] static void Run(Disk* disk, const std::string& mount_point) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fuse_operations operations = {};
    operations.init = Init;
    operations.getattr = GetAttributes;
    operations.open = Open;
    operations.read = Read;
    operations.write = Write;
    operations.fsync = Sync;
    char name[] = "semel-test-disk";
    char* arguments[] = {name, nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments);
    fuse* const served = fuse_new(&args, &operations, sizeof operations, disk);
    if (served == nullptr || fuse_mount(served, mount_point.c_str()) != 0) _exit(1);
    fuse_loop(served);
    _exit(0);
  }
};

absl::StatusOr<std::unique_ptr<BlockDevice>> BlockDevice::Make() {
  std::unique_ptr<BlockDevice> device(new BlockDevice);
  if (absl::Status started = device->Start(); !started.ok()) return absl::UnavailableError(started.message());
  return device;
}

absl::Status BlockDevice::Start() {
  if (geteuid() != 0) return absl::UnavailableError("only root may mount");
  // Mounts are this process's own, and end with it.
  if (unshare(CLONE_NEWNS) != 0) return Failed("unshare");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return Failed("making mounts private");
  if (mkdir(served_at_.c_str(), 0700) != 0 || mkdir(mounted_at_.c_str(), 0700) != 0) return Failed("mkdir");
  void* const memory =
      mmap(nullptr, sizeof(Disk), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return Failed("mmap");
  disk_ = static_cast<Disk*>(memory);
  SharedWithChildren();
  server_ = fork();
  if (server_ < 0) return Failed("fork");
  if (server_ == 0) Server::Run(disk_, served_at_);
  struct stat file;
  while (stat((served_at_ + kFileName).c_str(), &file) != 0) {
    if (waitpid(server_, nullptr, WNOHANG) == server_) {
      server_ = -1;
      return absl::UnavailableError("FUSE does not mount here");
    }
    usleep(1000);
  }
  return absl::OkStatus();
}

BlockDevice::~BlockDevice() {
  if (server_ > 0) {
    umount2(mounted_at_.c_str(), MNT_DETACH);
    umount2(served_at_.c_str(), MNT_DETACH);
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
  }
  if (disk_ != nullptr) munmap(disk_, sizeof(Disk));
}

void BlockDevice::Fill(std::string_view content) {
  SEMEL_CHECK(content.size() == kBytes);
  std::memcpy(disk_->content, content.data(), kBytes);
  disk_->requests = 0;
  disk_->written_bytes = 0;
  disk_->fail_at = 0;
  disk_->failed = false;
  SharedWithChildren()->device_requests = 0;
}

std::string BlockDevice::Content() const { return std::string(disk_->content, kBytes); }

void BlockDevice::FailAt(uint64_t request) { disk_->fail_at = request; }
bool BlockDevice::failed() const { return disk_->failed; }

absl::Status BlockDevice::Mount() {
  const internal::Descriptor file(open((served_at_ + kFileName).c_str(), O_RDWR | O_CLOEXEC));
  if (!file.ok()) return Failed("opening the disk");
  const internal::Descriptor control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.ok()) return Failed("/dev/loop-control");
  loop_config config = {};
  config.fd = static_cast<uint32_t>(file.get());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  for (int attempt = 0; attempt < 100; ++attempt) {  // others look for a free one, too
    const std::string name = absl::StrCat("/dev/loop", ioctl(control.get(), LOOP_CTL_GET_FREE));
    const internal::Descriptor loop(open(name.c_str(), O_RDWR | O_CLOEXEC));
    if (!loop.ok()) return Failed(name);
    if (ioctl(loop.get(), LOOP_CONFIGURE, &config) != 0) continue;
    if (mount(name.c_str(), mounted_at_.c_str(), "ext4", MS_NOATIME, "errors=remount-ro") == 0) return absl::OkStatus();
    return Failed("mounting ext4");
  }
  return Failed("no free loop device");
}

absl::Status BlockDevice::Unmount() {
  if (umount2(mounted_at_.c_str(), 0) != 0) return Failed("umount");
  return absl::OkStatus();
}

std::vector<BlockRequest> BlockDevice::Requests() const {
  std::vector<BlockRequest> requests;
  for (size_t i = 0; i < disk_->requests; ++i) {
    const Disk::Request& request = disk_->log[i];
    requests.push_back({request.flush, request.offset, {disk_->written + request.begin, request.size}});
  }
  return requests;
}

absl::StatusOr<std::string> EmptyFileSystem() {
  const TempDirectory directory;
  const std::string path = directory.path() + "/ext4";
  const std::string command = absl::StrCat(
      "PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F -b 4096 -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 ", path,
      " ", BlockDevice::kBytes >> 10, "k >&2");
  if (std::system(command.c_str()) != 0) return absl::UnavailableError("mkfs.ext4 is not here (package e2fsprogs)");
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace semel::testing
