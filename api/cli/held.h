// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the commands on parked changes and on dead letters share: naming some of them, and going through them page by
// page. `Held` is ParkedChange or DeadLetter.

#ifndef SEMEL_API_CLI_HELD_H_
#define SEMEL_API_CLI_HELD_H_

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semel/ledger.h"

namespace semel::cli {

// Some of what is held: by name (SEQUENCE or SOURCE:POSITION), or all of a source, or all.
struct Selection {
  std::vector<std::string> names;
  std::string source;
  bool all = false;
};
void AddSelection(CLI::App* command, Selection* selection);

// A name, taken apart. Errors: InvalidArgument.
struct HeldName {
  uint64_t sequence = 0;  // 0: the source's position says which
  std::string source;
  uint64_t position = 0;
};
absl::StatusOr<HeldName> ParseHeldName(const std::string& name);

// "dead letter 5", and why it cannot be taken.
absl::Status NotHeld(std::string_view what, const std::string& name);
absl::Status HeldTwice(std::string_view what, const std::string& name);

template <typename Held>
struct HeldKind;

template <>
struct HeldKind<ParkedChange> {
  static constexpr std::string_view kName = "parked change";
  static absl::StatusOr<std::vector<ParkedChange>> List(Ledger& ledger, const HeldOptions& options) {
    return ledger.ListParked(options);
  }
  static const std::optional<SourcePosition>& Source(const ParkedChange& parked) { return parked.change.source; }
};

template <>
struct HeldKind<DeadLetter> {
  static constexpr std::string_view kName = "dead letter";
  static absl::StatusOr<std::vector<DeadLetter>> List(Ledger& ledger, const HeldOptions& options) {
    return ledger.ListDeadLetters(options);
  }
  static const std::optional<SourcePosition>& Source(const DeadLetter& letter) { return letter.source; }
};

// Calls `visit` for what is held, oldest first, until it returns false or an error.
template <typename Held>
absl::Status VisitHeld(Ledger& ledger, HeldOptions options,
                       const std::function<absl::StatusOr<bool>(const Held&)>& visit) {
  options.limit = 64;  // of a page: a few MiB each in the worst case
  for (;;) {
    const absl::StatusOr<std::vector<Held>> page = HeldKind<Held>::List(ledger, options);
    if (!page.ok()) return page.status();
    for (const Held& held : *page) {
      const absl::StatusOr<bool> going = visit(held);
      if (!going.ok() || !*going) return going.status();
    }
    if (page->size() < options.limit) return absl::OkStatus();
    options.after_sequence = page->back().sequence;
  }
}

// The one with this name. Errors: InvalidArgument (there is none, or more than one).
template <typename Held>
absl::StatusOr<Held> FindHeld(Ledger& ledger, const std::string& name) {
  const absl::StatusOr<HeldName> wanted = ParseHeldName(name);
  if (!wanted.ok()) return wanted.status();
  HeldOptions options;
  options.source = wanted->source;
  if (wanted->sequence != 0) options.after_sequence = wanted->sequence - 1;
  std::optional<Held> found;
  const absl::Status status = VisitHeld<Held>(ledger, options, [&](const Held& held) -> absl::StatusOr<bool> {
    const bool matches = wanted->sequence != 0 ? held.sequence == wanted->sequence
                                               : HeldKind<Held>::Source(held)->position == wanted->position;
    if (matches && found.has_value()) return HeldTwice(HeldKind<Held>::kName, name);
    if (matches) found = held;
    return wanted->sequence == 0;  // positions are not in the order of age
  });
  if (!status.ok()) return status;
  if (!found.has_value()) return NotHeld(HeldKind<Held>::kName, name);
  return *std::move(found);
}

// The sequences of what is selected, each once, in the order given, or oldest first. Errors: as FindHeld;
// InvalidArgument if nothing is selected.
template <typename Held>
absl::StatusOr<std::vector<uint64_t>> Select(Ledger& ledger, const Selection& selection) {
  std::vector<uint64_t> sequences;
  for (const std::string& name : selection.names) {
    const absl::StatusOr<Held> held = FindHeld<Held>(ledger, name);
    if (!held.ok()) return held.status();
    const bool known = std::find(sequences.begin(), sequences.end(), held->sequence) != sequences.end();
    if (!known) sequences.push_back(held->sequence);
  }
  if (!selection.names.empty()) return sequences;
  if (!selection.all && selection.source.empty()) {
    return absl::InvalidArgumentError("say which: SEQUENCE or SOURCE:POSITION, --source NAME, or --all");
  }
  HeldOptions options;
  options.source = selection.source;
  const absl::Status status = VisitHeld<Held>(ledger, options, [&](const Held& held) -> absl::StatusOr<bool> {
    sequences.push_back(held.sequence);
    return true;
  });
  if (!status.ok()) return status;
  return sequences;
}

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_HELD_H_
