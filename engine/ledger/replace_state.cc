// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/replace_state.h"

#include "engine/base/status_macros.h"

namespace semel::internal {
namespace {

std::string StatePath(const std::string& directory) { return directory + "/state"; }
std::string NewPath(const std::string& directory) { return directory + "/" + kNewState; }
std::string UnfinishedPath(const std::string& directory) { return NewPath(directory) + ".tmp"; }  // see create_state
std::string OldPath(const std::string& directory) { return directory + "/state.old"; }

// Durable each: a file system need not keep the order of two.
absl::Status RenameDurably(FileSystem* files, const std::string& directory, const std::string& from,
                           const std::string& to) {
  SEMEL_RETURN_IF_ERROR(files->Rename(from, to));
  return files->SyncDirectory(directory);
}

}  // namespace

absl::Status ReplaceState(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, files->Exists(StatePath(directory)));
  if (exists) SEMEL_RETURN_IF_ERROR(RenameDurably(files, directory, StatePath(directory), OldPath(directory)));
  SEMEL_RETURN_IF_ERROR(RenameDurably(files, directory, NewPath(directory), StatePath(directory)));
  SEMEL_RETURN_IF_ERROR(RemoveTree(files, OldPath(directory)));
  return files->SyncDirectory(directory);
}

absl::Status FinishReplacingState(FileSystem* files, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const bool exists, files->Exists(StatePath(directory)));
  SEMEL_ASSIGN_OR_RETURN(const bool has_old, files->Exists(OldPath(directory)));
  SEMEL_ASSIGN_OR_RETURN(const bool has_new, files->Exists(NewPath(directory)));
  SEMEL_ASSIGN_OR_RETURN(const bool has_unfinished, files->Exists(UnfinishedPath(directory)));
  if (!exists && has_old) {
    SEMEL_RETURN_IF_ERROR(RenameDurably(files, directory, OldPath(directory), StatePath(directory)));
  }
  SEMEL_RETURN_IF_ERROR(RemoveTree(files, OldPath(directory)));
  SEMEL_RETURN_IF_ERROR(RemoveTree(files, NewPath(directory)));
  SEMEL_RETURN_IF_ERROR(RemoveTree(files, UnfinishedPath(directory)));
  return has_old || has_new || has_unfinished ? files->SyncDirectory(directory) : absl::OkStatus();
}

absl::StatusOr<bool> IsReplacingState(FileSystem* files, const std::string& directory) {
  return files->Exists(OldPath(directory));
}

absl::Status CompactState(const World& world, const StateIdentity& identity) {
  SEMEL_RETURN_IF_ERROR(world.compact_state(identity, kNewState));
  return ReplaceState(world.files, identity.directory);
}

}  // namespace semel::internal
