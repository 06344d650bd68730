// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace semel::cli {
namespace {

constexpr std::chrono::milliseconds kTerminalPause{200};
constexpr std::chrono::milliseconds kPlainPause{5000};

std::string Duration(double seconds) {
  const uint64_t whole = static_cast<uint64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

StatusLine::StatusLine() : terminal_(isatty(STDERR_FILENO) != 0), begin_(Clock::now()) {
  next_ = begin_ + (terminal_ ? kTerminalPause : kPlainPause);
}

double StatusLine::seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

void StatusLine::Update(const std::function<std::string()>& describe) {
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + (terminal_ ? kTerminalPause : kPlainPause);
  const std::string text = describe();
  if (!terminal_) {
    fmt::print(stderr, "{}\n", text);
    return;
  }
  fmt::print(stderr, "\r{:{}}", text, width_);
  width_ = text.size();
}

void StatusLine::Clear() {
  if (width_ > 0) fmt::print(stderr, "\r{:{}}\r", "", width_);
  width_ = 0;
}

std::string Progress::Describe(uint64_t changes, uint64_t bytes) const {
  const double elapsed = seconds();
  std::string text = fmt::format("{} changes, {:.0f}/s", changes, static_cast<double>(changes) / elapsed);
  if (total_bytes_ == 0 || bytes == 0) return text;
  const double fraction = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total_bytes_));
  return text + fmt::format(", {:.0f} %, ETA {}", fraction * 100, Duration(elapsed / fraction - elapsed));
}

void Progress::Update(uint64_t changes, uint64_t bytes) {
  line_.Update([&] { return Describe(changes, bytes); });
}

FractionProgress::FractionProgress(const char* what) : what_(what), terminal_(isatty(STDERR_FILENO) != 0) {}

std::function<void(double)> FractionProgress::callback() {
  if (!terminal_) return nullptr;
  return [this](double fraction) { fmt::print(stderr, "\r{}: {:3.0f} %", what_, fraction * 100); };
}

void FractionProgress::Clear() {
  if (terminal_) fmt::print(stderr, "\r{:{}}\r", "", std::string_view(what_).size() + 8);
}

}  // namespace semel::cli
