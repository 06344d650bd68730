// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Making segment files. A segment is born in three steps, so that whatever happens between them leaves a journal that
// opens: a file of zeros under the name `spare`, synced; its header, synced; its name, and the directory synced.

#ifndef SEMEL_ENGINE_JOURNAL_SEGMENT_MAKER_H_
#define SEMEL_ENGINE_JOURNAL_SEGMENT_MAKER_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/environment.h"
#include "engine/io/file_system.h"
#include "engine/journal/segments.h"

namespace semel::internal {

// One thread at a time.
class SegmentMaker {
 public:
  // `background` may be null: then nothing is prepared.
  SegmentMaker(FileSystem* file_system, const JournalIdentity& identity, size_t segment_bytes, Background* background);
  // Stops a preparation that is under way.
  ~SegmentMaker();

  // Prepares a spare of `segment_bytes` in the background, unless there is one or one is on its way. If that fails, the
  // next Make tries itself and reports it.
  void PrepareSpare();

  // The first two steps: the file, still named `spare`, with its header. Takes the prepared spare if its size is right.
  // After an error nothing is left behind.
  absl::StatusOr<std::unique_ptr<File>> Make(const SegmentInfo& segment);

  // The third step. After an error the segment may or may not have its name.
  absl::Status Publish(const SegmentInfo& segment);

 private:
  struct Shared;  // with the step in the background, which may outlive this

  FileSystem* const file_system_;
  const JournalIdentity identity_;
  Background* const background_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_SEGMENT_MAKER_H_
