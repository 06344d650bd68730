// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/bench/machine.h"

#include <mntent.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace semel::bench {
namespace {

std::string Processor() {
  std::ifstream info("/proc/cpuinfo");
  std::string model = "unknown";
  for (std::string line; std::getline(info, line);) {
    if (!absl::StartsWith(line, "model name")) continue;
    model = line.substr(line.find(':') + 2);
    break;
  }
  return absl::StrCat(model, ", ", std::thread::hardware_concurrency(), " cores");
}

std::string Memory() {
  const auto bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return absl::StrCat((bytes + (1 << 29)) >> 30, " GiB");
}

std::string Kernel() {
  utsname name;
  return uname(&name) == 0 ? absl::StrCat(name.sysname, " ", name.release) : "unknown";
}

// Of the mount point that is the longest prefix of the path.
std::string FileSystem(const std::string& directory) {
  std::error_code failed;
  const std::string path = std::filesystem::canonical(directory, failed).string() + "/";
  std::string found = "unknown";
  size_t longest = 0;
  FILE* const mounts = setmntent("/proc/self/mounts", "r");
  while (mounts != nullptr) {
    const mntent* const mount = getmntent(mounts);
    if (mount == nullptr) break;
    std::string point = mount->mnt_dir;
    if (point.back() != '/') point += '/';
    if (point.size() < longest || !absl::StartsWith(path, point)) continue;
    longest = point.size();
    found = absl::StrCat(mount->mnt_type, " on ", mount->mnt_fsname);
  }
  if (mounts != nullptr) endmntent(mounts);
  return found;
}

std::string Today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc;
  gmtime_r(&now, &utc);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &utc);
  return text;
}

}  // namespace

Machine DescribeMachine(const std::string& directory) {
  return {Processor(), Memory(), Kernel(), FileSystem(directory), Today()};
}

}  // namespace semel::bench
