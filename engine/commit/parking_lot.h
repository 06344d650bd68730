// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Which changes are parked: an index in memory over the table of parked changes, by id and by the entities that they
// touch. Bounded by the deciding options. The committer's alone.

#ifndef SEMEL_ENGINE_COMMIT_PARKING_LOT_H_
#define SEMEL_ENGINE_COMMIT_PARKING_LOT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/rules/classify.h"
#include "engine/rules/identity.h"
#include "semel/change.h"

namespace semel::internal {

class ParkingLot {
 public:
  struct Parked {
    uint64_t sequence = 0;  // of the entry that parked it: the order in which they are decided
    IdTag id;
    Fingerprint fingerprint;
    size_t bytes = 0;  // of the kept message
    std::vector<std::string> keys;
    std::optional<SourcePosition> source;  // whose position it consumed
  };

  static Parked Describe(uint64_t sequence, const Identity& identity, const Change& change, size_t bytes);

  // nullptr if there is none. Good until the next Add or Remove.
  const Parked* Find(const IdTag& id) const;
  const Parked* Get(uint64_t sequence) const;

  // Adds the sequences of those that touch `key`, or a key that begins with `prefix`.
  void Touching(std::string_view key, std::set<uint64_t>* sequences) const;
  void TouchingPrefix(std::string_view prefix, std::set<uint64_t>* sequences) const;

  bool HasRoom(const Change& change, size_t bytes, const DecidingOptions& bounds) const;
  bool empty() const { return parked_.empty(); }

  void Add(Parked parked);
  void Remove(uint64_t sequence);

  // What was added and removed since the last of these holds, or is undone.
  void Publish() { done_.clear(); }
  void Discard();

 private:
  struct Load {
    std::set<uint64_t> sequences;
    uint64_t bytes = 0;
  };
  struct Step {
    bool added;
    Parked parked;
  };

  void Insert(Parked parked);
  Parked Take(uint64_t sequence);

  std::map<uint64_t, Parked> parked_;
  std::map<std::string, uint64_t, std::less<>> by_id_;
  std::map<std::string, Load, std::less<>> by_key_;
  uint64_t bytes_ = 0;
  std::vector<Step> done_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_PARKING_LOT_H_
