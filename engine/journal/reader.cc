// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/reader.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/checksum.h"
#include "engine/base/status_macros.h"
#include "engine/journal/block_cache.h"
#include "engine/journal/frame_scan.h"
#include "engine/journal/segments.h"

namespace semel::internal {
namespace {

// Read at once in the hope that it holds the whole entry: an applied change of two entities does fit.
constexpr size_t kEntryGuessBytes = 192;

}  // namespace

Seeds SeedsOf(std::string_view uuid, uint64_t epoch) {
  const uint64_t seed = Checksum64(uuid, 0);
  return {MixSeed(seed, epoch), seed};
}

struct JournalReader::State {
  State(FileSystem* file_system, const JournalIdentity& identity, size_t cache_bytes, const SegmentRange& range)
      : segments(file_system, identity, range), cache(cache_bytes) {}

  SegmentList segments;
  BlockCache cache;
  std::atomic<Lsn> durable_lsn{0};
  std::atomic<Lsn> floor{0};

  // Where `lsn` lies, with the end cut to what is durable.
  absl::StatusOr<SegmentList::Place> FindReadable(Lsn lsn) const;
  // Reads through the cache.
  absl::Status Read(const SegmentList::Place& place, Lsn lsn, char* buffer, size_t size);
  absl::StatusOr<FrameHeader> ReadFrameHeader(Lsn lsn);
  absl::Status ReadEntryBytes(const SegmentList::Place& place, Lsn lsn, std::string* bytes);
  // The commit time of a segment's first frame; nullopt if nothing in it is durable.
  absl::StatusOr<std::optional<int64_t>> FirstTimeOf(const SegmentInfo& segment);
};

absl::StatusOr<SegmentList::Place> JournalReader::State::FindReadable(Lsn lsn) const {
  const Lsn durable = durable_lsn.load(std::memory_order_acquire);
  std::optional<SegmentList::Place> place;
  if (lsn < durable) place = segments.Find(lsn);
  if (!place.has_value()) {
    return absl::OutOfRangeError(absl::StrCat("LSN ", lsn, " is not in the journal, which goes from ",
                                              segments.At(0).segment.first_lsn, " to ", durable));
  }
  place->end = std::min(place->end, durable);
  return *place;
}

absl::Status JournalReader::State::Read(const SegmentList::Place& place, Lsn lsn, char* buffer, size_t size) {
  while (size > 0) {
    const size_t offset = (lsn - place.segment.first_lsn) % BlockCache::kBlockBytes;
    const Lsn block = lsn - offset;
    const size_t piece = std::min(size, BlockCache::kBlockBytes - offset);
    if (!cache.Copy(block, offset, buffer, piece)) {
      char bytes[BlockCache::kBlockBytes];
      const size_t block_bytes = std::min<Lsn>(BlockCache::kBlockBytes, place.end - block);
      SEMEL_RETURN_IF_ERROR(segments.Read(place, block, bytes, block_bytes));
      cache.Insert(block, std::string_view(bytes, block_bytes));
      std::copy_n(bytes + offset, piece, buffer);
    }
    lsn += piece;
    buffer += piece;
    size -= piece;
  }
  return absl::OkStatus();
}

absl::Status JournalReader::State::ReadEntryBytes(const SegmentList::Place& place, Lsn lsn, std::string* bytes) {
  bytes->resize(std::min<Lsn>(kEntryGuessBytes, place.end - lsn));
  SEMEL_RETURN_IF_ERROR(Read(place, lsn, bytes->data(), bytes->size()));
  const size_t have = bytes->size();
  const size_t size = EncodedEntrySize(*bytes);
  if (size <= have || size > place.end - lsn) return absl::OkStatus();  // whole, or damaged: the decoder says which
  bytes->resize(size);
  return Read(place, lsn + have, bytes->data() + have, size - have);
}

absl::StatusOr<FrameHeader> JournalReader::State::ReadFrameHeader(Lsn lsn) {
  SEMEL_ASSIGN_OR_RETURN(const SegmentList::Place place, FindReadable(lsn));
  char bytes[kFrameHeaderBytes];
  std::optional<FrameHeader> header;
  if (place.end - lsn >= sizeof bytes) {
    SEMEL_RETURN_IF_ERROR(Read(place, lsn, bytes, sizeof bytes));
    header = DecodeFrameHeader(std::string_view(bytes, sizeof bytes), lsn, segments.identity().seed);
  }
  if (!header.has_value()) return absl::DataLossError(absl::StrCat("journal: no frame header at LSN ", lsn));
  if (header->has_history) {
    if (place.end - lsn < kFrameHeaderBytes + kSha256Bytes) {
      return absl::DataLossError(absl::StrCat("journal: the frame at LSN ", lsn, " is cut off"));
    }
    SEMEL_RETURN_IF_ERROR(Read(place, lsn + kFrameHeaderBytes, header->history_before.data(), kSha256Bytes));
  }
  return *header;
}

absl::StatusOr<std::optional<int64_t>> JournalReader::State::FirstTimeOf(const SegmentInfo& segment) {
  if (segment.first_lsn >= durable_lsn.load(std::memory_order_acquire)) return std::nullopt;
  SEMEL_ASSIGN_OR_RETURN(const FrameHeader header, ReadFrameHeader(segment.first_lsn));
  return header.commit_time_us;
}

absl::StatusOr<std::unique_ptr<JournalReader>> JournalReader::Open(FileSystem* file_system,
                                                                   const JournalIdentity& identity, size_t cache_bytes,
                                                                   const SegmentRange& range) {
  auto state = std::make_unique<State>(file_system, identity, cache_bytes, range);
  SEMEL_RETURN_IF_ERROR(state->segments.Refresh());
  return std::unique_ptr<JournalReader>(new JournalReader(std::move(state)));
}

JournalReader::JournalReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
JournalReader::~JournalReader() = default;

absl::Status JournalReader::ReadEntry(Lsn lsn, bool with_frame, EntryBuffer* buffer, Entry* entry) {
  SEMEL_ASSIGN_OR_RETURN(const SegmentList::Place place, state_->FindReadable(lsn));
  SEMEL_RETURN_IF_ERROR(state_->ReadEntryBytes(place, lsn, &buffer->bytes));
  SEMEL_RETURN_IF_ERROR(DecodeEntry(buffer->bytes, lsn, state_->segments.identity().seed, entry));
  if (!with_frame) return absl::OkStatus();
  SEMEL_ASSIGN_OR_RETURN(const FrameHeader header, state_->ReadFrameHeader(entry->frame_lsn));
  if (entry->index >= header.entry_count || entry->next_lsn > header.end_lsn()) {
    return absl::DataLossError(absl::StrCat("journal: the entry at LSN ", lsn, " is not in its frame"));
  }
  entry->sequence = header.first_sequence + entry->index;
  entry->commit_time_us = header.commit_time_us;
  return absl::OkStatus();
}

Lsn JournalReader::floor() const { return state_->floor.load(std::memory_order_acquire); }

void JournalReader::SetFloor(Lsn floor) {
  if (floor > this->floor()) state_->floor.store(floor, std::memory_order_release);
}

Lsn JournalReader::durable_lsn() const { return state_->durable_lsn.load(std::memory_order_acquire); }

void JournalReader::SetDurableLsn(Lsn lsn) {
  if (lsn > durable_lsn()) state_->durable_lsn.store(lsn, std::memory_order_release);
}

absl::Status JournalReader::RefreshSegments() { return state_->segments.Refresh(); }

SegmentList* JournalReader::segments() { return &state_->segments; }

absl::Status JournalReader::VisitFrames(
    const JournalTip& from, Lsn end,
    const std::function<absl::StatusOr<bool>(const FrameHeader&, std::string_view entries)>& visit) {
  if (end > durable_lsn()) return absl::OutOfRangeError(absl::StrCat("LSN ", end, " is not durable yet"));
  FrameScanner scanner(&state_->segments, from, end);
  while (scanner.tip().lsn < end) {
    SEMEL_ASSIGN_OR_RETURN(const FrameScanner::Step step, scanner.Next());
    if (step != FrameScanner::Step::kFrame) {
      return absl::DataLossError(absl::StrCat("journal: the frame at LSN ", scanner.tip().lsn, " is damaged"));
    }
    SEMEL_ASSIGN_OR_RETURN(const bool go_on, visit(scanner.header(), scanner.entries()));
    if (!go_on) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<FrameHeader> JournalReader::ReadFrameHeader(Lsn lsn) { return state_->ReadFrameHeader(lsn); }

absl::StatusOr<Lsn> JournalReader::LsnAtTime(int64_t time_us) {
  // The last segment whose first frame is not later; times never fall.
  const std::vector<SegmentList::Place> places = state_->segments.All();
  size_t low = 0;
  size_t high = places.size();
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    SEMEL_ASSIGN_OR_RETURN(const std::optional<int64_t> time, state_->FirstTimeOf(places[middle].segment));
    (time.has_value() && *time <= time_us ? low : high) = middle;
  }
  const SegmentList::Place& place = places[low];
  const Lsn end = std::min(place.end, durable_lsn());
  Lsn lsn = place.segment.first_lsn;
  while (lsn < end) {
    SEMEL_ASSIGN_OR_RETURN(const FrameHeader header, state_->ReadFrameHeader(lsn));
    if (header.commit_time_us > time_us) break;
    lsn = header.end_lsn();
  }
  return lsn;
}

absl::Status JournalReader::RemoveOldestSegment() {
  SEMEL_RETURN_IF_ERROR(state_->segments.RemoveOldest());
  state_->cache.EraseBelow(oldest_lsn());
  return absl::OkStatus();
}

Lsn JournalReader::oldest_lsn() const { return state_->segments.At(0).segment.first_lsn; }

uint64_t JournalReader::segment_count() const { return state_->segments.size(); }

absl::StatusOr<uint64_t> JournalReader::FileBytes() const {
  uint64_t bytes = 0;
  for (const SegmentList::Place& place : state_->segments.All()) bytes += place.segment.file_bytes;
  return bytes;
}

absl::Status VisitEntries(const FrameHeader& header, std::string_view entries, uint64_t seed,
                          const std::function<absl::StatusOr<bool>(const Entry&)>& visit) {
  Entry entry;
  uint32_t index = 0;
  for (Lsn lsn = header.entries_lsn(); !entries.empty(); lsn = entry.next_lsn, ++index) {
    SEMEL_RETURN_IF_ERROR(DecodeEntry(entries, lsn, seed, &entry));
    if (entry.frame_lsn != header.lsn || entry.index != index) {
      return absl::DataLossError(absl::StrCat("journal: the entry at LSN ", lsn, " is not in its frame"));
    }
    entry.sequence = header.first_sequence + index;
    entry.commit_time_us = header.commit_time_us;
    entries.remove_prefix(entry.next_lsn - lsn);
    SEMEL_ASSIGN_OR_RETURN(const bool go_on, visit(entry));
    if (!go_on) return absl::OkStatus();
  }
  if (index == header.entry_count) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("journal: the frame at LSN ", header.lsn, " has ", index, " entries, not ", header.entry_count));
}

}  // namespace semel::internal
