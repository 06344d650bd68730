// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/sim/sim_file_system.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/check.h"
#include "engine/base/mutex.h"
#include "engine/base/status_macros.h"
#include "tests/sim/random.h"

namespace semel::testing {

using internal::File;
using internal::FileLock;
using internal::MutexLock;
using internal::OpenMode;

namespace {

constexpr int kRoot = 0;

// A change of a file's content that is not durable yet. Without `bytes`: a truncation to `offset`.
struct ContentOp {
  enum State { kVolatile, kDurable, kAbandoned };  // kAbandoned: a Sync failed, no later one makes it durable
  uint64_t offset = 0;
  std::optional<std::string> bytes;
  State state = kVolatile;
};

// A change of a directory that is not durable yet: `name` becomes `node`, or goes (nullopt); a rename is two of them
// in one.
struct DirectoryOp {
  std::vector<std::pair<std::string, std::optional<int>>> entries;
};

// Shared with the copies of a file system until one of them changes it.
struct Node {
  bool is_directory = false;
  std::string live, durable;  // of a file
  std::vector<ContentOp> content_ops;
  std::map<std::string, int> children, durable_children;  // of a directory
  std::vector<DirectoryOp> directory_ops;
};

void WriteInto(std::string* content, uint64_t offset, std::string_view bytes) {
  if (content->size() < offset + bytes.size()) content->resize(offset + bytes.size());
  content->replace(offset, bytes.size(), bytes);
}

void Apply(const ContentOp& op, std::string* content) {
  if (op.bytes.has_value()) {
    WriteInto(content, op.offset, *op.bytes);
  } else {
    content->resize(op.offset);
  }
}

void Apply(const DirectoryOp& op, std::map<std::string, int>* children) {
  for (const auto& [name, node] : op.entries) {
    if (node.has_value()) {
      (*children)[name] = *node;
    } else {
      children->erase(name);
    }
  }
}

// Each sector of the write is kept or lost on its own.
void ApplyTorn(const ContentOp& op, uint64_t sector_bytes, Random* random, std::string* content) {
  const std::string_view bytes = *op.bytes;
  for (uint64_t at = 0; at < bytes.size();) {
    const uint64_t sector_end = ((op.offset + at) / sector_bytes + 1) * sector_bytes - op.offset;
    const uint64_t end = std::min<uint64_t>(sector_end, bytes.size());
    if (random->OneIn(2)) WriteInto(content, op.offset + at, bytes.substr(at, end - at));
    at = end;
  }
}

std::string AfterPowerLoss(const Node& file, uint64_t sector_bytes, Random* random) {
  std::string content = file.durable;
  for (const ContentOp& op : file.content_ops) {
    const uint64_t fate = op.state == ContentOp::kDurable ? 0 : random->Below(3);
    if (fate == 0 || (fate == 1 && !op.bytes.has_value())) Apply(op, &content);
    if (fate == 1 && op.bytes.has_value()) ApplyTorn(op, sector_bytes, random, &content);
  }
  return content;
}

absl::Status CrashError() { return absl::AbortedError("simulated crash"); }

}  // namespace

struct SimFileSystem::Core {
  struct PlannedFault {
    uint64_t call;
    Fault fault;
    bool for_ever;
  };
  struct Place {
    int directory = -1;  // -1: does not exist
    std::string name;
    int node = -1;  // -1: no such entry
  };

  internal::Mutex mutex;
  std::vector<std::shared_ptr<Node>> nodes ABSL_GUARDED_BY(mutex);
  std::vector<PlannedFault> faults ABSL_GUARDED_BY(mutex);
  std::set<std::string> locked ABSL_GUARDED_BY(mutex);
  uint64_t calls ABSL_GUARDED_BY(mutex) = 0;
  uint64_t life ABSL_GUARDED_BY(mutex) = 0;  // rises with each Crash and Kill
  bool crashed ABSL_GUARDED_BY(mutex) = false;
  std::optional<std::pair<int, ContentOp>> interrupted ABSL_GUARDED_BY(mutex);  // the write that a crash cut
  std::function<void(const SimFileSystem&)> watch ABSL_GUARDED_BY(mutex);

  Core() {
    nodes.push_back(std::make_shared<Node>());
    nodes[kRoot]->is_directory = true;
  }

  const Node& At(int node) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return *nodes[node]; }

  // The node, of which no copy of the file system sees a change.
  Node& Own(int node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (nodes[node].use_count() > 1) nodes[node] = std::make_shared<Node>(*nodes[node]);
    return *nodes[node];
  }

  void CopyFrom(const Core& other) ABSL_EXCLUSIVE_LOCKS_REQUIRED(other.mutex) {
    MutexLock lock(&mutex);
    nodes = other.nodes;
    interrupted = other.interrupted;
    calls = other.calls;
  }

  // Shows the watcher what a crash in the mutating call that is about to be made would leave: `call` makes it on a
  // copy.
  template <typename Call>
  void ShowCrash(const Call& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (watch == nullptr) return;
    SimFileSystem copy;
    copy.core_->CopyFrom(*this);
    copy.InjectFault(calls + 1, Fault::kCrash);
    call(copy.core_.get());
    watch(copy);
  }

  // Counts a mutating call; the fault that strikes it, if any.
  std::optional<Fault> CountCall() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    ++calls;
    for (const PlannedFault& planned : faults) {
      if (planned.call != calls && !(planned.for_ever && planned.call < calls)) continue;
      if (planned.fault == Fault::kCrash) crashed = true;
      return planned.fault;
    }
    return std::nullopt;
  }

  static absl::Status ErrorOf(Fault fault, const std::string& path) {
    switch (fault) {
      case Fault::kIoError:
        return absl::InternalError(absl::StrCat("simulated I/O error: ", path));
      case Fault::kNoSpace:
        return absl::ResourceExhaustedError(absl::StrCat("simulated full disk: ", path));
      case Fault::kCrash:
        return CrashError();
    }
    return CrashError();
  }

  absl::Status CheckAlive() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return crashed ? CrashError() : absl::OkStatus();
  }

  Place Find(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Place place{-1, "", kRoot};
    for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
      place.directory = place.node >= 0 && At(place.node).is_directory ? place.node : -1;
      place.name = std::string(part);
      place.node = -1;
      if (place.directory < 0) continue;
      const auto& children = At(place.directory).children;
      if (const auto found = children.find(place.name); found != children.end()) place.node = found->second;
    }
    return place;
  }

  absl::Status CheckExists(const Place& place, const std::string& path) const {
    return place.node >= 0 ? absl::OkStatus() : absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }

  void ChangeDirectory(int directory, DirectoryOp op) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Apply(op, &Own(directory).children);
    Own(directory).directory_ops.push_back(std::move(op));
  }

  // Counts the call, makes the change unless it fails, and says which.
  absl::Status Mutate(int directory, DirectoryOp op, const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    ShowCrash([&](Core* copy) {
      MutexLock lock(&copy->mutex);
      copy->Mutate(directory, op, path).IgnoreError();
    });
    const std::optional<Fault> fault = CountCall();
    if (!fault.has_value() || *fault == Fault::kCrash) ChangeDirectory(directory, std::move(op));
    return fault.has_value() ? ErrorOf(*fault, path) : absl::OkStatus();
  }

  absl::StatusOr<int> Create(const std::string& path, bool is_directory) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const Place place = Find(path);
    if (place.node >= 0) return absl::AlreadyExistsError(absl::StrCat(path, " exists"));
    if (place.directory < 0) return absl::NotFoundError(absl::StrCat(path, ": no such directory"));
    const int node = static_cast<int>(nodes.size());
    nodes.push_back(std::make_shared<Node>());
    nodes.back()->is_directory = is_directory;
    SEMEL_RETURN_IF_ERROR(Mutate(place.directory, {{{place.name, node}}}, path));
    return node;
  }

  void ChangeContent(int node, ContentOp op) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Apply(op, &Own(node).live);
    Own(node).content_ops.push_back(std::move(op));
  }

  absl::Status Change(int node, ContentOp op, const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    ShowCrash([&](Core* copy) {
      MutexLock lock(&copy->mutex);
      copy->Change(node, op, path).IgnoreError();
    });
    const std::optional<Fault> fault = CountCall();
    if (!fault.has_value()) {
      ChangeContent(node, std::move(op));
      return absl::OkStatus();
    }
    if (*fault == Fault::kCrash) {
      interrupted.emplace(node, std::move(op));
    } else if (op.bytes.has_value()) {
      op.bytes->resize(op.bytes->size() / 2);  // a part was written before the error
      ChangeContent(node, std::move(op));
    }
    return ErrorOf(*fault, path);
  }

  absl::Status SyncFile(int node, const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    ShowCrash([&](Core* copy) {
      MutexLock lock(&copy->mutex);
      copy->SyncFile(node, path).IgnoreError();
    });
    const std::optional<Fault> fault = CountCall();
    const bool crash = fault == Fault::kCrash;
    if (At(node).content_ops.empty()) return fault.has_value() ? ErrorOf(*fault, path) : absl::OkStatus();
    Node& file = Own(node);
    std::vector<ContentOp>& ops = file.content_ops;
    for (ContentOp& op : ops) {
      if (op.state == ContentOp::kVolatile && !crash) op.state = fault ? ContentOp::kAbandoned : ContentOp::kDurable;
    }
    // What is durable and has nothing undecided before it is part of the durable content.
    auto undecided = ops.begin();
    for (; undecided != ops.end() && undecided->state == ContentOp::kDurable; ++undecided) {
      Apply(*undecided, &file.durable);
    }
    ops.erase(ops.begin(), undecided);
    return fault.has_value() ? ErrorOf(*fault, path) : absl::OkStatus();
  }

  absl::Status SyncDirectory(int node, const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    ShowCrash([&](Core* copy) {
      MutexLock lock(&copy->mutex);
      copy->SyncDirectory(node, path).IgnoreError();
    });
    const std::optional<Fault> fault = CountCall();
    if (fault.has_value()) return ErrorOf(*fault, path);
    Node& directory = Own(node);
    for (const DirectoryOp& op : directory.directory_ops) Apply(op, &directory.durable_children);
    directory.directory_ops.clear();
    return absl::OkStatus();
  }

  void LosePower(Random random, uint64_t sector_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (interrupted.has_value()) Own(interrupted->first).content_ops.push_back(std::move(interrupted->second));
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i]->directory_ops.empty() && nodes[i]->content_ops.empty()) continue;  // nothing is volatile
      Node& node = Own(static_cast<int>(i));
      const uint64_t kept = random.Below(node.directory_ops.size() + 1);
      for (uint64_t op = 0; op < kept; ++op) Apply(node.directory_ops[op], &node.durable_children);
      node.directory_ops.clear();
      node.children = node.durable_children;
      node.durable = AfterPowerLoss(node, sector_bytes, &random);
      node.content_ops.clear();
      node.live = node.durable;
    }
    Restart();
  }

  void LoseProcess(Random random) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (interrupted.has_value()) {
      auto& [node, op] = *interrupted;
      if (op.bytes.has_value()) op.bytes->resize(random.Between(0, op.bytes->size()));
      ChangeContent(node, std::move(op));
    }
    Restart();
  }

  // Frees what no path leads to: no file is open any more.
  void DropUnreachable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::vector<bool> reached(nodes.size());
    std::vector<int> to_visit = {kRoot};
    while (!to_visit.empty()) {
      const int node = to_visit.back();
      to_visit.pop_back();
      reached[node] = true;
      for (const auto* children : {&At(node).children, &At(node).durable_children}) {
        for (const auto& [name, child] : *children) to_visit.push_back(child);
      }
    }
    static const auto kNothing = std::make_shared<Node>();
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (!reached[i]) nodes[i] = kNothing;
    }
  }

  void Restart() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    DropUnreachable();
    interrupted.reset();
    faults.clear();
    watch = nullptr;
    locked.clear();
    crashed = false;
    ++life;
  }
};

class SimFile final : public File {
 public:
  SimFile(std::shared_ptr<SimFileSystem::Core> core, int node, std::string path, bool writable, uint64_t life)
      : core_(std::move(core)), node_(node), path_(std::move(path)), writable_(writable), life_(life) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    MutexLock lock(&core_->mutex);
    SEMEL_RETURN_IF_ERROR(CheckOpen());
    const std::string& content = core_->At(node_).live;
    if (offset >= content.size()) return size_t{0};
    return content.copy(buffer, size, offset);
  }

  absl::Status WriteAt(uint64_t offset, std::string_view data) override {
    MutexLock lock(&core_->mutex);
    SEMEL_RETURN_IF_ERROR(CheckWritable());
    return core_->Change(node_, {offset, std::string(data)}, path_);
  }

  absl::Status Sync() override {
    MutexLock lock(&core_->mutex);
    SEMEL_RETURN_IF_ERROR(CheckOpen());
    return core_->SyncFile(node_, path_);
  }

  absl::Status Truncate(uint64_t size) override {
    MutexLock lock(&core_->mutex);
    SEMEL_RETURN_IF_ERROR(CheckWritable());
    return core_->Change(node_, {size, std::nullopt}, path_);
  }

  absl::StatusOr<uint64_t> Size() override {
    MutexLock lock(&core_->mutex);
    SEMEL_RETURN_IF_ERROR(CheckOpen());
    return core_->At(node_).live.size();
  }

 private:
  absl::Status CheckOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_->mutex) {
    return life_ == core_->life ? core_->CheckAlive() : CrashError();
  }
  absl::Status CheckWritable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_->mutex) {
    SEMEL_RETURN_IF_ERROR(CheckOpen());
    return writable_ ? absl::OkStatus() : absl::InternalError(absl::StrCat(path_, " was opened for reading"));
  }

  const std::shared_ptr<SimFileSystem::Core> core_;
  const int node_;
  const std::string path_;
  const bool writable_;
  const uint64_t life_;
};

class SimFileLock final : public FileLock {
 public:
  SimFileLock(std::shared_ptr<SimFileSystem::Core> core, std::string path, uint64_t life)
      : core_(std::move(core)), path_(std::move(path)), life_(life) {}
  ~SimFileLock() override {
    MutexLock lock(&core_->mutex);
    if (life_ == core_->life) core_->locked.erase(path_);
  }

 private:
  const std::shared_ptr<SimFileSystem::Core> core_;
  const std::string path_;
  const uint64_t life_;
};

SimFileSystem::SimFileSystem() : core_(std::make_shared<Core>()) {}
SimFileSystem::SimFileSystem(const SimFileSystem& other) : SimFileSystem() {
  MutexLock lock(&other.core_->mutex);
  core_->CopyFrom(*other.core_);
}
SimFileSystem::~SimFileSystem() = default;

absl::StatusOr<std::unique_ptr<File>> SimFileSystem::Open(const std::string& path, OpenMode mode) {
  MutexLock lock(&core_->mutex);
  SEMEL_RETURN_IF_ERROR(core_->CheckAlive());
  if (mode == OpenMode::kCreateNew) {
    SEMEL_ASSIGN_OR_RETURN(const int node, core_->Create(path, /*is_directory=*/false));
    return std::make_unique<SimFile>(core_, node, path, true, core_->life);
  }
  const Core::Place place = core_->Find(path);
  SEMEL_RETURN_IF_ERROR(core_->CheckExists(place, path));
  if (core_->At(place.node).is_directory) return absl::InternalError(absl::StrCat(path, " is a directory"));
  return std::make_unique<SimFile>(core_, place.node, path, mode == OpenMode::kReadWrite, core_->life);
}

absl::Status SimFileSystem::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(&core_->mutex);
  SEMEL_RETURN_IF_ERROR(core_->CheckAlive());
  const Core::Place source = core_->Find(from);
  const Core::Place target = core_->Find(to);
  SEMEL_RETURN_IF_ERROR(core_->CheckExists(source, from));
  if (source.directory != target.directory) {
    return absl::UnimplementedError(absl::StrCat("the simulator renames within a directory only: ", from, " to ", to));
  }
  if (target.node >= 0 && !core_->At(target.node).children.empty()) {
    return absl::InternalError(absl::StrCat(to, " is not empty"));
  }
  return core_->Mutate(source.directory, {{{source.name, std::nullopt}, {target.name, source.node}}}, from);
}

absl::Status SimFileSystem::Remove(const std::string& path) {
  MutexLock lock(&core_->mutex);
  SEMEL_RETURN_IF_ERROR(core_->CheckAlive());
  const Core::Place place = core_->Find(path);
  SEMEL_RETURN_IF_ERROR(core_->CheckExists(place, path));
  if (!core_->At(place.node).children.empty()) return absl::InternalError(absl::StrCat(path, " is not empty"));
  return core_->Mutate(place.directory, {{{place.name, std::nullopt}}}, path);
}

absl::Status SimFileSystem::Link(const std::string& from, const std::string& to) {
  MutexLock lock(&core_->mutex);
  SEMEL_RETURN_IF_ERROR(core_->CheckAlive());
  const Core::Place source = core_->Find(from);
  const Core::Place target = core_->Find(to);
  SEMEL_RETURN_IF_ERROR(core_->CheckExists(source, from));
  if (core_->At(source.node).is_directory) return absl::UnimplementedError(absl::StrCat(from, " is a directory"));
  if (target.node >= 0) return absl::AlreadyExistsError(absl::StrCat(to, " exists"));
  if (target.directory < 0) return absl::NotFoundError(absl::StrCat(to, ": no such directory"));
  return core_->Mutate(target.directory, {{{target.name, source.node}}}, to);
}

absl::Status SimFileSystem::CreateDirectory(const std::string& path) {
  MutexLock lock(&core_->mutex);
  SEMEL_RETURN_IF_ERROR(core_->CheckAlive());
  return core_->Create(path, /*is_directory=*/true).status();
}

absl::Status SimFileSystem::SyncDirectory(const std::string& path) {
  MutexLock lock(&core_->mutex);
  SEMEL_RETURN_IF_ERROR(core_->CheckAlive());
  const Core::Place place = core_->Find(path);
  SEMEL_RETURN_IF_ERROR(core_->CheckExists(place, path));
  return core_->SyncDirectory(place.node, path);
}

absl::StatusOr<std::vector<std::string>> SimFileSystem::List(const std::string& directory) {
  MutexLock lock(&core_->mutex);
  SEMEL_RETURN_IF_ERROR(core_->CheckAlive());
  const Core::Place place = core_->Find(directory);
  SEMEL_RETURN_IF_ERROR(core_->CheckExists(place, directory));
  std::vector<std::string> names;
  for (const auto& [name, node] : core_->At(place.node).children) names.push_back(name);
  return names;
}

absl::StatusOr<bool> SimFileSystem::Exists(const std::string& path) {
  MutexLock lock(&core_->mutex);
  SEMEL_RETURN_IF_ERROR(core_->CheckAlive());
  return core_->Find(path).node >= 0;
}

absl::StatusOr<std::unique_ptr<FileLock>> SimFileSystem::Lock(const std::string& path) {
  MutexLock lock(&core_->mutex);
  SEMEL_RETURN_IF_ERROR(core_->CheckAlive());
  if (core_->locked.count(path) != 0) return absl::UnavailableError(absl::StrCat(path, " is locked"));
  if (core_->Find(path).node < 0) SEMEL_RETURN_IF_ERROR(core_->Create(path, /*is_directory=*/false).status());
  core_->locked.insert(path);
  return std::make_unique<SimFileLock>(core_, path, core_->life);
}

uint64_t SimFileSystem::calls() const {
  MutexLock lock(&core_->mutex);
  return core_->calls;
}

void SimFileSystem::InjectFault(uint64_t call, Fault fault, bool for_ever) {
  MutexLock lock(&core_->mutex);
  core_->faults.push_back({call, fault, for_ever});
}

void SimFileSystem::ClearFaults() {
  MutexLock lock(&core_->mutex);
  core_->faults.clear();
}

bool SimFileSystem::crashed() const {
  MutexLock lock(&core_->mutex);
  return core_->crashed;
}

bool SimFileSystem::IsCrash(const absl::Status& status) { return absl::IsAborted(status); }

void SimFileSystem::Crash(uint64_t seed, uint64_t sector_bytes) {
  MutexLock lock(&core_->mutex);
  core_->LosePower(Random(seed), sector_bytes);
}

void SimFileSystem::Kill(uint64_t seed) {
  MutexLock lock(&core_->mutex);
  core_->LoseProcess(Random(seed));
}

std::unique_ptr<SimFileSystem> SimFileSystem::Clone() const { return std::make_unique<SimFileSystem>(*this); }

void SimFileSystem::WatchCalls(std::function<void(const SimFileSystem&)> watch) {
  MutexLock lock(&core_->mutex);
  core_->watch = std::move(watch);
}

void SimFileSystem::Overwrite(const std::string& path, uint64_t offset, std::string_view bytes) {
  MutexLock lock(&core_->mutex);
  const Core::Place place = core_->Find(path);
  SEMEL_CHECK(place.node >= 0);
  WriteInto(&core_->Own(place.node).live, offset, bytes);
  WriteInto(&core_->Own(place.node).durable, offset, bytes);
}

void SimFileSystem::SetSize(const std::string& path, uint64_t size) {
  MutexLock lock(&core_->mutex);
  const Core::Place place = core_->Find(path);
  SEMEL_CHECK(place.node >= 0);
  core_->Own(place.node).live.resize(size);
  core_->Own(place.node).durable.resize(size);
}

}  // namespace semel::testing
