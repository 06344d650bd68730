// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A history: what concurrent callers asked of a few accounts, when, and what they were answered. Two independent
// checkers tell whether it is linearizable: whether all of it could have happened one after the other, each operation
// at some moment between its call and its return.

#ifndef SEMEL_TESTS_LINEARIZABILITY_HISTORY_H_
#define SEMEL_TESTS_LINEARIZABILITY_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace semel::testing {

// What an account is, or was seen to be. All begin as zeros.
struct AccountState {
  uint64_t version = 0;
  int64_t balance = 0;
  uint64_t value = 0;

  friend bool operator==(const AccountState&, const AccountState&) = default;
};

inline constexpr int kTouchesMax = 4;

// Plain, so that it can lie in memory that outlives a process.
struct Operation {
  enum class Kind : uint8_t {
    kAdd,   // compare-and-set: adds if the account has the expected version
    kSet,   // compare-and-set: sets the value
    kMove,  // adds, whatever the versions are: to one account, or to two by one transfer
    kRead,  // of one or several accounts at one moment
  };
  enum class Answer : uint8_t {
    kUnknown,   // none: the process was killed. It may have happened, at any time after its call
    kApplied,   // what each account was afterwards is in `seen`, without its value
    kConflict,  // a compare-and-set found another version: what it found is in `seen`, without its value
    kShown,     // kRead
  };
  struct Touch {
    int account = 0;
    int64_t operand = 0;  // kAdd, kMove: the amount; kSet: the value
    AccountState seen;
  };

  Kind kind = Kind::kRead;
  Answer answer = Answer::kUnknown;
  int touches = 0;
  Touch touch[kTouchesMax];
  uint64_t expected = 0;  // kAdd, kSet: the version
  uint64_t called = 0;    // moments of one clock; 0: not called
  uint64_t returned = 0;  // 0: it did not
};

using History = std::vector<Operation>;

// What an operation makes of an account, if it finds it so and has an effect.
inline AccountState After(const Operation& operation, const Operation::Touch& touch, AccountState before) {
  ++before.version;
  if (operation.kind == Operation::Kind::kSet) {
    before.value = static_cast<uint64_t>(touch.operand);
  } else {
    before.balance += touch.operand;
  }
  return before;
}

// By the order of versions, in O(n log n): they say between which two writes of an account everything else took place,
// and nothing remains to be tried. Operations with an unknown answer must have been resolved before: applied, with what
// they made, or left out. Empty if the history is linearizable, else why not.
std::string CheckByVersions(const History& history, int accounts);

// By search, as in J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (Journal of Parallel and
// Distributed Computing, 1993), remembering what was tried as in G. Lowe, "Testing for linearizability" (Concurrency
// and Computation: Practice and Experience, 2017). Knows nothing of versions but that they are a part of what an
// account is. At most 64 operations; those with an unknown answer may take effect or not.
bool CheckBySearch(const History& history, int accounts);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LINEARIZABILITY_HISTORY_H_
