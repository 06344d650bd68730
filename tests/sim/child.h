// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A child process for what may end a process.

#ifndef SEMEL_TESTS_SIM_CHILD_H_
#define SEMEL_TESTS_SIM_CHILD_H_

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>

#include "engine/base/check.h"

namespace semel::testing {

// Runs `body` in a forked child and returns its exit status; 128 + signal if one ended it.
inline int RunInChild(const std::function<int()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  SEMEL_CHECK(child >= 0);
  if (child == 0) _exit(body());
  int status = 0;
  SEMEL_CHECK(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_SIM_CHILD_H_
