// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <dlfcn.h>

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "api/bench/contenders.h"
#include "api/bench/peers/peers.h"
#include "engine/base/check.h"

namespace semel::bench {
namespace {

constexpr char kModule[] = "libsemel_peers.so";

// Null: there is none. Stays loaded: what it opened is used to the end.
decltype(&SemelOpenPeer) LoadModule() {
  std::error_code failed;
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
  for (const char* directory : {".", "../bin", "../lib/semel"}) {
    void* const module = dlopen((here / directory / kModule).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr) continue;
    void* const open = dlsym(module, "SemelOpenPeer");
    SEMEL_CHECK(open != nullptr);
    return reinterpret_cast<decltype(&SemelOpenPeer)>(open);
  }
  return nullptr;
}

}  // namespace

OpenedContender OpenPeer(const char* name, const Place& place) {
  static const auto kOpen = LoadModule();
  if (kOpen == nullptr) return absl::NotFoundError(std::string(kModule) + " is not installed beside this program");
  OpenedContender opened = absl::NotFoundError(std::string("it is not in ") + kModule);
  kOpen(name, place, &opened);
  return opened;
}

}  // namespace semel::bench
