// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/commit/source_memories.h"

#include <algorithm>
#include <utility>

namespace semel::internal {
namespace {

void Block(uint64_t position, SourceMemory* memory) {
  memory->blocked = std::min(memory->blocked.value_or(position), position);
}

}  // namespace

const SourceMemory* SourceMemories::Find(const std::string& source) const {
  if (auto found = frame_.find(source); found != frame_.end()) return &found->second;
  if (auto found = published_.find(source); found != published_.end()) return &found->second;
  return nullptr;
}

void SourceMemories::NoteFirstSight(const SourcePosition& source) {
  if (Find(source.name) != nullptr) return;
  SourceMemory& memory = Mutable(source.name);
  memory.incarnation = source.incarnation;
  memory.chained = source.previous.has_value();
  memory.window = source.window;
}

void SourceMemories::NoteUndecided(const SourcePosition& source) {
  if (source.window == 0) Block(source.position, &Mutable(source.name));  // a window's bitmap keeps positions apart
}

void SourceMemories::NoteConsumed(const SourcePosition& source) {
  const bool windowed = source.window != 0;
  frame_consumed_.try_emplace(source.name, windowed ? std::nullopt : std::optional<uint64_t>(source.position));
  const SourceMemory* memory = Find(source.name);
  if (memory != nullptr && memory->blocked.has_value() && *memory->blocked <= source.position) {
    Mutable(source.name).blocked.reset();
  }
}

void SourceMemories::NoteCursorSet(const std::string& source) {
  frame_consumed_.try_emplace(source, std::nullopt);
  Mutable(source).blocked.reset();
}

void SourceMemories::Publish() {
  for (auto& [source, memory] : frame_) published_[source] = std::move(memory);
  for (const auto& [source, position] : frame_consumed_) {
    const auto found = published_.find(source);
    if (found != published_.end() && !found->second.blocked.has_value()) published_.erase(found);
  }
  frame_.clear();
  frame_consumed_.clear();
}

void SourceMemories::Discard() {
  for (auto& [source, memory] : frame_) {
    const auto before = published_.find(source);
    if (before != published_.end() && before->second.blocked.has_value()) Block(*before->second.blocked, &memory);
  }
  for (const auto& [source, position] : frame_consumed_) {
    if (position.has_value()) Block(*position, &Mutable(source));
  }
  frame_consumed_.clear();
  Publish();
}

SourceMemory& SourceMemories::Mutable(const std::string& source) {
  const SourceMemory* known = Find(source);
  return frame_.emplace(source, known == nullptr ? SourceMemory() : *known).first->second;
}

}  // namespace semel::internal
