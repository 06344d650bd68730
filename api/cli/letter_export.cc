// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/letter_export.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <string_view>

#include "api/cli/held.h"
#include "api/cli/new_file.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

bool IsWhole(const DeadLetter& letter) { return letter.original.size() == letter.original_bytes; }
bool IsJson(const DeadLetter& letter) { return IsWhole(letter) && ParseChangeJson(letter.original).ok(); }
bool IsProto(const DeadLetter& letter) { return IsWhole(letter) && ParseChangeProto(letter.original).ok(); }

void WarnOfCut(const DeadLetter& letter) {
  if (IsWhole(letter) || letter.change.has_value()) return;
  fmt::print(stderr, "semel: dead letter {}: only the first {} of {} bytes were kept\n", letter.sequence,
             letter.original.size(), letter.original_bytes);
}

// ---- JSON lines

absl::Status WriteLine(const DeadLetter& letter) {
  const bool one_line = letter.original.find('\n') == std::string::npos;
  if (letter.change.has_value()) {
    PrintLine(one_line && IsJson(letter) ? letter.original : ToJson(*letter.change));
    return absl::OkStatus();
  }
  if (!one_line) {
    return absl::FailedPreconditionError(
        fmt::format("the message of dead letter {} could not be decoded and has line breaks: export with --directory",
                    letter.sequence));
  }
  PrintLine(letter.original);
  return absl::OkStatus();
}

// ---- Protobuf

std::string Length(uint64_t bytes) {
  std::string varint;
  for (; bytes >= 0x80; bytes >>= 7) varint.push_back(static_cast<char>((bytes & 0x7F) | 0x80));
  varint.push_back(static_cast<char>(bytes));
  return varint;
}

void WriteRecord(const DeadLetter& letter) {
  const bool as_it_came = !letter.change.has_value() || IsProto(letter);
  const std::string message = as_it_came ? letter.original : ToProto(*letter.change);
  PrintBytes(Length(message.size()));
  PrintBytes(message);
}

// ---- Files

absl::Status WriteFile(const DeadLetter& letter, const std::string& directory) {
  const bool is_json = IsJson(letter);
  const bool as_it_came = is_json || !letter.change.has_value() || IsProto(letter);
  const char* const kind = is_json ? "json" : letter.change.has_value() ? "pb" : "bin";
  const std::string path = fmt::format("{}/{}.{}", directory, letter.sequence, kind);
  absl::StatusOr<NewFile> file = NewFile::Create(path);
  if (!file.ok()) return file.status();
  const absl::Status written = file->Write(as_it_came ? letter.original : ToProto(*letter.change));
  return written.ok() ? file->Finish() : written;
}

absl::Status MakeDirectory(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "cannot make " + directory);
}

absl::Status ExportLetter(const DeadLetter& letter, const LetterExportOptions& options) {
  WarnOfCut(letter);
  if (!options.directory.empty()) return WriteFile(letter, options.directory);
  if (!options.proto) return WriteLine(letter);
  WriteRecord(letter);
  return absl::OkStatus();
}

}  // namespace

absl::Status ExportLetters(const std::vector<uint64_t>& sequences, const LetterExportOptions& options, Ledger& ledger) {
  if (!options.directory.empty()) {
    if (absl::Status made = MakeDirectory(options.directory); !made.ok()) return made;
  }
  for (const uint64_t sequence : sequences) {
    const absl::StatusOr<DeadLetter> letter = FindHeld<DeadLetter>(ledger, std::to_string(sequence));
    if (!letter.ok()) return letter.status();
    if (absl::Status status = ExportLetter(*letter, options); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace semel::cli
