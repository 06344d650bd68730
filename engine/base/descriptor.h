// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A file descriptor that is closed with its owner.

#ifndef SEMEL_ENGINE_BASE_DESCRIPTOR_H_
#define SEMEL_ENGINE_BASE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace semel::internal {

class Descriptor {
 public:
  // `fd`: as open() returned it, -1 included.
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_DESCRIPTOR_H_
