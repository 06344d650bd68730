// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace semel::cli {

absl::StatusOr<NewFile> NewFile::Create(const std::string& path) {
  const int fd = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot create " + path);
  return NewFile(path, fd);
}

NewFile::NewFile(NewFile&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

NewFile::~NewFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(path_.c_str());
}

absl::Status NewFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::ErrnoToStatus(errno, "cannot write " + path_);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status NewFile::Finish() {
  if (fsync(fd_) != 0) return absl::ErrnoToStatus(errno, "cannot write " + path_);
  close(std::exchange(fd_, -1));
  return absl::OkStatus();
}

}  // namespace semel::cli
