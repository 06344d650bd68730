// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/consumer.h"

#include <fmt/format.h>
#include <strings.h>

namespace semel::streams {

const std::string* FindHeader(const Message& message, std::string_view name) {
  for (const auto& [header, value] : message.headers) {
    if (header.size() == name.size() && strncasecmp(header.data(), name.data(), name.size()) == 0) return &value;
  }
  return nullptr;
}

absl::StatusOr<std::optional<uint64_t>> NextPosition(const Cursors& cursors, const SourcePosition& source,
                                                     std::optional<Extent> extent) {
  const absl::StatusOr<std::optional<SourceCursor>> cursor = cursors(source.name);
  if (!cursor.ok()) return cursor.status();
  if (!cursor->has_value()) return std::nullopt;
  const SourceCursor& known = **cursor;
  const uint64_t next = known.position + 1;
  const std::string made_anew = fmt::format(
      "if it was made anew, say so: semel sources LEDGER set {} --position 0 --incarnation NAME, and consume with "
      "?incarnation=NAME",
      source.name);
  if (known.incarnation != source.incarnation) {
    return absl::FailedPreconditionError(fmt::format("{} is incarnation \"{}\", and the ledger has consumed \"{}\"; {}",
                                                     source.name, source.incarnation, known.incarnation, made_anew));
  }
  if (!extent.has_value()) return next;
  if (next > extent->end) {
    return absl::FailedPreconditionError(
        fmt::format("{} ends before position {}, up to which the ledger has consumed it; {}", source.name,
                    known.position, made_anew));
  }
  if (next < extent->begin) {
    return absl::FailedPreconditionError(
        fmt::format("{} begins at position {}, and the ledger has consumed up to {}: the broker has deleted what lies "
                    "between. To go on without it: semel sources LEDGER set {} --position {}",
                    source.name, extent->begin, known.position, source.name, extent->begin - 1));
  }
  return next;
}

}  // namespace semel::streams
