// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"
#include "engine/io/file_system.h"

namespace semel::internal {
namespace {

struct Content {
  SharedMutex mutex;
  std::string bytes ABSL_GUARDED_BY(mutex);
};

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<Content> content, bool writable) : content_(std::move(content)), writable_(writable) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    ReaderLock lock(&content_->mutex);
    if (offset >= content_->bytes.size()) return size_t{0};
    return content_->bytes.copy(buffer, size, offset);
  }

  absl::Status WriteAt(uint64_t offset, std::string_view data) override {
    SEMEL_RETURN_IF_ERROR(CheckWritable());
    WriterLock lock(&content_->mutex);
    if (content_->bytes.size() < offset + data.size()) content_->bytes.resize(offset + data.size());
    content_->bytes.replace(offset, data.size(), data);
    return absl::OkStatus();
  }

  absl::Status Sync() override { return absl::OkStatus(); }

  absl::Status Truncate(uint64_t size) override {
    SEMEL_RETURN_IF_ERROR(CheckWritable());
    WriterLock lock(&content_->mutex);
    content_->bytes.resize(size);
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() override {
    ReaderLock lock(&content_->mutex);
    return content_->bytes.size();
  }

 private:
  absl::Status CheckWritable() const {
    return writable_ ? absl::OkStatus() : absl::InternalError("the file was opened for reading");
  }

  const std::shared_ptr<Content> content_;
  const bool writable_;
};

struct LockTable {
  Mutex mutex;
  std::set<std::string> held ABSL_GUARDED_BY(mutex);
};

class MemoryFileLock final : public FileLock {
 public:
  MemoryFileLock(std::shared_ptr<LockTable> table, std::string path)
      : table_(std::move(table)), path_(std::move(path)) {}
  ~MemoryFileLock() override {
    MutexLock lock(&table_->mutex);
    table_->held.erase(path_);
  }

 private:
  const std::shared_ptr<LockTable> table_;
  const std::string path_;
};

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

absl::Status NotFound(const std::string& path) { return absl::NotFoundError(absl::StrCat(path, ": no such file")); }
absl::Status AlreadyExists(const std::string& path) { return absl::AlreadyExistsError(absl::StrCat(path, " exists")); }

// One table from path to content; a directory is an entry without content. The root and "" exist from the start.
class MemoryFileSystem final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    MutexLock lock(&mutex_);
    const auto found = entries_.find(path);
    if (mode == OpenMode::kCreateNew) {
      if (found != entries_.end()) return AlreadyExists(path);
      SEMEL_RETURN_IF_ERROR(CheckParent(path));
      const auto content = std::make_shared<Content>();
      entries_[path] = content;
      return std::make_unique<MemoryFile>(content, true);
    }
    if (found == entries_.end()) return NotFound(path);
    if (found->second == nullptr) return absl::InternalError(absl::StrCat(path, " is a directory"));
    return std::make_unique<MemoryFile>(found->second, mode == OpenMode::kReadWrite);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    MutexLock lock(&mutex_);
    if (entries_.count(from) == 0) return NotFound(from);
    SEMEL_RETURN_IF_ERROR(CheckParent(to));
    if (from == to) return absl::OkStatus();
    if (HasChildren(to)) return absl::InternalError(absl::StrCat(to, " is not empty"));
    entries_.erase(to);
    const std::string prefix = from + "/";
    std::map<std::string, std::shared_ptr<Content>> moved;
    for (auto it = entries_.lower_bound(from); it != entries_.end() && absl::StartsWith(it->first, from);) {
      if (it->first != from && !absl::StartsWith(it->first, prefix)) {
        ++it;
        continue;
      }
      moved[to + it->first.substr(from.size())] = it->second;
      it = entries_.erase(it);
    }
    entries_.merge(moved);
    return absl::OkStatus();
  }

  absl::Status Remove(const std::string& path) override {
    MutexLock lock(&mutex_);
    if (HasChildren(path)) return absl::InternalError(absl::StrCat(path, " is not empty"));
    return entries_.erase(path) != 0 ? absl::OkStatus() : NotFound(path);
  }

  absl::Status Link(const std::string& from, const std::string& to) override {
    MutexLock lock(&mutex_);
    const auto found = entries_.find(from);
    if (found == entries_.end()) return NotFound(from);
    if (found->second == nullptr) return absl::UnimplementedError(absl::StrCat(from, " is a directory"));
    SEMEL_RETURN_IF_ERROR(CheckParent(to));
    return entries_.emplace(to, found->second).second ? absl::OkStatus() : AlreadyExists(to);
  }

  absl::Status CreateDirectory(const std::string& path) override {
    MutexLock lock(&mutex_);
    SEMEL_RETURN_IF_ERROR(CheckParent(path));
    return entries_.emplace(path, nullptr).second ? absl::OkStatus() : AlreadyExists(path);
  }

  absl::Status SyncDirectory(const std::string& path) override {
    MutexLock lock(&mutex_);
    return IsDirectory(path) ? absl::OkStatus() : NotFound(path);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override {
    MutexLock lock(&mutex_);
    if (!IsDirectory(directory)) return NotFound(directory);
    const std::string prefix = directory + "/";
    std::vector<std::string> names;
    for (auto it = entries_.lower_bound(prefix); it != entries_.end() && absl::StartsWith(it->first, prefix); ++it) {
      const std::string name = it->first.substr(prefix.size());
      if (name.find('/') == std::string::npos) names.push_back(name);
    }
    return names;
  }

  absl::StatusOr<bool> Exists(const std::string& path) override {
    MutexLock lock(&mutex_);
    return entries_.count(path) != 0 || IsDirectory(path);
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    MutexLock lock(&mutex_);
    SEMEL_RETURN_IF_ERROR(CheckParent(path));
    MutexLock locks_lock(&locks_->mutex);
    if (!locks_->held.insert(path).second) return absl::UnavailableError(absl::StrCat(path, " is locked"));
    if (entries_.count(path) == 0) entries_[path] = std::make_shared<Content>();
    return std::make_unique<MemoryFileLock>(locks_, path);
  }

 private:
  bool IsDirectory(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (path.empty() || path == "/") return true;
    const auto found = entries_.find(path);
    return found != entries_.end() && found->second == nullptr;
  }

  absl::Status CheckParent(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return IsDirectory(ParentOf(path)) ? absl::OkStatus() : NotFound(ParentOf(path));
  }

  bool HasChildren(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::string prefix = path + "/";
    const auto next = entries_.lower_bound(prefix);
    return next != entries_.end() && absl::StartsWith(next->first, prefix);
  }

  Mutex mutex_;
  std::map<std::string, std::shared_ptr<Content>> entries_ ABSL_GUARDED_BY(mutex_);
  const std::shared_ptr<LockTable> locks_ = std::make_shared<LockTable>();
};

}  // namespace

std::unique_ptr<FileSystem> NewMemoryFileSystem() { return std::make_unique<MemoryFileSystem>(); }

}  // namespace semel::internal
