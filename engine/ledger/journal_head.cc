// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/journal_head.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"

namespace semel {
namespace {

constexpr char kTitle[] = "semel-head";
constexpr char kFormat[] = "1";
constexpr size_t kUuidDigits = 32;
constexpr size_t kHashDigits = 64;

bool IsHex(absl::string_view text, size_t digits) {
  if (text.size() != digits) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c) && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

}  // namespace

std::string FormatHead(const JournalHead& head) {
  return absl::StrCat(kTitle, ":", kFormat, ":", head.ledger, ":", head.epoch, ":", head.lsn, ":", head.sequence, ":",
                      head.history);
}

absl::StatusOr<JournalHead> ParseHead(std::string_view text) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::StripAsciiWhitespace(internal::ToAbsl(text)), absl::ByChar(':'));
  JournalHead head;
  const bool right = parts.size() == 7 && parts[0] == kTitle && parts[1] == kFormat && IsHex(parts[2], kUuidDigits) &&
                     absl::SimpleAtoi(parts[3], &head.epoch) && absl::SimpleAtoi(parts[4], &head.lsn) &&
                     absl::SimpleAtoi(parts[5], &head.sequence) && IsHex(parts[6], kHashDigits);
  if (!right) {
    return absl::InvalidArgumentError(
        "this is not a head: it looks like semel-head:1:LEDGER:EPOCH:LSN:SEQUENCE:HASH, in one line, as semel head "
        "prints it");
  }
  head.ledger = std::string(parts[2]);
  head.history = std::string(parts[6]);
  return head;
}

}  // namespace semel

namespace semel::internal {

JournalHead HeadAt(const JournalTip& tip, const Manifest& manifest) {
  JournalHead head;
  head.ledger = absl::BytesToHexString(manifest.uuid);
  head.epoch = manifest.epoch;
  head.lsn = tip.lsn;
  head.sequence = tip.next_sequence - 1;
  head.history = absl::BytesToHexString(ToAbsl(BytesOf(tip.history)));
  return head;
}

absl::Status HeadCheck::Begin() const {
  const std::string uuid = absl::BytesToHexString(manifest_.uuid);
  if (head_.ledger != uuid) {
    return absl::InvalidArgumentError(absl::StrCat("the head is of ledger ", head_.ledger, ", this is ", uuid));
  }
  if (!manifest_.tamper_evident) {
    return absl::DataLossError("the ledger carries no history hashes, but the one that gave the head did");
  }
  if (head_.epoch > manifest_.epoch) {
    return absl::DataLossError(absl::StrCat("the head is of epoch ", head_.epoch, ", the ledger of epoch ",
                                            manifest_.epoch, ": an older copy was put in its place"));
  }
  if (head_.epoch < manifest_.epoch && head_.lsn > manifest_.restored_at_lsn) {
    return absl::DataLossError(absl::StrCat("the head is at LSN ", head_.lsn, " of epoch ", head_.epoch, "; epoch ",
                                            manifest_.epoch, " was made of a backup that ends at LSN ",
                                            manifest_.restored_at_lsn, ", what lay behind is not in it"));
  }
  return absl::OkStatus();
}

absl::Status HeadCheck::Meet(const JournalTip& tip) {
  if (tip.lsn != head_.lsn) return absl::OkStatus();
  met_ = true;
  const JournalHead here = HeadAt(tip, manifest_);
  if (here.history == head_.history && here.sequence == head_.sequence) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the history up to LSN ", head_.lsn, " is not the one of the head: it was changed"));
}

absl::Status HeadCheck::Finish(Lsn begin, Lsn end) const {
  if (met_) return absl::OkStatus();
  if (head_.lsn > end) {
    return absl::DataLossError(absl::StrCat("the journal ends at LSN ", end, ", before the head's, ", head_.lsn,
                                            ": the newest history was cut off, or an older copy put in its place"));
  }
  if (head_.lsn < begin) {
    return absl::OutOfRangeError(absl::StrCat("the history up to the head's LSN, ", head_.lsn,
                                              ", was trimmed: it can be compared from ", begin,
                                              " on; use a head that was taken later"));
  }
  return absl::DataLossError(absl::StrCat("no frame ends at the head's LSN, ", head_.lsn, ": the history was changed"));
}

}  // namespace semel::internal
