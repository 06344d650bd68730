// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The end of a history with the hash of all of it, to be kept elsewhere as proof (tamper evidence).

#ifndef SEMEL_ENGINE_LEDGER_JOURNAL_HEAD_H_
#define SEMEL_ENGINE_LEDGER_JOURNAL_HEAD_H_

#include "absl/status/status.h"
#include "engine/journal/frame.h"
#include "engine/ledger/manifest.h"
#include "semel/upkeep.h"

namespace semel::internal {

JournalHead HeadAt(const JournalTip& tip, const Manifest& manifest);

// Meets the places of a journal, one after another, and compares the one that a head is of.
class HeadCheck {
 public:
  HeadCheck(const JournalHead& head, const Manifest& manifest) : head_(head), manifest_(manifest) {}

  // Before anything is read. Errors: InvalidArgument (the head is of another ledger), DataLoss (the ledger cannot be
  // the one that gave the head).
  absl::Status Begin() const;
  // Errors: DataLoss (the histories differ).
  absl::Status Meet(const JournalTip& tip);
  // The journal was met from `begin` to `end`. Errors: OutOfRange (trimmed), DataLoss (the head's place was not met).
  absl::Status Finish(Lsn begin, Lsn end) const;

  // Whether an address lies in the history that the head is of.
  bool Covers(Lsn lsn) const { return lsn < head_.lsn; }

 private:
  const JournalHead head_;
  const Manifest& manifest_;
  bool met_ = false;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_JOURNAL_HEAD_H_
