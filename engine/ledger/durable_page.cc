// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/durable_page.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

constexpr uint64_t kMagic = 0x454c42415255444cu;  // "LDURABLE" in a dump
constexpr size_t kPageBytes = 32;
constexpr size_t kChecksumOffset = 24;

// A reader may see half of what is being written; the checksum tells, and it looks again.
constexpr int kReadAttempts = 100;

std::string PathOf(const std::string& directory) { return absl::StrCat(directory, "/DURABLE"); }

std::string Encode(uint64_t epoch, Lsn durable, uint64_t seed) {
  std::string page;
  PutFixed64(&page, kMagic);
  PutFixed64(&page, epoch);
  PutFixed64(&page, durable);
  PutFixed64(&page, Checksum64(page, seed));
  return page;
}

}  // namespace

absl::StatusOr<DurablePage> DurablePage::OpenForWriting(FileSystem* files, const std::string& directory, uint64_t epoch,
                                                        uint64_t seed) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, files->Exists(PathOf(directory)));
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                         files->Open(PathOf(directory), exists ? OpenMode::kReadWrite : OpenMode::kCreateNew));
  return DurablePage(std::move(file), epoch, seed);
}

absl::Status DurablePage::Write(Lsn durable) { return file_->WriteAt(0, Encode(epoch_, durable, seed_)); }

std::optional<Lsn> ReadDurablePage(FileSystem* files, const std::string& directory, uint64_t epoch, uint64_t seed) {
  absl::StatusOr<std::unique_ptr<File>> file = files->Open(PathOf(directory), OpenMode::kRead);
  if (!file.ok()) return std::nullopt;
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    char page[kPageBytes];
    absl::StatusOr<size_t> read = (*file)->ReadAt(0, page, sizeof page);
    if (!read.ok() || *read != sizeof page) return std::nullopt;
    const bool whole = GetFixed64(page + kChecksumOffset) == Checksum64({page, kChecksumOffset}, seed);
    if (whole && GetFixed64(page) == kMagic && GetFixed64(page + 8) == epoch) return GetFixed64(page + 16);
  }
  return std::nullopt;
}

}  // namespace semel::internal
