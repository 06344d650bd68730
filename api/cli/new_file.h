// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A file that a command makes: never over another one, and there only if it is whole.

#ifndef SEMEL_API_CLI_NEW_FILE_H_
#define SEMEL_API_CLI_NEW_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semel::cli {

// Removes the file again if it was not finished.
class NewFile {
 public:
  // For the user alone (mode 0600). Errors: AlreadyExists, NotFound (the directory), PermissionDenied, ...
  static absl::StatusOr<NewFile> Create(const std::string& path);
  ~NewFile();
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;

  absl::Status Write(std::string_view bytes);
  absl::Status Finish();  // durable when it returns

 private:
  NewFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;  // -1: finished
};

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_NEW_FILE_H_
