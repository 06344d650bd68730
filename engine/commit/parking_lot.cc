// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/commit/parking_lot.h"

#include "engine/base/check.h"

namespace semel::internal {
namespace {

std::string BytesOf(const IdTag& id) {
  std::string bytes(id.bytes, sizeof id.bytes);
  bytes.push_back(static_cast<char>(id.kind));
  return bytes;
}

}  // namespace

ParkingLot::Parked ParkingLot::Describe(uint64_t sequence, const Identity& identity, const Change& change,
                                        size_t bytes) {
  Parked parked{sequence, identity.id, identity.fingerprint, bytes, {}, change.source};
  for (const Update& update : change.updates) parked.keys.push_back(update.key);
  return parked;
}

const ParkingLot::Parked* ParkingLot::Find(const IdTag& id) const {
  if (parked_.empty()) return nullptr;
  auto found = by_id_.find(BytesOf(id));
  return found == by_id_.end() ? nullptr : &parked_.at(found->second);
}

const ParkingLot::Parked* ParkingLot::Get(uint64_t sequence) const {
  auto found = parked_.find(sequence);
  return found == parked_.end() ? nullptr : &found->second;
}

void ParkingLot::Touching(std::string_view key, std::set<uint64_t>* sequences) const {
  auto found = by_key_.find(key);
  if (found != by_key_.end()) sequences->insert(found->second.sequences.begin(), found->second.sequences.end());
}

void ParkingLot::TouchingPrefix(std::string_view prefix, std::set<uint64_t>* sequences) const {
  for (auto at = by_key_.lower_bound(prefix); at != by_key_.end(); ++at) {
    if (std::string_view(at->first).substr(0, prefix.size()) != prefix) break;
    sequences->insert(at->second.sequences.begin(), at->second.sequences.end());
  }
}

bool ParkingLot::HasRoom(const Change& change, size_t bytes, const DecidingOptions& bounds) const {
  if (parked_.size() >= bounds.parking_changes || bytes_ + bytes > bounds.parking_bytes) return false;
  if (bytes > bounds.parking_bytes_per_entity) return false;
  for (const Update& update : change.updates) {
    auto found = by_key_.find(update.key);
    if (found == by_key_.end()) continue;
    const Load& load = found->second;
    if (load.sequences.size() >= bounds.parking_changes_per_entity) return false;
    if (load.bytes + bytes > bounds.parking_bytes_per_entity) return false;
  }
  return true;
}

void ParkingLot::Add(Parked parked) {
  done_.push_back({/*added=*/true, parked});
  Insert(std::move(parked));
}

void ParkingLot::Remove(uint64_t sequence) { done_.push_back({/*added=*/false, Take(sequence)}); }

void ParkingLot::Discard() {
  for (auto step = done_.rbegin(); step != done_.rend(); ++step) {
    if (step->added) {
      Take(step->parked.sequence);
    } else {
      Insert(std::move(step->parked));
    }
  }
  done_.clear();
}

void ParkingLot::Insert(Parked parked) {
  by_id_[BytesOf(parked.id)] = parked.sequence;
  for (const std::string& key : parked.keys) {
    Load& load = by_key_[key];
    load.sequences.insert(parked.sequence);
    load.bytes += parked.bytes;
  }
  bytes_ += parked.bytes;
  const uint64_t sequence = parked.sequence;
  const bool inserted = parked_.emplace(sequence, std::move(parked)).second;
  SEMEL_CHECK(inserted);
}

ParkingLot::Parked ParkingLot::Take(uint64_t sequence) {
  auto found = parked_.find(sequence);
  SEMEL_CHECK(found != parked_.end());
  Parked parked = std::move(found->second);
  parked_.erase(found);
  by_id_.erase(BytesOf(parked.id));
  for (const std::string& key : parked.keys) {
    auto load = by_key_.find(key);
    load->second.sequences.erase(sequence);
    load->second.bytes -= parked.bytes;
    if (load->second.sequences.empty()) by_key_.erase(load);
  }
  bytes_ -= parked.bytes;
  return parked;
}

}  // namespace semel::internal
