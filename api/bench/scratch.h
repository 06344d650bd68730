// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Where a measurement writes, and how much reached the disk.

#ifndef SEMEL_API_BENCH_SCRATCH_H_
#define SEMEL_API_BENCH_SCRATCH_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace semel::bench {

// A new directory, removed at the end with all that is in it. Other users may pass through it to what is theirs.
class ScratchDirectory {
 public:
  // Errors: those of the file system, for `parent`.
  static absl::StatusOr<std::unique_ptr<ScratchDirectory>> Create(const std::string& parent);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

// Bytes written so far to the disk that holds `path`, by anybody; 0 where the system does not say.
uint64_t DeviceBytesWritten(const std::string& path);

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_SCRATCH_H_
