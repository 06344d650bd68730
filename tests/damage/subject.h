// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Ledgers to be damaged, each with all that is known of it: its files now, its files at earlier moments, what it was
// given and what it shows. Made with a clock and a uuid of their own, so that a seed damages the same bytes again.

#ifndef SEMEL_TESTS_DAMAGE_SUBJECT_H_
#define SEMEL_TESTS_DAMAGE_SUBJECT_H_

#include <optional>
#include <string>
#include <vector>

#include "semel/ledger.h"
#include "tests/ledger/file_image.h"

namespace semel::testing {

enum class SubjectKind {
  kClosed,         // several segments, the state as of the end
  kKilled,         // a checkpoint in the middle of the journal, and frames after it
  kTrimmed,        // a base snapshot, and history from before it; closed
  kTrimmedKilled,  // the same, with frames after the last checkpoint
  kPowerLost,      // nobody was told of the last frame
};

struct Subject {
  FileImage files;
  std::vector<FileImage> older;  // of earlier moments
  FileImage other;               // of another ledger
  std::vector<Change> input;     // all that was applied, in order
  FileImage before_last_frame;   // if nobody was told of it: as if it had never been written
  std::vector<std::string> shown;
  std::optional<std::vector<std::string>> shown_without_last_frame;  // if nobody was told of it
  std::vector<std::string> answers;                                  // to the input, sent again
  std::vector<std::string> entities;                                 // what redelivery must lead to in any case
};

Subject MakeSubject(SubjectKind kind);

// The options that the subjects are opened with.
Options SubjectOptions();

}  // namespace semel::testing

#endif  // SEMEL_TESTS_DAMAGE_SUBJECT_H_
