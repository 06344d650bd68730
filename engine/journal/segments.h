// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The journal's files. A segment is a 64-byte header, then the bytes of the journal from its first LSN on:
//
//   offset  bytes
//        0      8   magic
//        8      4   format version
//       12      4   size of the file
//       16     16   ledger uuid
//       32      8   epoch
//       40      8   first LSN
//       48      8   first LSN of the segment before (of the very first: 0), so that a missing one shows
//       56      8   XXH3 over the 56 bytes before
//
// Its name is its first LSN, 20 digits, and ".log". All but the last are sealed: their data ends where the next begins.

#ifndef SEMEL_ENGINE_JOURNAL_SEGMENTS_H_
#define SEMEL_ENGINE_JOURNAL_SEGMENTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "engine/io/file_system.h"
#include "engine/journal/reader.h"

namespace semel::internal {

inline constexpr size_t kSegmentHeaderBytes = 64;

struct SegmentInfo {
  Lsn first_lsn = 0;
  Lsn previous_first_lsn = 0;
  uint32_t file_bytes = 0;

  // Where the file ends; the data of a sealed segment ends earlier.
  Lsn capacity_end() const { return first_lsn + file_bytes - kSegmentHeaderBytes; }
  uint64_t OffsetOf(Lsn lsn) const { return kSegmentHeaderBytes + (lsn - first_lsn); }

  friend bool operator==(const SegmentInfo&, const SegmentInfo&) = default;
};

std::string SegmentPath(const JournalIdentity& identity, Lsn first_lsn);
std::string EncodeSegmentHeader(const JournalIdentity& identity, const SegmentInfo& segment);

// Reads and checks the header and size of the segment `first_lsn`. Errors: NotFound; FailedPrecondition (another
// format); DataLoss.
absl::StatusOr<SegmentInfo> ReadSegmentInfo(FileSystem* file_system, const JournalIdentity& identity, Lsn first_lsn);

// Which ledger the file of a segment says that it belongs to.
struct SegmentOwner {
  std::string uuid;
  uint64_t epoch = 0;
};
// Errors: DataLoss (its header is damaged), I/O.
absl::StatusOr<SegmentOwner> ReadSegmentOwner(FileSystem* file_system, const std::string& path);

// The first LSNs that the names of the segments in a directory say, rising.
absl::StatusOr<std::vector<Lsn>> ListSegmentNames(FileSystem* file_system, const std::string& directory);

// Reads exactly `size` bytes. Errors: DataLoss if the file ends before.
absl::Status ReadFully(File* file, uint64_t offset, char* buffer, size_t size, const std::string& path);

// The list of segments, and their files, opened when first read. Thread-safe.
class SegmentList {
 public:
  SegmentList(FileSystem* file_system, JournalIdentity identity, const SegmentRange& range = {});

  // Replaces the list by what the directory holds. Headers are read of those that are new, and of the last, which may
  // have been replaced while it was empty. Errors: DataLoss (none, one missing, a bad header), FailedPrecondition; the
  // list is then as before.
  absl::Status Refresh();

  // Appends a segment that was just created; one that begins where the last does, which is then empty, replaces it.
  void Add(const SegmentInfo& segment);

  // Removes the file of the oldest segment, durably, then its place in the list. It must not be the last. A reader that
  // has it open may go on with it. Errors: I/O; then it may be there still.
  absl::Status RemoveOldest();

  // A part of the journal that lies in one file.
  struct Place {
    SegmentInfo segment;
    Lsn end = 0;  // of its data, or of the file if it is the last
    bool sealed = false;
  };
  // nullopt if `lsn` is before the oldest segment or at or behind the last one's end.
  std::optional<Place> Find(Lsn lsn) const;
  // index < size(). A trim moves indexes: who runs beside one asks for All.
  Place At(size_t index) const;
  size_t size() const;
  std::vector<Place> All() const;

  // The file, for reading. Errors: OutOfRange if it was removed since.
  absl::StatusOr<std::shared_ptr<File>> OpenFile(const SegmentInfo& segment);

  // Reads bytes of one place.
  absl::Status Read(const Place& place, Lsn lsn, char* buffer, size_t size);

  const JournalIdentity& identity() const { return identity_; }

 private:
  struct OpenedFile {
    Lsn first_lsn;
    std::shared_ptr<File> file;
    uint64_t used;  // rises with each use
  };

  void CloseFile(Lsn first_lsn);
  absl::StatusOr<std::vector<SegmentInfo>> ReadDirectory(const std::vector<SegmentInfo>& known) const;
  Place PlaceAt(size_t index) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  FileSystem* const file_system_;
  const JournalIdentity identity_;
  const SegmentRange range_;
  mutable SharedMutex mutex_;
  std::vector<SegmentInfo> segments_ ABSL_GUARDED_BY(mutex_);  // by first_lsn, never empty once refreshed
  Mutex files_mutex_;
  std::vector<OpenedFile> files_ ABSL_GUARDED_BY(files_mutex_);
  uint64_t uses_ ABSL_GUARDED_BY(files_mutex_) = 0;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_SEGMENTS_H_
