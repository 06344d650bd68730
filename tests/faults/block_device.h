// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A file system of the kernel on a disk that this test sees through: ext4 on a loop device, over a file of a FUSE file
// system that keeps it in memory and writes down what arrives. Needs root, /dev/fuse and a free loop device.

#ifndef SEMEL_TESTS_FAULTS_BLOCK_DEVICE_H_
#define SEMEL_TESTS_FAULTS_BLOCK_DEVICE_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/ledger/ledger_testing.h"

namespace semel::testing {

// What the file system asked of its disk. A flush makes durable what was written before it.
struct BlockRequest {
  bool flush = false;
  uint64_t offset = 0;
  std::string_view bytes;  // valid until the disk is filled again
};

class BlockDevice {
 public:
  static constexpr size_t kBytes = size_t{32} << 20;

  // Starts the process that serves the disk. Unavailable: this machine does not allow it, and why.
  static absl::StatusOr<std::unique_ptr<BlockDevice>> Make();
  ~BlockDevice();
  BlockDevice(const BlockDevice&) = delete;
  BlockDevice& operator=(const BlockDevice&) = delete;

  // Puts `content`, kBytes of it, on the disk, forgets the requests and the fault. Not while it is mounted.
  void Fill(std::string_view content);
  std::string Content() const;

  // The `request`th from now on, from 1, fails with EIO, once.
  void FailAt(uint64_t request);
  bool failed() const;

  // Mounts and unmounts the file system on the disk at path().
  absl::Status Mount();
  absl::Status Unmount();
  const std::string& path() const { return mounted_at_; }

  // Since it was filled, in order, those that failed left out. How many they are counts
  // SharedWithChildren()->device_requests, too.
  std::vector<BlockRequest> Requests() const;

 private:
  struct Disk;
  struct Server;
  BlockDevice() = default;
  absl::Status Start();

  const TempDirectory directory_;
  const std::string served_at_ = directory_.path() + "/served";
  const std::string mounted_at_ = directory_.path() + "/mounted";
  Disk* disk_ = nullptr;  // shared with the server
  pid_t server_ = -1;
};

// An empty ext4 of BlockDevice::kBytes.
absl::StatusOr<std::string> EmptyFileSystem();

}  // namespace semel::testing

#endif  // SEMEL_TESTS_FAULTS_BLOCK_DEVICE_H_
