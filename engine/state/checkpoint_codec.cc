// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// All numbers are little-endian and of fixed size.
//
//   tip {lsn 8, next sequence 8, frame checksum 8, commit time 8, history hash 32}, floor 8, records of each table 8,
//   bytes of each table 8, digest {high 8, low 8}, deciding options (as in their entry)

#include "engine/state/checkpoint_codec.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/journal/entry.h"

namespace semel::internal {
namespace {

bool GetCounts(Decoder* in, std::array<uint64_t, kTableCount>* counts) {
  return std::all_of(counts->begin(), counts->end(), [in](uint64_t& count) { return in->GetFixed64(&count); });
}

}  // namespace

void EncodeCheckpointInfo(const CheckpointInfo& info, std::string* out) {
  PutFixed64(out, info.tip.lsn);
  PutFixed64(out, info.tip.next_sequence);
  PutFixed64(out, info.tip.frame_checksum);
  PutFixed64(out, static_cast<uint64_t>(info.tip.commit_time_us));
  out->append(BytesOf(info.tip.history));
  PutFixed64(out, info.floor);
  for (const uint64_t records : info.records) PutFixed64(out, records);
  for (const uint64_t bytes : info.bytes) PutFixed64(out, bytes);
  PutFixed64(out, info.digest.high);
  PutFixed64(out, info.digest.low);
  EncodeDecidingOptions(info.options, out);
}

bool DecodeCheckpointInfo(Decoder* in, CheckpointInfo* info) {
  uint64_t commit_time = 0;
  std::string_view history;
  const bool whole = in->GetFixed64(&info->tip.lsn) && in->GetFixed64(&info->tip.next_sequence) &&
                     in->GetFixed64(&info->tip.frame_checksum) && in->GetFixed64(&commit_time) &&
                     in->GetRaw(kSha256Bytes, &history) && in->GetFixed64(&info->floor) &&
                     GetCounts(in, &info->records) && GetCounts(in, &info->bytes) &&
                     in->GetFixed64(&info->digest.high) && in->GetFixed64(&info->digest.low) &&
                     DecodeDecidingOptions(in, &info->options);
  info->tip.commit_time_us = static_cast<int64_t>(commit_time);
  std::copy(history.begin(), history.end(), info->tip.history.begin());
  return whole;
}

}  // namespace semel::internal
