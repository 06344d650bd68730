// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The stream of changes that contenders are measured under.

#ifndef SEMEL_API_BENCH_WORKLOAD_H_
#define SEMEL_API_BENCH_WORKLOAD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "semel/change.h"

namespace semel::bench {

inline constexpr std::string_view kAccountPrefix = "account/";

std::string AccountKey(uint64_t number);  // 17 bytes
std::string ChangeId(uint64_t number);    // 16 bytes

enum class Distribution {
  kUniform,
  kZipf,  // exponent 0.99, the hot accounts scattered over the keys: YCSB's
};

// Which changes are delivered again.
enum class Redelivered {
  kRecent,  // one of the last few thousand
  kOld,     // the one that created an account: the deepest in its history
};

struct Workload {
  uint64_t entities = 100'000;
  uint32_t updates = 1;             // of a change, each of another account
  uint32_t value_bytes = 0;         // 0: an update adds 1; else it puts so many bytes
  uint32_t duplicates_percent = 0;  // of what is delivered
  Redelivered redelivered = Redelivered::kRecent;
  Distribution distribution = Distribution::kUniform;
};

// Draws 0 .. count-1, 0 most often (J. Gray et al., "Quickly generating billion-record synthetic databases").
class Zipf {
 public:
  explicit Zipf(uint64_t count);  // takes time in proportion to `count`
  uint64_t Draw(uint64_t random) const;

 private:
  const uint64_t count_;
  const double alpha_;
  double zeta_ = 0;
  double eta_ = 0;
};

// One of several callers: knows the versions of the accounts that are its own (every callers-th), and sends one
// compare-and-set after another to them.
class Producer {
 public:
  explicit Producer(const Workload& workload, uint64_t caller = 0, uint64_t callers = 1);

  uint64_t accounts() const { return versions_.size(); }

  // Fills `batch` with the next creations, at most `count`, in order of keys. Returns how many updates must take
  // effect; 0: all accounts exist.
  uint64_t NextCreations(size_t count, std::vector<Change>* batch);

  // Fills `batch` with `count` changes, once all accounts exist. Returns how many updates must take effect.
  uint64_t NextBatch(size_t count, std::vector<Change>* batch);

 private:
  uint64_t Random() { return state_ = Mix(state_); }
  static uint64_t Mix(uint64_t state);
  uint64_t NextAccount();
  void SendFresh(Change* change);
  void SendAgain(Change* change);
  void Creation(uint64_t account, Change* change) const;
  void AddUpdate(uint64_t account, uint64_t version, Change* change) const;

  const Workload workload_;
  const uint64_t caller_;
  const uint64_t callers_;
  const std::string value_;
  std::optional<Zipf> zipf_;
  uint64_t state_;
  std::vector<uint64_t> versions_;  // by account / callers
  uint64_t created_ = 0;
  uint64_t next_id_ = 0;
  std::vector<Change> recent_;  // a ring; empty if nothing is delivered again
  size_t oldest_ = 0;
};

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_WORKLOAD_H_
