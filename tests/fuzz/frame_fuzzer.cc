// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes in the place of a journal's frames: opening refuses them as DataLoss, or clears them as a torn tail, or
// reads them; and what was opened once opens again the same. The bytes are tried as they are, and with the checks of
// the first frame and of its entries made right.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "tests/journal/harness.h"

namespace semel::testing {
namespace {

constexpr size_t kSegmentBytes = 2048;
constexpr char kMagic[] = "SML1";

template <typename Number>
void Put(std::string* bytes, size_t offset, Number number) {
  std::memcpy(bytes->data() + offset, &number, sizeof number);
}

// Makes the frame at the beginning of `bytes` one that a writer could have written, but for what its entries say.
void RepairChecks(uint64_t seed, std::string* bytes) {
  if (bytes->size() < kFrameHeaderBytes) return;
  for (size_t at = kFrameHeaderBytes; at < bytes->size();) {
    const size_t size = EncodedEntrySize(std::string_view(*bytes).substr(at));
    if (size == 0 || size > bytes->size() - at) break;
    const std::string_view checked = std::string_view(*bytes).substr(at + 4, size - 4);
    Put(bytes, at, static_cast<uint32_t>(Checksum64(checked, MixSeed(seed, at))));
    at += size;
  }
  bytes->replace(0, 4, kMagic);
  Put(bytes, 8, Lsn{0});
  Put(bytes, 16, uint64_t{1});  // first sequence
  Put(bytes, 24, static_cast<uint32_t>(bytes->size() - kFrameHeaderBytes));
  Put(bytes, 28, uint32_t{0});
  Put(bytes, 32, Checksum64(std::string_view(*bytes).substr(kFrameHeaderBytes), MixSeed(seed, 0)));
  Put(bytes, 40, uint64_t{0});  // no frame before
  (*bytes)[55] = 0;             // a time after 1970
  Put(bytes, 56, Checksum64(std::string_view(*bytes).substr(0, 56), MixSeed(seed, 0)));
}

void CheckOpening(const std::string& bytes) {
  const auto fs = NewMemoryFileSystem();
  TestJournal journal(fs.get(), kSegmentBytes);
  SEMEL_CHECK(journal.Create().ok());
  const std::string path = SegmentPath(journal.identity, 0);
  SEMEL_CHECK((*fs->Open(path, OpenMode::kReadWrite))->WriteAt(kSegmentHeaderBytes, bytes).ok());

  const absl::Status opened = journal.Open();
  if (!opened.ok()) {
    SEMEL_CHECK(absl::IsDataLoss(opened));
    return;
  }
  const std::vector<std::string> redone = journal.redone;
  SEMEL_CHECK(journal.Append(1000).ok());
  SEMEL_CHECK(journal.Open().ok());
  SEMEL_CHECK(!journal.report.torn_tail);
  SEMEL_CHECK(journal.redone.size() == redone.size() + 1);
  SEMEL_CHECK(std::equal(redone.begin(), redone.end(), journal.redone.begin()));
}

}  // namespace
}  // namespace semel::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semel::testing;  // NOLINT
  std::string bytes(reinterpret_cast<const char*>(data),
                    std::min(size, kSegmentBytes - semel::internal::kSegmentHeaderBytes));
  CheckOpening(bytes);
  RepairChecks(TestIdentity().seed, &bytes);
  CheckOpening(bytes);
  return 0;
}
