// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the benchmarks share: where they write, how large they are, and the stream of changes.

#ifndef SEMEL_BENCH_WORKLOAD_H_
#define SEMEL_BENCH_WORKLOAD_H_

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "semel/ledger.h"

namespace semel::bench {

// SEMEL_BENCH_SMOKE=1: small enough for a test run, which only asks whether the benchmark still works.
inline bool Smoke() {
  const char* const smoke = std::getenv("SEMEL_BENCH_SMOKE");
  return smoke != nullptr && *smoke == '1';
}

// A directory under SEMEL_BENCH_DIR (default: the current one; a real disk, or the syncs mean nothing), removed at the
// end.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    const char* const parent = std::getenv("SEMEL_BENCH_DIR");
    path_ = std::string(parent == nullptr ? "." : parent) + "/semel_bench.XXXXXX";
    SEMEL_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// 17 bytes.
inline std::string AccountKey(uint64_t number) {
  char key[32];
  std::snprintf(key, sizeof key, "account/%09llu", static_cast<unsigned long long>(number));
  return key;
}

// 16 bytes.
inline std::string ChangeId(uint64_t number) {
  char id[32];
  std::snprintf(id, sizeof id, "%016llx", static_cast<unsigned long long>(number));
  return id;
}

// A producer that knows the version of each account, and sends one compare-and-set after another to random ones.
class Producer {
 public:
  explicit Producer(uint64_t accounts) : versions_(accounts, 0) {}

  uint64_t accounts() const { return versions_.size(); }

  // The next creations, in order of keys; empty when all accounts exist.
  std::vector<Change> NextCreations(size_t count) {
    std::vector<Change> changes;
    while (changes.size() < count && created_ < versions_.size()) changes.push_back(NextTo(created_++));
    return changes;
  }

  std::vector<Change> NextBatch(size_t count) {
    std::vector<Change> changes;
    changes.reserve(count);
    while (changes.size() < count) changes.push_back(NextTo(internal::MixSeed(1, next_id_) % versions_.size()));
    return changes;
  }

 private:
  Change NextTo(uint64_t account) {
    Change change(ChangeId(next_id_++));
    change.AddUpdate(AccountKey(account)).ExpectVersion(versions_[account]++).Add(1);
    return change;
  }

  std::vector<uint64_t> versions_;
  uint64_t created_ = 0;
  uint64_t next_id_ = 1;
};

inline std::unique_ptr<Ledger> OpenNewLedger(const std::string& directory, Options options = {}) {
  options.create_if_missing = true;
  options.error_if_exists = true;
  auto ledger = Ledger::Open(directory, options);
  if (!ledger.ok()) std::fprintf(stderr, "%s\n", ledger.status().ToString().c_str());
  SEMEL_CHECK(ledger.ok());
  return *std::move(ledger);
}

inline void CheckAll(const absl::StatusOr<std::vector<Outcome>>& outcomes, OutcomeCode want) {
  if (!outcomes.ok()) std::fprintf(stderr, "%s\n", outcomes.status().ToString().c_str());
  SEMEL_CHECK(outcomes.ok());
  for (const Outcome& outcome : *outcomes) SEMEL_CHECK(outcome.code == want);
}

inline double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Bytes written so far to the disk that holds `path`, by anybody; 0 where the system does not say.
inline uint64_t DeviceBytesWritten(const std::string& path) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0) return 0;
  std::ifstream counters("/sys/dev/block/" + std::to_string(major(found.st_dev)) + ":" +
                         std::to_string(minor(found.st_dev)) + "/stat");
  constexpr int kSectorsWritten = 7;  // the seventh number
  constexpr uint64_t kSectorBytes = 512;
  uint64_t value = 0;
  for (int i = 0; i < kSectorsWritten; ++i) counters >> value;
  return value * kSectorBytes;
}

}  // namespace semel::bench

#endif  // SEMEL_BENCH_WORKLOAD_H_
