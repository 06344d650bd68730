// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How far a long command is, on stderr: one line that is rewritten on a terminal, a plain line every few seconds
// otherwise.

#ifndef SEMEL_API_CLI_PROGRESS_H_
#define SEMEL_API_CLI_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace semel::cli {

class Progress {
 public:
  explicit Progress(uint64_t total_bytes);  // 0: unknown, then no ETA is shown
  ~Progress() { Clear(); }

  void Update(uint64_t changes, uint64_t bytes);  // may be called often
  void Clear();                                   // before anything else is printed

  double seconds() const;  // since construction

 private:
  using Clock = std::chrono::steady_clock;

  std::string Describe(uint64_t changes, uint64_t bytes) const;

  const uint64_t total_bytes_;
  const bool terminal_;
  const Clock::time_point begin_;
  Clock::time_point next_;
  size_t width_ = 0;  // of the line on the terminal
};

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_PROGRESS_H_
