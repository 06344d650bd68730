// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "engine/base/check.h"
#include "tests/linearizability/history.h"

namespace semel::testing {
namespace {

using Accounts = std::vector<AccountState>;

// The accounts after an operation that took place at once; nullopt if it would have been answered otherwise.
std::optional<Accounts> Step(const Operation& operation, Accounts accounts) {
  const bool known = operation.answer != Operation::Answer::kUnknown;
  const bool compares = operation.kind == Operation::Kind::kAdd || operation.kind == Operation::Kind::kSet;
  for (int t = 0; t < operation.touches; ++t) {
    const Operation::Touch& touch = operation.touch[t];
    AccountState& account = accounts[static_cast<size_t>(touch.account)];
    if (operation.kind == Operation::Kind::kRead) {
      if (known && !(account == touch.seen)) return std::nullopt;
      continue;
    }
    const bool applies = !compares || account.version == operation.expected;
    if (known && applies != (operation.answer == Operation::Answer::kApplied)) return std::nullopt;
    if (applies) account = After(operation, touch, account);
    const AccountState& seen = touch.seen;
    if (known && (account.version != seen.version || account.balance != seen.balance)) return std::nullopt;
  }
  return accounts;
}

class Search {
 public:
  explicit Search(const History& history) : history_(history) {
    SEMEL_CHECK(history.size() <= 64);
    for (size_t i = 0; i < history.size(); ++i) {
      if (history[i].answer != Operation::Answer::kUnknown) answered_ |= Bit(i);
    }
  }

  // Whether what is not `taken` yet can follow, in some order.
  bool Finish(uint64_t taken, const Accounts& accounts) {
    if ((taken & answered_) == answered_) return true;
    if (!tried_.insert(KeyOf(taken, accounts)).second) return false;
    uint64_t first_return = std::numeric_limits<uint64_t>::max();
    for (size_t i = 0; i < history_.size(); ++i) {
      if ((taken & Bit(i)) == 0 && history_[i].returned != 0) {
        first_return = std::min(first_return, history_[i].returned);
      }
    }
    for (size_t i = 0; i < history_.size(); ++i) {
      if ((taken & Bit(i)) != 0 || history_[i].called > first_return) continue;
      const std::optional<Accounts> after = Step(history_[i], accounts);
      if (after.has_value() && Finish(taken | Bit(i), *after)) return true;
    }
    return false;
  }

 private:
  static uint64_t Bit(size_t i) { return uint64_t{1} << i; }

  static std::vector<uint64_t> KeyOf(uint64_t taken, const Accounts& accounts) {
    std::vector<uint64_t> key = {taken};
    for (const AccountState& account : accounts) {
      key.insert(key.end(), {account.version, static_cast<uint64_t>(account.balance), account.value});
    }
    return key;
  }

  const History& history_;
  uint64_t answered_ = 0;
  absl::flat_hash_set<std::vector<uint64_t>> tried_;
};

}  // namespace

bool CheckBySearch(const History& history, int accounts) {
  return Search(history).Finish(0, Accounts(static_cast<size_t>(accounts)));
}

}  // namespace semel::testing
