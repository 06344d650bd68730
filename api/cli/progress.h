// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How far a long command is, on stderr.

#ifndef SEMEL_API_CLI_PROGRESS_H_
#define SEMEL_API_CLI_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace semel::cli {

// One line that is rewritten on a terminal, a plain line every few seconds otherwise.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine() { Clear(); }

  // May be called often: `describe` is called when it is time for another line.
  void Update(const std::function<std::string()>& describe);
  void Clear();  // before anything else is printed

  double seconds() const;  // since construction

 private:
  using Clock = std::chrono::steady_clock;

  const bool terminal_;
  const Clock::time_point begin_;
  Clock::time_point next_;
  size_t width_ = 0;  // of the line on the terminal
};

// Of a stream of changes.
class Progress {
 public:
  explicit Progress(uint64_t total_bytes) : total_bytes_(total_bytes) {}  // 0: unknown, then no ETA is shown

  void Update(uint64_t changes, uint64_t bytes);  // may be called often
  void Clear() { line_.Clear(); }                 // before anything else is printed

  double seconds() const { return line_.seconds(); }  // since construction

 private:
  std::string Describe(uint64_t changes, uint64_t bytes) const;

  const uint64_t total_bytes_;
  StatusLine line_;
};

// Of work that knows the fraction done: one line that is rewritten, on a terminal only.
class FractionProgress {
 public:
  explicit FractionProgress(const char* what);
  ~FractionProgress() { Clear(); }
  FractionProgress(const FractionProgress&) = delete;
  FractionProgress& operator=(const FractionProgress&) = delete;

  // For those who do the work; empty where there is no terminal. Must not outlive this.
  std::function<void(double)> callback();
  void Clear();  // before anything else is printed

 private:
  const char* const what_;
  const bool terminal_;
};

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_PROGRESS_H_
