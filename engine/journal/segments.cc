// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/segments.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"
#include "semel/version.h"

namespace semel::internal {
namespace {

constexpr uint64_t kMagic = 0x314c4e4a4c4d4553;  // "SEMLJNL1"
constexpr size_t kChecksumOffset = 56;
static_assert(kChecksumOffset + sizeof(uint64_t) == kSegmentHeaderBytes);

constexpr size_t kNameDigits = 20;
constexpr const char kNameSuffix[] = ".log";

// Descriptors are few in a process; a ledger may have thousands of segments.
constexpr size_t kOpenFilesMax = 64;

// The segments between the listing and the opening of which none was removed are a consistent set; a trim disturbs that
// rarely.
constexpr int kListAttempts = 5;

// Not seeded by the ledger: so that a header of another ledger or format is told from a damaged one.
uint64_t HeaderChecksum(std::string_view bytes) { return Checksum64(bytes.substr(0, kChecksumOffset), 0); }

std::optional<Lsn> ParseName(const std::string& name) {
  Lsn lsn = 0;
  if (name.size() != kNameDigits + sizeof kNameSuffix - 1 || !absl::EndsWith(name, kNameSuffix)) return std::nullopt;
  const std::string digits = name.substr(0, kNameDigits);
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return absl::SimpleAtoi(digits, &lsn) ? std::optional<Lsn>(lsn) : std::nullopt;
}

struct RawHeader {
  uint64_t magic = 0;
  uint32_t format = 0;
  std::string_view uuid;
  uint64_t epoch = 0;
  SegmentInfo segment;
  uint64_t checksum = 0;
};

RawHeader DecodeHeader(std::string_view bytes) {
  RawHeader header;
  Decoder in(bytes);
  const bool complete = in.GetFixed64(&header.magic) && in.GetFixed32(&header.format) &&
                        in.GetFixed32(&header.segment.file_bytes) && in.GetRaw(16, &header.uuid) &&
                        in.GetFixed64(&header.epoch) && in.GetFixed64(&header.segment.first_lsn) &&
                        in.GetFixed64(&header.segment.previous_first_lsn) && in.GetFixed64(&header.checksum);
  SEMEL_CHECK(complete);
  return header;
}

// A segment must begin where the one before can end, and know it as its predecessor.
absl::Status CheckFollows(const SegmentInfo& before, const SegmentInfo& after, const std::string& path) {
  if (after.previous_first_lsn != before.first_lsn) {
    return absl::DataLossError(absl::StrCat("journal: the segment before ", path, " is missing: it began at LSN ",
                                            after.previous_first_lsn, "; restore it from a backup"));
  }
  if (after.first_lsn > before.capacity_end()) {
    return absl::DataLossError(absl::StrCat("journal: ", path, " begins behind the end of the segment before it"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string SegmentPath(const JournalIdentity& identity, Lsn first_lsn) {
  return absl::StrFormat("%s/%020d%s", identity.directory, first_lsn, kNameSuffix);
}

std::string EncodeSegmentHeader(const JournalIdentity& identity, const SegmentInfo& segment) {
  SEMEL_CHECK(identity.uuid.size() == 16);
  std::string bytes;
  PutFixed64(&bytes, kMagic);
  PutFixed32(&bytes, kFormatVersion);
  PutFixed32(&bytes, segment.file_bytes);
  bytes += identity.uuid;
  PutFixed64(&bytes, identity.epoch);
  PutFixed64(&bytes, segment.first_lsn);
  PutFixed64(&bytes, segment.previous_first_lsn);
  PutFixed64(&bytes, HeaderChecksum(bytes));
  return bytes;
}

absl::StatusOr<SegmentInfo> ReadSegmentInfo(FileSystem* file_system, const JournalIdentity& identity, Lsn first_lsn) {
  const std::string path = SegmentPath(identity, first_lsn);
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, file_system->Open(path, OpenMode::kRead));
  std::string bytes(kSegmentHeaderBytes, '\0');
  SEMEL_RETURN_IF_ERROR(ReadFully(file.get(), 0, bytes.data(), bytes.size(), path));
  const RawHeader header = DecodeHeader(bytes);
  if (header.magic != kMagic || header.checksum != HeaderChecksum(bytes)) {
    return absl::DataLossError(absl::StrCat(path, ": the segment header is damaged"));
  }
  if (header.format != static_cast<uint32_t>(kFormatVersion)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has format ", header.format, "; this library reads format ", kFormatVersion));
  }
  if (header.uuid != identity.uuid || header.epoch != identity.epoch || header.segment.first_lsn != first_lsn) {
    return absl::DataLossError(absl::StrCat(path, ": the segment belongs to another ledger, epoch or place"));
  }
  SEMEL_ASSIGN_OR_RETURN(const uint64_t file_bytes, file->Size());
  if (file_bytes != header.segment.file_bytes || file_bytes < kSegmentHeaderBytes) {
    return absl::DataLossError(absl::StrCat(path, " has ", file_bytes, " bytes, but was created with ",
                                            header.segment.file_bytes, "; restore it from a backup"));
  }
  return header.segment;
}

absl::StatusOr<SegmentOwner> ReadSegmentOwner(FileSystem* file_system, const std::string& path) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, file_system->Open(path, OpenMode::kRead));
  std::string bytes(kSegmentHeaderBytes, '\0');
  SEMEL_RETURN_IF_ERROR(ReadFully(file.get(), 0, bytes.data(), bytes.size(), path));
  const RawHeader header = DecodeHeader(bytes);
  if (header.magic != kMagic || header.checksum != HeaderChecksum(bytes)) {
    return absl::DataLossError(absl::StrCat(path, ": the segment header is damaged"));
  }
  return SegmentOwner{std::string(header.uuid), header.epoch};
}

absl::StatusOr<std::vector<Lsn>> ListSegmentNames(FileSystem* file_system, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(directory));
  std::vector<Lsn> segments;
  for (const std::string& name : names) {
    if (const std::optional<Lsn> first_lsn = ParseName(name); first_lsn.has_value()) segments.push_back(*first_lsn);
  }
  std::sort(segments.begin(), segments.end());
  return segments;
}

absl::Status ReadFully(File* file, uint64_t offset, char* buffer, size_t size, const std::string& path) {
  SEMEL_ASSIGN_OR_RETURN(const size_t read, file->ReadAt(offset, buffer, size));
  if (read == size) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path, " ends at ", offset + read, ", before ", offset + size));
}

SegmentList::SegmentList(FileSystem* file_system, JournalIdentity identity, const SegmentRange& range)
    : file_system_(file_system), identity_(std::move(identity)), range_(range) {}

absl::Status SegmentList::Refresh() {
  std::vector<SegmentInfo> known;
  {
    ReaderLock lock(&mutex_);
    known = segments_;
  }
  if (!known.empty()) known.pop_back();
  absl::StatusOr<std::vector<SegmentInfo>> found = ReadDirectory(known);
  for (int attempt = 1; absl::IsNotFound(found.status()) && attempt < kListAttempts; ++attempt) {
    found = ReadDirectory(known);
  }
  SEMEL_RETURN_IF_ERROR(found.status());
  if (found->empty()) {
    return absl::DataLossError(
        absl::StrCat("journal: ", identity_.directory, " holds no segment; restore the ledger from a backup"));
  }
  WriterLock lock(&mutex_);
  segments_ = *std::move(found);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SegmentInfo>> SegmentList::ReadDirectory(const std::vector<SegmentInfo>& known) const {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->List(identity_.directory));
  std::vector<SegmentInfo> segments;
  auto next_known = known.begin();
  for (const std::string& name : names) {
    const std::optional<Lsn> first_lsn = ParseName(name);
    if (!first_lsn.has_value()) continue;  // the spare, or not ours
    if (*first_lsn < range_.begin || *first_lsn >= range_.end) continue;
    while (next_known != known.end() && next_known->first_lsn < *first_lsn) ++next_known;
    SegmentInfo segment;
    if (next_known != known.end() && next_known->first_lsn == *first_lsn) {
      segment = *next_known;
    } else {
      SEMEL_ASSIGN_OR_RETURN(segment, ReadSegmentInfo(file_system_, identity_, *first_lsn));
    }
    if (!segments.empty()) SEMEL_RETURN_IF_ERROR(CheckFollows(segments.back(), segment, name));
    segments.push_back(segment);
  }
  return segments;
}

void SegmentList::Add(const SegmentInfo& segment) {
  {
    WriterLock lock(&mutex_);
    SEMEL_CHECK(!segments_.empty());
    if (segments_.back().first_lsn == segment.first_lsn) segments_.pop_back();
    segments_.push_back(segment);
  }
  CloseFile(segment.first_lsn);
}

absl::Status SegmentList::RemoveOldest() {
  const Place oldest = At(0);
  SEMEL_CHECK(oldest.sealed);
  const absl::Status removed = file_system_->Remove(SegmentPath(identity_, oldest.segment.first_lsn));
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  SEMEL_RETURN_IF_ERROR(file_system_->SyncDirectory(identity_.directory));
  {
    WriterLock lock(&mutex_);
    segments_.erase(segments_.begin());
  }
  CloseFile(oldest.segment.first_lsn);
  return absl::OkStatus();
}

void SegmentList::CloseFile(Lsn first_lsn) {
  MutexLock lock(&files_mutex_);
  files_.erase(std::remove_if(files_.begin(), files_.end(),
                              [&](const OpenedFile& opened) { return opened.first_lsn == first_lsn; }),
               files_.end());
}

SegmentList::Place SegmentList::PlaceAt(size_t index) const {
  const SegmentInfo& segment = segments_[index];
  const bool sealed = index + 1 < segments_.size();
  return {segment, sealed ? segments_[index + 1].first_lsn : segment.capacity_end(), sealed};
}

std::optional<SegmentList::Place> SegmentList::Find(Lsn lsn) const {
  ReaderLock lock(&mutex_);
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), lsn,
                                      [](Lsn value, const SegmentInfo& segment) { return value < segment.first_lsn; });
  if (after == segments_.begin()) return std::nullopt;
  const Place place = PlaceAt(static_cast<size_t>(after - segments_.begin()) - 1);
  if (lsn >= place.end) return std::nullopt;
  return place;
}

SegmentList::Place SegmentList::At(size_t index) const {
  ReaderLock lock(&mutex_);
  SEMEL_CHECK(index < segments_.size());
  return PlaceAt(index);
}

size_t SegmentList::size() const {
  ReaderLock lock(&mutex_);
  return segments_.size();
}

std::vector<SegmentList::Place> SegmentList::All() const {
  ReaderLock lock(&mutex_);
  std::vector<Place> places;
  for (size_t i = 0; i < segments_.size(); ++i) places.push_back(PlaceAt(i));
  return places;
}

absl::StatusOr<std::shared_ptr<File>> SegmentList::OpenFile(const SegmentInfo& segment) {
  MutexLock lock(&files_mutex_);
  for (OpenedFile& opened : files_) {
    if (opened.first_lsn != segment.first_lsn) continue;
    opened.used = ++uses_;
    return opened.file;
  }
  absl::StatusOr<std::unique_ptr<File>> file =
      file_system_->Open(SegmentPath(identity_, segment.first_lsn), OpenMode::kRead);
  if (absl::IsNotFound(file.status())) {
    return absl::OutOfRangeError(absl::StrCat("the journal segment at LSN ", segment.first_lsn, " was removed"));
  }
  SEMEL_RETURN_IF_ERROR(file.status());
  if (files_.size() == kOpenFilesMax) {
    files_.erase(std::min_element(files_.begin(), files_.end(),
                                  [](const OpenedFile& a, const OpenedFile& b) { return a.used < b.used; }));
  }
  files_.push_back({segment.first_lsn, *std::move(file), ++uses_});
  return files_.back().file;
}

absl::Status SegmentList::Read(const Place& place, Lsn lsn, char* buffer, size_t size) {
  SEMEL_CHECK(lsn >= place.segment.first_lsn && lsn + size <= place.end);
  SEMEL_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, OpenFile(place.segment));
  return ReadFully(file.get(), place.segment.OffsetOf(lsn), buffer, size,
                   SegmentPath(identity_, place.segment.first_lsn));
}

}  // namespace semel::internal
