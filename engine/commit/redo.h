// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Redo: frames of the journal applied to the heads, as commit did when it wrote them. Nothing is decided again. Used at
// open, and by read-only processes to follow the writer.

#ifndef SEMEL_ENGINE_COMMIT_REDO_H_
#define SEMEL_ENGINE_COMMIT_REDO_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/commit/head_table.h"
#include "engine/commit/records.h"
#include "engine/journal/frame.h"
#include "engine/journal/reader.h"
#include "engine/rules/classify.h"

namespace semel::internal {

// The caller is the committer of `heads`.
class Redo {
 public:
  // `checkpoint`: where the heads begin.
  Redo(HeadTable* heads, const Seeds& seeds, const CheckpointInfo& checkpoint)
      : heads_(heads), seeds_(seeds), options_(checkpoint.options), floor_(checkpoint.floor) {}

  // Applies a frame that has been verified, and publishes it. Errors: DataLoss if an entity's version is not
  // the one before the effect's; those of the state.
  absl::Status Frame(const FrameHeader& header, std::string_view entries);

  // In force after the frames so far.
  const DecidingOptions& options() const { return options_; }
  Lsn floor() const { return floor_; }

 private:
  HeadTable* const heads_;
  absl::Status One(const Entry& entry, size_t* node);

  const Seeds seeds_;
  DecidingOptions options_;
  Lsn floor_;
  std::vector<RecordChange> changes_;
  std::vector<HeadKey> keys_;
  std::vector<HeadTable::Node*> nodes_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_COMMIT_REDO_H_
