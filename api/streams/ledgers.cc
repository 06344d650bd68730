// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/ledgers.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace semel::streams {
namespace {

constexpr std::chrono::seconds kLockWait{20};  // for another process to close a ledger
constexpr std::chrono::milliseconds kLockPause{50};

void AddTo(const Stats& one, Stats* sum) {
  sum->sequence += one.sequence;
  sum->durable_lsn += one.durable_lsn;
  sum->checkpoint_lsn += one.checkpoint_lsn;
  sum->journal_bytes += one.journal_bytes;
  sum->state_bytes += one.state_bytes;
  sum->dirty_bytes += one.dirty_bytes;
  sum->checkpoints += one.checkpoints;
  sum->parked += one.parked;
  sum->dead_letters += one.dead_letters;
  sum->dead_letter_bytes += one.dead_letter_bytes;
}

}  // namespace

PartitionedLedgers::PartitionedLedgers(std::string directory, Options options,
                                       std::function<void(std::string_view)> log)
    : directory_(std::move(directory)), options_(std::move(options)), log_(std::move(log)) {}

std::string PartitionLedger(const std::string& directory, std::string_view source) {
  std::string name(source.substr(source.find(':') + 1));
  std::replace(name.begin(), name.end(), '/', '-');
  return directory + "/" + name;
}

absl::StatusOr<Ledger*> PartitionedLedgers::Of(std::string_view source) {
  const auto known = open_.find(source);
  if (known != open_.end()) return known->second.get();
  if (source.empty()) return absl::InvalidArgumentError("these messages have no partition to choose a ledger by");
  if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) return absl::ErrnoToStatus(errno, directory_);
  const std::string path = PartitionLedger(directory_, source);
  const auto end = std::chrono::steady_clock::now() + kLockWait;
  absl::StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::Open(path, options_);
  while (absl::IsUnavailable(ledger.status()) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kLockPause);
    ledger = Ledger::Open(path, options_);
  }
  if (!ledger.ok()) return ledger.status();
  log_(fmt::format("{} is ours: {} is open", source, path));
  return (open_[std::string(source)] = *std::move(ledger)).get();
}

void PartitionedLedgers::Close(const std::string& source, Ledger& ledger) {
  const absl::Status closed = ledger.Close();
  const std::string why = closed.ok() ? "" : fmt::format(" ({})", std::string(closed.message()));
  log_(fmt::format("{} is another's: {} is closed{}", source, PartitionLedger(directory_, source), why));
}

void PartitionedLedgers::Release(std::string_view source) {
  const auto known = open_.find(source);
  if (known == open_.end()) return;
  Close(known->first, *known->second);
  open_.erase(known);
}

void PartitionedLedgers::ReleaseAll() {
  for (const auto& [source, ledger] : open_) Close(source, *ledger);
  open_.clear();
}

absl::StatusOr<Stats> PartitionedLedgers::GetStats() {
  Stats sum;
  for (const auto& [source, ledger] : open_) {
    const absl::StatusOr<Stats> one = ledger->GetStats();
    if (!one.ok()) return one.status();
    AddTo(*one, &sum);
  }
  return sum;
}

}  // namespace semel::streams
