// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a base snapshot, and as the records of one whose checksums are right: read to the end, or refused.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "engine/ledger/base_snapshot.h"

namespace semel::testing {
namespace {

using namespace internal;  // NOLINT

constexpr Lsn kLsn = 1000;

StateIdentity TestIdentity() {
  StateIdentity identity;
  identity.directory = "/ledger";
  identity.uuid = "sixteen bytes id";
  identity.epoch = 3;
  identity.seed = 42;
  return identity;
}

void ReadAs(FileSystem* files, const std::string& bytes) {
  const std::string path = BasePath("/ledger", kLsn);
  if (*files->Exists(path)) SEMEL_CHECK(files->Remove(path).ok());
  SEMEL_CHECK((*files->Open(path, OpenMode::kCreateNew))->WriteAt(0, bytes).ok());
  const auto base = BaseReader::Open(files, TestIdentity(), kLsn);
  const absl::Status read = base.ok() ? ReadThrough(base->get(), nullptr) : base.status();
  SEMEL_CHECK(read.ok() || absl::IsDataLoss(read) || absl::IsFailedPrecondition(read));
}

// The base snapshot of an empty state, without its trailer.
std::string Header(FileSystem* files) {
  const auto store = NewMemoryStateStore(TestIdentity().seed);
  CheckpointInfo info;
  info.tip.lsn = kLsn;
  SEMEL_CHECK(store->Commit([](Table*, std::string_view*, const Head**) { return false; }, info).ok());
  SEMEL_CHECK(WriteBase(files, TestIdentity(), (*store->Snapshot()).get(), nullptr).ok());
  const std::string bytes = *ReadWholeFile(files, BasePath("/ledger", kLsn), 1 << 20);
  ReadAs(files, bytes);
  return bytes.substr(0, bytes.size() - 32);
}

// A block of so many records, as the first byte says.
std::string Block(std::string_view input) {
  const std::string_view payload = input.substr(input.empty() ? 0 : 1);
  std::string block;
  PutFixed32(&block, static_cast<uint32_t>(payload.size()));
  PutFixed32(&block, input.empty() ? 1 : static_cast<uint8_t>(input[0]));
  PutFixed64(&block, Checksum64(payload, Checksum64(block, MixSeed(TestIdentity().seed, 0))));
  return block.append(payload);
}

}  // namespace
}  // namespace semel::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace semel::testing;  // NOLINT
  const auto files = semel::internal::NewMemoryFileSystem();
  SEMEL_CHECK(files->CreateDirectory("/ledger").ok());
  const std::string header = Header(files.get());
  const std::string input(reinterpret_cast<const char*>(data), size);
  ReadAs(files.get(), input);
  ReadAs(files.get(), header + input);
  ReadAs(files.get(), header + Block(input));
  return 0;
}
