// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/faults/power_loss.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"

namespace semel::testing {

using internal::File;
using internal::OpenMode;

void Replay::Play(const RecordedCall& call) {
  Settle();
  switch (call.call) {
    case Call::kOpen:
      return Open(call);
    case Call::kWrite:
    case Call::kWriteDurably:
      SEMEL_CHECK(FileOf(call)->WriteAt(call.argument, call.bytes).ok());
      if (call.call == Call::kWriteDurably) unsettled_ = call.file;
      return;
    case Call::kSync:
      return Sync(call);
    case Call::kTruncate:
      SEMEL_CHECK(FileOf(call)->Truncate(call.argument).ok());
      return;
    case Call::kRename:
      SEMEL_CHECK(disk_->Rename(std::string(call.path), std::string(call.other_path)).ok());
      return;
    case Call::kLink:
      SEMEL_CHECK(disk_->Link(std::string(call.path), std::string(call.other_path)).ok());
      return;
    case Call::kRemove:
      SEMEL_CHECK(disk_->Remove(std::string(call.path)).ok());
      return;
    case Call::kMakeDirectory:
      SEMEL_CHECK(disk_->CreateDirectory(std::string(call.path)).ok());
      return;
    case Call::kAcknowledge:
      return;
  }
}

// More than was written may become durable here; LMDB has synced all the rest before such a write.
void Replay::Settle() {
  if (unsettled_ == 0) return;
  SEMEL_CHECK(files_.at(unsettled_).file->Sync().ok());
  unsettled_ = 0;
}

void Replay::Open(const RecordedCall& call) {
  const int flags = static_cast<int>(call.argument);
  Opened opened;
  opened.path = std::string(call.path);
  if ((flags & O_DIRECTORY) == 0) {
    const bool exists = disk_->Exists(opened.path).value();
    SEMEL_CHECK(exists || (flags & O_CREAT) != 0);
    opened.file = disk_->Open(opened.path, exists ? OpenMode::kReadWrite : OpenMode::kCreateNew).value();
    SEMEL_CHECK((flags & O_TRUNC) == 0);
  }
  files_[call.file] = std::move(opened);
}

void Replay::Sync(const RecordedCall& call) {
  const Opened& opened = files_.at(call.file);
  if (call.failed) disk_->InjectFault(disk_->calls() + 1, Fault::kIoError);
  const absl::Status synced = opened.file == nullptr ? disk_->SyncDirectory(opened.path) : opened.file->Sync();
  disk_->ClearFaults();
  SEMEL_CHECK(synced.ok() == !call.failed);
}

File* Replay::FileOf(const RecordedCall& call) { return files_.at(call.file).file.get(); }

namespace {

void WriteFile(File* file, const std::string& path) {
  std::string content(file->Size().value(), '\0');
  SEMEL_CHECK(file->ReadAt(0, content.data(), content.size()).value() == content.size());
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  SEMEL_CHECK(fd >= 0);
  SEMEL_CHECK(write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  close(fd);
}

void WriteDirectory(SimFileSystem* disk, const std::string& from, const std::string& to) {
  const std::vector<std::string> names = disk->List(from).value();
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(from, "/", name);
    const std::string target = absl::StrCat(to, "/", name);
    if (const auto file = disk->Open(path, OpenMode::kRead); file.ok()) {
      WriteFile(file->get(), target);
    } else {
      SEMEL_CHECK(mkdir(target.c_str(), 0700) == 0);
      WriteDirectory(disk, path, target);
    }
  }
}

}  // namespace

void PlayRecorded(SimFileSystem* disk) {
  Replay replay(disk);
  for (const RecordedCall& call : Recorded()) replay.Play(call);
  replay.Settle();
}

void WriteOut(SimFileSystem* disk, const std::string& directory) { WriteDirectory(disk, "", directory); }

}  // namespace semel::testing
