// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#ifndef SEMEL_API_CLI_LETTER_EXPORT_H_
#define SEMEL_API_CLI_LETTER_EXPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "semel/ledger.h"

namespace semel::cli {

struct LetterExportOptions {
  bool proto = false;     // semel.v1.Change, each after its length, instead of JSON lines
  std::string directory;  // not empty: a file each, named by its sequence, instead of standard output
};

// Writes the messages of dead letters. A JSON line is the message as it came, if it came as one line of JSON; else its
// JSON form. What could not be decoded is written as it came.
// Errors: FailedPrecondition (a file is there already; a message cannot stand on a line), and those of writing.
absl::Status ExportLetters(const std::vector<uint64_t>& sequences, const LetterExportOptions& options, Ledger& ledger);

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_LETTER_EXPORT_H_
