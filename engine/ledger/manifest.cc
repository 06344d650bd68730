// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/manifest.h"

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
constexpr uint64_t kChecksumSeed = 0;  // the seed of everything else is in this file

std::string ChecksumLine(std::string_view lines) {
  return absl::StrFormat("checksum: %016x\n", Checksum64(lines, kChecksumSeed));
}

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("MANIFEST is damaged: ", what, "; restore it from a backup"));
}

// The value of line `index`, which must be called `name`.
absl::StatusOr<absl::string_view> Value(const std::vector<absl::string_view>& lines, size_t index,
                                        absl::string_view name) {
  const std::string prefix = absl::StrCat(name, ": ");
  if (index >= lines.size() || lines[index].substr(0, prefix.size()) != prefix) {
    return Damaged(absl::StrCat("no ", name));
  }
  return lines[index].substr(prefix.size());
}

template <typename Number>
absl::Status ReadNumber(const std::vector<absl::string_view>& lines, size_t index, absl::string_view name,
                        Number* number) {
  SEMEL_ASSIGN_OR_RETURN(const absl::string_view text, Value(lines, index, name));
  return absl::SimpleAtoi(text, number) ? absl::OkStatus() : Damaged(absl::StrCat(name, " is not a number"));
}

}  // namespace

std::string FormatManifest(const Manifest& manifest) {
  std::string text = absl::StrCat(kTitle, "\nformat: ", manifest.format,                      //
                                  "\nuuid: ", absl::BytesToHexString(manifest.uuid),          //
                                  "\nepoch: ", manifest.epoch,                                //
                                  "\ncreated_us: ", manifest.created_us,                      //
                                  "\nbalance_lookback: ", manifest.options.balance_lookback,  //
                                  "\nexplicit_entities: ", manifest.options.explicit_entities ? 1 : 0, "\n");
  return text + ChecksumLine(text);
}

absl::StatusOr<Manifest> ParseManifest(std::string_view text) {
  const std::vector<absl::string_view> lines = absl::StrSplit(ToAbsl(text), '\n');
  Manifest manifest;
  if (lines.empty() || lines[0] != kTitle) return Damaged("it does not begin as one");
  SEMEL_RETURN_IF_ERROR(ReadNumber(lines, 1, "format", &manifest.format));
  if (manifest.format != kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the ledger has format ", manifest.format,
                                                      ", this library reads format ", kFormatVersion,
                                                      "; use a matching release"));
  }
  const size_t checksum = text.rfind("checksum: ");
  if (checksum == std::string_view::npos || text.substr(checksum) != ChecksumLine(text.substr(0, checksum))) {
    return Damaged("its checksum is wrong");
  }
  SEMEL_ASSIGN_OR_RETURN(const absl::string_view uuid, Value(lines, 2, "uuid"));
  manifest.uuid = absl::HexStringToBytes(uuid);
  if (manifest.uuid.size() != 16) return Damaged("uuid");
  SEMEL_RETURN_IF_ERROR(ReadNumber(lines, 3, "epoch", &manifest.epoch));
  SEMEL_RETURN_IF_ERROR(ReadNumber(lines, 4, "created_us", &manifest.created_us));
  SEMEL_RETURN_IF_ERROR(ReadNumber(lines, 5, "balance_lookback", &manifest.options.balance_lookback));
  int explicit_entities = 0;
  SEMEL_RETURN_IF_ERROR(ReadNumber(lines, 6, "explicit_entities", &explicit_entities));
  manifest.options.explicit_entities = explicit_entities != 0;
  if (ToAbsl(text) != FormatManifest(manifest)) return Damaged("it is not written as this library writes it");
  return manifest;
}

}  // namespace semel::internal
