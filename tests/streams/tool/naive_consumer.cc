// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What one writes without a ledger: read the balances, add, write them, then acknowledge. Everything is done with care
// (one batch at a time, synced, replaced atomically, the position kept after the balances), and still a kill between
// the balances and the acknowledgement applies a batch twice. For chaos.py.
//
//   naive_consumer DIRECTORY URL    until the end of what is there

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include "api/streams/open.h"

namespace semel::streams {
namespace {

constexpr size_t kBatch = 200;
constexpr const char* kIncarnation = "naive";  // of every log: say so in the URL

// A file of names and numbers, replaced as a whole and synced.
class Numbers {
 public:
  explicit Numbers(std::filesystem::path path) : path_(std::move(path)) {
    std::ifstream in(path_);
    std::string name;
    for (int64_t number = 0; in >> name >> number;) all[name] = number;
  }

  void Save() const {
    const std::filesystem::path fresh = path_.string() + ".new";
    std::ofstream out(fresh);
    for (const auto& [name, number] : all) out << name << " " << number << "\n";
    out.close();
    const int fd = open(fresh.c_str(), O_RDONLY);
    fdatasync(fd);
    close(fd);
    std::filesystem::rename(fresh, path_);
  }

  std::map<std::string, int64_t> all;

 private:
  const std::filesystem::path path_;
};

absl::Status Consume(const std::filesystem::path& directory, const Url& url) {
  Numbers balances(directory / "balances");
  Numbers positions(directory / "positions");
  const Cursors cursors = [&](std::string_view source) -> absl::StatusOr<std::optional<SourceCursor>> {
    const auto known = positions.all.find(std::string(source));
    if (known == positions.all.end()) return std::nullopt;
    SourceCursor cursor;
    cursor.position = static_cast<uint64_t>(known->second);
    cursor.incarnation = kIncarnation;
    return cursor;
  };
  auto consumer = OpenConsumer(url, cursors);
  if (!consumer.ok()) return consumer.status();
  while (true) {
    auto messages = (*consumer)->Poll(kBatch, std::chrono::milliseconds(200));
    if (!messages.ok()) return messages.status();
    if (messages->empty()) {
      const auto end = (*consumer)->AtEnd();
      if (!end.ok() || *end) return end.status();
      continue;
    }
    for (const Message& message : *messages) {
      const auto change = ParseChangeJson(message.bytes);
      if (!change.ok()) return change.status();
      for (const Update& update : change->updates) {
        if (update.action == Action::kAdd) balances.all[update.key] += static_cast<int64_t>(update.amount);
      }
    }
    balances.Save();
    for (const Message& message : *messages) {
      if (message.position) positions.all[message.position->name] = static_cast<int64_t>(message.position->position);
      if (const auto settled = (*consumer)->Settle(message, Settlement::kAck); !settled.ok()) return settled;
    }
    if (const auto committed = (*consumer)->Commit(); !committed.ok()) return committed;
    positions.Save();
  }
}

}  // namespace
}  // namespace semel::streams

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto url = semel::streams::ParseUrl(argv[2]);
  const absl::Status status = url.ok() ? semel::streams::Consume(argv[1], *url) : url.status();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
