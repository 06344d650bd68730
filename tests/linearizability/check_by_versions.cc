// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/linearizability/history.h"

namespace semel::testing {
namespace {

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

bool Writes(const Operation& operation) { return operation.answer == Operation::Answer::kApplied; }

// One version of an account.
struct Version {
  int writer = -1;             // the operation that made it
  std::vector<int> observers;  // those that saw it and left it; they come before the next version
  size_t observers_left = 0;
  AccountState state;
};

class Sweep {
 public:
  Sweep(const History& history, int accounts) : history_(history), versions_(static_cast<size_t>(accounts)) {}

  std::string Check() {
    if (std::string fault = Collect(); !fault.empty()) return fault;
    if (std::string fault = CheckStates(); !fault.empty()) return fault;
    return Order();
  }

 private:
  // Which operation made each version, and which saw it.
  std::string Collect() {
    for (auto& versions : versions_) versions.resize(1);  // as all accounts begin
    for (const bool writes : {true, false}) {
      for (size_t i = 0; i < history_.size(); ++i) {
        if (Writes(history_[i]) != writes) continue;
        for (int t = 0; t < history_[i].touches; ++t) {
          const std::string fault = writes ? Write(static_cast<int>(i), t) : Observe(static_cast<int>(i), t);
          if (!fault.empty()) return fault;
        }
      }
    }
    return "";
  }

  std::string Write(int index, int t) {
    const Operation& operation = history_[static_cast<size_t>(index)];
    const Operation::Touch& touch = operation.touch[t];
    if (touch.seen.version == 0 || touch.seen.version > history_.size()) return Fault(index, "made no such version");
    if (operation.kind != Operation::Kind::kMove && touch.seen.version != operation.expected + 1) {
      return Fault(index, "was applied at another version than it expected");
    }
    std::vector<Version>& versions = versions_[static_cast<size_t>(touch.account)];
    if (versions.size() <= touch.seen.version) versions.resize(touch.seen.version + 1);
    Version& version = versions[touch.seen.version];
    if (version.writer >= 0) return Fault(index, "made a version that another made");
    version.writer = index;
    return "";
  }

  std::string Observe(int index, int t) {
    const Operation& operation = history_[static_cast<size_t>(index)];
    const Operation::Touch& touch = operation.touch[t];
    std::vector<Version>& versions = versions_[static_cast<size_t>(touch.account)];
    if (touch.seen.version >= versions.size()) return Fault(index, "saw a version that nobody made");
    if (operation.answer == Operation::Answer::kConflict && touch.seen.version == operation.expected) {
      return Fault(index, "was refused at the version that it expected");
    }
    versions[touch.seen.version].observers.push_back(index);
    ++versions[touch.seen.version].observers_left;
    return "";
  }

  // Each version follows from the one before, and was seen as it was.
  std::string CheckStates() {
    for (size_t account = 0; account < versions_.size(); ++account) {
      std::vector<Version>& versions = versions_[account];
      for (size_t v = 0; v < versions.size(); ++v) {
        if (v > 0) {
          const int writer = versions[v].writer;
          if (writer < 0) return absl::StrCat("nobody made version ", v, " of account ", account);
          const Operation::Touch& touch = TouchOf(writer, account);
          versions[v].state = After(history_[static_cast<size_t>(writer)], touch, versions[v - 1].state);
          if (touch.seen.balance != versions[v].state.balance) return Fault(writer, "left another balance");
        }
        for (const int observer : versions[v].observers) {
          const AccountState& seen = TouchOf(observer, account).seen;
          const bool reads = history_[static_cast<size_t>(observer)].answer == Operation::Answer::kShown;
          if (seen.balance != versions[v].state.balance || (reads && seen.value != versions[v].state.value)) {
            return Fault(observer, "saw a version as it never was");
          }
        }
      }
    }
    return "";
  }

  // Takes the operations one by one: each when all its accounts have come to where it found them, and when it was
  // called before anything that is left returned.
  std::string Order() {
    waits_.resize(history_.size());
    for (size_t i = 0; i < history_.size(); ++i) waits_[i] = history_[i].touches;
    for (size_t account = 0; account < versions_.size(); ++account) Reach(account, 0);

    std::vector<int> by_return(history_.size());
    for (size_t i = 0; i < by_return.size(); ++i) by_return[i] = static_cast<int>(i);
    std::sort(by_return.begin(), by_return.end(), [&](int a, int b) { return ReturnOf(a) < ReturnOf(b); });
    std::vector<bool> taken(history_.size());
    auto first_left = by_return.begin();
    for (size_t count = 0; count < history_.size(); ++count) {
      while (taken[static_cast<size_t>(*first_left)]) ++first_left;
      if (ready_.empty()) return Fault(*first_left, "waits for what waits for it");
      const auto [called, index] = ready_.top();
      if (called > ReturnOf(*first_left)) return Fault(index, "must come before what had returned when it was called");
      ready_.pop();
      taken[static_cast<size_t>(index)] = true;
      Take(index);
    }
    return "";
  }

  void Take(int index) {
    const Operation& operation = history_[static_cast<size_t>(index)];
    for (int t = 0; t < operation.touches; ++t) {
      const auto account = static_cast<size_t>(operation.touch[t].account);
      const uint64_t v = operation.touch[t].seen.version;
      if (Writes(operation)) {
        Reach(account, v);
      } else if (--versions_[account][v].observers_left == 0) {
        AllowNext(account, v);
      }
    }
  }

  void Reach(size_t account, uint64_t v) {
    for (const int observer : versions_[account][v].observers) Satisfy(observer);
    if (versions_[account][v].observers_left == 0) AllowNext(account, v);
  }

  void AllowNext(size_t account, uint64_t v) {
    if (v + 1 < versions_[account].size()) Satisfy(versions_[account][v + 1].writer);
  }

  void Satisfy(int index) {
    if (--waits_[static_cast<size_t>(index)] == 0) ready_.push({history_[static_cast<size_t>(index)].called, index});
  }

  const Operation::Touch& TouchOf(int index, size_t account) const {
    const Operation& operation = history_[static_cast<size_t>(index)];
    return *std::find_if(operation.touch, operation.touch + operation.touches,
                         [&](const Operation::Touch& touch) { return touch.account == static_cast<int>(account); });
  }
  uint64_t ReturnOf(int index) const {
    const uint64_t returned = history_[static_cast<size_t>(index)].returned;
    return returned == 0 ? kNever : returned;
  }
  static std::string Fault(int index, const char* what) { return absl::StrCat("operation ", index, " ", what); }

  const History& history_;
  std::vector<std::vector<Version>> versions_;  // by account
  std::vector<int> waits_;                      // accounts of each operation that have not come to where it found them
  std::priority_queue<std::pair<uint64_t, int>, std::vector<std::pair<uint64_t, int>>, std::greater<>> ready_;
};

}  // namespace

std::string CheckByVersions(const History& history, int accounts) { return Sweep(history, accounts).Check(); }

}  // namespace semel::testing
