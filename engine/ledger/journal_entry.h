// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// An entry of the journal as users see it.

#ifndef SEMEL_ENGINE_LEDGER_JOURNAL_ENTRY_H_
#define SEMEL_ENGINE_LEDGER_JOURNAL_ENTRY_H_

#include "engine/journal/entry.h"
#include "semel/journal.h"

namespace semel::internal {

JournalEntry ToJournalEntry(const Entry& entry);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_JOURNAL_ENTRY_H_
