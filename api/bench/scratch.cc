// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/bench/scratch.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace semel::bench {

absl::StatusOr<std::unique_ptr<ScratchDirectory>> ScratchDirectory::Create(const std::string& parent) {
  std::string path = parent + "/semel_bench.XXXXXX";
  if (mkdtemp(path.data()) == nullptr || chmod(path.c_str(), 0711) != 0) return absl::ErrnoToStatus(errno, parent);
  return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(std::filesystem::absolute(path)));
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

uint64_t DeviceBytesWritten(const std::string& path) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0) return 0;
  std::ifstream counters("/sys/dev/block/" + std::to_string(major(found.st_dev)) + ":" +
                         std::to_string(minor(found.st_dev)) + "/stat");
  constexpr int kSectorsWritten = 7;  // the seventh number
  constexpr uint64_t kSectorBytes = 512;
  uint64_t value = 0;
  for (int i = 0; i < kSectorsWritten; ++i) counters >> value;
  return value * kSectorBytes;
}

}  // namespace semel::bench
