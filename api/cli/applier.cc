// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/applier.h"

#include <fmt/format.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

namespace semel::cli {
namespace {

constexpr uint64_t kBatchBytesMax = uint64_t{64} << 20;

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

Format FormatOf(const ApplyOptions& options) {
  const std::string& file = options.file;
  const bool by_name = EndsWith(file, ".pb") || EndsWith(file, ".binpb") || EndsWith(file, ".proto");
  const bool proto = options.format.empty() ? by_name : options.format == "proto";
  return proto ? Format::kProto : Format::kJsonLines;
}

Applier::Applier(const ApplyOptions& options, Ledger* ledger, MessageReader* reader, Progress* progress,
                 FileHandle outcomes)
    : options_(options), ledger_(ledger), reader_(reader), progress_(progress), outcomes_(std::move(outcomes)) {}

absl::Status Applier::Run(MessageReader::Result* end) {
  do {
    *end = ReadBatch();
    const absl::Status decided = Decide();
    if (!decided.ok()) return decided;
    progress_->Update(counts_.changes, reader_->consumed());
  } while (*end == MessageReader::Result::kMessage || *end == MessageReader::Result::kPause);
  return absl::OkStatus();
}

MessageReader::Result Applier::ReadBatch() {
  items_.clear();
  changes_.clear();
  const uint64_t begin = reader_->consumed();
  while (items_.size() < options_.batch && reader_->consumed() - begin < kBatchBytesMax) {
    Message message;
    const MessageReader::Result result = reader_->Next(/*wait=*/items_.empty(), &message);
    if (result != MessageReader::Result::kMessage) return result;
    Take(message);
  }
  return MessageReader::Result::kMessage;
}

void Applier::Take(const Message& message) {
  absl::StatusOr<Change> change = Parse(message);
  Item& item = items_.emplace_back(Item{message.number, ""});
  if (!change.ok()) {
    const std::string why(change.status().message().data(), change.status().message().size());
    item.malformed = fmt::format("{} {}: {}", reader_->unit(), message.number, why);
    return;
  }
  if (!options_.source.empty() && !change->source.has_value()) {
    SourcePosition& source = change->source.emplace();
    source.name = options_.source;
    source.position = message.number;
  }
  changes_.push_back(*std::move(change));
}

absl::StatusOr<Change> Applier::Parse(const Message& message) const {
  if (message.too_long) return absl::InvalidArgumentError(fmt::format("longer than {} bytes", kMaxMessageBytes));
  return FormatOf(options_) == Format::kProto ? ParseChangeProto(message.bytes) : ParseChangeJson(message.bytes);
}

absl::Status Applier::Decide() {
  const absl::StatusOr<std::vector<Outcome>> outcomes = ledger_->ApplyBatch(changes_);
  if (!outcomes.ok()) return outcomes.status();
  Outcome invalid;
  invalid.code = OutcomeCode::kInvalid;
  size_t next = 0;
  for (const Item& item : items_) {
    const bool parsed = item.malformed.empty();
    const absl::Status reported =
        parsed ? Report(item, &changes_[next], (*outcomes)[next]) : Report(item, nullptr, invalid);
    if (!reported.ok()) return reported;
    next += parsed ? 1 : 0;
  }
  if (outcomes_ != nullptr && std::fflush(outcomes_.get()) != 0) return absl::ErrnoToStatus(errno, "--outcomes");
  return absl::OkStatus();
}

absl::Status Applier::Report(const Item& item, const Change* change, const Outcome& outcome) {
  ++counts_.changes;
  ++counts_.by_code[static_cast<size_t>(outcome.code)];
  if (change == nullptr) ++counts_.malformed;
  if (outcomes_ == nullptr) return absl::OkStatus();
  std::string line = change == nullptr ? MalformedLine(item, outcome) : ToJson(*change, outcome);
  line += '\n';
  const bool written = std::fwrite(line.data(), 1, line.size(), outcomes_.get()) == line.size();
  return written ? absl::OkStatus() : absl::ErrnoToStatus(errno, "--outcomes");
}

// As the outcome of a change that has no id, with the place in the input.
std::string Applier::MalformedLine(const Item& item, const Outcome& outcome) const {
  auto object = nlohmann::ordered_json::parse(ToJson(Change(), outcome));
  object.erase("reason");
  object[reader_->unit()] = item.number;
  object["reason"] = item.malformed;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace semel::cli
