// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/pins.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

constexpr size_t kLsnDigits = 20;

std::string PinDirectory(const std::string& directory) { return absl::StrCat(directory, "/pins"); }

std::optional<Lsn> ParseName(const std::string& name) {
  Lsn lsn = 0;
  if (name.size() < kLsnDigits + 2 || name[kLsnDigits] != '.') return std::nullopt;
  const std::string digits = name.substr(0, kLsnDigits);
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return absl::SimpleAtoi(digits, &lsn) ? std::optional<Lsn>(lsn) : std::nullopt;
}

absl::Status RemoveIfThere(FileSystem* files, const std::string& path) {
  const absl::Status removed = files->Remove(path);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

}  // namespace

absl::StatusOr<Pin> Pin::Take(FileSystem* files, const std::string& directory, Lsn lsn) {
  const absl::Status made = files->CreateDirectory(PinDirectory(directory));
  if (!made.ok() && !absl::IsAlreadyExists(made)) return made;
  for (uint64_t number = 0;; ++number) {
    std::string path = absl::StrFormat("%s/%020d.%d", PinDirectory(directory), lsn, number);
    absl::StatusOr<std::unique_ptr<FileLock>> lock = files->Lock(path);
    if (lock.ok()) return Pin(files, std::move(path), *std::move(lock));
    if (!absl::IsUnavailable(lock.status())) return lock.status();
  }
}

Pin::~Pin() {
  if (lock_ != nullptr) (void)files_->Remove(path_);  // if it stays, it is not locked
}

absl::StatusOr<std::optional<LowestPin>> FindLowestPin(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const bool any, files->Exists(PinDirectory(directory)));
  if (!any) return std::nullopt;
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files->List(PinDirectory(directory)));
  for (const std::string& name : names) {  // sorted, so the first that is held is the lowest
    const std::optional<Lsn> lsn = ParseName(name);
    if (!lsn.has_value()) continue;
    const std::string path = absl::StrCat(PinDirectory(directory), "/", name);
    const absl::StatusOr<std::unique_ptr<FileLock>> lock = files->Lock(path);
    if (absl::IsUnavailable(lock.status())) return LowestPin{*lsn, path};
    SEMEL_RETURN_IF_ERROR(lock.status());
    SEMEL_RETURN_IF_ERROR(RemoveIfThere(files, path));
  }
  return std::nullopt;
}

}  // namespace semel::internal
