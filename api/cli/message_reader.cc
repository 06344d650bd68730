// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// JSON lines: text that ends with a newline; the last line may lack it.
// Protobuf: varint length, so many bytes, again and again; as the Protobuf libraries write delimited messages.

#include "api/cli/message_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace semel::cli {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;

bool IsSkipped(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t\r");
  return first == line.npos || line[0] == '#';
}

// The length that a record begins with: bytes it takes, 0 if it is not whole yet, -1 if it is none.
int TakeLength(std::string_view bytes, uint64_t* length) {
  *length = 0;
  for (int i = 0; i < 10; ++i) {
    if (static_cast<size_t>(i) == bytes.size()) return 0;
    const uint8_t byte = static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
    *length |= uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte < 0x80) return i + 1;
  }
  return -1;
}

// Whether bytes, or the end, can be read without waiting.
bool IsReadable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 0) > 0;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

Format MessageFormat(const std::string& said, const std::string& file) {
  const bool by_name = EndsWith(file, ".pb") || EndsWith(file, ".binpb") || EndsWith(file, ".proto");
  const bool proto = said.empty() ? by_name : said == "proto";
  return proto ? Format::kProto : Format::kJsonLines;
}

// ---- Input

absl::StatusOr<std::unique_ptr<Input>> Input::Open(const std::string& path) {
  const int fd = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot open");
  struct stat info {};
  std::unique_ptr<Input> input(new Input(fd, 0));
  if (fstat(fd, &info) != 0) return absl::ErrnoToStatus(errno, "cannot open");
  if (S_ISDIR(info.st_mode)) return absl::InvalidArgumentError("is a directory, not a file of messages");
  if (S_ISREG(info.st_mode)) input->size_ = static_cast<uint64_t>(info.st_size);
  return input;
}

Input::~Input() { close(fd_); }

bool Input::IsFile(const std::string& path) const {
  struct stat own {};
  struct stat other {};
  return fstat(fd_, &own) == 0 && S_ISREG(own.st_mode) && stat(path.c_str(), &other) == 0 &&
         own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

bool Input::Ready() const { return IsReadable(fd_); }

bool Input::Wait(int stop_fd) const {
  pollfd waiting[] = {{fd_, POLLIN, 0}, {stop_fd, POLLIN, 0}};
  while (poll(waiting, 2, -1) < 0 && errno == EINTR) {
  }
  return waiting[1].revents == 0;
}

absl::StatusOr<size_t> Input::Read(std::string* buffer) {
  const size_t before = buffer->size();
  buffer->resize(before + kReadBytes);
  ssize_t count = -1;
  do {
    count = read(fd_, buffer->data() + before, kReadBytes);
  } while (count < 0 && errno == EINTR);
  buffer->resize(before + static_cast<size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0) return absl::ErrnoToStatus(errno, "cannot read");
  return static_cast<size_t>(count);
}

// ---- MessageReader

MessageReader::Result MessageReader::Next(bool wait, Message* message) {
  if (wait && IsReadable(stop_fd_)) return Result::kStopped;
  while (true) {
    const Cut cut = format_ == Format::kProto ? CutRecord(message) : CutLine(message);
    if (cut == Cut::kWhole) return Result::kMessage;
    if (cut == Cut::kBroken) return Result::kBroken;
    if (ended_) return AtEnd();
    if (const Result filled = Fill(wait); filled != Result::kMessage) return filled;
  }
}

// Reads more of the input behind the rest of the buffer; kMessage if there is something new to look at.
MessageReader::Result MessageReader::Fill(bool wait) {
  if (!wait && !input_->Ready()) return Result::kPause;
  if (!input_->Wait(stop_fd_)) return Result::kStopped;
  buffer_.erase(0, at_);
  at_ = 0;
  const absl::StatusOr<size_t> count = input_->Read(&buffer_);
  if (!count.ok()) {
    error_ = fmt::format("after {} {}: {}", unit(), number_, std::string(count.status().message()));
    return Result::kBroken;
  }
  if (*count == 0) {
    ended_ = true;
    if (format_ == Format::kJsonLines && (!rest().empty() || skipping_)) buffer_ += '\n';
  }
  return Result::kMessage;
}

MessageReader::Result MessageReader::AtEnd() {
  if (rest().empty() && skip_ == 0) return Result::kEnd;
  error_ = fmt::format("record {} at byte {} is cut off", number_ + 1, consumed_);
  return Result::kBroken;
}

MessageReader::Cut MessageReader::CutLine(Message* message) {
  while (true) {
    const size_t end = rest().find('\n', searched_);
    const bool whole = end != std::string_view::npos;
    const size_t length = whole ? end : rest().size();
    if (length > kMaxMessageBytes || (skipping_ && !whole)) {  // drops what is held, and goes on to the newline
      Consume(length);
      searched_ = 0;
      skipping_ = true;
      if (!whole) return Cut::kMore;
      continue;
    }
    searched_ = length;
    if (!whole) return Cut::kMore;
    const std::string_view line = rest().substr(0, length);
    Consume(length + 1);
    searched_ = 0;
    ++number_;
    const bool too_long = std::exchange(skipping_, false);
    if (!too_long && IsSkipped(line)) continue;
    *message = {number_, too_long ? std::string_view() : line, too_long};
    return Cut::kWhole;
  }
}

MessageReader::Cut MessageReader::CutRecord(Message* message) {
  if (skip_ > 0) {
    const uint64_t held = std::min<uint64_t>(skip_, rest().size());
    Consume(static_cast<size_t>(held));
    skip_ -= held;
    if (skip_ > 0) return Cut::kMore;
    *message = {++number_, {}, true};
    return Cut::kWhole;
  }
  uint64_t length = 0;
  const int prefix = TakeLength(rest(), &length);
  if (prefix < 0) {
    error_ = fmt::format("record {} at byte {} does not begin with a length", number_ + 1, consumed_);
    return Cut::kBroken;
  }
  if (prefix == 0) return Cut::kMore;
  const size_t begin = static_cast<size_t>(prefix);
  if (length > kMaxMessageBytes) {
    Consume(begin);
    skip_ = length;
    return CutRecord(message);
  }
  if (rest().size() - begin < length) return Cut::kMore;
  *message = {++number_, rest().substr(begin, static_cast<size_t>(length)), false};
  Consume(begin + static_cast<size_t>(length));
  return Cut::kWhole;
}

}  // namespace semel::cli
