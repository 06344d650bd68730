// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A journal written anew for another epoch: the same entries at the same addresses, with the checks of that epoch.

#ifndef SEMEL_ENGINE_JOURNAL_RESEED_H_
#define SEMEL_ENGINE_JOURNAL_RESEED_H_

#include <functional>

#include "absl/status/status.h"
#include "engine/io/file_system.h"
#include "engine/journal/frame.h"
#include "engine/journal/reader.h"

namespace semel::internal {

// Writes the segments of `from`, up to the end of a frame at `end`, into the directory of `to`, which must be there and
// hold none of them; durable when it returns. `begin`: where the oldest frame begins, and what it continues; it goes on
// continuing that. `visit` gets the header of each frame as it was and as it is now. Errors: DataLoss (a frame or an
// entry is damaged), ResourceExhausted and others of files.
absl::Status Reseed(JournalReader* from, const JournalTip& begin, Lsn end, FileSystem* files, const JournalIdentity& to,
                    const std::function<void(const FrameHeader& was, const FrameHeader& is)>& visit);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_JOURNAL_RESEED_H_
