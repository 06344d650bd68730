// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The directory of a ledger: creating it, and reading what it is.

#ifndef SEMEL_ENGINE_LEDGER_DIRECTORY_H_
#define SEMEL_ENGINE_LEDGER_DIRECTORY_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/reader.h"
#include "engine/ledger/manifest.h"
#include "engine/ledger/world.h"

namespace semel::internal {

JournalIdentity JournalIdentityOf(const std::string& directory, const Manifest& manifest);
StateIdentity StateIdentityOf(const std::string& directory, const Manifest& manifest);

// True if `directory` holds a ledger; false if it is absent, empty, or holds what a creation that did not finish left.
// Errors: FailedPrecondition (it holds something else, such as a backup), DataLoss (a ledger without its MANIFEST).
absl::StatusOr<bool> HoldsLedger(FileSystem* files, const std::string& directory);

// Makes the directory if needed, and its name durable. The caller then locks it, asks HoldsLedger again, and creates.
absl::Status MakeDirectory(FileSystem* files, const std::string& directory);

// Creates an empty ledger in a directory that it holds the lock of. A crash at any point leaves what HoldsLedger calls
// no ledger, or a whole one.
absl::Status CreateLedger(const World& world, const std::string& directory, const Manifest& manifest,
                          size_t segment_bytes);

// Makes a ledger in `directory`, which holds none, of what `fill` puts there: journal, base snapshot and state. Nothing
// but the directory itself is left behind after an error; a crash leaves what HoldsLedger calls no ledger. Errors:
// AlreadyExists, Unavailable (another process is at it), as HoldsLedger, and those of `fill`.
absl::Status MakeLedger(FileSystem* files, const std::string& directory, const Manifest& manifest,
                        const std::function<absl::Status()>& fill);

// What a ledger is that is made of a backup or an export of another, as of `lsn`: the same in a later epoch, `epoch` if
// that is later still. Errors: OutOfRange, if there is no later one.
absl::StatusOr<Manifest> NextEpochOf(const Manifest& manifest, uint64_t epoch, Lsn lsn);

// Opens the state of the ledger that `manifest` describes. Errors: DataLoss (missing or damaged; a rebuild makes it
// anew), Unavailable (missing, while another process may be replacing it); those of the store.
absl::StatusOr<std::unique_ptr<StateStore>> OpenState(const World& world, const std::string& directory,
                                                      const Manifest& manifest);

// The last steps of a creation, which a process that died may have left undone: makes the names durable, and takes away
// the mark that what lies there may be thrown away, should the MANIFEST ever be lost.
absl::Status FinishCreation(FileSystem* files, const std::string& directory);

// Errors: as ParseManifest.
absl::StatusOr<Manifest> ReadManifest(FileSystem* files, const std::string& directory);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_DIRECTORY_H_
