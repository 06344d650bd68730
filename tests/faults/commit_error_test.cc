// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Each call to the system that a checkpoint makes fails: the ledger stops, and opens again as if it had not been made.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/faults/worker.h"
#include "tests/ledger/ledger_testing.h"

namespace semel::testing {
namespace {

constexpr int kChanges = 20;

void ApplyAll(Ledger* ledger) {
  for (int i = 0; i < kChanges; ++i) {
    const auto outcome = ledger->Apply(AddAt(absl::StrCat("change-", i), "account", static_cast<uint64_t>(i), 1));
    if (!outcome.ok()) Report(outcome.status().ToString());
  }
}

// In a child. True if the fault struck.
bool FailInCheckpoint(const std::string& root, Strike strike, uint64_t call) {
  Arm({.root = root});  // files are known from here on
  Options options;
  options.create_if_missing = true;
  auto ledger = Ledger::Open(root + "/ledger", options);
  if (!ledger.ok()) Report(ledger.status().ToString());
  // Three checkpoints before it: one failed page was harmless, and both are of use.
  for (int checkpoint = 0; checkpoint < 3; ++checkpoint) {
    ApplyAll(ledger->get());
    if (!(*ledger)->Apply(AddAt(absl::StrCat("more-", checkpoint), absl::StrCat("other/", checkpoint), 0, 1)).ok()) {
      Report("cannot apply");
    }
    if (!(*ledger)->Checkpoint().ok()) Report("cannot make a checkpoint");
  }
  if (!(*ledger)->Apply(AddAt("last", "last", 0, 1)).ok()) Report("cannot apply");
  Arm({.root = root, .call = call, .strike = strike});
  const absl::Status failed = (*ledger)->Checkpoint();
  Disarm();
  const bool struck = SharedWithChildren()->struck;
  if (failed.ok() == struck) Report(absl::StrCat("struck: ", struck, ", and the checkpoint: ", failed.ToString()));
  if (struck && (*ledger)->Checkpoint() != failed) Report("is not poisoned");
  ledger->reset();
  ledger = Ledger::Open(root + "/ledger", options);
  if (!ledger.ok()) Report(absl::StrCat("call ", call, ": ", ledger.status().ToString()));
  if ((*ledger)->Get("last")->version != 1 || !(*ledger)->Verify()->ok()) Report("is not whole");
  if (!(*ledger)->Checkpoint().ok()) Report("cannot make a checkpoint any more");
  return struck;
}

TEST(CommitErrors, R31_FailedCheckpoint_LedgerOpensAgain) {
  SharedWithChildren();
  for (const Strike strike : {Strike::kIoError, Strike::kNoSpace}) {
    for (uint64_t call = 1;; ++call) {
      const TempDirectory directory;
      const Ended ended = InChild([&] { return FailInCheckpoint(directory.path(), strike, call); });
      ASSERT_EQ(ended.fault, "");
      if (!ended.finished) {  // beyond the last call: pages, a sync, a meta page
        ASSERT_GT(call, 3u);
        break;
      }
      ASSERT_LT(call, 100u);
    }
  }
}

// In a child. Others scan and back up while a checkpoint fails: whoever notices first, each of them answers the error
// of the write. True if a call was struck.
bool FailBesideReaders(const std::string& root, const std::string& backups, uint64_t call) {
  Arm({.root = root});
  Options options;
  options.create_if_missing = true;
  auto ledger = Ledger::Open(root + "/ledger", options);
  if (!ledger.ok()) Report(ledger.status().ToString());
  ApplyAll(ledger->get());
  Arm({.root = root, .call = call, .strike = Strike::kIoError, .sync_ms_once_struck = 20});
  std::atomic<bool> harmless{false};  // the checkpoint was made: nothing is going to fail
  absl::Status scanned;
  absl::Status backed_up;
  std::thread scanning([&] {
    while (scanned.ok() && !harmless) scanned = (*ledger)->Scan({}, [](const Entity&) { return true; }).status();
  });
  std::thread backing_up([&] {
    for (int number = 1; backed_up.ok() && !harmless; ++number) {
      backed_up = (*ledger)->Backup(absl::StrCat(backups, "/", number), {}).status();
    }
  });
  const absl::Status failed = (*ledger)->Checkpoint();
  harmless = failed.ok();
  scanning.join();
  backing_up.join();
  Disarm();
  if (failed.ok()) return SharedWithChildren()->struck;
  for (const absl::Status& error : {failed, scanned, backed_up}) {
    if (error.code() == absl::StatusCode::kInternal && absl::StartsWith(error.message(), failed.message())) continue;
    Report(absl::StrCat("call ", call, ": the checkpoint: ", failed.ToString(), "; another: ", error.ToString()));
  }
  return true;
}

TEST(CommitErrors, R31_FailedCheckpoint_EveryoneAnswersItsError) {
  SharedWithChildren();
  for (uint64_t call = 1;; ++call) {
    const TempDirectory directory;
    const TempDirectory backups;
    const Ended ended = InChild([&] { return FailBesideReaders(directory.path(), backups.path(), call); });
    ASSERT_EQ(ended.fault, "");
    if (!ended.finished) break;  // beyond the last call of the checkpoint, and of a backup's beside it
    ASSERT_LT(call, 100u);
  }
}

}  // namespace
}  // namespace semel::testing
