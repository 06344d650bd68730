// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The header of a journal segment, with a right checksum if the first byte is even: what is accepted is what this
// library writes, and of this ledger; the rest is DataLoss, or another format.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "engine/journal/segments.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semel::internal;
  constexpr size_t kChecksumOffset = kSegmentHeaderBytes - sizeof(uint64_t);
  if (size == 0) return 0;
  std::string file(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0 && file.size() >= kSegmentHeaderBytes) {
    std::string checksum;
    PutFixed64(&checksum, Checksum64({file.data(), kChecksumOffset}, 0));
    file.replace(kChecksumOffset, checksum.size(), checksum);
  }

  const JournalIdentity identity{"/journal", "sixteen bytes id", 1, 7};
  constexpr Lsn kFirstLsn = 4096;
  const std::unique_ptr<FileSystem> files = NewMemoryFileSystem();
  SEMEL_CHECK(files->CreateDirectory(identity.directory).ok());
  auto opened = files->Open(SegmentPath(identity, kFirstLsn), OpenMode::kCreateNew);
  SEMEL_CHECK(opened.ok() && (*opened)->WriteAt(0, file).ok());
  if (auto segment = ReadSegmentInfo(files.get(), identity, kFirstLsn); segment.ok()) {
    SEMEL_CHECK(EncodeSegmentHeader(identity, *segment) == file.substr(0, kSegmentHeaderBytes));
    SEMEL_CHECK(segment->file_bytes == file.size());
  } else {
    SEMEL_CHECK(absl::IsDataLoss(segment.status()) || absl::IsFailedPrecondition(segment.status()));
  }
  return 0;
}
