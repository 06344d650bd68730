// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/stop_signal.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace semel::cli {

StopSignal::StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

StopSignal::~StopSignal() { close(fd_); }

int StopSignal::Take() {
  signalfd_siginfo info;
  if (taken_ == 0 && read(fd_, &info, sizeof info) == sizeof info) taken_ = static_cast<int>(info.ssi_signo);
  return taken_;
}

}  // namespace semel::cli
