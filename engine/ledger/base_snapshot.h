// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The base snapshot: all records of the state as of one checkpoint, in a file beside the journal. A trim writes one
// before history goes; verify and rebuild begin from it. A ledger that was never trimmed has none.
//
// `base/<LSN of the checkpoint, 20 digits>.base`, all numbers little-endian:
//
//   header   magic 8, format 4, uuid 16, epoch 8, checkpoint bytes 4, checkpoint (see checkpoint_codec.cc), XXH3 of all
//            before it 8, not seeded: so that a file of another ledger or format is told from a damaged one
//   blocks   payload bytes 4, records 4, XXH3 of both and the payload 8, payload. The seed is the ledger's, mixed with
//            the block's number (0, 1, ..)
//   trailer  a block of no records, whose payload is: records in all 8, checksum of checksums 8
//
//   payload of a block: records in (table, key) order, each: table 1, key (bytes), stored record (bytes; see
//   stored_record.h)

#ifndef SEMEL_ENGINE_LEDGER_BASE_SNAPSHOT_H_
#define SEMEL_ENGINE_LEDGER_BASE_SNAPSHOT_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/sha256.h"
#include "engine/io/file_system.h"
#include "engine/ledger/world.h"
#include "engine/state/state_store.h"
#include "engine/state/stored_record.h"

namespace semel::internal {

std::string BasePath(const std::string& directory, Lsn lsn);

// The addresses of a ledger's base snapshots, rising. A file that is only half written has another name and no place
// here.
absl::StatusOr<std::vector<Lsn>> ListBases(FileSystem* files, const std::string& directory);

// The size of one; 0 if it was removed meanwhile.
absl::StatusOr<uint64_t> BaseBytes(FileSystem* files, const std::string& directory, Lsn lsn);

// Removes all of them but the one at `keep`, if any, and what an interrupted WriteBase left.
absl::Status RemoveOtherBases(FileSystem* files, const std::string& directory, std::optional<Lsn> keep);

// Writes all records of `snapshot`, reads them back, and gives the file its name. Returns its size. `stop` (may be
// null) ends it early, with Cancelled. After an error nothing is left behind. Errors: ResourceExhausted and others of
// files; DataLoss (a record is damaged, or what was written reads back differently).
absl::StatusOr<uint64_t> WriteBase(FileSystem* files, const StateIdentity& identity, StateSnapshot* snapshot,
                                   const std::atomic<bool>* stop);

// The SHA-256 of records, by which a journal with tamper evidence vouches for a base snapshot: of each its table 1, key
// and body (see record.h), both with their length. They must come in (table, key) order.
class RecordsHash {
 public:
  void Add(Table table, std::string_view key, const Head& head);
  Sha256Hash Finish() { return hash_.Finish(); }

 private:
  Sha256 hash_;
  std::string record_;
};
absl::StatusOr<Sha256Hash> HashRecords(StateSnapshot* snapshot);

// Reads one from its beginning to its end.
class BaseReader {
 public:
  // Reads and checks the header. Errors: NotFound, DataLoss, FailedPrecondition (another format).
  static absl::StatusOr<std::unique_ptr<BaseReader>> Open(FileSystem* files, const StateIdentity& identity, Lsn lsn);

  // What the state said of itself at that checkpoint.
  const CheckpointInfo& info() const { return info_; }

  // The next record, in (table, key) order; the views stay good until the next call. False at the end, which is reached
  // only if the whole file is right: each block, the order, the counts and the digest. Errors: DataLoss.
  absl::StatusOr<bool> Next(Table* table, std::string_view* key, const Head** head);

 private:
  friend absl::StatusOr<uint64_t> WriteBase(FileSystem*, const StateIdentity&, StateSnapshot*,
                                            const std::atomic<bool>*);

  BaseReader(std::unique_ptr<File> file, std::string path, uint64_t seed)
      : file_(std::move(file)), path_(std::move(path)), seed_(seed) {}
  static absl::StatusOr<std::unique_ptr<BaseReader>> OpenFile(FileSystem* files, const StateIdentity& identity, Lsn lsn,
                                                              const std::string& path);

  absl::Status ReadHeader(const StateIdentity& identity, Lsn lsn);
  absl::Status ReadBlock();
  absl::Status CheckEnd(std::string_view trailer);
  absl::Status Read(size_t size, std::string* bytes);
  absl::Status Damaged(std::string_view what) const;

  const std::unique_ptr<File> file_;
  const std::string path_;
  const uint64_t seed_;
  uint64_t file_bytes_ = 0;
  uint64_t offset_ = 0;
  CheckpointInfo info_;

  uint64_t blocks_ = 0;
  uint64_t checksums_ = 0;  // the checksum of the checksums so far
  std::string block_;
  Decoder rest_{""};         // of the block
  uint32_t block_rest_ = 0;  // records in it
  bool ended_ = false;

  // Of the records so far.
  FeedOrder order_;
  std::array<uint64_t, kTableCount> records_ = {};
  std::array<uint64_t, kTableCount> bytes_ = {};
  Hash128 digest_;
  Head head_;
};

// Reads a base snapshot to its end. `stop` as above. Errors: DataLoss.
absl::Status ReadThrough(BaseReader* base, const std::atomic<bool>* stop);

// Puts all records of a base snapshot into an empty store, in several transactions, so that memory stays bounded; the
// last makes it the state of that checkpoint. Errors: DataLoss, those of the store.
absl::Status LoadBase(BaseReader* base, StateStore* store);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_BASE_SNAPSHOT_H_
