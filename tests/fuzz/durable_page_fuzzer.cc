// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The page by which a writer tells readers how far the journal is durable, with a right checksum if the first byte is
// even: what is read of it is what a writer has written.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "engine/io/file_system.h"
#include "engine/ledger/durable_page.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semel::internal;
  constexpr uint64_t kEpoch = 3;
  constexpr uint64_t kSeed = 7;
  constexpr size_t kChecksumOffset = 24;
  constexpr size_t kPageBytes = kChecksumOffset + sizeof(uint64_t);
  if (size == 0) return 0;
  std::string page(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0 && page.size() >= kPageBytes) {
    std::string checksum;
    PutFixed64(&checksum, Checksum64({page.data(), kChecksumOffset}, kSeed));
    page.replace(kChecksumOffset, checksum.size(), checksum);
  }

  const std::unique_ptr<FileSystem> files = NewMemoryFileSystem();
  SEMEL_CHECK(files->CreateDirectory("/ledger").ok());
  {
    auto file = files->Open("/ledger/DURABLE", OpenMode::kCreateNew);
    SEMEL_CHECK(file.ok() && (*file)->WriteAt(0, page).ok());
  }
  const std::optional<Lsn> durable = ReadDurablePage(files.get(), "/ledger", kEpoch, kSeed);
  if (!durable.has_value()) return 0;
  auto writer = DurablePage::OpenForWriting(files.get(), "/ledger", kEpoch, kSeed);
  SEMEL_CHECK(writer.ok() && writer->Write(*durable).ok());
  SEMEL_CHECK(ReadWholeFile(files.get(), "/ledger/DURABLE", size).value() == page);
  return 0;
}
