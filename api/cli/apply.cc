// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// apply: a file or a pipe of messages into a ledger.

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "api/cli/applier.h"
#include "api/cli/commands.h"
#include "api/cli/outcome_counts.h"
#include "api/cli/output.h"
#include "api/cli/stop_signal.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

struct Summary {
  ApplyCounts counts;
  OutcomeCounts unparked;  // what became, meanwhile, of changes that were parked
  double seconds;
};

void PrintSummaryJson(const Summary& summary) {
  nlohmann::ordered_json object;
  object["changes"] = summary.counts.changes;
  object["malformed"] = summary.counts.malformed;
  object["outcomes"] = ToJson(summary.counts.by_code);
  object["unparked"] = ToJson(summary.unparked);
  object["seconds"] = summary.seconds;
  PrintLine(object.dump());
}

void PrintSummaryTable(const Summary& summary) {
  PrintOutcomes(summary.counts.by_code, summary.counts.changes, summary.unparked);
  PrintLine(fmt::format("{:.1f} s, {:.0f} changes/s", summary.seconds,
                        static_cast<double>(summary.counts.changes) / summary.seconds));
}

// How the run ended, on stderr where it did not end well. Returns the exit status.
int Conclude(const ApplyOptions& options, const absl::Status& status, MessageReader::Result end,
             const MessageReader& reader, int signal) {
  if (!status.ok()) {
    const int exit = Fail(status, options.ledger);
    fmt::print(stderr, "Apply the same input again: what was applied is then DUPLICATE, the rest is decided.\n");
    return exit == kExitOk ? kExitOk : kExitFailed;
  }
  if (end == MessageReader::Result::kBroken) {
    return Refuse("apply", fmt::format("{}: {}; what was before it is decided", options.file, reader.error()));
  }
  if (end != MessageReader::Result::kStopped) return kExitOk;
  fmt::print(stderr, "semel apply: stopped by SIG{} at byte {} of the input\n", sigabbrev_np(signal),
             reader.consumed());
  return 128 + signal;
}

// Errors: InvalidArgument and those of opening a file.
absl::StatusOr<Applier::FileHandle> OpenOutcomes(const std::string& path, const Input& input) {
  Applier::FileHandle file(nullptr, std::fclose);
  if (path.empty()) return file;
  if (input.IsFile(path))
    return absl::InvalidArgumentError("--outcomes " + path + " is the input, which it would empty");
  file.reset(std::fopen(path.c_str(), "we"));
  if (file == nullptr) return absl::ErrnoToStatus(errno, "--outcomes " + path);
  return file;
}

// `unparked` is counted up by the ledger.
int ApplyInput(const ApplyOptions& options, Ledger& ledger, const OutcomeCounts& unparked, Input* input,
               Applier::FileHandle outcomes, StopSignal* stop) {
  MessageReader reader(input, MessageFormat(options.format, options.file), stop->fd());
  Progress progress(input->size());
  Applier applier(options, &ledger, &reader, &progress, std::move(outcomes));
  MessageReader::Result end = MessageReader::Result::kEnd;
  absl::Status status = applier.Run(&end);
  const double seconds = progress.seconds();
  progress.Clear();
  const absl::Status closed = ledger.Close();
  if (status.ok()) status = closed;
  (options.json ? PrintSummaryJson : PrintSummaryTable)({applier.counts(), unparked, seconds});
  FlushOutput();
  return Conclude(options, status, end, reader, stop->Take());
}

int Apply(const ApplyOptions& options) {
  const absl::StatusOr<std::unique_ptr<Input>> input = Input::Open(options.file);
  if (!input.ok()) {
    return Refuse("apply", fmt::format("{}: {}", options.file, std::string(input.status().message())));
  }
  StopSignal stop;
  OutcomeCounts unparked{};
  Options ledger_options;
  ledger_options.create_if_missing = options.create;
  ledger_options.on_unparked = [&unparked](const Change&, const Outcome& outcome) {
    ++unparked[static_cast<size_t>(outcome.code)];
  };
  ledger_options.log = [](std::string_view line) { fmt::print(stderr, "semel: {}\n", line); };
  const absl::StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::Open(options.ledger, ledger_options);
  if (!ledger.ok()) return Fail(ledger.status(), options.ledger);
  // Not before the ledger is open: it empties the file.
  absl::StatusOr<Applier::FileHandle> outcomes = OpenOutcomes(options.outcomes, **input);
  if (!outcomes.ok()) return Refuse("apply", std::string(outcomes.status().message()));
  return ApplyInput(options, **ledger, unparked, input->get(), *std::move(outcomes), &stop);
}

std::string CheckSourceName(const std::string& name) {
  if (!name.empty() && name.size() <= kMaxSourceNameBytes) return "";
  return fmt::format("a source has a name of 1 to {} bytes", kMaxSourceNameBytes);
}

}  // namespace

void AddApply(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("apply", "Apply a stream of change messages");
  const auto options = std::make_shared<ApplyOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->add_option("FILE", options->file, "The messages; - is standard input")->required();
  command
      ->add_option("--format", options->format,
                   "jsonl: a JSON object a line; proto: semel.v1.Change, each after its length as a varint. Default: "
                   "proto for .pb, .binpb and .proto, else jsonl")
      ->check(CLI::IsMember({"jsonl", "proto"}));
  command
      ->add_option("--source", options->source,
                   "Give messages that have no source this one, with their line (or record) number as position")
      ->check(CheckSourceName);
  command->add_option("--batch", options->batch, "Messages that are made durable together, at most")
      ->check(CLI::Range(size_t{1}, size_t{1000000}))
      ->capture_default_str();
  command->add_option("--outcomes", options->outcomes,
                      "Write each outcome to this file, a JSON object a line, in the order of the input");
  const auto set_park = [options](int64_t count) { options->park = count > 0; };  // negative: the second name
  command->add_flag_function("--park,!--no-park", set_park,
                             "Hold changes that come early, or answer EARLY. Default: as semel options says");
  command->add_flag("--create", options->create, "Create the ledger if there is none");
  command->add_flag("--json", options->json, "The summary as one JSON object");
  command->footer(
      "Example:\n"
      "  semel apply accounts changes.jsonl --outcomes outcomes.jsonl\n"
      "  tail -n +1 -f changes.jsonl | semel apply accounts - --source changes\n\n"
      "A message that cannot be read is INVALID, and the rest goes on; with --source it is kept as a dead letter.\n"
      "Applying the same input again is harmless.\n"
      "Exit status: 0 all was decided, 1 the engine failed, 2 unusable arguments or input, 130 or 143 stopped by a\n"
      "signal after the running batch.");
  command->callback([options, exit] { *exit = Apply(*options); });
}

}  // namespace semel::cli
