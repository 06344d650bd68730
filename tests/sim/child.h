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

// Of a build that counts coverage; null in others.
extern "C" int __llvm_profile_write_file() __attribute__((weak));

namespace semel::testing {

// Ends a child at once. What of the engine it ran is counted.
[[noreturn]] inline void EndChild(int status) {
  if (__llvm_profile_write_file != nullptr) (void)__llvm_profile_write_file();
  _exit(status);
}

// Runs `body` in a forked child and returns its exit status; 128 + signal if one ended it.
inline int RunInChild(const std::function<int()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  SEMEL_CHECK(child >= 0);
  if (child == 0) EndChild(body());
  int status = 0;
  SEMEL_CHECK(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_SIM_CHILD_H_
