// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Reading the journal by address, through a checked block cache, and walking chains.

#ifndef SEMEL_ENGINE_JOURNAL_READER_H_
#define SEMEL_ENGINE_JOURNAL_READER_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/io/file_system.h"
#include "engine/journal/entry.h"
#include "engine/journal/frame.h"

namespace semel::internal {

class SegmentList;  // segments.h

// What every reader and writer of a journal must know of its ledger.
struct JournalIdentity {
  std::string directory;  // .../journal
  std::string uuid;       // 16 bytes
  uint64_t epoch = 0;
  uint64_t seed = 0;  // Seeds::checks
  bool tamper_evident = false;
};

// Which segments of a directory are the journal: those that begin in [begin, end). Not all of them only in a backup,
// where those of an older or an unfinished one may lie beside.
struct SegmentRange {
  Lsn begin = 0;
  Lsn end = std::numeric_limits<Lsn>::max();
};

// The seeds of a ledger.
struct Seeds {
  uint64_t checks = 0;  // of all checksums; of the uuid and the epoch, so that nothing of another timeline passes
  uint64_t ids = 0;     // of id tags; of the uuid alone, so that a restored ledger knows what it applied
};
Seeds SeedsOf(std::string_view uuid, uint64_t epoch);

// Holds the bytes that a decoded Entry points into.
class EntryBuffer {
 public:
  std::string bytes;
};

// Where entries are read from: the journal's files, or a frame that is still being built.
class EntrySource {
 public:
  virtual ~EntrySource() = default;
  // Reads and verifies the entry at `lsn`; the entry points into `buffer`. With `with_frame`, the frame header is read
  // too and sequence and commit_time_us are filled. Errors: DataLoss, OutOfRange (not below the durable end, or below
  // the oldest segment), I/O errors.
  virtual absl::Status ReadEntry(Lsn lsn, bool with_frame, EntryBuffer* buffer, Entry* entry) = 0;
};

// Thread-safe, except where noted.
class JournalReader final : public EntrySource {
 public:
  // Lists and checks the segments. Errors: DataLoss (a segment is missing in the middle, or its header is bad).
  static absl::StatusOr<std::unique_ptr<JournalReader>> Open(FileSystem* file_system, const JournalIdentity& identity,
                                                             size_t cache_bytes, const SegmentRange& range = {});
  ~JournalReader() override;

  absl::Status ReadEntry(Lsn lsn, bool with_frame, EntryBuffer* buffer, Entry* entry) override;

  // Entries below this may be read. Rises with each durable frame; set by the writer, or from what the writing process
  // published; by one thread at a time. Never falls.
  Lsn durable_lsn() const;
  void SetDurableLsn(Lsn lsn);

  // Looks for segments that were created or removed since: for a read-only process that reaches the end of what it
  // knows, and after a trim. Errors: as Open.
  absl::Status RefreshSegments();

  // The list of segments, to which the writer adds those that it creates.
  SegmentList* segments();

  // Visits the frames of [from, end) in order; `from` must be the beginning of a frame and `end` <= durable. Each is
  // verified. Stops early when `visit` returns false or an error. Errors: DataLoss, as in a chain of
  // frames that does not fit `tip` (the place to begin).
  absl::Status VisitFrames(
      const JournalTip& from, Lsn end,
      const std::function<absl::StatusOr<bool>(const FrameHeader&, std::string_view entries)>& visit);

  // The header of the frame at `lsn`, with the history hash before it, unverified.
  absl::StatusOr<FrameHeader> ReadFrameHeader(Lsn lsn);

  // The end of the last frame committed at or before `time_us`; the oldest LSN if there is none. O(frames of a
  // segment).
  absl::StatusOr<Lsn> LsnAtTime(int64_t time_us);

  // What lies before this is not looked at any more: it was trimmed. Rises; set by whoever sets the durable LSN.
  Lsn floor() const;
  void SetFloor(Lsn floor);

  // Removes the file of the oldest segment, which must be sealed and lie below the floor, durably. Errors: I/O; then it
  // may be there still.
  absl::Status RemoveOldestSegment();

  Lsn oldest_lsn() const;
  uint64_t segment_count() const;
  absl::StatusOr<uint64_t> FileBytes() const;

 private:
  struct State;
  explicit JournalReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Visits the entries of a verified frame in order, with sequence and commit_time_us filled.
absl::Status VisitEntries(const FrameHeader& header, std::string_view entries, uint64_t seed,
                          const std::function<absl::StatusOr<bool>(const Entry&)>& visit);

// ---- Walking an entity's chain. All start at its head and read O(log n) entries. `floor`: pointers below it are not
// followed; what lies behind them answers nullopt.

struct ChainStart {
  Table table;
  std::string_view key;
  const Head* head;
};

// A version of an entity and where the entry that made it is.
struct ChainLink {
  uint64_t version = 0;
  Lsn lsn = 0;
};
using ChainLinks = absl::InlinedVector<ChainLink, 8>;  // newest first

// The steps of a walk along one chain. The next walk on it goes on from the last step that it has in common with this
// one, so that looking for neighbours, as a redelivered stream does, reads about one entry each. Empty: from the head.
// Entries never change, so a path holds as long as its chain does: not across the erasing of an entity.
struct ChainPath {
  struct Step {
    uint64_t version;  // whose entry has the links; UINT64_MAX: the head
    ChainLinks links;
  };
  std::vector<Step> steps;
};

// The entry that made `version` (1 <= version <= head version).
absl::StatusOr<std::optional<Lsn>> FindVersion(EntrySource* source, const ChainStart& start, uint64_t version,
                                               Lsn floor, ChainPath* path);

// The oldest version of which it and all later ones can be read; head version + 1 if there is none.
absl::StatusOr<uint64_t> OldestReadable(EntrySource* source, const ChainStart& start, Lsn floor);

// The newest entry at or below address `lsn`; nullopt also if the entity had none then. `*existed_later` tells the two
// apart: false if something below the floor was needed.
struct VersionAtLsn {
  Lsn lsn = 0;
  uint64_t version = 0;  // 0: the entity did not exist yet
  bool readable = true;  // false: below the floor
};
absl::StatusOr<VersionAtLsn> FindAtLsn(EntrySource* source, const ChainStart& start, Lsn lsn, Lsn floor);

// The entry of a source that consumed `position`, which the source's head says is consumed.
struct PositionSearch {
  std::optional<Lsn> lsn;
  // Of one that was not found: whether the entries around it were read, so that it was skipped; if not, the highest
  // position that was settled (SourceState::settled) where reading ended.
  bool skipped = false;
  std::optional<uint64_t> settled;
};
// Reads O(log n) entries, of a windowed source at most two windows.
absl::StatusOr<PositionSearch> FindPosition(EntrySource* source, const ChainStart& start, uint64_t position, Lsn floor);

// Walks back from the newest entry over versions > `after`, at most `limit` of them, calling `visit` with each entry
// and the entity's effect in it, until it returns false. `*complete` (may be null): the whole range was visited or
// `visit` stopped it.
absl::Status WalkBack(EntrySource* source, const ChainStart& start, uint64_t newest, uint64_t after, uint64_t limit,
                      Lsn floor, bool with_frame, const std::function<bool(const Entry&, const Effect&)>& visit,
                      bool* complete);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_READER_H_
