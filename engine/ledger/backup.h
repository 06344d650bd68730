// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Backing up an open ledger, beside its writer.
//
// A backup has the files of a ledger, but BACKUP (manifest.h) in place of MANIFEST: so nothing takes it for one. What
// is of the backup follows from BACKUP: the segments from its floor to its LSN, its base snapshot, the state. Whatever
// lies beside is left of an older backup or of one that was cut short.
//
// The steps, each complete and durable before BACKUP is replaced; so an older backup in the same directory can be
// restored until the new one is whole:
//   1. lock the destination; pin the history
//   2. copy the state, as of a checkpoint (a restore does without it: it shows that the journal says the same)
//   3. copy the base snapshot, if there is one
//   4. copy the segments that the destination does not have, up to what is durable
//   5. verify all of it
//   6. BACKUP; then remove what is not of it
// While there is no older backup, COPYING, with the text of a BACKUP, marks the directory from the first step on.

#ifndef SEMEL_ENGINE_LEDGER_BACKUP_H_
#define SEMEL_ENGINE_LEDGER_BACKUP_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/ledger/manifest.h"
#include "engine/ledger/world.h"
#include "engine/state/state_store.h"
#include "semel/upkeep.h"

namespace semel::internal {

// What is backed up. Its parts must stay until the backup has ended.
struct BackupSource {
  std::string directory;
  Manifest manifest;
  StateStore* store = nullptr;
  std::function<Lsn()> durable_lsn;  // the journal is durable up to here, as far as is known
};

// Implements Ledger::Backup.
absl::StatusOr<BackupReport> BackUp(const World& world, const BackupSource& source, const std::string& destination,
                                    const BackupOptions& options);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_BACKUP_H_
