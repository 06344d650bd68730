// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/manifest.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "engine/base/checksum.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"

namespace semel::internal {
namespace {

constexpr absl::string_view kTitle = "semel ledger";
constexpr absl::string_view kBackupTitle = "semel backup";
constexpr uint64_t kChecksumSeed = 0;  // the seed of everything else is in this file

struct Bound {
  absl::string_view name;
  uint64_t DecidingOptions::*value;
};
constexpr Bound kBounds[] = {{"parking_changes", &DecidingOptions::parking_changes},
                             {"parking_bytes", &DecidingOptions::parking_bytes},
                             {"parking_changes_per_entity", &DecidingOptions::parking_changes_per_entity},
                             {"parking_bytes_per_entity", &DecidingOptions::parking_bytes_per_entity}};

std::string ChecksumLine(std::string_view lines) {
  return absl::StrFormat("checksum: %016x\n", Checksum64(lines, kChecksumSeed));
}

std::string WithChecksum(const std::string& lines) { return lines + ChecksumLine(lines); }

// Reads the lines of a file, one after another.
class Lines {
 public:
  Lines(absl::string_view file, absl::string_view text)
      : file_(file), text_(text), lines_(absl::StrSplit(text, '\n')) {}

  absl::Status Damaged(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(file_, " is damaged: ", what, "; restore it from a backup"));
  }

  absl::Status Title(absl::string_view title) {
    return lines_[next_++] == title ? absl::OkStatus() : Damaged("it does not begin as one");
  }

  // The value of the next line, which must be called `name`.
  absl::StatusOr<absl::string_view> Value(absl::string_view name) {
    const std::string prefix = absl::StrCat(name, ": ");
    if (next_ >= lines_.size() || lines_[next_].substr(0, prefix.size()) != prefix) {
      return Damaged(absl::StrCat("no ", name));
    }
    return lines_[next_++].substr(prefix.size());
  }

  template <typename Number>
  absl::Status Read(absl::string_view name, Number* number) {
    SEMEL_ASSIGN_OR_RETURN(const absl::string_view text, Value(name));
    return absl::SimpleAtoi(text, number) ? absl::OkStatus() : Damaged(absl::StrCat(name, " is not a number"));
  }

  absl::Status ReadFlag(absl::string_view name, bool* flag) {
    int number = 0;
    SEMEL_RETURN_IF_ERROR(Read(name, &number));
    *flag = number != 0;
    return absl::OkStatus();
  }

  // In hexadecimal digits.
  absl::Status ReadHash(absl::string_view name, Sha256Hash* hash) {
    SEMEL_ASSIGN_OR_RETURN(const absl::string_view text, Value(name));
    const std::string bytes = absl::HexStringToBytes(text);
    if (bytes.size() != hash->size()) return Damaged(absl::StrCat(name, " is not a hash"));
    std::copy(bytes.begin(), bytes.end(), hash->begin());
    return absl::OkStatus();
  }

  absl::Status CheckChecksum() const {
    const size_t checksum = text_.rfind("checksum: ");  // also the end of frame_checksum's name, which stands before it
    const bool right =
        checksum != absl::string_view::npos && text_.substr(checksum) == ChecksumLine(ToStd(text_.substr(0, checksum)));
    return right ? absl::OkStatus() : Damaged("its checksum is wrong");
  }

  // The whole text must be what would be written of what was read.
  absl::Status CheckCanonical(absl::string_view written) const {
    return text_ == written ? absl::OkStatus() : Damaged("it is not written as this library writes it");
  }

 private:
  const absl::string_view file_;
  const absl::string_view text_;
  const std::vector<absl::string_view> lines_;
  size_t next_ = 0;
};

std::string LinesOf(const Manifest& manifest) {
  const DecidingOptions& options = manifest.options;
  std::string text = absl::StrCat("format: ", manifest.format,                        //
                                  "\nuuid: ", absl::BytesToHexString(manifest.uuid),  //
                                  "\nepoch: ", manifest.epoch,                        //
                                  "\ncreated_us: ", manifest.created_us,              //
                                  "\nbalance_lookback: ", options.balance_lookback,   //
                                  "\nexplicit_entities: ", options.explicit_entities ? 1 : 0,
                                  "\nparking: ", options.parking ? 1 : 0, "\n");
  for (const Bound& bound : kBounds) absl::StrAppend(&text, bound.name, ": ", options.*bound.value, "\n");
  absl::StrAppend(&text, "tamper_evident: ", manifest.tamper_evident ? 1 : 0,
                  "\nrestored_from_epoch: ", manifest.restored_from_epoch,
                  "\nrestored_at_lsn: ", manifest.restored_at_lsn, "\n");
  return text;
}

// The format first, then the checksum, so that another format is not taken for damage.
absl::Status ReadManifestLines(Lines* lines, Manifest* manifest) {
  DecidingOptions& options = manifest->options;
  SEMEL_RETURN_IF_ERROR(lines->Read("format", &manifest->format));
  if (manifest->format != kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the ledger has format ", manifest->format,
                                                      ", this library reads format ", kFormatVersion,
                                                      "; use a matching release"));
  }
  SEMEL_RETURN_IF_ERROR(lines->CheckChecksum());
  SEMEL_ASSIGN_OR_RETURN(const absl::string_view uuid, lines->Value("uuid"));
  manifest->uuid = absl::HexStringToBytes(uuid);
  if (manifest->uuid.size() != 16) return lines->Damaged("uuid");
  SEMEL_RETURN_IF_ERROR(lines->Read("epoch", &manifest->epoch));
  SEMEL_RETURN_IF_ERROR(lines->Read("created_us", &manifest->created_us));
  SEMEL_RETURN_IF_ERROR(lines->Read("balance_lookback", &options.balance_lookback));
  SEMEL_RETURN_IF_ERROR(lines->ReadFlag("explicit_entities", &options.explicit_entities));
  SEMEL_RETURN_IF_ERROR(lines->ReadFlag("parking", &options.parking));
  for (const Bound& bound : kBounds) SEMEL_RETURN_IF_ERROR(lines->Read(bound.name, &(options.*bound.value)));
  SEMEL_RETURN_IF_ERROR(lines->ReadFlag("tamper_evident", &manifest->tamper_evident));
  SEMEL_RETURN_IF_ERROR(lines->Read("restored_from_epoch", &manifest->restored_from_epoch));
  return lines->Read("restored_at_lsn", &manifest->restored_at_lsn);
}

}  // namespace

std::string FormatManifest(const Manifest& manifest) {
  return WithChecksum(absl::StrCat(kTitle, "\n", LinesOf(manifest)));
}

std::string FormatBackupMark(const BackupMark& mark) {
  return WithChecksum(absl::StrCat(kBackupTitle, "\n", LinesOf(mark.manifest),     //
                                   "floor_lsn: ", mark.floor,                      //
                                   "\nbase_lsn: ", mark.base_lsn,                  //
                                   "\nlsn: ", mark.tip.lsn,                        //
                                   "\nnext_sequence: ", mark.tip.next_sequence,    //
                                   "\nframe_checksum: ", mark.tip.frame_checksum,  //
                                   "\nhistory: ", absl::BytesToHexString(ToAbsl(BytesOf(mark.tip.history))),
                                   "\ncommit_time_us: ", mark.tip.commit_time_us, "\n"));
}

absl::StatusOr<Manifest> ParseManifest(std::string_view text) {
  Lines lines("MANIFEST", ToAbsl(text));
  Manifest manifest;
  SEMEL_RETURN_IF_ERROR(lines.Title(kTitle));
  SEMEL_RETURN_IF_ERROR(ReadManifestLines(&lines, &manifest));
  SEMEL_RETURN_IF_ERROR(lines.CheckCanonical(FormatManifest(manifest)));
  return manifest;
}

absl::StatusOr<BackupMark> ParseBackupMark(std::string_view text) {
  Lines lines("BACKUP", ToAbsl(text));
  BackupMark mark;
  SEMEL_RETURN_IF_ERROR(lines.Title(kBackupTitle));
  SEMEL_RETURN_IF_ERROR(ReadManifestLines(&lines, &mark.manifest));
  SEMEL_RETURN_IF_ERROR(lines.Read("floor_lsn", &mark.floor));
  SEMEL_RETURN_IF_ERROR(lines.Read("base_lsn", &mark.base_lsn));
  SEMEL_RETURN_IF_ERROR(lines.Read("lsn", &mark.tip.lsn));
  SEMEL_RETURN_IF_ERROR(lines.Read("next_sequence", &mark.tip.next_sequence));
  SEMEL_RETURN_IF_ERROR(lines.Read("frame_checksum", &mark.tip.frame_checksum));
  SEMEL_RETURN_IF_ERROR(lines.ReadHash("history", &mark.tip.history));
  SEMEL_RETURN_IF_ERROR(lines.Read("commit_time_us", &mark.tip.commit_time_us));
  SEMEL_RETURN_IF_ERROR(lines.CheckCanonical(FormatBackupMark(mark)));
  return mark;
}

}  // namespace semel::internal
