// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/applier.h"

#include <fmt/format.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

namespace semel::cli {
namespace {

constexpr uint64_t kBatchBytesMax = uint64_t{64} << 20;

}  // namespace

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
  if (!change.ok()) {
    TakeMalformed(message, std::string_view(change.status().message().data(), change.status().message().size()));
    return;
  }
  items_.push_back({message.number, "", /*decided=*/true});
  if (!options_.source.empty() && !change->source.has_value()) change->source = PositionOf(message);
  change->original.assign(message.bytes.data(), message.bytes.size());
  changes_.push_back(*std::move(change));
}

void Applier::TakeMalformed(const Message& message, std::string_view why) {
  const bool decided = !options_.source.empty();
  items_.push_back({message.number, fmt::format("{} {}: {}", reader_->unit(), message.number, why), decided});
  if (decided) changes_.push_back(Change::Undecodable(PositionOf(message), message.bytes, items_.back().malformed));
}

SourcePosition Applier::PositionOf(const Message& message) const {
  SourcePosition position;
  position.name = options_.source;
  position.position = message.number;
  return position;
}

absl::StatusOr<Change> Applier::Parse(const Message& message) const {
  if (message.too_long) return absl::InvalidArgumentError(fmt::format("longer than {} bytes", kMaxMessageBytes));
  return reader_->format() == Format::kProto ? ParseChangeProto(message.bytes) : ParseChangeJson(message.bytes);
}

absl::Status Applier::Decide() {
  semel::ApplyOptions how;
  how.park = options_.park;
  const absl::StatusOr<std::vector<Outcome>> outcomes = ledger_->ApplyBatch(changes_, how);
  if (!outcomes.ok()) return outcomes.status();
  Outcome invalid;
  invalid.code = OutcomeCode::kInvalid;
  size_t next = 0;
  for (const Item& item : items_) {
    invalid.reason = item.malformed;
    const absl::Status reported =
        item.decided ? Report(item, changes_[next], (*outcomes)[next]) : Report(item, Change(), invalid);
    if (!reported.ok()) return reported;
    next += item.decided ? 1 : 0;
  }
  if (outcomes_ != nullptr && std::fflush(outcomes_.get()) != 0) return absl::ErrnoToStatus(errno, "--outcomes");
  return absl::OkStatus();
}

absl::Status Applier::Report(const Item& item, const Change& change, const Outcome& outcome) {
  ++counts_.changes;
  ++counts_.by_code[static_cast<size_t>(outcome.code)];
  if (!item.malformed.empty()) ++counts_.malformed;
  if (outcomes_ == nullptr) return absl::OkStatus();
  std::string line = item.malformed.empty() ? ToJson(change, outcome) : MalformedLine(item, outcome);
  line += '\n';
  const bool written = std::fwrite(line.data(), 1, line.size(), outcomes_.get()) == line.size();
  return written ? absl::OkStatus() : absl::ErrnoToStatus(errno, "--outcomes");
}

// As the outcome of a change that has no id, with the place in the input.
std::string Applier::MalformedLine(const Item& item, const Outcome& outcome) const {
  auto object = nlohmann::ordered_json::parse(ToJson(Change(), outcome));
  object.erase("reason");
  object[reader_->unit()] = item.number;
  object["reason"] = outcome.reason;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace semel::cli
