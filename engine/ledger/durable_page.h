// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// DURABLE: how far the journal is durable, for read-only processes. Written after each sync of the journal, never
// synced itself: whatever survives a crash is true, if old.
//
//   0  8  magic      8  8  epoch     16  8  durable LSN     24  8  checksum of the 24 bytes before, seeded

#ifndef SEMEL_ENGINE_LEDGER_DURABLE_PAGE_H_
#define SEMEL_ENGINE_LEDGER_DURABLE_PAGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/io/file_system.h"
#include "engine/rules/chain.h"

namespace semel::internal {

class DurablePage {
 public:
  // Opens it for writing, creating it if needed.
  static absl::StatusOr<DurablePage> OpenForWriting(FileSystem* files, const std::string& directory, uint64_t epoch,
                                                    uint64_t seed);
  absl::Status Write(Lsn durable);

 private:
  DurablePage(std::unique_ptr<File> file, uint64_t epoch, uint64_t seed)
      : file_(std::move(file)), epoch_(epoch), seed_(seed) {}

  std::unique_ptr<File> file_;
  uint64_t epoch_;
  uint64_t seed_;
};

// What the writing process published; nullopt if there is nothing readable (then the checkpoint is all that is known).
std::optional<Lsn> ReadDurablePage(FileSystem* files, const std::string& directory, uint64_t epoch, uint64_t seed);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_DURABLE_PAGE_H_
