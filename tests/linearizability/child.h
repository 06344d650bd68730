// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A child process that works on a ledger until it is killed.

#ifndef SEMEL_TESTS_LINEARIZABILITY_CHILD_H_
#define SEMEL_TESTS_LINEARIZABILITY_CHILD_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "tests/sim/child.h"

namespace semel::testing {

// Must be made while this process has one thread and no open ledger.
class Child {
 public:
  // Runs `work` there; what it returns is the exit status.
  explicit Child(const std::function<int()>& work) : pid_(fork()) {
    if (pid_ == 0) EndChild(work());
  }
  ~Child() { Kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Whether it has ended by itself. Its exit status then, else -1.
  bool HasEnded() { return ended_ || Wait(WNOHANG); }
  int exit_status() const { return exit_status_; }

  void Kill() {
    if (ended_) return;
    kill(pid_, SIGKILL);
    Wait(0);
  }

  int Join() {
    Wait(0);
    return exit_status_;
  }

 private:
  bool Wait(int options) {
    int status = 0;
    if (ended_ || waitpid(pid_, &status, options) != pid_) return ended_;
    ended_ = true;
    if (WIFEXITED(status)) exit_status_ = WEXITSTATUS(status);
    return true;
  }

  const pid_t pid_;
  bool ended_ = false;
  int exit_status_ = -1;
};

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LINEARIZABILITY_CHILD_H_
