// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// SIGINT and SIGTERM as something to look at between two steps, instead of an end in the middle of one.

#ifndef SEMEL_API_CLI_STOP_SIGNAL_H_
#define SEMEL_API_CLI_STOP_SIGNAL_H_

namespace semel::cli {

class StopSignal {
 public:
  // Holds the two signals back, in this thread and in those that it starts: construct it before opening a ledger.
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  int fd() const { return fd_; }  // readable once a signal has come
  int Take();                     // the signal that has come, or 0

 private:
  int fd_;
  int taken_ = 0;
};

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_STOP_SIGNAL_H_
