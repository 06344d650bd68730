// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/retire.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/rules/text.h"

namespace semel::internal {
namespace {

constexpr size_t kErasedAtOnce = 4096;

bool StartsWith(std::string_view key, std::string_view prefix) { return key.substr(0, prefix.size()) == prefix; }

absl::Status RefuseBalance(std::string_view key, const Head& head) {
  return absl::FailedPreconditionError(absl::StrCat(ShowKey(key), " has balance ", AmountToString(head.balance),
                                                    "; only entities without a balance can be retired"));
}

// Errors: FailedPrecondition if an entity below the prefix has a balance in the state. Returns the state's LSN.
absl::StatusOr<Lsn> CheckState(std::string_view prefix, StateStore* store) {
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, store->Snapshot());
  absl::Status status;
  SEMEL_RETURN_IF_ERROR(snapshot->Scan(Table::kEntities, prefix, [&](std::string_view key, const Head& head) {
    if (!StartsWith(key, prefix)) return false;
    if (head.balance != 0) status = RefuseBalance(key, head);
    return status.ok();
  }));
  SEMEL_RETURN_IF_ERROR(status);
  return snapshot->info().tip.lsn;
}

// The same of what was changed since; unless a checkpoint has been made meanwhile, which `stale` then says.
absl::Status CheckDirty(std::string_view prefix, Lsn checked, const HeadTable& heads, bool* stale) {
  SEMEL_ASSIGN_OR_RETURN(const HeadTable::Overlay overlay, heads.ReadOverlay(Table::kEntities, prefix));
  *stale = overlay.snapshot->info().tip.lsn != checked;
  if (*stale) return absl::AbortedError("a checkpoint was made");
  for (const auto& [key, head] : overlay.heads) {
    if (!StartsWith(key, prefix)) break;
    if (head.balance != 0) return RefuseBalance(key, head);
  }
  return absl::OkStatus();
}

// The next keys below the prefix.
absl::StatusOr<std::vector<std::string>> NextKeys(std::string_view prefix, const HeadTable& heads) {
  SEMEL_ASSIGN_OR_RETURN(const HeadTable::Overlay overlay, heads.ReadOverlay(Table::kEntities, prefix));
  std::vector<std::string> keys;
  SEMEL_RETURN_IF_ERROR(overlay.Visit([&](std::string_view key, const Head&) {
    if (!StartsWith(key, prefix)) return false;
    keys.emplace_back(key);
    return keys.size() < kErasedAtOnce;
  }));
  return keys;
}

}  // namespace

absl::StatusOr<RetireReport> RetirePrefix(std::string_view prefix, HeadTable* heads, StateStore* store,
                                          Committer* committer) {
  // The state is looked through while changes go on; they wait only for the look at what has changed meanwhile.
  absl::Status retired;
  for (bool stale = true; stale;) {
    stale = false;
    SEMEL_ASSIGN_OR_RETURN(const Lsn checked, CheckState(prefix, store));
    retired = committer->Retire(prefix, [&] { return CheckDirty(prefix, checked, *heads, &stale); });
  }
  SEMEL_RETURN_IF_ERROR(retired);
  RetireReport report;
  for (;;) {
    SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> keys, NextKeys(prefix, *heads));
    if (keys.empty()) return report;
    SEMEL_RETURN_IF_ERROR(committer->Erase(Table::kEntities, keys));
    report.erased += keys.size();
    SEMEL_RETURN_IF_ERROR(committer->Checkpoint());
  }
}

}  // namespace semel::internal
