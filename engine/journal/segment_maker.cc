// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/segment_maker.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

// Real zeros, not a hole: the blocks are then allocated, and writing them later is one flush. In the background (which
// has a `stop`) each piece is synced by itself: one sync of all would hold up those of the journal on the same disk.
absl::Status FillWithZeros(File* file, size_t size, const std::atomic<bool>* stop) {
  const std::string zeros(std::min(size, kPieceBytes), '\0');
  for (size_t at = 0; at < size; at += kPieceBytes) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return absl::CancelledError("stopped");
    SEMEL_RETURN_IF_ERROR(file->WriteAt(at, std::string_view(zeros).substr(0, std::min(size - at, kPieceBytes))));
    const bool is_last = size - at <= kPieceBytes;
    if (stop != nullptr || is_last) SEMEL_RETURN_IF_ERROR(file->Sync());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<File>> MakeZeroFile(FileSystem* file_system, const std::string& path, size_t size,
                                                   const std::atomic<bool>* stop) {
  // A leftover is not used: whether its zeros are durable is not known.
  if (absl::Status removed = file_system->Remove(path); !removed.ok() && !absl::IsNotFound(removed)) return removed;
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<File> file, file_system->Open(path, OpenMode::kCreateNew));
  if (absl::Status filled = FillWithZeros(file.get(), size, stop); !filled.ok()) {
    (void)file_system->Remove(path);  // gives the space back; the next attempt tries again
    return filled;
  }
  return file;
}

}  // namespace

struct SegmentMaker::Shared {
  enum class Phase { kNone, kQueued, kBuilding, kReady };

  Shared(FileSystem* file_system_in, std::string path_in, size_t segment_bytes_in)
      : file_system(file_system_in), path(std::move(path_in)), segment_bytes(segment_bytes_in) {}

  FileSystem* const file_system;
  const std::string path;
  const size_t segment_bytes;
  std::atomic<bool> stop{false};

  Mutex mutex;
  CondVar changed;
  Phase phase ABSL_GUARDED_BY(mutex) = Phase::kNone;
  std::unique_ptr<File> spare ABSL_GUARDED_BY(mutex);  // kReady

  // The step in the background.
  void Build() {
    {
      MutexLock lock(&mutex);
      if (phase != Phase::kQueued) return;  // no longer wanted
      phase = Phase::kBuilding;
    }
    absl::StatusOr<std::unique_ptr<File>> file = MakeZeroFile(file_system, path, segment_bytes, &stop);
    MutexLock lock(&mutex);
    phase = file.ok() ? Phase::kReady : Phase::kNone;
    if (file.ok()) spare = *std::move(file);
    changed.NotifyAll();
  }

  // Waits for a step that is running, and keeps one that is queued from running.
  std::unique_ptr<File> Take() {
    MutexLock lock(&mutex);
    while (phase == Phase::kBuilding) changed.Wait(&mutex);
    phase = Phase::kNone;
    return std::move(spare);
  }
};

SegmentMaker::SegmentMaker(FileSystem* file_system, const JournalIdentity& identity, size_t segment_bytes,
                           Background* background)
    : file_system_(file_system),
      identity_(identity),
      background_(background),
      shared_(std::make_shared<Shared>(file_system, absl::StrCat(identity.directory, "/spare"), segment_bytes)) {}

SegmentMaker::~SegmentMaker() {
  shared_->stop.store(true, std::memory_order_relaxed);
  shared_->Take();
}

void SegmentMaker::PrepareSpare() {
  if (background_ == nullptr) return;
  {
    MutexLock lock(&shared_->mutex);
    if (shared_->phase != Shared::Phase::kNone) return;
    shared_->phase = Shared::Phase::kQueued;
  }
  background_->Schedule([shared = shared_] { shared->Build(); });
}

absl::StatusOr<std::unique_ptr<File>> SegmentMaker::Make(const SegmentInfo& segment) {
  std::unique_ptr<File> file = shared_->Take();
  if (file == nullptr || segment.file_bytes != shared_->segment_bytes) {
    SEMEL_ASSIGN_OR_RETURN(file, MakeZeroFile(file_system_, shared_->path, segment.file_bytes, nullptr));
  }
  absl::Status written = file->WriteAt(0, EncodeSegmentHeader(identity_, segment));
  if (written.ok()) written = file->Sync();
  if (!written.ok()) {
    (void)file_system_->Remove(shared_->path);
    return written;
  }
  return file;
}

absl::Status SegmentMaker::Publish(const SegmentInfo& segment) {
  SEMEL_RETURN_IF_ERROR(file_system_->Rename(shared_->path, SegmentPath(identity_, segment.first_lsn)));
  return file_system_->SyncDirectory(identity_.directory);
}

}  // namespace semel::internal
