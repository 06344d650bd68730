// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Cuts a file or a pipe into messages: lines of JSON, or Protobuf messages that each follow their length.

#ifndef SEMEL_API_CLI_MESSAGE_READER_H_
#define SEMEL_API_CLI_MESSAGE_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semel::cli {

inline constexpr size_t kMaxMessageBytes = size_t{8} << 20;

enum class Format { kJsonLines, kProto };

// As said (anything but "proto" is JSON lines); if nothing is said, by the file's name.
Format MessageFormat(const std::string& said, const std::string& file);

// The file descriptor of the input, and whether someone asked to stop.
class Input {
 public:
  // "-" is standard input. Errors: NotFound, PermissionDenied, InvalidArgument (a directory), ...
  static absl::StatusOr<std::unique_ptr<Input>> Open(const std::string& path);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // Whether bytes, or the end, can be read without waiting.
  bool Ready() const;
  // Waits until it is ready or `stop_fd` is readable; true if it is ready.
  bool Wait(int stop_fd) const;
  // Appends what is there; 0 at the end.
  absl::StatusOr<size_t> Read(std::string* buffer);

  // Whether it is the regular file at `path`.
  bool IsFile(const std::string& path) const;

  uint64_t size() const { return size_; }  // of a file; 0 if unknown

 private:
  Input(int fd, uint64_t size) : fd_(fd), size_(size) {}
  int fd_;
  uint64_t size_;
};

struct Message {
  uint64_t number = 0;     // of the line or the record, from 1
  std::string_view bytes;  // good until the next call
  bool too_long = false;   // beyond kMaxMessageBytes: `bytes` is empty, the message was passed over
};

class MessageReader {
 public:
  MessageReader(Input* input, Format format, int stop_fd) : input_(input), format_(format), stop_fd_(stop_fd) {}

  enum class Result {
    kMessage,
    kPause,    // no whole message is there yet, and the caller asked not to wait
    kEnd,      // the input is used up
    kStopped,  // stop_fd became readable
    kBroken,   // the input cannot be read on: see error()
  };
  // Blank lines and lines that start with # are passed over.
  Result Next(bool wait, Message* message);

  Format format() const { return format_; }
  const std::string& error() const { return error_; }
  uint64_t consumed() const { return consumed_; }  // bytes of the input so far
  const char* unit() const { return format_ == Format::kProto ? "record" : "line"; }

 private:
  enum class Cut { kWhole, kMore, kBroken };

  // Takes one message off the buffer.
  Cut CutLine(Message* message);
  Cut CutRecord(Message* message);
  Result Fill(bool wait);
  Result AtEnd();
  void Consume(size_t bytes) {
    at_ += bytes;
    consumed_ += bytes;
  }
  std::string_view rest() const { return std::string_view(buffer_).substr(at_); }

  Input* const input_;
  const Format format_;
  const int stop_fd_;
  std::string buffer_;
  size_t at_ = 0;        // where the rest of the buffer begins
  size_t searched_ = 0;  // so much of the rest holds no newline
  bool ended_ = false;
  bool skipping_ = false;  // inside a line that is too long
  uint64_t skip_ = 0;      // bytes to come of a record that is too long
  uint64_t number_ = 0;
  uint64_t consumed_ = 0;
  std::string error_;
};

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_MESSAGE_READER_H_
