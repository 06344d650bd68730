// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#ifndef SEMEL_ENGINE_COMMIT_SOURCE_MEMORIES_H_
#define SEMEL_ENGINE_COMMIT_SOURCE_MEMORIES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "engine/rules/source.h"
#include "semel/change.h"

namespace semel::internal {

// What is remembered of sources beside their heads, in memory only, as of the last durable frame and of the frame under
// way. A source of which something was consumed and nothing is held back is not remembered: its head says it all, so
// that memory does not grow with the sources that come by. Not synchronised. Each call is O(log n).
class SourceMemories {
 public:
  // Null: nothing is remembered.
  const SourceMemory* Find(const std::string& source) const;
  size_t size() const { return published_.size(); }

  // A message came, and nothing of its source is consumed yet.
  void NoteFirstSight(const SourcePosition& source);
  // A position stays undecided: nothing of its source behind it may pass.
  void NoteUndecided(const SourcePosition& source);
  // The frame under way consumes a position; or sets the cursor by hand, to whatever position.
  void NoteConsumed(const SourcePosition& source);
  void NoteCursorSet(const std::string& source);

  // The frame is durable: what it noted holds. Or it is not: then the positions that it consumed are undecided again,
  // as those are that it was to pass.
  void Publish();
  void Discard();

 private:
  SourceMemory& Mutable(const std::string& source);

  std::map<std::string, SourceMemory> published_;
  std::map<std::string, SourceMemory> frame_;                      // what the frame changes of it
  std::map<std::string, std::optional<uint64_t>> frame_consumed_;  // the first position, where one may be passed
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_SOURCE_MEMORIES_H_
