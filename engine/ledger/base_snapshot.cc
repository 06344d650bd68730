// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/base_snapshot.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/state/checkpoint_codec.h"
#include "engine/state/fill_state.h"
#include "engine/state/record.h"
#include "semel/version.h"

namespace semel::internal {
namespace {

constexpr uint64_t kMagic = 0x315341424c4d4553;  // "SEMLBAS1"
constexpr size_t kUuidBytes = 16;
constexpr size_t kFixedHeaderBytes = 8 + 4 + kUuidBytes + 8 + 4;  // up to the checkpoint
constexpr size_t kMaxCheckpointBytes = 4096;
constexpr size_t kBlockHeaderBytes = 16;
constexpr size_t kTrailerBytes = 16;

// A block is full when it has so many bytes; the last record may make it larger.
constexpr size_t kBlockBytes = size_t{64} << 10;
constexpr size_t kMaxBlockBytes = kBlockBytes + kMaxStoredBytes + 1024;

constexpr size_t kNameDigits = 20;
constexpr char kNameSuffix[] = ".base";
constexpr char kTemporarySuffix[] = ".tmp";

std::string BaseDirectory(const std::string& directory) { return absl::StrCat(directory, "/base"); }

std::optional<Lsn> ParseName(const std::string& name) {
  Lsn lsn = 0;
  if (name.size() != kNameDigits + sizeof kNameSuffix - 1 || !absl::EndsWith(name, kNameSuffix)) return std::nullopt;
  const std::string digits = name.substr(0, kNameDigits);
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return absl::SimpleAtoi(digits, &lsn) ? std::optional<Lsn>(lsn) : std::nullopt;
}

absl::StatusOr<std::vector<std::string>> ListDirectory(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, files->Exists(BaseDirectory(directory)));
  if (!exists) return std::vector<std::string>();
  return files->List(BaseDirectory(directory));
}

absl::Status MakeBaseDirectory(FileSystem* files, const std::string& directory) {
  const absl::Status made = files->CreateDirectory(BaseDirectory(directory));
  if (!made.ok() && !absl::IsAlreadyExists(made)) return made;
  return files->SyncDirectory(directory);  // also where it exists: whoever made it may have died before this
}

// The first 8 bytes of a block's header, and the payload.
uint64_t BlockChecksum(std::string_view sizes, std::string_view payload, uint64_t seed, uint64_t number) {
  return Checksum64(payload, Checksum64(sizes, MixSeed(seed, number)));
}

uint64_t AddChecksum(uint64_t checksums, uint64_t checksum) { return MixSeed(checksums, checksum); }

std::string EncodeHeader(const StateIdentity& identity, const CheckpointInfo& info) {
  std::string checkpoint;
  EncodeCheckpointInfo(info, &checkpoint);
  std::string bytes;
  PutFixed64(&bytes, kMagic);
  PutFixed32(&bytes, kFormatVersion);
  bytes += identity.uuid;
  PutFixed64(&bytes, identity.epoch);
  PutFixed32(&bytes, static_cast<uint32_t>(checkpoint.size()));
  bytes += checkpoint;
  PutFixed64(&bytes, Checksum64(bytes, 0));
  return bytes;
}

// Appends to a file, block by block.
class BlockWriter {
 public:
  BlockWriter(File* file, uint64_t seed) : file_(file), seed_(seed) {}

  absl::Status Append(std::string_view bytes) {
    SEMEL_RETURN_IF_ERROR(file_->WriteAt(offset_, bytes));
    offset_ += bytes.size();
    return absl::OkStatus();
  }

  absl::Status Add(Table table, std::string_view key, const Head& head) {
    EncodeStored(table, key, head, seed_, &stored_);
    payload_.push_back(static_cast<char>(table));
    PutBytes(&payload_, key);
    PutBytes(&payload_, stored_);
    ++records_;
    return payload_.size() < kBlockBytes ? absl::OkStatus() : FinishBlock();
  }

  absl::Status Finish() {
    if (records_ > 0) SEMEL_RETURN_IF_ERROR(FinishBlock());
    PutFixed64(&payload_, all_records_);
    PutFixed64(&payload_, checksums_);
    return FinishBlock();
  }

  uint64_t bytes() const { return offset_; }

 private:
  absl::Status FinishBlock() {
    std::string block;
    PutFixed32(&block, static_cast<uint32_t>(payload_.size()));
    PutFixed32(&block, records_);
    const uint64_t checksum = BlockChecksum(block, payload_, seed_, blocks_);
    PutFixed64(&block, checksum);
    block += payload_;
    SEMEL_RETURN_IF_ERROR(Append(block));
    ++blocks_;
    checksums_ = AddChecksum(checksums_, checksum);
    all_records_ += std::exchange(records_, 0);
    payload_.clear();
    return absl::OkStatus();
  }

  File* const file_;
  const uint64_t seed_;
  uint64_t offset_ = 0;
  uint64_t blocks_ = 0;
  uint64_t checksums_ = 0;
  uint64_t all_records_ = 0;
  uint32_t records_ = 0;  // in the block
  std::string payload_;
  std::string stored_;
};

absl::StatusOr<uint64_t> WriteRecords(File* file, const StateIdentity& identity, StateSnapshot* snapshot,
                                      const std::atomic<bool>* stop) {
  BlockWriter writer(file, identity.seed);
  SEMEL_RETURN_IF_ERROR(writer.Append(EncodeHeader(identity, snapshot->info())));
  for (int t = 0; t < kTableCount; ++t) {
    const Table table{static_cast<uint8_t>(t)};
    absl::Status written;
    SEMEL_RETURN_IF_ERROR(snapshot->Scan(table, "", [&](std::string_view key, const Head& head) {
      const bool stopped = stop != nullptr && stop->load(std::memory_order_relaxed);
      written = stopped ? absl::CancelledError("the ledger is closing") : writer.Add(table, key, head);
      return written.ok();
    }));
    SEMEL_RETURN_IF_ERROR(written);
  }
  SEMEL_RETURN_IF_ERROR(writer.Finish());
  SEMEL_RETURN_IF_ERROR(file->Sync());
  return writer.bytes();
}

}  // namespace

std::string BasePath(const std::string& directory, Lsn lsn) {
  return absl::StrFormat("%s/%020d%s", BaseDirectory(directory), lsn, kNameSuffix);
}

absl::StatusOr<std::vector<Lsn>> ListBases(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(files, directory));
  std::vector<Lsn> bases;
  for (const std::string& name : names) {
    if (const std::optional<Lsn> lsn = ParseName(name); lsn.has_value()) bases.push_back(*lsn);
  }
  return bases;
}

absl::StatusOr<uint64_t> BaseBytes(FileSystem* files, const std::string& directory, Lsn lsn) {
  const absl::StatusOr<std::unique_ptr<File>> file = files->Open(BasePath(directory, lsn), OpenMode::kRead);
  if (absl::IsNotFound(file.status())) return 0;
  SEMEL_RETURN_IF_ERROR(file.status());
  return (*file)->Size();
}

absl::Status RemoveOtherBases(FileSystem* files, const std::string& directory, std::optional<Lsn> keep) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(files, directory));
  bool removed = false;
  for (const std::string& name : names) {
    const std::optional<Lsn> lsn = ParseName(name);
    const bool unfinished = absl::EndsWith(name, absl::StrCat(kNameSuffix, kTemporarySuffix));
    if (!unfinished && (!lsn.has_value() || lsn == keep)) continue;
    SEMEL_RETURN_IF_ERROR(files->Remove(absl::StrCat(BaseDirectory(directory), "/", name)));
    removed = true;
  }
  return removed ? files->SyncDirectory(BaseDirectory(directory)) : absl::OkStatus();
}

absl::StatusOr<uint64_t> WriteBase(FileSystem* files, const StateIdentity& identity, StateSnapshot* snapshot,
                                   const std::atomic<bool>* stop) {
  const Lsn lsn = snapshot->info().tip.lsn;
  const std::string path = BasePath(identity.directory, lsn);
  const std::string unfinished = absl::StrCat(path, kTemporarySuffix);
  SEMEL_RETURN_IF_ERROR(MakeBaseDirectory(files, identity.directory));
  if (absl::Status removed = files->Remove(unfinished); !removed.ok() && !absl::IsNotFound(removed)) return removed;

  const auto write = [&]() -> absl::StatusOr<uint64_t> {
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files->Open(unfinished, OpenMode::kCreateNew));
    SEMEL_ASSIGN_OR_RETURN(const uint64_t bytes, WriteRecords(file.get(), identity, snapshot, stop));
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<BaseReader> base,
                           BaseReader::OpenFile(files, identity, lsn, unfinished));
    SEMEL_RETURN_IF_ERROR(ReadThrough(base.get(), stop));
    SEMEL_RETURN_IF_ERROR(files->Rename(unfinished, path));
    SEMEL_RETURN_IF_ERROR(files->SyncDirectory(BaseDirectory(identity.directory)));
    return bytes;
  };
  absl::StatusOr<uint64_t> bytes = write();
  if (!bytes.ok()) (void)files->Remove(unfinished);  // gives the space back
  return bytes;
}

void RecordsHash::Add(Table table, std::string_view key, const Head& head) {
  std::string body;
  EncodeHead(head, &body);
  record_.assign(1, static_cast<char>(table));
  PutBytes(&record_, key);
  PutBytes(&record_, body);
  hash_.Add(record_);
}

absl::StatusOr<Sha256Hash> HashRecords(StateSnapshot* snapshot) {
  RecordsHash hash;
  for (int t = 0; t < kTableCount; ++t) {
    const Table table{static_cast<uint8_t>(t)};
    SEMEL_RETURN_IF_ERROR(snapshot->Scan(table, "", [&](std::string_view key, const Head& head) {
      hash.Add(table, key, head);
      return true;
    }));
  }
  return hash.Finish();
}

absl::StatusOr<std::unique_ptr<BaseReader>> BaseReader::Open(FileSystem* files, const StateIdentity& identity,
                                                             Lsn lsn) {
  return OpenFile(files, identity, lsn, BasePath(identity.directory, lsn));
}

absl::StatusOr<std::unique_ptr<BaseReader>> BaseReader::OpenFile(FileSystem* files, const StateIdentity& identity,
                                                                 Lsn lsn, const std::string& path) {
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files->Open(path, OpenMode::kRead));
  std::unique_ptr<BaseReader> base(new BaseReader(std::move(file), path, identity.seed));
  SEMEL_ASSIGN_OR_RETURN(base->file_bytes_, base->file_->Size());
  SEMEL_RETURN_IF_ERROR(base->ReadHeader(identity, lsn));
  return base;
}

absl::Status BaseReader::Damaged(std::string_view what) const {
  return absl::DataLossError(
      absl::StrCat("the base snapshot ", path_, " is damaged: ", ToAbsl(what), "; restore it from a backup"));
}

absl::Status BaseReader::Read(size_t size, std::string* bytes) {
  if (size > file_bytes_ - offset_) return Damaged("it was cut off");
  bytes->resize(size);
  SEMEL_ASSIGN_OR_RETURN(const size_t read, file_->ReadAt(offset_, bytes->data(), size));
  if (read != size) return Damaged("it was cut off");
  offset_ += size;
  return absl::OkStatus();
}

absl::Status BaseReader::ReadHeader(const StateIdentity& identity, Lsn lsn) {
  std::string header;
  SEMEL_RETURN_IF_ERROR(Read(kFixedHeaderBytes, &header));
  const uint64_t magic = GetFixed64(header.data());
  const uint32_t format = GetFixed32(header.data() + 8);
  const uint32_t checkpoint_bytes = GetFixed32(header.data() + kFixedHeaderBytes - 4);
  if (magic != kMagic || checkpoint_bytes > kMaxCheckpointBytes) return Damaged("it does not begin as one");
  std::string rest;
  SEMEL_RETURN_IF_ERROR(Read(checkpoint_bytes + sizeof(uint64_t), &rest));
  const std::string_view checkpoint = std::string_view(rest).substr(0, checkpoint_bytes);
  header += checkpoint;
  if (GetFixed64(rest.data() + checkpoint_bytes) != Checksum64(header, 0)) return Damaged("its header");
  if (format != static_cast<uint32_t>(kFormatVersion)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, " has format ", format, "; this library reads format ", kFormatVersion));
  }
  const std::string_view uuid = std::string_view(header).substr(12, kUuidBytes);
  const uint64_t epoch = GetFixed64(header.data() + 12 + kUuidBytes);
  Decoder in(checkpoint);
  if (!DecodeCheckpointInfo(&in, &info_) || !in.done()) return Damaged("its header");
  if (uuid != identity.uuid || epoch != identity.epoch || info_.tip.lsn != lsn) {
    return Damaged("it belongs to another ledger, epoch or place");
  }
  return absl::OkStatus();
}

absl::Status BaseReader::ReadBlock() {
  std::string sizes;
  std::string checksum;
  SEMEL_RETURN_IF_ERROR(Read(kBlockHeaderBytes - sizeof(uint64_t), &sizes));
  SEMEL_RETURN_IF_ERROR(Read(sizeof(uint64_t), &checksum));
  const uint32_t payload_bytes = GetFixed32(sizes.data());
  if (payload_bytes > kMaxBlockBytes) return Damaged("a block is too large");
  SEMEL_RETURN_IF_ERROR(Read(payload_bytes, &block_));
  if (GetFixed64(checksum.data()) != BlockChecksum(sizes, block_, seed_, blocks_)) return Damaged("a block");
  rest_ = Decoder(block_);
  block_rest_ = GetFixed32(sizes.data() + 4);
  if (block_rest_ == 0) return CheckEnd(block_);
  ++blocks_;
  checksums_ = AddChecksum(checksums_, GetFixed64(checksum.data()));
  return absl::OkStatus();
}

absl::Status BaseReader::CheckEnd(std::string_view trailer) {
  uint64_t all_records = 0;
  for (const uint64_t records : records_) all_records += records;
  if (trailer.size() != kTrailerBytes || offset_ != file_bytes_) return Damaged("its end");
  if (GetFixed64(trailer.data()) != all_records || GetFixed64(trailer.data() + 8) != checksums_) {
    return Damaged("blocks are missing");
  }
  if (records_ != info_.records || bytes_ != info_.bytes || !(digest_ == info_.digest)) {
    return Damaged("its records do not add up to its digest");
  }
  ended_ = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> BaseReader::Next(Table* table, std::string_view* key, const Head** head) {
  if (block_rest_ == 0 && !ended_) {
    if (!rest_.done()) return Damaged("a block holds more than its records");
    SEMEL_RETURN_IF_ERROR(ReadBlock());
  }
  if (ended_) return false;
  --block_rest_;
  uint8_t number = 0;
  std::string_view stored;
  const bool whole = rest_.GetByte(&number) && number < kTableCount && rest_.GetBytes(kMaxKeyBytes, key) &&
                     rest_.GetBytes(kMaxStoredBytes, &stored);
  *table = Table{number};
  if (!whole || !order_.Next(*table, *key).ok()) return Damaged("a record");
  head_ = Head();
  const absl::StatusOr<uint64_t> check = DecodeStored(*table, *key, stored, seed_, &head_);
  if (!check.ok()) return Damaged(ToStd(check.status().message()));
  AddToDigest(*check, &digest_);
  ++records_[number];
  bytes_[number] += stored.size() - kCheckBytes;
  *head = &head_;
  return true;
}

absl::Status ReadThrough(BaseReader* base, const std::atomic<bool>* stop) {
  Table table;
  std::string_view key;
  const Head* head = nullptr;
  for (;;) {
    SEMEL_ASSIGN_OR_RETURN(const bool more, base->Next(&table, &key, &head));
    if (!more) return absl::OkStatus();
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return absl::CancelledError("the ledger is closing");
  }
}

absl::Status LoadBase(BaseReader* base, StateStore* store) {
  const RecordReader next = [base](Table* table, std::string_view* key, const Head** head) {
    return base->Next(table, key, head);
  };
  SEMEL_RETURN_IF_ERROR(FillState(next, base->info(), store));
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, store->Snapshot());
  const CheckpointInfo& loaded = snapshot->info();
  if (loaded.records == base->info().records && loaded.digest == base->info().digest) return absl::OkStatus();
  return absl::DataLossError("the state does not hold what was put into it: look at the disk");
}

}  // namespace semel::internal
