// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/frame.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "engine/base/coding.h"

namespace semel::internal {
namespace {

constexpr uint32_t kMagic = 0x314c4d53;  // "SML1"
constexpr size_t kLsnOffset = 8;
constexpr size_t kChecksumOffset = 56;
constexpr uint32_t kHasHistory = 1;  // a flag
static_assert(kChecksumOffset + sizeof(uint64_t) == kFrameHeaderBytes);

uint64_t HeaderChecksum(std::string_view bytes, Lsn lsn, uint64_t seed) {
  return Checksum64(bytes.substr(0, kChecksumOffset), MixSeed(seed, lsn));
}

uint64_t PayloadChecksum(std::string_view payload, Lsn lsn, uint64_t seed) {
  return Checksum64(payload, MixSeed(seed, lsn));
}

// Without the checksum of the header itself.
void EncodeFields(const FrameHeader& header, std::string* out) {
  PutFixed32(out, kMagic);
  PutFixed32(out, header.entry_count);
  PutFixed64(out, header.lsn);
  PutFixed64(out, header.first_sequence);
  PutFixed32(out, header.payload_bytes);
  PutFixed32(out, header.has_history ? kHasHistory : 0);
  PutFixed64(out, header.payload_checksum);
  PutFixed64(out, header.previous_checksum);
  PutFixed64(out, static_cast<uint64_t>(header.commit_time_us));
}

Sha256Hash HistoryAfter(const FrameHeader& header, std::string_view entries) {
  thread_local Sha256 hash;
  std::string fields;
  PutFixed64(&fields, header.lsn);
  PutFixed64(&fields, header.first_sequence);
  PutFixed32(&fields, header.entry_count);
  PutFixed64(&fields, static_cast<uint64_t>(header.commit_time_us));
  hash.Add(BytesOf(header.history_before));
  hash.Add(fields);
  while (!entries.empty()) {
    const size_t size = EncodedEntrySize(entries);
    if (size <= kEntryCheckBytes || size > entries.size()) break;  // no entry: it is hashed as it is
    hash.Add(entries.substr(kEntryCheckBytes, size - kEntryCheckBytes));
    entries.remove_prefix(size);
  }
  hash.Add(entries);
  return hash.Finish();
}

}  // namespace

JournalTip TipAfter(const FrameHeader& header) {
  return {header.end_lsn(), header.first_sequence + header.entry_count, header.header_checksum, header.commit_time_us,
          header.history_after};
}

JournalTip TipBefore(const FrameHeader& header) {
  return {header.lsn, header.first_sequence, header.previous_checksum, header.commit_time_us, header.history_before};
}

bool Continues(const FrameHeader& header, const JournalTip& tip) {
  return header.lsn == tip.lsn && header.previous_checksum == tip.frame_checksum &&
         header.first_sequence == tip.next_sequence && header.commit_time_us >= tip.commit_time_us &&
         header.history_before == tip.history;
}

std::optional<FrameHeader> DecodeFrameHeader(std::string_view bytes, Lsn lsn, uint64_t seed) {
  if (ClaimedFrameLsn(bytes) != lsn) return std::nullopt;
  FrameHeader header;
  uint32_t magic = 0;
  uint32_t flags = 0;
  uint64_t commit_time = 0;
  Decoder in(bytes);
  const bool complete = in.GetFixed32(&magic) && in.GetFixed32(&header.entry_count) && in.GetFixed64(&header.lsn) &&
                        in.GetFixed64(&header.first_sequence) && in.GetFixed32(&header.payload_bytes) &&
                        in.GetFixed32(&flags) && in.GetFixed64(&header.payload_checksum) &&
                        in.GetFixed64(&header.previous_checksum) && in.GetFixed64(&commit_time) &&
                        in.GetFixed64(&header.header_checksum);
  if (!complete || flags > kHasHistory || header.header_checksum != HeaderChecksum(bytes, lsn, seed))
    return std::nullopt;
  header.commit_time_us = static_cast<int64_t>(commit_time);
  header.has_history = flags != 0;
  return header;
}

std::optional<Lsn> ClaimedFrameLsn(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes || GetFixed32(bytes.data()) != kMagic) return std::nullopt;
  return GetFixed64(bytes.data() + kLsnOffset);
}

bool PayloadMatches(const FrameHeader& header, std::string_view payload, uint64_t seed) {
  return payload.size() == header.payload_bytes &&
         PayloadChecksum(payload, header.lsn, seed) == header.payload_checksum;
}

absl::StatusOr<std::string_view> SplitPayload(std::string_view payload, FrameHeader* header) {
  if (!header->has_history) return payload;
  if (payload.size() < kSha256Bytes) {
    return absl::DataLossError(
        absl::StrCat("journal: the frame at LSN ", header->lsn, " is too short for its history hash"));
  }
  std::copy_n(payload.begin(), kSha256Bytes, header->history_before.begin());
  payload.remove_prefix(kSha256Bytes);
  header->history_after = HistoryAfter(*header, payload);
  return payload;
}

void FrameBuilder::Begin(const JournalTip& tip, int64_t now_us) {
  tip_ = tip;
  commit_time_us_ = std::max(tip.commit_time_us, now_us);
  entry_count_ = 0;
  buffer_.assign(kFrameHeaderBytes, '\0');
  if (tamper_evident_) buffer_ += BytesOf(tip.history);
}

void FrameBuilder::Place(Entry* entry) const {
  entry->lsn = NextEntryLsn();
  entry->frame_lsn = tip_.lsn;
  entry->index = entry_count_;
  entry->sequence = NextSequence();
  entry->commit_time_us = commit_time_us_;
}

void FrameBuilder::Add(Entry* entry) {
  Place(entry);
  EncodeEntry(*entry, seed_, &buffer_);
  entry->next_lsn = NextEntryLsn();
  ++entry_count_;
}

std::string_view FrameBuilder::Finish(FrameHeader* header) {
  const std::string_view payload = std::string_view(buffer_).substr(kFrameHeaderBytes);
  SEMEL_CHECK(payload.size() <= UINT32_MAX);
  header->entry_count = entry_count_;
  header->lsn = tip_.lsn;
  header->first_sequence = tip_.next_sequence;
  header->payload_bytes = static_cast<uint32_t>(payload.size());
  header->payload_checksum = PayloadChecksum(payload, tip_.lsn, seed_);
  header->previous_checksum = tip_.frame_checksum;
  header->commit_time_us = commit_time_us_;
  header->has_history = tamper_evident_;
  SEMEL_CHECK(SplitPayload(payload, header).ok());
  std::string bytes;
  EncodeFields(*header, &bytes);
  header->header_checksum = HeaderChecksum(bytes, tip_.lsn, seed_);
  PutFixed64(&bytes, header->header_checksum);
  buffer_.replace(0, kFrameHeaderBytes, bytes);
  return buffer_;
}

std::string_view FrameBuilder::BytesAt(Lsn lsn) const {
  SEMEL_CHECK(lsn >= tip_.lsn + kFrameHeaderBytes && lsn < NextEntryLsn());
  const std::string_view rest = std::string_view(buffer_).substr(lsn - tip_.lsn);
  return rest.substr(0, EncodedEntrySize(rest));
}

}  // namespace semel::internal
