// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>
#include <utility>

namespace semel::streams {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kMaxLineBytes = size_t{8} << 20;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() { close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

class FileConsumer : public Consumer {
 public:
  static absl::StatusOr<std::unique_ptr<Consumer>> Open(Url url, const Cursors& cursors) {
    const bool is_file = url.scheme == "file";
    const int fd = is_file ? open(url.path.c_str(), O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
    if (fd < 0) return absl::ErrnoToStatus(errno, "cannot open " + url.path);
    std::unique_ptr<FileConsumer> consumer(new FileConsumer(fd));
    SourcePosition source;
    source.name = url.settings.Take("source", is_file ? "file:" + url.path : "");
    source.incarnation = url.settings.Take("incarnation", "");
    if (const absl::Status left = url.settings.CheckNoneLeft(url.scheme); !left.ok()) return left;
    if (source.name.empty()) return consumer;
    const absl::StatusOr<std::optional<uint64_t>> next = NextPosition(cursors, source, std::nullopt);
    if (!next.ok()) return next.status();
    consumer->source_ = source;
    consumer->first_ = next->value_or(1);
    return consumer;
  }

  absl::StatusOr<std::vector<Message>> Poll(size_t max, std::chrono::milliseconds wait) override {
    std::vector<Message> messages;
    messages.swap(again_);
    while (messages.size() < max && CutLine(&messages)) {
    }
    if (!messages.empty()) return messages;
    const absl::StatusOr<bool> more = ReadMore(wait);
    if (!more.ok()) return more.status();
    while (messages.size() < max && CutLine(&messages)) {
    }
    return messages;
  }

  absl::Status Settle(const Message& message, Settlement settlement) override {
    if (settlement == Settlement::kLater || !again_.empty()) again_.push_back(message);
    return absl::OkStatus();
  }

  absl::Status Commit() override { return absl::OkStatus(); }

  absl::StatusOr<bool> AtEnd() override {
    if (at_ < buffer_.size() && ended_) buffer_ += '\n';  // the last line, that nothing ended
    return ended_ && at_ >= buffer_.size() && again_.empty();
  }

 private:
  explicit FileConsumer(int fd) : file_(fd) {}

  // Takes the next whole line of the buffer; false if there is none.
  bool CutLine(std::vector<Message>* messages) {
    const size_t end = buffer_.find('\n', at_);
    if (end == std::string::npos) return false;
    const std::string_view line = std::string_view(buffer_).substr(at_, end - at_);
    at_ = end + 1;
    ++number_;
    const bool nothing = line.find_first_not_of(" \t\r") == std::string_view::npos || line[0] == '#';
    if (nothing || number_ < first_) return true;
    Message& message = messages->emplace_back();
    message.bytes = line;
    message.delivery = number_;
    message.position = source_;
    if (source_.has_value()) message.position->position = number_;
    return true;
  }

  // Waits for more at the end of what is there. A file at its end may grow; a pipe that ended has ended.
  absl::StatusOr<bool> ReadMore(std::chrono::milliseconds wait) {
    if (buffer_.size() - at_ > kMaxLineBytes) {
      return absl::InvalidArgumentError(fmt::format("line {} is longer than {} bytes", number_ + 1, kMaxLineBytes));
    }
    buffer_.erase(0, std::exchange(at_, 0));
    pollfd waiting{file_.fd(), POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(wait.count())) <= 0) return false;
    const size_t before = buffer_.size();
    buffer_.resize(before + kReadBytes);
    const ssize_t count = read(file_.fd(), buffer_.data() + before, kReadBytes);
    buffer_.resize(before + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0) return absl::ErrnoToStatus(errno, "cannot read");
    ended_ = count == 0;
    if (ended_) std::this_thread::sleep_for(wait);
    return !ended_;
  }

  const File file_;
  std::optional<SourcePosition> source_;
  uint64_t first_ = 1;  // the number of the first line to give
  std::string buffer_;
  size_t at_ = 0;  // where the rest of the buffer begins
  uint64_t number_ = 0;
  bool ended_ = false;
  std::vector<Message> again_;  // from the first early one on
};

class FileProducer : public Producer {
 public:
  explicit FileProducer(int fd) : file_(fd) {}

  absl::Status Send(const std::vector<Message>& messages) override {
    std::string lines;
    for (const Message& message : messages) lines.append(message.bytes).append("\n");
    for (std::string_view rest = lines; !rest.empty();) {
      const ssize_t count = write(file_.fd(), rest.data(), rest.size());
      if (count < 0) return absl::ErrnoToStatus(errno, "cannot write");
      rest.remove_prefix(static_cast<size_t>(count));
    }
    const bool can_sync = fdatasync(file_.fd()) == 0 || errno == EINVAL || errno == EROFS;  // a pipe cannot
    return can_sync ? absl::OkStatus() : absl::ErrnoToStatus(errno, "cannot sync");
  }

 private:
  const File file_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Consumer>> OpenFileConsumer(Url url, const Cursors& cursors) {
  return FileConsumer::Open(std::move(url), cursors);
}

absl::StatusOr<std::unique_ptr<Producer>> OpenFileProducer(Url url) {
  if (const absl::Status left = url.settings.CheckNoneLeft(url.scheme); !left.ok()) return left;
  const bool is_file = url.scheme == "file";
  const int fd = is_file ? open(url.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : dup(STDOUT_FILENO);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot open " + url.path);
  return std::make_unique<FileProducer>(fd);
}

}  // namespace semel::streams
